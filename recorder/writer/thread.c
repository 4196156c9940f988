/* SPDX-License-Identifier: MIT */
/**
 * thread.c: the writer thread.
 *
 * It alone touches the file.  It sleeps on a futex word that counts reasons to look: a full batch,
 * a close, a signal.  Reading the word before looking and sleeping only if it is still the same, it
 * misses none.  It has all signals blocked.
 *
 * The end, whoever asks for it:
 *
 *     closer                        other threads              writer thread
 *     ───────────────────────────   ────────────────────────   ─────────────────────────────
 *     lock; ends; unlock ────────────────────────────────────▶ writes the last list of all
 *     waits for DONE                go on                      goroutines, if there is to be one
 *                                                           ◀─ lock; state = CLOSING;
 *                                   may append to their OPEN   end_ticks = now; unlock
 *                                   batches; at the end of     writes the FULL ones, then of
 *                                   one they die               each OPEN one what is below its
 *                                                              `used` and not after end_ticks
 *
 * Without end_ticks the last batch read could hold the start of a goroutine whose wake, written a
 * moment before in another batch, had been left out.  It is later than the list's last row, since a
 * row may show what a goroutine did after the list's time: that has to be in the trace, too.
 */
#include "writer/rec.h"

#include "clock.h"
#include "record.h"

#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define GENERATION_NS 1000000000u
#define CLOCK_STEP_NS_MIN 1000000u // the first notes of the clocks come quickly, later ones seldom
#define CLOCK_STEP_NS_MAX 250000000u

/** The word that the writer thread sleeps on: a ring's in the sidecar, for other processes. */
static _Atomic uint32_t *wake_word(struct gtrace_rec *rec)
{
	return rec->ring.slots ? &rec->side.page->wake : &rec->wake;
}

static void futex_wait(_Atomic uint32_t *word, int op, uint32_t seen, uint64_t ns)
{
	struct timespec ts = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

	syscall(SYS_futex, word, op, seen, &ts, NULL, 0);
}

void gtrace__writer_wake(struct gtrace_rec *rec)
{
	atomic_fetch_add_explicit(wake_word(rec), 1, memory_order_seq_cst);
	syscall(SYS_futex, wake_word(rec), rec->ring.slots ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE, 1, NULL,
	        NULL, 0);
}

static int64_t mono_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

bool gtrace__writer_await(struct gtrace_rec *rec, int64_t ns)
{
	int64_t until = mono_ns() + ns;

	while (!atomic_load_explicit(&rec->gone, memory_order_seq_cst)) {
		int64_t left = until - mono_ns();

		if (left <= 0)
			return false;
		futex_wait(&rec->gone, FUTEX_WAIT_PRIVATE, 0, (uint64_t)left);
	}
	return true;
}

void gtrace__reraise(int signo)
{
	struct sigaction sa = {.sa_handler = SIG_DFL};
	sigset_t set;

	sigaction(signo, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, signo);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	raise(signo);
}

bool gtrace__rec_failed(struct gtrace_rec *rec)
{
	pthread_mutex_lock(&rec->lock);
	bool failed = rec->error != 0;

	pthread_mutex_unlock(&rec->lock);
	return failed;
}

void gtrace__rec_fail(struct gtrace_rec *rec, const char *path, int err)
{
	char line[sizeof(rec->side_path) + 160];

	pthread_mutex_lock(&rec->lock);
	bool first = !rec->error;

	if (first)
		rec->error = err;
	if (rec->state == REC_RUNNING)
		rec->state = REC_FAILED;
	pthread_cond_broadcast(&rec->room);
	pthread_mutex_unlock(&rec->lock);
	if (!first || !rec->notify)
		return;
	snprintf(line, sizeof(line), "cannot write '%s': %s; recording ends here, the program goes on",
	         path, strerror(-err));
	rec->notify(line);
}

void gtrace__writer_fail(struct gtrace_rec *rec, int err)
{
	gtrace__rec_fail(rec, rec->path, err);
}

int gtrace__batch_write(struct gtrace__file *f, const struct slot *slot, uint64_t until,
                        const struct gtrace__clock *clock, struct rec_stats *stats)
{
	struct gtrace__slot *head = slot->head;
	uint32_t used = atomic_load_explicit(&head->used, memory_order_acquire);
	struct gtrace__chunk chunk = {
		.generation = head->generation,
		.thread = head->thread,
		.seq = head->seq,
		.first_ticks = head->first_ticks,
		.g = head->g,
		.lost_events = head->lost_events,
		.lost_batches = head->lost_batches,
		.clock = *clock,
	};
	int err = gtrace__file_batch(f, &chunk, gtrace__slot_base(slot), used, until);

	if (err)
		return err;
	stats->batches += chunk.raw_bytes > 0;
	stats->events += chunk.events;
	stats->raw_bytes += chunk.raw_bytes;
	return 0;
}

/** Append a slot's batch up to `until`.  Returns: 0 or a negative errno. */
static int writer_batch(struct gtrace_rec *rec, struct slot *slot, uint64_t until)
{
	struct gtrace__clock now = gtrace__clock_now();
	struct rec_stats stats = {0};
	int err = gtrace__batch_write(&rec->file, slot, until, &now, &stats);

	pthread_mutex_lock(&rec->lock);
	rec->stats.batches += stats.batches;
	rec->stats.events += stats.events;
	rec->stats.raw_bytes += stats.raw_bytes;
	pthread_mutex_unlock(&rec->lock);
	return err;
}

void gtrace__writer_full(struct gtrace_rec *rec, struct slot *slot)
{
	int err = gtrace__rec_failed(rec) ? 0 : writer_batch(rec, slot, UINT64_MAX);

	if (err)
		gtrace__writer_fail(rec, err);
	// Only now, with the chunk whole in the file, may a reader stop finding it here.
	atomic_store_explicit(&slot->head->state, GTRACE__SLOT_FREE, memory_order_release);
	pthread_mutex_lock(&rec->lock);
	slot->owner->held--;
	rec->full_count--;
	slot->next = rec->free;
	rec->free = slot;
	pthread_cond_broadcast(&rec->room);
	pthread_mutex_unlock(&rec->lock);
}

void gtrace__writer_drain(struct gtrace_rec *rec)
{
	pthread_mutex_lock(&rec->lock);
	unsigned count = rec->full_count; // not what is filled meanwhile, which may have no end

	pthread_mutex_unlock(&rec->lock);
	for (;;) {
		if (!rec->keyframes.drains)
			gtrace__rotate_work(rec);
		if (!count--)
			return;
		pthread_mutex_lock(&rec->lock);
		struct slot *slot = rec->full;

		if (slot) {
			rec->full = slot->next;
			if (!rec->full)
				rec->full_tail = &rec->full;
		}
		pthread_mutex_unlock(&rec->lock);
		if (!slot)
			return;
		gtrace__writer_full(rec, slot);
	}
}

/** What other threads have in their open batches. */
static void writer_open_batches(struct gtrace_rec *rec)
{
	for (uint32_t i = 0; i < rec->side.count && !rec->error; i++) {
		struct slot *slot = rec->side.slots[i];

		if (atomic_load_explicit(&slot->head->state, memory_order_acquire) != GTRACE__SLOT_OPEN)
			continue;
		int err = writer_batch(rec, slot, rec->end_ticks);

		if (err)
			gtrace__writer_fail(rec, err);
	}
}

int gtrace__end_write(struct gtrace__file *f, const struct rec_stats *st, enum gtrace_end end,
                      int code, const char *more)
{
	struct gtrace__chunk chunk = {.kind = GTRACE__END, .clock = gtrace__clock_now()};
	char text[1024];
	int n = snprintf(text, sizeof(text),
	                 "end=%s\ncode=%d\nevents=%llu\nbatches=%llu\nstalls=%llu\nstall_ns=%llu\n"
	                 "lost_events=%llu\nlost_batches=%llu\nraw_bytes=%llu\nfile_bytes=%llu\n%s",
	                 gtrace__ends[end], code, (unsigned long long)st->events,
	                 (unsigned long long)st->batches, (unsigned long long)st->stalls,
	                 (unsigned long long)st->stall_ns, (unsigned long long)st->lost_events,
	                 (unsigned long long)st->lost_batches, (unsigned long long)st->raw_bytes,
	                 (unsigned long long)f->bytes, more);

	chunk.first_ticks = chunk.last_ticks = chunk.clock.ticks;
	return gtrace__file_chunk(f, &chunk, text, (size_t)n);
}

static void writer_end_record(struct gtrace_rec *rec)
{
	struct timespec cpu = {0};
	char more[256];

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	int n =
		snprintf(more, sizeof(more), "writer_cpu_ns=%llu\n",
	             (unsigned long long)cpu.tv_sec * 1000000000u + (unsigned long long)cpu.tv_nsec);

	if (rec->error)
		snprintf(more + n, sizeof(more) - (size_t)n, "error=%s\n", strerror(-rec->error));
	int err = gtrace__end_write(&rec->file, &rec->stats, rec->end, rec->end_code, more);

	if (err)
		gtrace__writer_fail(rec, err);
}

static int writer_signo(struct gtrace_rec *rec)
{
	return atomic_load_explicit(&rec->signo, memory_order_seq_cst);
}

/** The last list of all goroutines, while they go on. */
static void writer_list(struct gtrace_rec *rec)
{
	if (gtrace__rec_failed(rec))
		return;
	if (rec->ring.slots)
		gtrace__ring_list(rec, GTRACE_snap_END);
	// No list of a program that is no longer sound; at other ends it writes one itself.
	else if (writer_signo(rec) && !atomic_load_explicit(&rec->faulted, memory_order_relaxed))
		gtrace__keyframe_all(rec, GTRACE_snap_END);
}

static void writer_finish(struct gtrace_rec *rec)
{
	if (rec->ring.slots) {
		int err = gtrace__ring_finish(rec);

		if (err)
			gtrace__writer_fail(rec, err);
	} else {
		gtrace__writer_drain(rec);
		writer_open_batches(rec);
	}
	writer_end_record(rec);
	gtrace__recs_lock();
	gtrace__file_close(&rec->file);
	gtrace__recs_unlock();
	if (!rec->ring.slots || !rec->error)
		unlink(rec->side_path); // a ring that could not be written stays there
	pthread_mutex_lock(&rec->lock);
	rec->state = REC_DONE;
	pthread_cond_broadcast(&rec->room);
	pthread_cond_broadcast(&rec->done);
	pthread_mutex_unlock(&rec->lock);
}

/** What is due by the clock.  Returns the time until the next such thing. */
static uint64_t writer_tick(struct gtrace_rec *rec)
{
	struct gtrace__clock now = gtrace__clock_now();

	if (!rec->clock_ns) {
		rec->clock_step_ns = CLOCK_STEP_NS_MIN;
		rec->clock_ns = now.mono_ns + CLOCK_STEP_NS_MIN;
		rec->generation_ns = now.mono_ns + GENERATION_NS;
	}
	if (now.mono_ns >= rec->clock_ns) {
		gtrace__sidecar_clock(&rec->side, &now);
		if (rec->clock_step_ns < CLOCK_STEP_NS_MAX)
			rec->clock_step_ns *= 2;
		rec->clock_ns = now.mono_ns + rec->clock_step_ns;
	}
	if (now.mono_ns >= rec->generation_ns) {
		atomic_fetch_add_explicit(&rec->generation, 1, memory_order_relaxed);
		rec->generation_ns = now.mono_ns + GENERATION_NS;
	}
	uint64_t next = rec->clock_ns < rec->generation_ns ? rec->clock_ns : rec->generation_ns;

	if (!rec->ring.slots) { // which has lists of its own
		uint64_t list = gtrace__keyframe_tick(rec, now.mono_ns);

		next = list < next ? list : next;
	}

	return next - now.mono_ns;
}

static bool writer_ends(struct gtrace_rec *rec)
{
	pthread_mutex_lock(&rec->lock);
	bool ends = rec->ends || writer_signo(rec);

	pthread_mutex_unlock(&rec->lock);
	return ends;
}

/** From here on the others write nothing more that counts. */
static void writer_close(struct gtrace_rec *rec)
{
	pthread_mutex_lock(&rec->lock);
	int signo = writer_signo(rec);

	if (signo) { // also if it ends for another reason: it is the signal that ends the program
		rec->end = GTRACE_END_SIGNAL;
		rec->end_code = signo;
	}
	rec->ends = true;
	rec->state = REC_CLOSING;
	rec->end_ticks = gtrace_ticks();
	pthread_cond_broadcast(&rec->room);
	pthread_mutex_unlock(&rec->lock);
}

void *gtrace__writer_main(void *arg)
{
	struct gtrace_rec *rec = arg;

	atomic_store_explicit(&rec->tid, (int)syscall(SYS_gettid), memory_order_relaxed);
	for (;;) {
		uint32_t seen = atomic_load_explicit(wake_word(rec), memory_order_seq_cst);

		if (rec->ring.slots)
			gtrace__ring_work(rec);
		else
			gtrace__writer_drain(rec);
		int err = gtrace__begin_work(rec);
		if (err)
			gtrace__writer_fail(rec, err);
		if (writer_ends(rec))
			break;
		futex_wait(wake_word(rec), rec->ring.slots ? FUTEX_WAIT : FUTEX_WAIT_PRIVATE, seen,
		           writer_tick(rec));
	}
	writer_list(rec);
	writer_close(rec);
	writer_finish(rec);
	atomic_store_explicit(&rec->gone, 1, memory_order_seq_cst);
	syscall(SYS_futex, &rec->gone, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
	int signo = writer_signo(rec);

	if (signo && !atomic_load_explicit(&rec->faulted, memory_order_seq_cst))
		gtrace__reraise(signo);
	return NULL;
}
