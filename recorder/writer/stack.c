/* SPDX-License-Identifier: MIT */
/** stack.c: stacks in a stream, each written once in a generation. */
#include "writer/rec.h"

#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define STACK_FRAMES_MAX 128
#define PC_BYTES_MAX 10

/** Program counters as the record has them.  Returns: how many bytes. */
static size_t stack_encode(uint8_t *to, const uint64_t *pcs, unsigned n)
{
	uint8_t *p = to;

	for (unsigned i = 0; i < n; i++)
		p = gtrace_put(p, gtrace_zigzag((int64_t)(pcs[i] - (i ? pcs[i - 1] : 0))));
	return (size_t)(p - to);
}

/** The place of a stack in the stream's table; NULL: it has none. */
static struct stack_seen *stack_place(struct stream *s, uint64_t hash)
{
	if (!s->stacks)
		s->stacks = calloc(STREAM_STACKS, sizeof *s->stacks);
	return s->stacks ? &s->stacks[hash % STREAM_STACKS] : NULL;
}

uint64_t gtrace_stream_stack(struct gtrace_stream *pub, const uint64_t *pcs, unsigned n)
{
	uint8_t bytes[STACK_FRAMES_MAX * PC_BYTES_MAX];
	struct stream *s = (struct stream *)pub;

	n = n < STACK_FRAMES_MAX ? n : STACK_FRAMES_MAX;
	if (n == 0)
		return 0;
	uint64_t hash = XXH3_64bits(pcs, n * sizeof *pcs);
	// The definition and the events that need it go into one batch, and so into one generation.
	if (!gtrace__stream_room(s, sizeof bytes + 3 * (size_t)STREAM_MARGIN))
		return 0;
	struct stack_seen *seen = stack_place(s, hash);
	if (seen && seen->number && seen->hash == hash)
		return seen->number;
	uint64_t number = ++s->stack_count;
	const char *text = (const char *)bytes;
	size_t len = stack_encode(bytes, pcs, n);
	gtrace_stream_text_at(pub, pub->ticks, GTRACE_STACK_DEF, (const uint64_t[]){number, 0}, &text,
	                      &len);
	if (seen)
		*seen = (struct stack_seen){hash, number};
	return number;
}
