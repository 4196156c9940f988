/* SPDX-License-Identifier: MIT */
/**
 * perfetto.c: a trace as TrackEvents, for ui.perfetto.dev and trace_processor.
 *
 *   process ─┬─ a track per thread: which goroutine it ran
 *            ├─ goroutines ── a track per goroutine: what it did, and who woke it, as arrows
 *            └─ counters: goroutines alive, and in each state
 *
 * One packet a time: nothing is kept.  Readers sort packets by time and leave those of one time as
 * they come, so on each track an end is written before the begin that follows it.  Times are those
 * of the trace, from 0.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "export/export.h"
#include "export/perfetto.pb-c.h"
#include "clean.h"

enum { SEQUENCE = 1, SEQUENCE_BEGINS = 1, UNIT_COUNT = 2, PACKET_FIELD = 1 << 3 | 2 };
enum { SLICE_BEGIN = 1, SLICE_END, INSTANT, COUNTER };
enum { STATE_ALIVE, STATES = 6 }; // a counter each, by the number of the state

/** Numbers of tracks; threads and goroutines are added to theirs. */
#define TRACK_PROCESS ((uint64_t)1)
#define TRACK_GOROUTINES ((uint64_t)2)
#define TRACK_STATES ((uint64_t)8)
#define TRACK_THREADS ((uint64_t)1 << 32)
#define TRACK_GOROUTINE ((uint64_t)1 << 33)

struct perfetto {
	FILE *out;
	uint8_t *bytes; // of a packet
	size_t cap;
	int32_t pid;
	bool begun;
	uint64_t flow; // the last arrow's number
	// of the track that is being written
	uint64_t thread;
	int64_t busy_ns;  // a slice of it goes until then
	uint64_t woken;   // an arrow to the next slice of ...
	uint64_t woken_g; // ... this goroutine; 0: none
	bool failed, no_memory;
};

static int perfetto_code(const struct perfetto *p)
{
	return p->no_memory ? SQLITE_NOMEM : p->failed ? SQLITE_FULL : SQLITE_OK;
}

/* A packet as field 1 of the file. */
static int perfetto_put(struct perfetto *p, Perfetto__Packet *packet)
{
	uint8_t head[12] = {PACKET_FIELD};
	size_t n = 1;

	packet->has_sequence = true;
	packet->sequence = SEQUENCE;
	packet->has_sequence_flags = !p->begun;
	packet->sequence_flags = SEQUENCE_BEGINS;
	p->begun = true;
	size_t len = perfetto__packet__get_packed_size(packet);

	if (len > p->cap) {
		uint8_t *more = realloc(p->bytes, 2 * len);
		if (!more) {
			p->no_memory = true;
			return SQLITE_NOMEM;
		}
		p->bytes = more;
		p->cap = 2 * len;
	}
	perfetto__packet__pack(packet, p->bytes);
	for (size_t v = len; v || n == 1; v >>= 7)
		head[n++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
	p->failed |= fwrite(head, 1, n, p->out) != n || fwrite(p->bytes, 1, len, p->out) != len;
	return perfetto_code(p);
}

/* protobuf-c's fields are not const, and it does not write to them. */
static char *perfetto_text(char clean[CLEAN_MAX], const char *text)
{
	clean_text(clean, text, strlen(text));
	return clean;
}

static int perfetto_track(struct perfetto *p, uint64_t uuid, uint64_t parent, const char *name,
                          Perfetto__Thread *thread, Perfetto__Process *process)
{
	Perfetto__Packet packet = PERFETTO__PACKET__INIT;
	Perfetto__Track track = PERFETTO__TRACK__INIT;
	Perfetto__Counter counter = PERFETTO__COUNTER__INIT;
	char clean[CLEAN_MAX];

	track.has_uuid = true;
	track.uuid = uuid;
	track.has_parent = parent != 0;
	track.parent = parent;
	track.name = perfetto_text(clean, name);
	track.thread = thread;
	track.process = process;
	counter.has_unit = true;
	counter.unit = UNIT_COUNT;
	if (uuid >= TRACK_STATES && uuid < TRACK_STATES + STATES)
		track.counter = &counter;
	packet.track = &track;
	return perfetto_put(p, &packet);
}

/* An event of a track at a time; the caller fills in the rest and puts it. */
#define PERFETTO_EVENT(packet, event, what, where, when) \
	Perfetto__Packet packet = PERFETTO__PACKET__INIT; \
	Perfetto__Event event = PERFETTO__EVENT__INIT; \
	(packet).event = &(event); \
	(packet).has_timestamp = (event).has_type = (event).has_track = true; \
	(packet).timestamp = (uint64_t)(when); \
	(event).type = (what); \
	(event).track = (where)

static int perfetto_end(struct perfetto *p, uint64_t track, int64_t ts_ns)
{
	PERFETTO_EVENT(packet, event, SLICE_END, track, ts_ns);
	return perfetto_put(p, &packet);
}

static int perfetto_process(void *arg, sqlite3_stmt *st)
{
	struct perfetto *p = arg;
	static const char *const state[STATES] = {
		[STATE_ALIVE] = "goroutines alive",
		"goroutines runnable",
		"goroutines running",
		"goroutines waiting",
		NULL,
		"goroutines in calls",
	};
	Perfetto__Process process = PERFETTO__PROCESS__INIT;
	int64_t pid = sqlite3_column_int64(st, 0);
	char clean[CLEAN_MAX];

	p->pid = pid > 0 && pid <= INT32_MAX ? (int32_t)pid : 1;
	process.has_pid = true;
	process.pid = p->pid;
	process.name = perfetto_text(clean, db_column(st, 1));
	int err = perfetto_track(p, TRACK_PROCESS, 0, db_column(st, 1), NULL, &process);

	for (unsigned i = 0; i < STATES && err == SQLITE_OK; i++) {
		if (state[i])
			err = perfetto_track(p, TRACK_STATES + i, TRACK_PROCESS, state[i], NULL, NULL);
	}
	if (err == SQLITE_OK)
		err = perfetto_track(p, TRACK_GOROUTINES, TRACK_PROCESS, "goroutines", NULL, NULL);
	return err;
}

static int perfetto_thread(void *arg, sqlite3_stmt *st)
{
	struct perfetto *p = arg;
	Perfetto__Thread thread = PERFETTO__THREAD__INIT;
	int64_t number = sqlite3_column_int64(st, 0), tid = sqlite3_column_int64(st, 1);
	char name[128];

	snprintf(name, sizeof name, "thread %lld, %.64s", (long long)number, db_column(st, 2));
	thread.has_pid = thread.has_tid = true;
	thread.pid = p->pid;
	thread.tid = (int32_t)tid;
	thread.name = name;
	// One whose number nobody knows is a track like any other.
	bool known = tid > 0 && tid <= INT32_MAX;

	return perfetto_track(p, TRACK_THREADS + (uint64_t)number, TRACK_PROCESS, name,
	                      known ? &thread : NULL, NULL);
}

static int perfetto_goroutine(void *arg, sqlite3_stmt *st)
{
	return perfetto_track(arg, TRACK_GOROUTINE + (uint64_t)sqlite3_column_int64(st, 0),
	                      TRACK_GOROUTINES, db_column(st, 1), NULL, NULL);
}

static int perfetto_running(void *arg, sqlite3_stmt *st)
{
	struct perfetto *p = arg;
	uint64_t thread = (uint64_t)sqlite3_column_int64(st, 0);
	int64_t from_ns = sqlite3_column_int64(st, 1), to_ns = sqlite3_column_int64(st, 2);
	char name[CLEAN_MAX], *category = sqlite3_column_int(st, 5) == 2 ? "running" : "syscall";

	if (thread != p->thread)
		p->busy_ns = 0;
	p->thread = thread;
	from_ns = from_ns > p->busy_ns ? from_ns : p->busy_ns;
	if (to_ns >= 0 && to_ns <= from_ns)
		return SQLITE_OK;
	p->busy_ns = to_ns < 0 ? INT64_MAX : to_ns;
	if (from_ns == INT64_MAX)
		return SQLITE_OK;
	PERFETTO_EVENT(packet, event, SLICE_BEGIN, TRACK_THREADS + thread, from_ns);
	event.name = perfetto_text(name, db_column(st, 4));
	event.category = &category;
	event.n_category = 1;
	int err = perfetto_put(p, &packet);

	return err == SQLITE_OK && to_ns >= 0 ? perfetto_end(p, TRACK_THREADS + thread, to_ns) : err;
}

/* An arrow from goroutine `from` to the next slice of g. */
static int perfetto_arrow(struct perfetto *p, uint64_t from, const char *what, uint64_t g,
                          int64_t ts_ns)
{
	char name[64], *category = "arrow";
	uint64_t flow = ++p->flow;

	PERFETTO_EVENT(packet, event, INSTANT, TRACK_GOROUTINE + from, ts_ns);
	snprintf(name, sizeof name, "%s goroutine %llu", what, (unsigned long long)g);
	event.name = name;
	event.category = &category;
	event.n_category = 1;
	event.flow = &flow;
	event.n_flow = 1;
	p->woken = flow;
	p->woken_g = g;
	return perfetto_put(p, &packet);
}

/** What a slice says beside its name. */
struct perfetto_notes {
	Perfetto__Note note[3], *list[3];
	char clean[CLEAN_MAX];
	size_t count;
};

static Perfetto__Note *perfetto_note(struct perfetto_notes *notes, char *name)
{
	Perfetto__Note *note = &notes->note[notes->count];

	perfetto__note__init(note);
	note->name = name;
	notes->list[notes->count++] = note;
	return note;
}

static void perfetto_notes(struct perfetto_notes *notes, sqlite3_stmt *st)
{
	const char *at = db_column(st, 6), *waker = db_column(st, 9);

	notes->count = 0;
	if (*at)
		perfetto_note(notes, "at")->text = perfetto_text(notes->clean, at);
	if (sqlite3_column_int64(st, 7)) {
		Perfetto__Note *object = perfetto_note(notes, "object");
		object->has_number = true;
		object->number = sqlite3_column_int64(st, 7);
	}
	if (*waker) // one of our own words
		perfetto_note(notes, "woken by")->text = (char *)(intptr_t)waker;
}

static int perfetto_slice(struct perfetto *p, sqlite3_stmt *st, uint64_t g)
{
	uint64_t track = TRACK_GOROUTINE + g;
	int64_t to_ns = sqlite3_column_int64(st, 3);
	char name[CLEAN_MAX], *category = sqlite3_column_int(st, 4) == 3 ? "wait" : "goroutine";
	struct perfetto_notes notes;

	PERFETTO_EVENT(packet, event, SLICE_BEGIN, track, sqlite3_column_int64(st, 2));
	event.name = perfetto_text(name, db_column(st, 5));
	event.category = &category;
	event.n_category = 1;
	perfetto_notes(&notes, st);
	event.note = notes.list;
	event.n_note = notes.count;
	event.flow_end = &p->woken;
	event.n_flow_end = p->woken_g == g;
	int err = perfetto_put(p, &packet);

	p->woken_g = 0;
	return err == SQLITE_OK && to_ns >= 0 ? perfetto_end(p, track, to_ns) : err;
}

static int perfetto_interval(void *arg, sqlite3_stmt *st)
{
	struct perfetto *p = arg;
	uint64_t g = (uint64_t)sqlite3_column_int64(st, 0);
	uint64_t waker = (uint64_t)sqlite3_column_int64(st, 8);
	uint64_t parent = (uint64_t)sqlite3_column_int64(st, 10);
	int err = SQLITE_OK;

	if (parent)
		err = perfetto_arrow(p, parent, "go", g, sqlite3_column_int64(st, 11));
	if (err == SQLITE_OK)
		err = perfetto_slice(p, st, g);
	if (err == SQLITE_OK && waker)
		err = perfetto_arrow(p, waker, "wake", g, sqlite3_column_int64(st, 3));
	return err;
}

static int perfetto_counter(void *arg, sqlite3_stmt *st)
{
	int state = sqlite3_column_int(st, 1);

	if (state < 0 || state >= STATES)
		return SQLITE_OK;
	PERFETTO_EVENT(packet, event, COUNTER, TRACK_STATES + (uint64_t)state,
	               sqlite3_column_int64(st, 0));
	event.has_counter = true;
	event.counter = sqlite3_column_int64(st, 2);
	return perfetto_put(arg, &packet);
}

static int perfetto_mark(void *arg, sqlite3_stmt *st)
{
	int64_t g = sqlite3_column_int64(st, 0);
	char name[CLEAN_MAX], clean[CLEAN_MAX], *category = clean;

	PERFETTO_EVENT(packet, event, INSTANT, g ? TRACK_GOROUTINE + (uint64_t)g : TRACK_PROCESS,
	               sqlite3_column_int64(st, 1));
	event.name = perfetto_text(name, db_column(st, 3));
	perfetto_text(clean, db_column(st, 2));
	event.category = &category;
	event.n_category = 1;
	return perfetto_put(arg, &packet);
}

int export_perfetto(sqlite3 *db, FILE *out)
{
	static const struct {
		const char *name;
		int (*row)(void *arg, sqlite3_stmt *st);
	} parts[] = {
		{"process", perfetto_process},      {"threads", perfetto_thread},
		{"goroutines", perfetto_goroutine}, {"running", perfetto_running},
		{"intervals", perfetto_interval},   {"counters", perfetto_counter},
		{"marks", perfetto_mark},
	};
	struct perfetto p = {.out = out};
	int err = SQLITE_OK;

	for (size_t i = 0; i < sizeof parts / sizeof parts[0] && err == SQLITE_OK; i++)
		err = db_each(db, "sql/export/perfetto.sql", parts[i].name, parts[i].row, &p);
	free(p.bytes);
	return err;
}
