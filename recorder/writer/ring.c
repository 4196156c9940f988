/* SPDX-License-Identifier: MIT */
/**
 * ring.c: a flight recorder.
 *
 * Full batches are not written but kept, raw, in the sidecar, and the oldest is overwritten when
 * one more is needed.  So memory and disk are constant, a batch costs no compression, and SIGKILL
 * loses nothing: the pages belong to the kernel, and the reader takes them as it takes any sidecar.
 *
 *      rec->full ──▶ oldest ── ... ── newest        numbers   given - full  ...  given - 1
 *                      │                  ▲
 *                overwritten            closed
 *
 *   R1  Batches are queued in the order in which they were closed; each has the clocks of that
 *       moment.  `begin` is that of the last one overwritten: what is later than it, in whatever
 *       stream, is here.  The reader throws away what is earlier, which is here only in part.
 *   R2  A batch uses no number but those it defines itself, and begins with what its thread is.
 *   R3  No batch whose number is `keep` or above is overwritten; who needs its slot waits.
 *   R4  Nor is one from `listed` on, where the last list of all goroutines begins.  The next one is
 *       made when half of the ring was written since, and fits a quarter: nobody waits for it but
 *       where the writer thread gets no processor.  So a list, and one later than `begin`, is here
 *       at any time once something was overwritten.
 *
 * A dump, by the writer thread, while the others go on:
 *
 *     writer thread                                  others
 *     ─────────────────────────────────────────────  ──────────────────────────────────────────
 *     list all goroutines                            overwrite what is older than the last list
 *     lock; until = now; keep = the oldest;
 *       note which batches are open; unlock
 *     for each full one: write it, keep++        ──▶ overwrite what is written, no faster
 *     for each open one: write it up to `until`      may close it; it is above `keep`, so it stays
 *     keep = none
 *
 * So a thread that has to wait waits for one batch to be compressed and written, not for all.
 *
 * Rejected: compressing into a ring of the file.  It would hold three times as much, but needs a
 * file with holes or an index, a place for the sizes, and the writer's time for what nobody will
 * ever read.  Also a second ring for the time of a dump: twice the memory, for good.
 */
#define _GNU_SOURCE
#include "writer/rec.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DUMPS_MAX 9999 // names that a shell sorts
#define OPEN_EXTRA 16  // slots whose disk space is had from the start, for open batches

/** Somebody waits for a dump. */
struct dump_request {
	struct dump_request *next;
	enum gtrace_end end;
	const char *reason;
	char *path;
	size_t path_bytes;
	int err;
	bool done; // lock
};

/** A file being written from the ring. */
struct dump {
	struct gtrace__file file;
	struct rec_stats stats;
	uint64_t until; // nothing later is written
};

int gtrace__ring_init(struct gtrace_rec *rec)
{
	struct ring *ring = &rec->ring;
	uint64_t slots = rec->opt.ring_bytes / GTRACE__SLOT_BYTES;
	uint64_t most = slots + slots / LIST_SHARE + OPEN_EXTRA;
	uint64_t bytes = GTRACE__SIDE_BYTES + most * GTRACE__SLOT_BYTES;

	if (bytes > rec->side.mapped_bytes)
		return -ENOMEM;
	int err = gtrace__sidecar_reserve(&rec->side, bytes);

	if (err)
		return err;
	ring->keep = ring->listed = RING_FREE;
	ring->begin = rec->start;
	gtrace__sidecar_begin(&rec->side, &rec->start);
	rec->side.page->ring = (uint32_t)slots;
	ring->slots = (uint32_t)slots;
	return 0;
}

/* ── the queue ────────────────────────────────────────────────────────────────────────────────────
 */

void gtrace__ring_closed(struct gtrace_rec *rec, struct slot *slot)
{
	struct ring *ring = &rec->ring;

	slot->head->closed = gtrace__clock_now();              // keeps R1
	if (slot->head->closed.ticks < slot->owner->pub.ticks) // its owner has a time of its own
		slot->head->closed.ticks = slot->owner->pub.ticks;
	ring->full++;
	ring->given++;
	if (!ring->due && rec->keyframes.list && ring->given - ring->listed >= ring->slots / 2) {
		ring->due = true; // keeps R4
		gtrace__writer_wake(rec);
	}
}

/** The oldest full one, off the queue.  NULL: there is none that may be overwritten, R3. */
static struct slot *ring_oldest(struct gtrace_rec *rec)
{
	struct ring *ring = &rec->ring;
	struct slot *slot = rec->full;

	uint64_t number = ring->given - ring->full;

	if (!slot || number >= ring->keep || number >= ring->listed)
		return NULL;
	rec->full = slot->next;
	if (!rec->full)
		rec->full_tail = &rec->full;
	ring->full--;
	rec->full_count--;
	ring->begin = slot->head->closed;
	gtrace__sidecar_begin(&rec->side, &ring->begin);
	return slot;
}

/** A slot at once, or NULL. */
static struct slot *ring_slot_now(struct gtrace_rec *rec, bool own)
{
	struct slot *slot = rec->free;
	int err; // there is the oldest, whatever it is

	if (slot) {
		rec->free = slot->next;
		return slot;
	}
	if (rec->ring.full < rec->ring.slots)
		slot = gtrace__sidecar_grow(&rec->side, &err);
	if (!slot)
		slot = ring_oldest(rec);
	if (!slot && own) // it must not wait for itself; R4 says how far this can go
		slot = gtrace__sidecar_grow(&rec->side, &err);
	return slot;
}

/** After a list: give back what it took beyond the ring's own. */
static void ring_trim(struct gtrace_rec *rec)
{
	while (rec->ring.full > rec->ring.slots) {
		struct slot *slot = ring_oldest(rec);

		if (!slot)
			return;
		atomic_store_explicit(&slot->head->state, GTRACE__SLOT_FREE, memory_order_release);
		slot->next = rec->free;
		rec->free = slot;
	}
}

struct slot *gtrace__ring_slot(struct gtrace_rec *rec, struct stream *s)
{
	bool own = gtrace__keyframe_own(s);
	uint64_t start = 0;
	struct slot *slot;

	ring_trim(rec);
	while (!(slot = ring_slot_now(rec, own))) {
		if (own || !rec->ring.full || rec->state != REC_RUNNING)
			break;
		if (!start) {
			start = gtrace__clock_now().mono_ns;
			rec->stats.stalls++;
			s->stalls = true;
		}
		pthread_cond_wait(&rec->room, &rec->lock);
	}
	if (start) {
		s->stalls = false;
		rec->stats.stall_ns += gtrace__clock_now().mono_ns - start;
	}
	if (slot && rec->state != REC_RUNNING && !own) { // it ended while this one waited
		slot->next = rec->free;
		rec->free = slot;
		return NULL;
	}
	return slot;
}

static void ring_keep(struct gtrace_rec *rec, uint64_t from)
{
	pthread_mutex_lock(&rec->lock);
	rec->ring.keep = from;
	pthread_cond_broadcast(&rec->room);
	pthread_mutex_unlock(&rec->lock);
}

/* ── lists of goroutines ──────────────────────────────────────────────────────────────────────────
 */

void gtrace__ring_list(struct gtrace_rec *rec, unsigned why)
{
	struct ring *ring = &rec->ring;

	pthread_mutex_lock(&rec->lock);
	uint64_t from = ring->given;

	ring->due = false;
	pthread_mutex_unlock(&rec->lock);
	bool listed =
		gtrace__keyframe_write(rec, why, (uint64_t)ring->slots * GTRACE__SLOT_BYTES, "ring");

	pthread_mutex_lock(&rec->lock);
	if (listed && rec->keyframes.list) // or there will be no other
		ring->listed = from;
	if (why == GTRACE_snap_REQUEST)
		ring->keep = ring->given - ring->full;
	pthread_cond_broadcast(&rec->room);
	pthread_mutex_unlock(&rec->lock);
}

/* ── what is there, to a file ─────────────────────────────────────────────────────────────────────
 */

/** That the trace begins in the middle, and where: unless it does not. */
static int dump_begin(struct gtrace_rec *rec, struct dump *d, const struct gtrace__clock *begin)
{
	struct gtrace__chunk chunk = {
		.kind = GTRACE__BEGIN,
		.first_ticks = begin->ticks,
		.last_ticks = begin->ticks,
		.clock = *begin,
	};
	char text[64];

	if (begin->ticks <= rec->start.ticks)
		return 0;
	int n = snprintf(text, sizeof(text), "ring=%llu\n",
	                 (unsigned long long)rec->ring.slots * GTRACE__SLOT_BYTES);

	return gtrace__file_chunk(&d->file, &chunk, text, (size_t)n);
}

/** Which batches are open and not empty.  Lock held.  NULL: no memory. */
static struct slot **dump_open_ones(struct gtrace_rec *rec, uint32_t *count)
{
	struct slot **open = calloc(rec->side.count + 1, sizeof(struct slot *));

	*count = 0;
	for (uint32_t i = 0; open && i < rec->side.count; i++) {
		struct gtrace__slot *head = rec->side.slots[i]->head;

		if (atomic_load_explicit(&head->state, memory_order_relaxed) == GTRACE__SLOT_OPEN &&
		    atomic_load_explicit(&head->used, memory_order_relaxed))
			open[(*count)++] = rec->side.slots[i];
	}
	return open;
}

/** The full ones from number `from` to before `to`, the first of which is slot. */
static int dump_full_ones(struct gtrace_rec *rec, struct dump *d, struct slot *slot, uint64_t from,
                          uint64_t to)
{
	int err = 0;

	while (from < to && !err) {
		err = gtrace__batch_write(&d->file, slot, UINT64_MAX, &slot->head->closed, &d->stats);
		pthread_mutex_lock(&rec->lock);
		slot = slot->next;
		rec->ring.keep = ++from;
		pthread_cond_broadcast(&rec->room);
		pthread_mutex_unlock(&rec->lock);
	}
	return err;
}

/** All batches, up to d->until; 0 stands for now.  The others go on. */
static int dump_batches(struct gtrace_rec *rec, struct dump *d)
{
	struct ring *ring = &rec->ring;
	uint32_t open_count;

	pthread_mutex_lock(&rec->lock);
	struct gtrace__clock now = gtrace__clock_now();
	struct gtrace__clock begin = ring->begin;
	struct slot **open = dump_open_ones(rec, &open_count);
	struct slot *oldest = rec->full;
	uint64_t to = ring->given;
	uint64_t from = to - ring->full;

	if (!d->until)
		d->until = now.ticks;
	ring->keep = from;
	pthread_mutex_unlock(&rec->lock);
	int err = open ? dump_begin(rec, d, &begin) : -ENOMEM;

	if (!err)
		err = dump_full_ones(rec, d, oldest, from, to);
	for (uint32_t i = 0; i < open_count && !err; i++)
		err = gtrace__batch_write(&d->file, open[i], d->until, &now, &d->stats);
	free(open);
	return err;
}

/* ── dumps ────────────────────────────────────────────────────────────────────────────────────────
 */

/** FILE.gtrace -> FILE.0001.gtrace.  Returns: the descriptor, or a negative errno. */
static int dump_create(struct gtrace_rec *rec, char path[REC_PATH_BYTES])
{
	int fd = -1;

	while (fd < 0 && rec->ring.number < DUMPS_MAX) {
		gtrace__numbered_path(rec, path, 4, ++rec->ring.number);
		fd = gtrace__other_create(rec, path, O_EXCL);
		if (fd < 0 && fd != -EEXIST)
			return fd;
	}
	return fd < 0 ? -EEXIST : fd;
}

/** One line of the end record. */
static void dump_reason(char *out, size_t cap, const char *reason)
{
	int n = snprintf(out, cap, "reason=%.400s", reason);

	for (int i = 0; i < n; i++) {
		if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
			out[i] = '?';
	}
	snprintf(out + n, cap - (size_t)n, "\n");
}

static int dump_write(struct gtrace_rec *rec, struct dump *d, int fd, enum gtrace_end end,
                      const char *reason)
{
	char more[512];
	int err = gtrace__file_open(&d->file, fd, rec->opt.zstd_level);

	dump_reason(more, sizeof(more), reason);
	if (!err)
		err = gtrace__header_write(rec, &d->file);
	if (!err)
		err = dump_batches(rec, d);
	if (!err)
		err = gtrace__end_write(&d->file, &d->stats, end, 0, more);
	gtrace__other_close(rec, &d->file);
	return err;
}

static int dump_take(struct gtrace_rec *rec, enum gtrace_end end, const char *reason,
                     char path[REC_PATH_BYTES])
{
	struct dump d = {0};
	char line[PATH_MAX + 256];

	gtrace__ring_list(rec, GTRACE_snap_REQUEST);
	int fd = dump_create(rec, path);
	int err = fd < 0 ? fd : dump_write(rec, &d, fd, end, reason);

	ring_keep(rec, RING_FREE);
	if (!err)
		return 0;
	if (fd >= 0) {
		unlink(path);
		rec->ring.number--;
	}
	snprintf(line, sizeof(line), "cannot write the dump '%s': %s; the recording goes on", path,
	         strerror(-err));
	if (rec->notify)
		rec->notify(line);
	return err;
}

int gtrace_rec_dump(struct gtrace_rec *rec, enum gtrace_end end, const char *reason, char *path,
                    size_t path_bytes)
{
	struct dump_request request = {
		.end = end,
		.reason = reason ? reason : "",
		.path = path,
		.path_bytes = path_bytes,
	};

	if (!rec || !rec->ring.slots)
		return -EINVAL;
	if (atomic_load_explicit(&rec->forked, memory_order_relaxed))
		return -ECANCELED;
	if (pthread_equal(pthread_self(), rec->thread))
		return -EDEADLK;
	pthread_mutex_lock(&rec->lock);
	if (rec->state == REC_RUNNING) {
		struct dump_request **p = &rec->ring.wanted;

		while (*p)
			p = &(*p)->next;
		*p = &request;
		gtrace__writer_wake(rec);
		while (!request.done)
			pthread_cond_wait(&rec->done, &rec->lock);
	} else {
		request.err = -ECANCELED;
	}
	pthread_mutex_unlock(&rec->lock);
	return request.err;
}

void gtrace_rec_dump_async(struct gtrace_rec *rec, const char *reason)
{
	int saved_errno = errno;

	if (rec->ring.slots && !atomic_load_explicit(&rec->forked, memory_order_relaxed)) {
		atomic_store_explicit(&rec->ring.async, reason, memory_order_release);
		gtrace__writer_wake(rec);
	}
	errno = saved_errno;
}

static void request_done(struct gtrace_rec *rec, struct dump_request *request, int err,
                         const char *path)
{
	pthread_mutex_lock(&rec->lock);
	request->err = err;
	if (request->path && request->path_bytes)
		snprintf(request->path, request->path_bytes, "%s", err ? "" : path);
	request->done = true;
	pthread_cond_broadcast(&rec->done);
	pthread_mutex_unlock(&rec->lock);
}

static struct dump_request *request_next(struct gtrace_rec *rec)
{
	pthread_mutex_lock(&rec->lock);
	struct dump_request *request = rec->ring.wanted;

	if (request)
		rec->ring.wanted = request->next;
	pthread_mutex_unlock(&rec->lock);
	return request;
}

/** To another process, by way of the sidecar. */
static void answer(struct gtrace_rec *rec, uint32_t asked, int err, const char *path)
{
	struct gtrace__side *page = rec->side.page;

	if (!err && strlen(path) >= sizeof(page->answer_path))
		err = -ENAMETOOLONG;
	snprintf(page->answer_path, sizeof(page->answer_path), "%s", err ? "" : path);
	page->answer_error = err;
	rec->ring.answered = asked;
	atomic_store_explicit(&page->answer, asked, memory_order_release);
	syscall(SYS_futex, &page->answer, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void gtrace__ring_work(struct gtrace_rec *rec)
{
	struct ring *ring = &rec->ring;
	char path[REC_PATH_BYTES];
	struct dump_request *request;

	pthread_mutex_lock(&rec->lock);
	bool due = ring->due;

	pthread_mutex_unlock(&rec->lock);
	if (due)
		gtrace__ring_list(rec, GTRACE_snap_PERIODIC);
	while ((request = request_next(rec)))
		request_done(rec, request, dump_take(rec, request->end, request->reason, path), path);
	const char *reason = atomic_exchange_explicit(&ring->async, NULL, memory_order_acquire);

	if (reason && !dump_take(rec, GTRACE_END_DUMP, reason, path) && rec->notify) {
		char line[PATH_MAX + 64];

		snprintf(line, sizeof(line), "wrote '%s'", path);
		rec->notify(line);
	}
	uint32_t asked = atomic_load_explicit(&rec->side.page->request, memory_order_acquire);

	if (asked != ring->answered) {
		int err = dump_take(rec, GTRACE_END_DUMP, "asked for by another process", path);

		answer(rec, asked, err, path);
	}
}

int gtrace__ring_finish(struct gtrace_rec *rec)
{
	struct dump d = {.file = rec->file, .until = rec->end_ticks};
	struct dump_request *request;

	while ((request = request_next(rec)))
		request_done(rec, request, -ECANCELED, "");
	int err = dump_batches(rec, &d);

	rec->file = d.file;
	pthread_mutex_lock(&rec->lock);
	rec->stats.batches += d.stats.batches;
	rec->stats.events += d.stats.events;
	rec->stats.raw_bytes += d.stats.raw_bytes;
	pthread_mutex_unlock(&rec->lock);
	uint32_t asked = atomic_load_explicit(&rec->side.page->request, memory_order_acquire);

	if (asked != rec->ring.answered)
		answer(rec, asked, -ECANCELED, "");
	return err;
}
