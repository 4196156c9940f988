/* SPDX-License-Identifier: MIT */
/**
 * trace.c: the page trace: a recording of the next seconds.
 *
 * It goes to a file in a folder of its own below $TMPDIR, since the recorder makes a second file
 * beside it, and is sent when it is complete.  There is one recording at a time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/http.h"

#define TRACE_SECONDS_MAX 86400

/** Of the parameter, 1 if it is none, as Go does. */
static double trace_seconds(const struct request *r)
{
	const char *text = request_value(r, "seconds");
	char *end = NULL;
	double seconds = text ? strtod(text, &end) : 1;

	return end && (*end || end == text || !(seconds > 0)) ? 1
	       : seconds > TRACE_SECONDS_MAX                  ? TRACE_SECONDS_MAX
	                                                      : seconds;
}

/** The recording, to a file in folder, which is made for it.  Returns: its descriptor, or -errno.
 */
static int trace_record(const struct module_host *host, const char *path,
                        bool (*wait)(const void *arg, int64_t ns), const void *arg, int64_t ns)
{
	char options[256];

	snprintf(options, sizeof options, "out='%s'", path);
	int err = host->trace_start(options);
	if (err)
		return err;
	bool wanted = wait(arg, ns);
	host->trace_stop();
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (wanted)
		return fd;
	close(fd);
	return -EPIPE;
}

int trace_collect(const struct module_host *host, bool (*wait)(const void *arg, int64_t ns),
                  const void *arg, int64_t ns)
{
	const char *tmp = secure_getenv("TMPDIR");
	char folder[200], path[240];

	if ((size_t)snprintf(folder, sizeof folder, "%s/gor-trace.XXXXXX",
	                     tmp && *tmp == '/' && !strpbrk(tmp, "'%") ? tmp : "/tmp") >=
	        sizeof folder ||
	    !mkdtemp(folder))
		return -errno;
	snprintf(path, sizeof path, "%s/trace.gtrace", folder);
	int fd = trace_record(host, path, wait, arg, ns);
	unlink(path);
	rmdir(folder);
	return fd;
}

static bool trace_wait(const void *arg, int64_t ns)
{
	return request_wait(arg, ns);
}

enum MHD_Result page_trace(const struct request *r)
{
	int fd = trace_collect(r->host, trace_wait, r, (int64_t)(trace_seconds(r) * 1e9));

	if (fd >= 0)
		return reply_file(r, fd, "trace");
	if (fd == -EPIPE)
		return MHD_NO;
	return reply_error(r, MHD_HTTP_INTERNAL_SERVER_ERROR, "Could not enable tracing: %s",
	                   fd == -EBUSY ? "tracing is already enabled" : strerror(-fd));
}
