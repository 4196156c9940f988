/* SPDX-License-Identifier: MIT */
/** thread.c: threads, handoffs, samples of busy goroutines, snapshots, marks and what is lost. */
#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "load/loader.h"

static void gap_row(struct loader *l, struct thread *t, int64_t to_ns)
{
	ROWS_PUT(&l->rows, ROWS_GAP, db_int((int64_t)l->gaps++), db_int((int64_t)t->head.a),
	         db_int(t->gap_from_ns), db_int(to_ns), db_int((int64_t)t->gap_batches),
	         db_int((int64_t)t->gap_events));
	t->gap_from_ns = -1;
}

static struct thread *thread_of(struct loader *l, const struct gtrace_event *ev, uint64_t number)
{
	struct thread *t =
		l->thread && l->thread->head.a == number ? l->thread : map_find(&l->threads, number, 0);

	if (t)
		return t;
	t = map_put(&l->threads, number, 0);
	if (!t) {
		l->no_memory = true;
		return NULL;
	}
	t->gap_from_ns = -1;
	t->last_ns = l->now_ns;
	bool start = ev->id == GTRACE_THREAD_START;

	t->kind = start ? (uint8_t)ev->arg[0] : GTRACE_thread_kind_NONE;
	ROWS_PUT(&l->rows, ROWS_THREAD, db_int((int64_t)number),
	         db_text(gtrace_name("thread_kind", start ? ev->arg[0] : 0)),
	         db_id(start ? ev->arg[1] : 0), db_int(l->now_ns));
	return t;
}

void loader_thread_seen(struct loader *l, const struct gtrace_event *ev)
{
	uint64_t number = ev->id == GTRACE_GAP ? ev->arg[0] : ev->thread;
	struct thread *t = l->thread = number ? thread_of(l, ev, number) : NULL;

	if (!t)
		return;
	if (ev->id == GTRACE_GAP) {
		if (t->gap_from_ns >= 0)
			gap_row(l, t, l->now_ns);
		t->gap_from_ns = t->last_ns;
		t->gap_batches = ev->arg[1];
		t->gap_events = ev->arg[2];
	} else if (t->gap_from_ns >= 0) {
		gap_row(l, t, l->now_ns > t->gap_from_ns ? l->now_ns : t->gap_from_ns);
	}
	t->last_ns = l->now_ns;
	loader_stack_event(l, t, ev);
}

static void reach_row(struct loader *l, const struct gtrace_event *ev)
{
	char what[CLEAN_MAX];
	size_t len = clean_text(what, ev->bytes[2], ev->arg[2]);

	ROWS_PUT(&l->rows, ROWS_REACH, db_int((int64_t)ev->arg[0]), db_int((int64_t)l->snaps),
	         db_int((int64_t)l->reaches++), db_int(l->now_ns), db_int((int64_t)ev->arg[1]),
	         db_bytes(what, len));
}

static void mark_row(struct loader *l, const struct gtrace_event *ev)
{
	char category[CLEAN_MAX], text[CLEAN_MAX];
	size_t n = clean_text(category, ev->bytes[0], ev->arg[0]);
	size_t m = clean_text(text, ev->bytes[1], ev->arg[1]);

	ROWS_PUT(&l->rows, ROWS_MARK, db_int((int64_t)l->marks++), db_int(l->now_ns), db_id(ev->g),
	         db_bytes(category, n), db_bytes(text, m));
}

static void module_row(struct loader *l, const struct gtrace_event *ev)
{
	static const char digit[] = "0123456789abcdef";
	char path[CLEAN_MAX], id[129];
	size_t len = clean_text(path, ev->bytes[2], ev->arg[2]);
	size_t n = ev->arg[3] < 64 ? ev->arg[3] : 64;

	for (size_t i = 0; i < n; i++) {
		unsigned char byte = (unsigned char)ev->bytes[3][i];
		id[2 * i] = digit[byte >> 4];
		id[2 * i + 1] = digit[byte & 15];
	}
	ROWS_PUT(&l->rows, ROWS_MODULE, db_int((int64_t)ev->arg[0]), db_int((int64_t)ev->arg[1]),
	         db_bytes(path, len), db_bytes(id, 2 * n));
}

static void panic_text(struct loader *l, const struct gtrace_event *ev)
{
	char text[CLEAN_MAX];

	clean_text(text, ev->bytes[0], ev->arg[0]);
	free(l->panic);
	l->panic = strdup(text);
	l->panic_ns = l->now_ns;
	l->panic_g = ev->g;
	l->panic_site = ev->arg[1];
}

static void snapshot_begin(struct loader *l, const struct gtrace_event *ev)
{
	const struct thread *t = l->thread;

	// What comes behind it, the recorder says on its own account: the program's time is over.
	if (t && t->kind == GTRACE_thread_kind_RECORDER && ev->arg[0] == GTRACE_snap_END)
		l->over_ns = l->now_ns;
	l->snaps++;
	ROWS_PUT(&l->rows, ROWS_SNAPSHOT, db_int((int64_t)l->snaps), db_int(l->now_ns),
	         db_text(gtrace_name("snap", ev->arg[0])), db_int((int64_t)ev->arg[1]));
}

/* A flat list, and so longer than others. */
bool loader_thread_event(struct loader *l, const struct gtrace_event *ev)
{
	switch (ev->id) {
	case GTRACE_THREAD_START:
		ROWS_PUT(&l->rows, ROWS_THREAD, db_int((int64_t)ev->thread),
		         db_text(gtrace_name("thread_kind", ev->arg[0])), db_id(ev->arg[1]),
		         db_int(l->now_ns));
		return true;
	case GTRACE_THREAD_END:
		ROWS_PUT(&l->rows, ROWS_THREAD_END, db_int((int64_t)ev->thread), db_int(l->now_ns));
		return true;
	case GTRACE_HANDOFF:
		ROWS_PUT(&l->rows, ROWS_HANDOFF, db_int((int64_t)l->handoffs++), db_int(l->now_ns),
		         db_int((int64_t)ev->arg[0]), db_int((int64_t)ev->arg[1]),
		         db_text(gtrace_name("why", ev->arg[2])), db_id(ev->arg[3]));
		return true;
	case GTRACE_BUSY:
		ROWS_PUT(&l->rows, ROWS_BUSY, db_int((int64_t)ev->arg[0]), db_int(l->now_ns),
		         db_int((int64_t)ev->arg[1]), db_int((int64_t)ev->arg[2]),
		         db_int((int64_t)ev->arg[3]), db_id(ev->arg[4]));
		return true;
	case GTRACE_SNAP_BEGIN:
		snapshot_begin(l, ev);
		return true;
	case GTRACE_SNAP_END:
		ROWS_PUT(&l->rows, ROWS_SNAPSHOT_END, db_int((int64_t)l->snaps), db_int(l->now_ns));
		return true;
	case GTRACE_REACH:
		reach_row(l, ev);
		return true;
	case GTRACE_MARK:
		mark_row(l, ev);
		return true;
	case GTRACE_MODULE:
		module_row(l, ev);
		return true;
	case GTRACE_PANIC:
		panic_text(l, ev);
		return true;
	case GTRACE_MAIN_END:
		l->main_ended_ns = l->now_ns;
		return true;
	default:
		return false;
	}
}

void loader_threads_end(struct loader *l)
{
	for (struct thread *t = map_next(&l->threads, NULL); t; t = map_next(&l->threads, t)) {
		if (t->gap_from_ns >= 0)
			gap_row(l, t, l->now_ns);
	}
	map_release(&l->threads);
}
