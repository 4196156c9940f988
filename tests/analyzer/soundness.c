/* SPDX-License-Identifier: MIT */
/**
 * soundness.c: the analyzer against the future.
 *
 * usage: soundness SAMPLES TRACE...
 *
 * Each trace is analyzed as if the program had been killed after its k-th event, for so many k
 * spread over it (0: every k).  Who is called proven dead then must have no event of running or
 * being woken after it.  It needs no labels: the rest of the trace is the oracle.  Prints the
 * number of prefixes, of proven goroutines in them, and of those that ran again; exits with 1 if
 * there are any.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gtrace.h>

#include "db.h"
#include "detect/detect.h"
#include "load/load.h"
#include "map.h"

/** A goroutine's last event that a dead one cannot have; key: it, 0. */
struct last {
	struct map_head head;
	uint64_t event;
};

static uint64_t prefixes, proven, wrong;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "soundness: %s: %s\n", what, why);
	exit(2);
}

/** Returns how many events there are. */
static uint64_t lasts_read(const char *path, struct map *lasts)
{
	struct gtrace_reader *r;
	struct gtrace_error err;
	struct gtrace_event ev;
	uint64_t n = 0;
	int got;

	if (gtrace_reader_open(&r, path, &err) < 0)
		die(path, err.text);
	while ((got = gtrace_reader_next(r, &ev, &err)) > 0) {
		n += ev.id != GTRACE_GAP;
		if (ev.id != GTRACE_GO_START && ev.id != GTRACE_GO_WAKE && ev.id != GTRACE_GO_WAKE_BY)
			continue;
		struct last *l = map_put(lasts, ev.arg[0], 0);
		if (!l)
			die(path, "no memory");
		l->event = n;
	}
	if (got < 0)
		die(path, err.text);
	gtrace_reader_close(r);
	return n;
}

static void prefix_check(const char *path, uint64_t events, const struct map *lasts)
{
	struct gtrace_error err;
	sqlite3 *db;
	sqlite3_stmt *st;

	if (sqlite3_open(":memory:", &db) != SQLITE_OK)
		die(path, "no memory");
	if (load_trace(db, path, &(struct load_options){.events = events}, &err) < 0)
		die(path, err.text);
	if (detect_all(db, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db,
	                       "SELECT DISTINCT m.g, f.kind FROM finding_goroutine m"
	                       " JOIN finding f USING (trace_id, kind, part)"
	                       " WHERE f.certainty = 'proven'",
	                       -1, &st, NULL) != SQLITE_OK)
		die(path, sqlite3_errmsg(db));
	prefixes++;
	while (sqlite3_step(st) == SQLITE_ROW) {
		const struct last *l = map_find(lasts, (uint64_t)sqlite3_column_int64(st, 0), 0);
		proven++;
		if (!l || l->event <= events)
			continue;
		wrong++;
		printf("%s: after %" PRIu64 " events goroutine %lld is proven %s, and event %" PRIu64
		       " is its\n",
		       path, events, (long long)sqlite3_column_int64(st, 0), db_column(st, 1), l->event);
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
}

int main(int argc, char **argv)
{
	uint64_t samples = argc > 2 ? strtoull(argv[1], NULL, 10) : 0;

	if (argc < 3) {
		fprintf(stderr, "usage: soundness SAMPLES TRACE...\n");
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		struct map lasts = {.slot_bytes = sizeof(struct last)};
		uint64_t n = lasts_read(argv[i], &lasts);
		uint64_t count = samples && samples < n ? samples : n;

		for (uint64_t k = 1; k <= count; k++)
			prefix_check(argv[i], n * k / count, &lasts);
		map_release(&lasts);
	}
	printf("%" PRIu64 " prefixes, %" PRIu64 " proven goroutines in them, %" PRIu64 " ran again\n",
	       prefixes, proven, wrong);
	return wrong != 0;
}
