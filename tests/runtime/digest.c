/* SPDX-License-Identifier: MIT */
/* digest.c: see digest.h. */
#define _GNU_SOURCE
#include "digest.h"
#include "check.h"
#include <gtrace.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { STREAMS = 64 }; // threads that are told apart

static struct gtrace_reader *opened(const char *path)
{
	struct gtrace_error err = {0};
	struct gtrace_reader *r;

	if (gtrace_reader_open(&r, path, &err) < 0)
		fail_msg("%s", err.text);
	return r;
}

/* Is this argument another one in each process? */
static bool is_chance(const struct gtrace_event *ev, const char *name)
{
	return (ev->id == GTRACE_THREAD_START && strcmp(name, "tid") == 0) ||
	       (ev->id == GTRACE_GO_NEW && strcmp(name, "entry") == 0);
}

static void put_site(FILE *out, const struct gtrace_reader *r, uint64_t site)
{
	const struct gtrace_site_info *s = gtrace_reader_site(r, site);

	fprintf(out, "%s:%" PRIu32 ":%s", s->file, s->line, s->text);
}

static void put_event(FILE *out, const struct gtrace_reader *r, const struct gtrace_event *ev)
{
	fprintf(out, "g%" PRIu64 " %s", ev->g, ev->desc->name);
	for (unsigned i = 0; i < ev->nargs; i++) {
		const char *name = ev->desc->arg[i], *kind = ev->desc->kind[i];
		if (is_chance(ev, name))
			continue;
		fprintf(out, " %s=", name);
		if (strcmp(kind, "bytes") == 0)
			fwrite(ev->bytes[i], 1, (size_t)ev->arg[i], out);
		else if (strcmp(kind, "site") == 0)
			put_site(out, r, ev->arg[i]);
		else
			fprintf(out, "%" PRIu64, ev->arg[i]);
	}
	putc('\n', out);
}

char *digest_of(const char *path)
{
	struct gtrace_reader *r = opened(path);
	struct gtrace_error err = {0};
	struct gtrace_event ev;
	FILE *out[STREAMS] = {0};
	char *text[STREAMS] = {0}, *all = NULL;
	size_t size[STREAMS], all_size;
	int got;

	while ((got = gtrace_reader_next(r, &ev, &err)) == 1) {
		if (ev.id == GTRACE_BUSY || ev.id == GTRACE_STACK || ev.id == GTRACE_REACH)
			continue;
		uint64_t at = ev.thread < STREAMS ? ev.thread : 0;
		if (!out[at])
			out[at] = open_memstream(&text[at], &size[at]);
		put_event(out[at], r, &ev);
	}
	if (got < 0)
		fail_msg("%s", err.text);
	assert_int_equal(gtrace_reader_info(r)->lost_events, 0);
	assert_int_equal(gtrace_reader_info(r)->broken, 0);
	FILE *whole = open_memstream(&all, &all_size);
	for (int i = 0; i < STREAMS; i++) {
		if (!out[i])
			continue;
		fclose(out[i]);
		fprintf(whole, "thread %d\n%s", i, text[i]);
		free(text[i]);
	}
	fprintf(whole, "end %d %d\n", (int)gtrace_reader_info(r)->end, gtrace_reader_info(r)->end_code);
	fclose(whole);
	gtrace_reader_close(r);
	return all;
}

char *digest_header(const char *path, const char *key)
{
	struct gtrace_reader *r = opened(path);
	const char *value = gtrace_reader_header(r, key);
	char *copy = strdup(value ? value : "");

	gtrace_reader_close(r);
	return copy;
}

void digest_equal(const char *a, const char *b, const char *what)
{
	size_t line = 1;

	if (strcmp(a, b) == 0)
		return;
	for (;;) {
		size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");
		if (n != m || memcmp(a, b, n) != 0)
			fail_msg("%s: line %zu is\n%.*s\nand\n%.*s", what, line, (int)n, a, (int)m, b);
		a += n + (a[n] == '\n');
		b += m + (b[m] == '\n');
		line++;
	}
}
