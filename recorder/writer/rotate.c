/* SPDX-License-Identifier: MIT */
/**
 * rotate.c: a recording in files of a bounded size.
 *
 * The file being written has the name that was asked for.  When it is full it is renamed, and a new
 * one takes its name.  Each is a trace of its own, whole from its first moment to its last: a batch
 * uses nothing that another defines, and all but the first begin with a list of all goroutines.
 *
 *   S1  Each record is in one file and no other.
 *   S2  With a record, all that led to it is in the same file or in older ones.
 *
 * The cut.  Full batches go to the old file as they are.  Of an open one, which its thread goes on
 * filling, the records that are there now and not later than the cut go to the old file, and the
 * batch goes to the new one as a whole, once it is full; the new file's begin chunk says how many
 * of its records are not new.  That is S1.  For S2: a record is published before anybody can act on
 * what it says, and the clock of the cut is read before any batch is looked at:
 *
 *     A publishes c ──▶ B sees what c says ──▶ B reads the clock for e ──▶ B publishes e
 *
 * If e is in the old file its time is not later than the cut, so c was published before that, and
 * is there too.  By the published bytes alone, c of a batch looked at early could be missed and e
 * of one looked at late be met; by time alone, a record stamped before the cut and published after
 * it would be in no file.
 *
 * A kill at any moment loses nothing:
 *
 *     1 the full batches, to the old file     each is in the file or in the sidecar, as ever
 *     2 a list of goroutines                  in the sidecar: it is later than the cut
 *     3 NEXT: header and begin chunk          a file that means nothing yet
 *     4 the open ones, and the end            a reader takes what a slot has beyond the file
 *     5 link OLD to its number                two names of one file
 *     6 rename NEXT to OLD                    now the sidecar is the new file's
 *
 * Rejected: closing the open batches.  Their threads would have to look for that at every event.
 * Cutting the batch in its slot, too: three more words in the slot, and a second id in the sidecar
 * for the moment when nobody can tell whose it is.
 */
#include "writer/rec.h"

#include "clock.h"
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Where a stream was at the cut. */
struct piece {
	uint64_t thread;
	uint64_t seq;     // of its open batch; or of the next one, if it waits for a slot
	uint64_t records; // of that, the old file's
	struct slot slot; // head: a copy, since overflow=drop may empty the batch; NULL: it has none
};

struct cut {
	struct gtrace__clock at;
	struct slot *full; // the old file's
	struct piece *pieces;
	uint32_t count;
};

int gtrace__rotate_init(struct gtrace_rec *rec)
{
	struct rotate *rotate = &rec->rotate;

	if (!rec->opt.keep)
		rec->opt.keep = 1;
	rotate->kept = calloc(rec->opt.keep, sizeof(*rotate->kept));
	if (!rotate->kept)
		return -ENOMEM;
	rotate->at = rec->opt.rotate_bytes;
	rotate->part = 1;
	return 0;
}

void gtrace__rotate_release(struct gtrace_rec *rec)
{
	free(rec->rotate.kept);
}

/* ── the cut ──────────────────────────────────────────────────────────────────────────────────────
 */

/** Lock held.  Returns: 0 or -ENOMEM. */
static int piece_take(struct piece *piece, const struct stream *s)
{
	*piece = (struct piece){.thread = s->pub.number, .seq = s->seq + !s->slot};
	if (!s->slot)
		return 0;
	uint32_t used = atomic_load_explicit(&s->slot->head->used, memory_order_acquire);
	struct gtrace__slot *head = malloc(GTRACE__SLOT_HEADER + used);

	if (!head)
		return -ENOMEM;
	memcpy(head, s->slot->head, GTRACE__SLOT_HEADER);
	memcpy((uint8_t *)head + GTRACE__SLOT_HEADER, gtrace__slot_base(s->slot), used);
	atomic_store_explicit(&head->used, used, memory_order_relaxed);
	piece->slot.head = head;
	return 0;
}

static void piece_cut(struct piece *piece, uint64_t until)
{
	struct gtrace__slot *head = piece->slot.head;

	if (!head)
		return;
	uint32_t used = atomic_load_explicit(&head->used, memory_order_relaxed);

	struct gtrace__span span = gtrace__skim(gtrace__shapes(), gtrace__slot_base(&piece->slot), used,
	                                        head->first_ticks, until);

	piece->records = span.events;
	atomic_store_explicit(&head->used, (uint32_t)span.bytes, memory_order_relaxed);
}

/** Lock held.  Returns: 0 or -ENOMEM. */
static int cut_streams(struct gtrace_rec *rec, struct cut *cut)
{
	const struct stream *first = atomic_load_explicit(&rec->streams, memory_order_relaxed);
	size_t n = 1;

	for (const struct stream *s = first; s; s = s->next)
		n++;
	cut->pieces = calloc(n, sizeof(*cut->pieces));
	if (!cut->pieces)
		return -ENOMEM;
	for (const struct stream *s = first; s; s = s->next) {
		if (piece_take(&cut->pieces[cut->count], s))
			return -ENOMEM;
		cut->count++;
	}
	return 0;
}

/** Returns: 0, -ECANCELED the recording is being closed, or -ENOMEM. */
static int cut_make(struct gtrace_rec *rec, struct cut *cut)
{
	int err = -ECANCELED;

	pthread_mutex_lock(&rec->lock);
	if (rec->state == REC_RUNNING) {
		cut->at = gtrace__clock_now();
		err = cut_streams(rec, cut);
	}
	if (!err) {
		cut->full = rec->full;
		rec->full = NULL;
		rec->full_tail = &rec->full;
	}
	pthread_mutex_unlock(&rec->lock);
	for (uint32_t i = 0; i < cut->count; i++)
		piece_cut(&cut->pieces[i], cut->at.ticks);
	return err;
}

static void cut_release(struct cut *cut)
{
	for (uint32_t i = 0; i < cut->count; i++)
		free(cut->pieces[i].slot.head);
	free(cut->pieces);
}

/* ── the two files ────────────────────────────────────────────────────────────────────────────────
 */

/** Which part it is, where it begins, and what of its batches is older. */
static int begin_write(const struct gtrace_rec *rec, struct gtrace__file *f, const struct cut *cut)
{
	struct gtrace__chunk chunk = {
		.kind = GTRACE__BEGIN,
		.first_ticks = cut->at.ticks,
		.last_ticks = cut->at.ticks,
		.clock = cut->at,
	};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	fprintf(out, "part=%u\n", rec->rotate.part + 1);
	for (uint32_t i = 0; i < cut->count; i++) {
		const struct piece *piece = &cut->pieces[i];

		fprintf(out, "from=%llu %llu %llu\n", (unsigned long long)piece->thread,
		        (unsigned long long)piece->seq, (unsigned long long)piece->records);
	}
	int err = fclose(out) ? -ENOMEM : gtrace__file_chunk(f, &chunk, text, len);

	free(text);
	return err;
}

/** The new file, under a name of its own. */
static int next_create(struct gtrace_rec *rec, const char *path, const struct cut *cut,
                       struct gtrace__file *f)
{
	int fd = gtrace__other_create(rec, path, O_TRUNC);
	int err = fd < 0 ? fd : gtrace__file_open(f, fd, rec->opt.zstd_level);

	if (!err)
		err = gtrace__header_write(rec, f);
	if (!err)
		err = begin_write(rec, f, cut);
	if (err && fd >= 0) {
		gtrace__other_close(rec, f);
		unlink(path);
	}
	return err;
}

/** What was open, and the end record, which counts what is in this file. */
static int old_finish(struct gtrace_rec *rec, const struct cut *cut)
{
	struct rec_stats stats = {0};
	int err = 0;

	for (uint32_t i = 0; i < cut->count && !err; i++) {
		if (cut->pieces[i].slot.head)
			err =
				gtrace__batch_write(&rec->file, &cut->pieces[i].slot, UINT64_MAX, &cut->at, &stats);
	}
	pthread_mutex_lock(&rec->lock);
	stats.batches += rec->stats.batches;
	stats.events += rec->stats.events;
	stats.raw_bytes += rec->stats.raw_bytes;
	stats.stalls = rec->stats.stalls;
	stats.stall_ns = rec->stats.stall_ns;
	stats.lost_events = rec->stats.lost_events;
	stats.lost_batches = rec->stats.lost_batches;
	rec->stats = (struct rec_stats){0};
	pthread_mutex_unlock(&rec->lock);
	return err ? err : gtrace__end_write(&rec->file, &stats, GTRACE_END_ROTATED, 0, "");
}

/** The old file gets its number, and the new one its name.  Nothing is overwritten. */
static int names_exchange(struct gtrace_rec *rec, const char *next)
{
	char path[REC_PATH_BYTES];
	int err;

	do {
		gtrace__numbered_path(rec, path, 6, ++rec->rotate.number);
		err = link(rec->base, path) ? -errno : 0;
	} while (err == -EEXIST);
	if (err && !access(path, F_OK)) // a file system without links, which need not say so first
		return -EEXIST;
	if (err && rename(rec->base, path))
		return -errno;
	return rename(next, rec->base) ? -errno : 0;
}

static void oldest_delete(struct gtrace_rec *rec)
{
	struct rotate *rotate = &rec->rotate;
	unsigned *place = &rotate->kept[rotate->kept_at];
	char path[REC_PATH_BYTES];

	// The newest file counts as one: with `keep` numbers behind it one is too many.
	*place = rotate->number;
	rotate->kept_at = (rotate->kept_at + 1) % rec->opt.keep;
	place = &rotate->kept[rotate->kept_at];
	if (!*place)
		return;
	gtrace__numbered_path(rec, path, 6, *place);
	unlink(path);
	*place = 0;
}

/** The recording goes on in the new file. */
static void file_exchange(struct gtrace_rec *rec, const struct gtrace__file *next)
{
	struct gtrace__file old = rec->file;

	gtrace__recs_lock();
	rec->file = *next;
	rec->other_fd = -1;
	gtrace__file_close(&old);
	gtrace__recs_unlock();
	rec->rotate.part++;
	rec->rotate.at = rec->opt.rotate_bytes;
}

/** Without a new file the old one grows; it is tried again when it has grown as much once more. */
static void next_failed(struct gtrace_rec *rec, const char *path, int err)
{
	char line[REC_PATH_BYTES + 128];

	rec->rotate.at = rec->file.bytes + rec->opt.rotate_bytes;
	snprintf(line, sizeof(line), "cannot begin '%s': %s; the recording goes on in one file", path,
	         strerror(-err));
	if (!rec->rotate.told && rec->notify)
		rec->notify(line);
	rec->rotate.told = true;
}

static void rotate(struct gtrace_rec *rec, const struct cut *cut)
{
	char path[REC_PATH_BYTES];
	struct gtrace__file next = {.fd = -1};

	for (struct slot *slot = cut->full, *after; slot; slot = after) {
		after = slot->next;
		gtrace__writer_full(rec, slot);
	}
	if (gtrace__rec_failed(rec))
		return;
	gtrace__keyframe_write(rec, GTRACE_snap_PERIODIC, rec->opt.rotate_bytes, "file");
	snprintf(path, sizeof(path), "%s.next", rec->base);
	int err = next_create(rec, path, cut, &next);

	if (err) {
		next_failed(rec, path, err);
		return;
	}
	err = old_finish(rec, cut);
	if (!err)
		err = names_exchange(rec, path);
	if (err) {
		gtrace__other_close(rec, &next);
		unlink(path);
		gtrace__writer_fail(rec, err);
		return;
	}
	file_exchange(rec, &next);
	oldest_delete(rec);
}

void gtrace__rotate_work(struct gtrace_rec *rec)
{
	struct cut cut = {0};

	if (!rec->rotate.at || rec->file.bytes < rec->rotate.at || gtrace__rec_failed(rec))
		return;
	if (!cut_make(rec, &cut))
		rotate(rec, &cut);
	cut_release(&cut);
}
