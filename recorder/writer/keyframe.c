/* SPDX-License-Identifier: MIT */
/** keyframe.c: lists of all goroutines, for traces that begin in the middle. */
#include "writer/rec.h"

#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

void gtrace_rec_set_keyframe(struct gtrace_rec *rec,
                             int (*list)(void *arg, const struct gtrace_keyframe *keyframe),
                             void *arg)
{
	pthread_mutex_lock(&rec->lock);
	while (rec->keyframes.busy)
		pthread_cond_wait(&rec->done, &rec->lock);
	rec->keyframes.list = list;
	rec->keyframes.arg = arg;
	rec->ring.listed = list ? rec->ring.given - rec->ring.full : RING_FREE;
	pthread_mutex_unlock(&rec->lock);
}

#define KEYFRAME_NS UINT64_C(1000000000) // the first list; the next ones at 3 s, 7 s, 15 s ...

bool gtrace__keyframe_own(const struct stream *s)
{
	return s->kind == GTRACE_thread_kind_RECORDER;
}

static void keyframe_too_long(struct gtrace_rec *rec, const char *of)
{
	char text[160];
	const char *strs[] = {"gtrace", text};

	snprintf(
		text, sizeof(text),
		"the list of all goroutines is longer than a quarter of the %s: those that stand still "
		"are not in it",
		of);
	gtrace_stream_text(rec->keyframes.stream, GTRACE_MARK, (const uint64_t[]){0, 0}, strs, NULL);
	if (!rec->keyframes.told && rec->notify)
		rec->notify(text);
	rec->keyframes.told = true;
}

/** The writer thread's own stream, from the first list on. */
static struct gtrace_stream *keyframe_stream(struct gtrace_rec *rec)
{
	if (rec->keyframes.stream)
		return rec->keyframes.stream;
	struct gtrace_stream *s =
		gtrace_stream_new(rec, GTRACE_thread_kind_RECORDER, (uint64_t)syscall(SYS_gettid));

	pthread_mutex_lock(&rec->lock);
	rec->keyframes.stream = s;
	pthread_mutex_unlock(&rec->lock);
	return s;
}

bool gtrace__keyframe_write(struct gtrace_rec *rec, unsigned why, uint64_t bytes, const char *of)
{
	struct keyframes *k = &rec->keyframes;

	pthread_mutex_lock(&rec->lock);
	int (*list)(void *, const struct gtrace_keyframe *) = k->list;
	void *arg = k->arg;

	k->busy = list != NULL;
	pthread_mutex_unlock(&rec->lock);
	if (!list)
		return false;
	struct gtrace_keyframe keyframe = {
		.stream = keyframe_stream(rec),
		.ticks = gtrace_ticks(),
		.bytes_max = bytes == UINT64_MAX ? bytes : bytes / LIST_SHARE,
		.why = why,
	};

	if (keyframe.stream && list(arg, &keyframe))
		keyframe_too_long(rec, of);
	pthread_mutex_lock(&rec->lock);
	k->busy = false;
	pthread_cond_broadcast(&rec->done);
	pthread_mutex_unlock(&rec->lock);
	return true;
}

void gtrace__keyframe_all(struct gtrace_rec *rec, unsigned why)
{
	rec->keyframes.drains = true; // or who fills its share of the buffer would wait for all of it
	gtrace__keyframe_write(rec, why, UINT64_MAX, "trace");
	rec->keyframes.drains = false;
}

void gtrace_keyframe_drain(const struct gtrace_keyframe *keyframe)
{
	struct gtrace_rec *rec = keyframe->stream->rec;

	if (rec->keyframes.drains)
		gtrace__writer_drain(rec);
}

uint64_t gtrace__keyframe_tick(struct gtrace_rec *rec, uint64_t now_ns)
{
	struct keyframes *k = &rec->keyframes;

	if (!k->due_ns) {
		k->step_ns = KEYFRAME_NS;
		k->due_ns = now_ns + k->step_ns;
	}
	if (now_ns >= k->due_ns) {
		gtrace__keyframe_all(rec, GTRACE_snap_PERIODIC);
		k->step_ns *= 2;
		k->due_ns = now_ns + k->step_ns;
	}
	return k->due_ns;
}

int gtrace_rec_begin(struct gtrace_rec *rec)
{
	pthread_mutex_lock(&rec->lock);
	rec->begin = gtrace__clock_now();
	if (rec->ring.slots) {
		rec->ring.begin = rec->begin; // a dump says so, and has a list of its own
	} else if (rec->state == REC_RUNNING) {
		rec->begins = true;
		gtrace__writer_wake(rec);
		while (rec->begins && rec->state == REC_RUNNING)
			pthread_cond_wait(&rec->done, &rec->lock);
	}
	int err = rec->state == REC_RUNNING ? 0 : -ECANCELED;

	pthread_mutex_unlock(&rec->lock);
	return err;
}

int gtrace__begin_work(struct gtrace_rec *rec)
{
	pthread_mutex_lock(&rec->lock);
	bool begins = rec->begins;
	struct gtrace__chunk chunk = {
		.kind = GTRACE__BEGIN,
		.first_ticks = rec->begin.ticks,
		.last_ticks = rec->begin.ticks,
		.clock = rec->begin,
	};

	pthread_mutex_unlock(&rec->lock);
	if (!begins)
		return 0;
	int err = gtrace__file_chunk(&rec->file, &chunk, "", 0);

	if (!err)
		gtrace__keyframe_all(rec, GTRACE_snap_REQUEST);
	pthread_mutex_lock(&rec->lock);
	rec->begins = false;
	pthread_cond_broadcast(&rec->done);
	pthread_mutex_unlock(&rec->lock);
	return err;
}
