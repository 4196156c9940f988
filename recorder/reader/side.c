/* SPDX-License-Identifier: MIT */
/**
 * side.c: what a killed program, or one that still runs, has in its sidecar.
 *
 * It is read into memory before the file is: a batch that the writer thread moves to the file
 * meanwhile is then met twice, and not missed.  Nothing in it is trusted: it may be of another run,
 * or change while it is read.
 */
#include "reader/reader.h"

#include "reader/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOT_BYTES_MAX (1u << 20)

struct side_slot {
	struct gtrace__slot head;
	uint64_t offset;
	uint8_t *payload;
	uint32_t len;
};

struct side {
	struct gtrace__side page;
	uint64_t bytes;
	struct side_slot *slots;
	size_t count;
};

static bool page_sound(const struct gtrace__side *p)
{
	return !memcmp(p->magic, GTRACE__SIDE_MAGIC, sizeof(p->magic)) &&
	       p->major == GTRACE_FORMAT_MAJOR && p->header_bytes >= GTRACE__SIDE_PLAIN &&
	       p->slot_header_bytes >= GTRACE__SLOT_HEADER && p->slot_bytes <= SLOT_BYTES_MAX &&
	       p->slot_bytes > p->slot_header_bytes;
}

static bool slot_head(int fd, uint64_t offset, struct gtrace__slot *head)
{
	return gtrace__source_read(fd, offset, head, sizeof(*head)) == sizeof(*head) &&
	       head->magic == GTRACE__SLOT_MAGIC && head->thread && head->seq &&
	       (head->state == GTRACE__SLOT_OPEN || head->state == GTRACE__SLOT_FULL);
}

/** Copy one slot if it holds a batch, and still the same one after copying.  Returns: 0 or -ENOMEM.
 */
static int slot_load(struct side *side, int fd, uint64_t offset)
{
	struct side_slot *s = &side->slots[side->count];
	struct gtrace__slot again;
	uint32_t room = side->page.slot_bytes - side->page.slot_header_bytes;

	if (!slot_head(fd, offset, &s->head) || s->head.used > room ||
	    (!s->head.used && !s->head.lost_batches))
		return 0;
	s->offset = offset;
	s->len = s->head.used;
	s->payload = malloc(s->len + 1);
	if (!s->payload)
		return -ENOMEM;
	int64_t n = gtrace__source_read(fd, offset + side->page.slot_header_bytes, s->payload, s->len);

	if (n != s->len || !slot_head(fd, offset, &again) || again.thread != s->head.thread ||
	    again.seq != s->head.seq || again.used < s->head.used) {
		free(s->payload);
		return 0;
	}
	side->count++;
	return 0;
}

static int slots_load(struct side *side, int fd)
{
	uint64_t count = side->page.slot_count;
	int err = 0;

	if (count > GTRACE__SLOT_COUNT_MAX)
		count = GTRACE__SLOT_COUNT_MAX;
	side->slots = calloc(count + 1, sizeof(*side->slots));
	if (!side->slots)
		return -ENOMEM;
	for (uint64_t i = 0; i < count && !err; i++)
		err = slot_load(side, fd, side->page.header_bytes + i * side->page.slot_bytes);
	return err;
}

int gtrace__side_load(struct side **out, const char *path)
{
	struct side *side = calloc(1, sizeof(*side));
	int fd = side ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	int err = side ? 0 : -ENOMEM;
	struct stat st;

	*out = NULL;
	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    gtrace__source_read(fd, 0, &side->page, sizeof(side->page)) >= GTRACE__SIDE_PLAIN &&
	    page_sound(&side->page)) {
		side->bytes = (uint64_t)st.st_size;
		err = slots_load(side, fd);
		if (!err) {
			*out = side;
			side = NULL; // the caller's now
		}
	}
	gtrace__side_free(side);
	if (fd >= 0)
		close(fd);
	return err;
}

void gtrace__side_free(struct side *side)
{
	if (!side)
		return;
	for (size_t i = 0; i < side->count; i++)
		free(side->slots[i].payload);
	free(side->slots);
	free(side);
}

/** The batch of that number, or NULL. */
static struct batch *batch_find(struct cursor *c, uint64_t seq)
{
	for (size_t i = c->batch_count; i-- > 0;) { // it would be among the last
		if (c->batch[i].seq == seq)
			return &c->batch[i];
	}
	return NULL;
}

/** Is a batch's payload sound in the file?  Few are in both places.  Returns: 0, -EBADMSG if not,
 * or a negative errno. */
static int payload_check(struct gtrace_reader *r, const struct batch *b)
{
	struct buffer payload = {0};
	int err = gtrace__batch_read(r, &r->frame, b, &payload);

	free(payload.bytes);
	return err;
}

/** Is all that the slot has in the file?  Of what came behind the end of the recording, nothing
 * counts.  Returns: likewise. */
static int in_file(struct gtrace_reader *r, const struct batch *b, const struct batch *slot)
{
	if (b->events < slot->events && !r->has_end)
		return -EBADMSG;
	return payload_check(r, b);
}

static int slot_merge(struct side_slot *s, struct gtrace_reader *r)
{
	struct gtrace__span span =
		gtrace__skim(r->shape, s->payload, s->len, s->head.first_ticks, UINT64_MAX);
	struct cursor *c = gtrace__cursor_get(r, s->head.thread);
	struct batch b = {
		.offset = s->offset,
		.seq = s->head.seq,
		.first_ticks = s->head.first_ticks,
		.last_ticks = span.last_ticks,
		.g = s->head.g,
		.events = span.events,
		.lost_events = s->head.lost_events,
		.lost_batches = s->head.lost_batches,
		.generation = s->head.generation,
		.raw_bytes = s->len,
		.memory = s->payload,
	};

	if (!c)
		return -ENOMEM;
	struct batch *same = batch_find(c, b.seq);

	int err = same && !same->memory ? in_file(r, same, &b) : 0;

	if (same && err != -EBADMSG)
		return err;
	s->payload = NULL; // the batch owns it now
	if (same) {
		*same = b;
		return 0;
	}
	err = gtrace__batch_add(r, s->head.thread, &b);
	if (err)
		free(b.memory);
	return err;
}

int gtrace__side_merge(struct side *side, struct gtrace_reader *r)
{
	int err = 0;

	if (r->has_id && r->id != side->page.id)
		return 0; // of another run
	// The file was full, and the recording was killed before the next one had its name.
	if (r->info.end == GTRACE_END_ROTATED) {
		r->info.end = GTRACE_END_CUT;
		r->has_end = false;
	}
	if (!r->has_start) {
		r->start = side->page.start;
		r->has_start = true;
	}
	if (side->page.header_bytes >= GTRACE__SIDE_RING && side->page.ring)
		gtrace__begin_take(r, &side->page.begin[side->page.begin_index & 1]);
	if (!r->header) {
		r->timeline.exact = side->page.clock_os;
		r->timeline.shift = side->page.tick_shift & 31;
	}
	err = gtrace__timeline_add(&r->timeline, &side->page.last[side->page.last_index & 1]);
	for (size_t i = 0; i < side->count && !err; i++)
		err = slot_merge(&side->slots[i], r);
	if (!r->has_end && side->page.end_signal) {
		r->info.end = GTRACE_END_SIGNAL;
		r->info.end_code = (int)(side->page.end_signal & 0xff);
	}
	r->info.sidecar = true;
	r->info.file_bytes += side->bytes;
	return err;
}
