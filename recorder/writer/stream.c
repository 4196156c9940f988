/* SPDX-License-Identifier: MIT */
/**
 * stream.c: a thread's batches.
 *
 * A batch is a slot of the sidecar.  Its life, and who may touch it:
 *
 *   FREE ──owner, rec->lock──▶ OPEN ──owner, rec->lock──▶ FULL ──writer thread──▶ FREE
 *
 *   I1  Bytes below the slot's `used` are whole records and are never changed while it is OPEN or
 *       FULL.  The owner alone appends; anyone may read below an acquire load of `used`.
 *   I2  Only drop mode empties an OPEN slot, under rec->lock and while the recording is RUNNING;
 *       the end of a recording reads OPEN slots after it has left RUNNING.  So I1 holds for it.
 *   I3  A dead stream has no slot and its site set is of no account: nobody will read what it says.
 *
 * Sites and stacks: a batch's generation defines each it uses once per stream.  The set of those is
 * cleared when a batch of a new generation is opened, and when a batch that may hold definitions is
 * dropped.
 */
#include "writer/rec.h"

#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct stream *stream_of(struct gtrace_stream *s)
{
	return (struct stream *)s;
}

_Static_assert(GTRACE__SLOT_HEADER - offsetof(struct gtrace__slot, used) == GTRACE_USED_BEFORE,
               "gtrace_emit.h knows where it is");

/** What comes next goes to so many bytes at base. */
static void stream_aim(struct stream *s, uint8_t *base, size_t bytes)
{
	s->pub.base = base;
	s->pub.pos = base;
	s->end = base + bytes - STREAM_MARGIN;
	s->pub.limit = GTRACE_TSC && gtrace_clock_os ? base : s->end;
}

void gtrace__stream_kill(struct stream *s)
{
	s->slot = NULL;
	stream_aim(s, s->dead + GTRACE__SLOT_HEADER, STREAM_DEAD);
}

/** What was defined counts no more. */
static void sites_forget(struct stream *s)
{
	memset(s->seen, 0, sizeof(s->seen));
	memset(s->far, 0, sizeof(s->far));
	s->far_count = 0;
	if (s->stacks)
		memset(s->stacks, 0, STREAM_STACKS * sizeof *s->stacks);
}

static void record_end(struct gtrace_stream *pub, uint8_t *p)
{
	pub->pos = p;
	gtrace_publish(pub, p);
}

/** A batch that is read without those before it begins with what its thread is. */
static void batch_introduce(struct stream *s)
{
	uint8_t *p = s->pub.pos;

	*p++ = GTRACE_THREAD_START;
	*p++ = 0;
	p = gtrace_put(p, s->kind);
	p = gtrace_put(p, s->tid);
	record_end(&s->pub, p);
}

/** Begin the next batch in the slot.  Lock held. */
static void batch_open(struct stream *s, struct slot *slot, uint64_t lost_events,
                       uint64_t lost_batches)
{
	struct gtrace__slot *head = slot->head;
	uint32_t generation = atomic_load_explicit(&s->pub.rec->generation, memory_order_relaxed);

	// Whoever reads a killed program's sidecar must not take the old bytes for the new batch.
	// An exchange, since nothing below may be stored before it.
	atomic_exchange_explicit(&head->state, GTRACE__SLOT_FREE, memory_order_acq_rel);
	atomic_store_explicit(&head->used, 0, memory_order_relaxed);
	if (generation != s->generation || lost_batches || s->pub.rec->apart)
		sites_forget(s);
	s->generation = generation;
	s->seq++;
	head->generation = generation;
	head->thread = s->pub.number;
	head->seq = s->seq;
	head->first_ticks = s->pub.ticks;
	head->g = s->pub.g;
	head->lost_events = lost_events;
	head->lost_batches = lost_batches;
	slot->owner = s;
	s->slot = slot;
	stream_aim(s, gtrace__slot_base(slot), GTRACE__SLOT_BYTES - GTRACE__SLOT_HEADER);
	memset(s->pub.last, 0, sizeof(s->pub.last));
	if (s->pub.rec->apart && s->seq > 1)
		batch_introduce(s);
	atomic_store_explicit(&head->state, GTRACE__SLOT_OPEN, memory_order_release);
}

/**
 * A slot for one more batch, from the free ones or from a longer sidecar.  Lock held.  NULL: not
 * now; *err, if not NULL, is why the sidecar cannot be longer.
 */
static struct slot *slot_take(struct gtrace_rec *rec, struct stream *s, int *err)
{
	int ignored;

	if (rec->ring.slots)
		return gtrace__ring_slot(rec, s);
	if (s->held >= s->held_max && !gtrace__keyframe_own(s))
		return NULL;
	struct slot *slot = rec->free;

	if (slot)
		rec->free = slot->next;
	else
		slot = gtrace__sidecar_grow(&rec->side, err ? err : &ignored);
	if (slot)
		s->held++;
	return slot;
}

/** Give the stream's batch to the writer thread, or back if there is nothing in it.  Lock held. */
static void batch_give(struct gtrace_rec *rec, struct stream *s)
{
	struct slot *slot = s->slot;
	struct gtrace__slot *head = slot->head;

	s->slot = NULL;
	slot->next = NULL;
	if (!atomic_load_explicit(&head->used, memory_order_relaxed) && !head->lost_batches) {
		atomic_store_explicit(&head->state, GTRACE__SLOT_FREE, memory_order_release);
		slot->next = rec->free;
		rec->free = slot;
		s->held--;
		s->seq--;
		pthread_cond_broadcast(&rec->room);
		return;
	}
	if (rec->ring.slots)
		gtrace__ring_closed(rec, slot);
	atomic_store_explicit(&head->state, GTRACE__SLOT_FULL, memory_order_release);
	*rec->full_tail = slot;
	rec->full_tail = &slot->next;
	rec->full_count++;
}

/** Throw the stream's batch away and fill its slot anew.  Lock held, keeps I2. */
static void batch_drop(struct gtrace_rec *rec, struct stream *s)
{
	struct slot *slot = s->slot;
	struct gtrace__slot *head = slot->head;
	struct gtrace__span span =
		gtrace__skim(gtrace__shapes(), s->pub.base, (size_t)(s->pub.pos - s->pub.base),
	                 head->first_ticks, UINT64_MAX);

	rec->stats.lost_events += span.events;
	rec->stats.lost_batches++;
	batch_open(s, slot, head->lost_events + span.events, head->lost_batches + 1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/** Wait until there is a slot or the recording has ended.  Lock held; given up while waiting. */
static struct slot *slot_wait(struct gtrace_rec *rec, struct stream *s)
{
	struct slot *slot = slot_take(rec, s, NULL);

	if (slot)
		return slot;
	uint64_t start = now_ns();

	rec->stats.stalls++;
	s->stalls = true;
	while (rec->state == REC_RUNNING && !gtrace__keyframe_own(s) &&
	       !(slot = slot_take(rec, s, NULL)))
		pthread_cond_wait(&rec->room, &rec->lock);
	s->stalls = false;
	rec->stats.stall_ns += now_ns() - start;
	return slot;
}

bool gtrace_rec_stalls(struct gtrace_rec *rec, uint64_t stream)
{
	bool stalls = false;

	pthread_mutex_lock(&rec->lock);
	for (struct stream *s = atomic_load_explicit(&rec->streams, memory_order_relaxed); s;
	     s = s->next)
		stalls |= s->stalls && s->pub.number == stream;
	pthread_mutex_unlock(&rec->lock);
	return stalls;
}

static void stream_next(struct stream *s)
{
	struct gtrace_rec *rec = s->pub.rec;
	struct slot *slot = NULL;

	if (!s->slot) {
		gtrace__stream_kill(s);
		return;
	}
	pthread_mutex_lock(&rec->lock);
	if (rec->state != REC_RUNNING)
		goto out;
	if (rec->ring.slots) {
		batch_give(rec, s);
		slot = gtrace__ring_slot(rec, s);
	} else if (rec->opt.drop) {
		slot = slot_take(rec, s, NULL);
		if (!slot) {
			batch_drop(rec, s);
			pthread_mutex_unlock(&rec->lock);
			return;
		}
		batch_give(rec, s);
		gtrace__writer_wake(rec);
	} else if (gtrace__keyframe_own(s) && rec->keyframes.drains) {
		batch_give(rec, s);
		pthread_mutex_unlock(&rec->lock);
		gtrace__writer_drain(rec);
		pthread_mutex_lock(&rec->lock);
		slot = slot_take(rec, s, NULL);
	} else {
		batch_give(rec, s);
		gtrace__writer_wake(rec);
		slot = slot_wait(rec, s);
	}
	if (slot)
		batch_open(s, slot, 0, 0);
out:
	pthread_mutex_unlock(&rec->lock);
	if (!slot)
		gtrace__stream_kill(s); // an open slot stays as it is: the end of the recording reads it
}

static struct stream *stream_alloc(struct gtrace_rec *rec)
{
	struct stream *s = rec->free_streams;

	if (s) {
		rec->free_streams = s->next_free;
		return s;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->pub.rec = rec;
	s->pub.site_seen = s->seen;
	s->shapes = gtrace__shapes();
	s->held_max = (unsigned)(rec->opt.buffer_bytes / GTRACE__SLOT_BYTES);
	if (s->held_max < 2)
		s->held_max = 2;
	s->next = atomic_load_explicit(&rec->streams, memory_order_relaxed);
	atomic_store_explicit(&rec->streams, s, memory_order_release);
	return s;
}

/** A slot for a new stream, if need be once the writer thread has emptied one.  Lock held. */
static struct slot *slot_first(struct gtrace_rec *rec, struct stream *s, int *err)
{
	// A former owner's batches may still be on their way: they do not count against this one.
	unsigned held = s->held;
	struct slot *slot;

	s->held = 0;
	while (!(slot = slot_take(rec, s, err)) && rec->state == REC_RUNNING && rec->full_count &&
	       !gtrace__keyframe_own(s))
		pthread_cond_wait(&rec->room, &rec->lock);
	s->held += held;
	if (!slot) {
		s->next_free = rec->free_streams;
		rec->free_streams = s;
		gtrace__stream_kill(s);
	}
	return slot;
}

struct gtrace_stream *gtrace_stream_new(struct gtrace_rec *rec, unsigned kind, uint64_t tid)
{
	struct stream *s = NULL;
	struct slot *slot = NULL;

	if (!rec || atomic_load_explicit(&rec->forked, memory_order_relaxed))
		return NULL;
	pthread_mutex_lock(&rec->lock);
	bool running = rec->state == REC_RUNNING;
	int err = -ENOMEM;

	if (running)
		s = stream_alloc(rec);
	if (s) {
		s->kind = kind;
		s->tid = tid;
		slot = slot_first(rec, s, &err);
	}
	if (slot) {
		s->pub.number = ++rec->stream_count;
		rec->stream_used += kind != GTRACE_thread_kind_RECORDER;
		s->pub.g = 0;
		s->pub.ticks = gtrace_ticks();
		s->seq = 0;
		sites_forget(s);
		batch_open(s, slot, 0, 0);
	}
	pthread_mutex_unlock(&rec->lock);
	if (!slot) {
		// What is said of the other threads would not fit together without this one.
		if (running)
			gtrace__rec_fail(rec, rec->side_path, err);
		return NULL;
	}
	GTRACE_EMIT(&s->pub, THREAD_START, kind, tid);
	return &s->pub;
}

void gtrace_stream_end(struct gtrace_stream *pub)
{
	if (!pub)
		return;
	struct stream *s = stream_of(pub);
	struct gtrace_rec *rec = pub->rec;

	if (atomic_load_explicit(&rec->forked, memory_order_relaxed))
		return;
	GTRACE_EMIT(pub, THREAD_END);
	pthread_mutex_lock(&rec->lock);
	if (s->slot && rec->state == REC_RUNNING) {
		batch_give(rec, s);
		if (!rec->ring.slots)
			gtrace__writer_wake(rec);
	}
	gtrace__stream_kill(s);
	s->next_free = rec->free_streams;
	rec->free_streams = s;
	rec->stream_used -= s->kind != GTRACE_thread_kind_RECORDER;
	pthread_mutex_unlock(&rec->lock);
}

/* ── text ── */

bool gtrace__stream_room(struct stream *s, size_t bytes)
{
	if (s->slot && s->pub.pos + bytes >= s->end)
		stream_next(s);
	return s->slot != NULL;
}

/** The beginning of a record: id and time. */
static uint8_t *record_begin(struct gtrace_stream *pub, uint64_t ticks, enum gtrace_event_id id)
{
	uint8_t *p = pub->pos;
	uint64_t dt = ticks > pub->ticks ? ticks - pub->ticks : 0;

	pub->ticks += dt;
	*p++ = (uint8_t)id;
	return gtrace_put(p, dt);
}

static inline uint8_t *number_put(struct gtrace_stream *pub, const struct gtrace__shape *shape,
                                  unsigned i, uint8_t *p, uint64_t v)
{
	uint64_t *last = gtrace__last_of(pub->last, shape, i);

	return last ? gtrace__put_delta(p, last, v) : gtrace_put(p, v);
}

/** A record without texts.  There is room, and in this batch, once gtrace_site_number() was called.
 */
static void numbers_put(struct gtrace_stream *pub, uint64_t ticks, enum gtrace_event_id id,
                        const uint64_t *args)
{
	const struct gtrace__shape *shape = &stream_of(pub)->shapes[id];

	if (!gtrace__stream_room(stream_of(pub), 0))
		return;
	uint8_t *p = record_begin(pub, ticks, id);

	for (unsigned i = 0; i < shape->nargs; i++)
		p = number_put(pub, shape, i, p, args[i]);
	record_end(pub, p);
}

void gtrace_stream_text_at(struct gtrace_stream *pub, uint64_t ticks, enum gtrace_event_id id,
                           const uint64_t *args, const char *const *strs, const size_t *lens)
{
	const struct gtrace__shape *shape = &stream_of(pub)->shapes[id];
	size_t len[GTRACE_ARGS_MAX];
	size_t bytes = STREAM_MARGIN;
	unsigned n = (unsigned)__builtin_popcount(shape->bytes);

	if (n == 0) {
		numbers_put(pub, ticks, id, args);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		len[i] = !strs || !strs[i] ? 0 : lens ? lens[i] : strlen(strs[i]);
		if (len[i] > GTRACE__TEXT_ARG_MAX)
			len[i] = GTRACE__TEXT_ARG_MAX;
		bytes += len[i];
	}
	if (!gtrace__stream_room(stream_of(pub), bytes))
		return;
	uint8_t *p = record_begin(pub, ticks, id);

	n = 0;
	for (unsigned i = 0; i < shape->nargs; i++) {
		if (!(shape->bytes >> i & 1)) {
			p = number_put(pub, shape, i, p, args[i]);
			continue;
		}
		p = gtrace_put(p, len[n]);
		memcpy(p, len[n] ? strs[n] : "", len[n]);
		p += len[n++];
	}
	record_end(pub, p);
}

void gtrace_stream_text(struct gtrace_stream *pub, enum gtrace_event_id id, const uint64_t *args,
                        const char *const *strs, const size_t *lens)
{
	gtrace_stream_text_at(pub, gtrace_ticks(), id, args, strs, lens);
}

/* ── sites ── */

/** True if the far site was known; it is now.  The set is emptied when it is nearly full. */
static bool far_seen(struct stream *s, uint64_t number)
{
	size_t i = (size_t)(number * 0x9E3779B97F4A7C15u >> 56) % STREAM_FAR;

	while (s->far[i]) {
		if (s->far[i] == number + 1)
			return true;
		i = (i + 1) % STREAM_FAR;
	}
	if (s->far_count >= STREAM_FAR * 3 / 4) {
		memset(s->far, 0, sizeof(s->far));
		s->far_count = 0;
	}
	s->far[i] = number + 1;
	s->far_count++;
	return false;
}

static bool site_seen(struct stream *s, uint64_t number)
{
	uint64_t near = number + GTRACE_SITE_NEAR / 2;

	if (near >= GTRACE_SITE_NEAR)
		return far_seen(s, number);
	uint64_t bit = UINT64_C(1) << (near & 63);
	bool seen = s->seen[near >> 6] & bit;

	s->seen[near >> 6] |= bit;
	return seen;
}

uint64_t gtrace_stream_site(struct gtrace_stream *pub, const struct gtrace_site *site)
{
	uint64_t number = (uint64_t)(((const char *)site - gtrace_site_anchor) >> 3);
	const char *strs[GTRACE_ARGS_MAX] = {site->file, site->func, site->text};
	const uint64_t args[GTRACE_ARGS_MAX] = {number, site->line, site->op};
	struct stream *s = stream_of(pub);
	size_t bytes = 2 * STREAM_MARGIN;

	for (int i = 0; i < 3; i++) {
		size_t len = strlen(strs[i]);

		bytes += len < GTRACE__TEXT_ARG_MAX ? len : GTRACE__TEXT_ARG_MAX;
	}
	// The definition and the event that needs it go into one batch, and so into one generation.
	if (gtrace__stream_room(s, bytes) && !site_seen(s, number))
		gtrace_stream_text_at(pub, pub->ticks, GTRACE_SITE, args, strs, NULL);
	return number;
}
