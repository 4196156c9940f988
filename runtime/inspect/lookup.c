/* SPDX-License-Identifier: MIT */
/** lookup.c: the pages of gor_profile_write(), with net/http/pprof's parameters and errors. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "delta.h"
#include "inspect/http.h"

#define SECONDS_MAX 86400

static const char *const profile_names[] = {"block", "goroutine", "goroutineleak", "mutex",
                                            "threadcreate"};

static _Atomic uint64_t profile_leaks; // found last

static bool profile_known(const char *name)
{
	for (size_t i = 0; i < sizeof profile_names / sizeof *profile_names; i++)
		if (strcmp(profile_names[i], name) == 0)
			return true;
	return false;
}

/** Its first line at debug=1 says "goroutine profile: total 24"; the others have a line a record.
 */
static uint64_t profile_records(int fd)
{
	FILE *in = fdopen(fd, "r");
	uint64_t total = 0, records = 0;
	char *line = NULL;
	size_t room = 0;

	if (!in) {
		close(fd);
		return 0;
	}
	rewind(in);
	while (getline(&line, &room, in) > 0) {
		const char *at = strstr(line, " profile: total ");
		if (at && !total)
			total = strtoull(at + strlen(" profile: total "), NULL, 10);
		records += strstr(line, " @ ") != NULL;
	}
	free(line);
	fclose(in);
	return total ? total : records;
}

uint64_t profile_count(const struct module_host *host, const char *name)
{
	struct module_numbers n;

	if (strcmp(name, "goroutine") == 0) {
		host->numbers(&n);
		return n.goroutines;
	}
	if (strcmp(name, "goroutineleak") == 0) // to look for them takes its time
		return atomic_load(&profile_leaks);
	int fd = reply_temporary();
	if (fd < 0)
		return 0;
	if (host->profile(name, fd, 1) == 0)
		return profile_records(fd);
	close(fd);
	return 0;
}

static enum MHD_Result profile_failed(const struct request *r, int err)
{
	return reply_error(r, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s: %s", r->name, strerror(-err));
}

static enum MHD_Result profile_now(const struct request *r, int debug)
{
	int fd = reply_temporary();
	bool each = debug == 0 && request_number(r, "each", 0) == 1;
	int err = fd < 0 ? -errno
	          : each ? r->host->each(r->name, fd)
	                 : r->host->profile(r->name, fd, debug);

	if (err) {
		if (fd >= 0)
			close(fd);
		return profile_failed(r, err);
	}
	if (strcmp(r->name, "goroutineleak") == 0 && debug == 1)
		atomic_store(&profile_leaks, profile_records(dup(fd)));
	return reply_file(r, fd, debug ? NULL : r->name);
}

/** A profile's bytes, mapped; NULL: there is none, and *err says why. */
static void *profile_map(const struct request *r, size_t *len, int *err)
{
	struct stat st = {0};
	int fd = reply_temporary();

	*err = fd < 0 ? -errno : r->host->profile(r->name, fd, 0);
	if (!*err && fstat(fd, &st) != 0)
		*err = -errno;
	*len = (size_t)st.st_size;
	void *bytes = *err ? NULL : mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED) {
		*err = -errno;
		bytes = NULL;
	}
	if (fd >= 0)
		close(fd);
	return bytes;
}

/** Of a moment and a later one. */
static int profile_write_delta(const struct request *r, int64_t ns, int fd)
{
	size_t first_len = 0, second_len = 0;
	int err;
	FILE *out = fdopen(dup(fd), "w");
	void *first = profile_map(r, &first_len, &err), *second = NULL;

	if (first && !request_wait(r, ns))
		err = -EPIPE;
	if (!err)
		second = profile_map(r, &second_len, &err);
	if (!err && !out)
		err = -ENOMEM;
	if (!err)
		err = pprof_delta((struct pprof_bytes){first, first_len},
		                  (struct pprof_bytes){second, second_len}, ns, out);
	if (out && fclose(out) != 0 && !err)
		err = -EIO;
	if (first)
		munmap(first, first_len);
	if (second)
		munmap(second, second_len);
	return err;
}

static enum MHD_Result profile_delta(const struct request *r, int64_t seconds)
{
	char saved[64];
	int fd = reply_temporary();
	int err = fd < 0 ? -errno : profile_write_delta(r, seconds * INT64_C(1000000000), fd);

	snprintf(saved, sizeof saved, "%s-delta", r->name);
	if (!err)
		return reply_file(r, fd, saved);
	if (fd >= 0)
		close(fd);
	return err == -EPIPE ? MHD_NO : profile_failed(r, err);
}

enum MHD_Result page_profile(const struct request *r)
{
	const char *seconds = request_value(r, "seconds");
	int64_t debug = request_number(r, "debug", 0), wait = request_number(r, "seconds", 0);

	if (!profile_known(r->name))
		return reply_error(r, MHD_HTTP_NOT_FOUND, "Unknown profile");
	if (!seconds || !*seconds)
		return profile_now(r, (int)(debug < 0 ? 0 : debug > 3 ? 3 : debug));
	if (wait <= 0)
		return reply_error(r, MHD_HTTP_BAD_REQUEST,
		                   "invalid value for \"seconds\" - must be a positive integer");
	if (debug)
		return reply_error(r, MHD_HTTP_BAD_REQUEST, "seconds and debug params are incompatible");
	return profile_delta(r, wait < SECONDS_MAX ? wait : SECONDS_MAX);
}
