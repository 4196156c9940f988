/* SPDX-License-Identifier: MIT */
/* rotated.c: see rotated.h. */
#include "rotated.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

atomic_int notes;
char note[8192];

static void notify(const char *line)
{
	snprintf(note, sizeof(note), "%s", line);
	notes++;
}

struct gtrace_options rotating(const char *path, unsigned keep)
{
	struct gtrace_options opt = options_for(path);

	opt.rotate_bytes = GTRACE_ROTATE_BYTES_MIN;
	opt.keep = keep;
	notes = 0;
	return opt;
}

struct gtrace_rec *rotating_open(const char *path, unsigned keep)
{
	struct gtrace_options opt = rotating(path, keep);
	struct gtrace_error err;
	struct gtrace_rec *rec;

	assert_int_equal(gtrace_rec_open(&rec, &opt, NULL, notify, &err), 0);
	return rec;
}

void emit(struct gtrace_stream *s, uint64_t from, uint64_t to)
{
	static _Thread_local uint64_t seed = 5;

	for (uint64_t i = from; i <= to; i++)
		GTRACE_EMIT(s, BUSY, i, random_next(&seed), random_next(&seed), 0, 0);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct files files_of(const char *path)
{
	static struct files f;
	char dir[256], stem[64];
	const char *slash = strrchr(path, '/');
	size_t len = strlen(slash + 1) - strlen(".gtrace");

	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	snprintf(stem, sizeof(stem), "%.*s.", (int)len, slash + 1);
	f.count = 0;
	DIR *d = opendir(dir);

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		if (strncmp(e->d_name, stem, len + 1) || strspn(e->d_name + len + 1, "0123456789") < 6)
			continue;
		assert_true(f.count < FILES_MAX - 1);
		snprintf(f.path[f.count++], sizeof(f.path[0]), "%s/%s", dir, e->d_name);
	}
	closedir(d);
	qsort(f.path, f.count, sizeof(f.path[0]), by_name);
	snprintf(f.path[f.count++], sizeof(f.path[0]), "%s", path);
	return f;
}

struct events numbers_add(struct numbers *n, const char *path)
{
	struct events e = events_read(path);

	assert_int_equal(e.result, 0);
	assert_int_equal(e.info.lost_batches, 0);
	assert_int_equal(e.info.lost_events, 0);
	assert_int_equal(e.info.broken, 0);
	assert_int_equal(events_count(&e, GTRACE_GAP), 0);
	for (size_t i = 0; i < e.count; i++) {
		const struct gtrace_event *ev = &e.event[i];

		assert_true(ev->thread < STREAMS);
		assert_true(ev->time_ns >= 0);
		if (ev->id != GTRACE_BUSY)
			continue;
		if (n->last[ev->thread])
			assert_int_equal(ev->arg[0], n->last[ev->thread] + 1);
		else
			n->first[ev->thread] = ev->arg[0];
		n->last[ev->thread] = ev->arg[0];
	}
	return e;
}

struct numbers numbers_of(const char *path, enum gtrace_end end, unsigned *count)
{
	struct files f = files_of(path);
	struct numbers n = {0};

	for (unsigned i = 0; i < f.count; i++) {
		struct events e = numbers_add(&n, f.path[i]);
		struct stat st;

		assert_int_equal(e.info.end, i + 1 < f.count ? GTRACE_END_ROTATED : end);
		assert_false(e.info.truncated);
		assert_int_equal(stat(f.path[i], &st), 0);
		// And what the threads' shares of the buffer held.
		assert_true(st.st_size < GTRACE_ROTATE_BYTES_MIN + 4 * (256 << 10));
		events_free(&e);
	}
	*count = f.count;
	return n;
}
