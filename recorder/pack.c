/* SPDX-License-Identifier: MIT */
/**
 * pack.c: the records of a batch, taken apart so that they compress well, and put together again.
 *
 *     records   id ticks g seq obj by   id ticks reason obj site flags g seq   ...
 *     columns   id id ...   ticks ticks ...   g g ...   obj obj ...   ...
 *
 * Numbers of one kind stand in one column, where they are like those around them; and of each only
 * the first byte, since of a number of two bytes the first is nearly random and the second is not.
 * The other bytes are a column of their own.
 *
 * A count of starts and wakes, `seq`, says most as its difference from what it was when its
 * goroutine was last met.  The goroutines are remembered by a few bits of their number: whose
 * memory it is does not matter, as long as both sides take the same.  Most are 0, and are written
 * as that; so what would be no difference is written as 0 would be.
 *
 * Rejected: to guess the goroutine and the object as well, from who was met before or how long ago.
 * It helps where few goroutines take turns, and harms where each number is a new one.
 */
#include "pack.h"

#include <string.h>

#define REMEMBERED 1024 // goroutines
#define NUMBER_BYTES 10

/** What is known of the counts. */
struct counts {
	uint64_t g;               // the last one in the batch
	uint64_t seq[REMEMBERED]; // that was not 0, of each goroutine
};

static uint64_t *count_last(struct counts *counts)
{
	return &counts->seq[counts->g % REMEMBERED];
}

/** seq is not 0. */
static uint64_t count_pack(struct counts *counts, uint64_t seq)
{
	uint64_t *last = count_last(counts);
	uint64_t delta = (seq == *last ? 0 : seq) - *last;

	*last = seq;
	return gtrace_zigzag((int64_t)delta);
}

/** code is not 0. */
static uint64_t count_unpack(struct counts *counts, uint64_t code)
{
	uint64_t *last = count_last(counts);
	uint64_t seq = *last + (uint64_t)gtrace__unzigzag(code);

	if (seq)
		*last = seq;
	return *last;
}

/* ── apart ── */

struct packer {
	uint8_t *end[GTRACE__COLUMN_COUNT]; // of each column
	struct counts counts;
};

/** Returns: the byte behind the number. */
static const uint8_t *number_pack(struct packer *k, unsigned column, const uint8_t *p)
{
	uint8_t byte = *p++;

	*k->end[column]++ = byte;
	while (byte >= 0x80)
		*k->end[GTRACE__COLUMN_REST]++ = byte = *p++;
	return p;
}

static void seq_pack(struct packer *k, uint64_t seq)
{
	uint8_t code[NUMBER_BYTES];

	gtrace_put(code, seq ? count_pack(&k->counts, seq) : 0);
	number_pack(k, GTRACE__COLUMN_SEQ, code);
}

/** Returns: the byte behind the argument; NULL: it is not whole. */
static const uint8_t *arg_pack(struct packer *k, const struct gtrace__shape *shape, unsigned i,
                               const uint8_t *p, const uint8_t *end)
{
	unsigned column = shape->column[i];
	uint64_t v;
	const uint8_t *next = gtrace__varint(p, end, &v);

	if (!next)
		return NULL;
	if (column == GTRACE__COLUMN_SEQ) {
		seq_pack(k, v);
		return next;
	}
	number_pack(k, column, p);
	if (column == GTRACE__COLUMN_G)
		k->counts.g += (uint64_t)gtrace__unzigzag(v);
	if (!(shape->bytes >> i & 1))
		return next;
	if (v > (uint64_t)(end - next))
		return NULL;
	memcpy(k->end[GTRACE__COLUMN_TEXT], next, v);
	k->end[GTRACE__COLUMN_TEXT] += v;
	return next + v;
}

/** Nearly all arguments: no texts, each number a byte. */
static bool args_quick(const struct gtrace__shape *shape, const uint8_t *p, const uint8_t *end)
{
	uint64_t word;

	if (!shape->quick || !shape->nargs || (size_t)(end - p) < sizeof(word))
		return false;
	memcpy(&word, p, sizeof(word));
	return !(word & 0x8080808080808080 >> 8 * (sizeof(word) - shape->nargs));
}

static const uint8_t *args_pack_quick(struct packer *k, const struct gtrace__shape *shape,
                                      const uint8_t *p)
{
	for (unsigned i = 0; i < shape->nargs; i++) {
		unsigned column = shape->column[i];
		uint8_t byte = *p++;

		if (column == GTRACE__COLUMN_G)
			k->counts.g += (uint64_t)gtrace__unzigzag(byte);
		if (column == GTRACE__COLUMN_SEQ && byte)
			seq_pack(k, byte);
		else
			*k->end[column]++ = byte;
	}
	return p;
}

/** Returns: the byte behind the arguments; NULL: they are not whole. */
static const uint8_t *args_pack(struct packer *k, const struct gtrace__shape *shape,
                                const uint8_t *p, const uint8_t *end)
{
	if (args_quick(shape, p, end))
		return args_pack_quick(k, shape, p);
	for (unsigned i = 0; p && i < shape->nargs; i++)
		p = arg_pack(k, shape, i, p, end);
	return p;
}

/** From columns with room between them to the payload.  Returns: its bytes. */
static size_t columns_join(const struct packer *k, uint8_t *out, size_t len)
{
	uint8_t *to = out + GTRACE__PACK_HEAD;

	for (unsigned c = 0; c < GTRACE__COLUMN_COUNT; c++) {
		const uint8_t *from = out + GTRACE__PACK_HEAD + c * len;
		uint32_t bytes = (uint32_t)(k->end[c] - from);

		memcpy(out + c * sizeof(bytes), &bytes, sizeof(bytes));
		memmove(to, from, bytes);
		to += bytes;
	}
	return (size_t)(to - out);
}

struct gtrace__packed gtrace__pack(const struct gtrace__shape *shapes, const uint8_t *p, size_t len,
                                   uint64_t ticks, uint8_t *out)
{
	struct gtrace__packed packed = {0};
	const uint8_t *end = p + len;
	struct packer k;

	memset(&k.counts, 0, sizeof(k.counts));
	for (unsigned c = 0; c < GTRACE__COLUMN_COUNT; c++)
		k.end[c] = out + GTRACE__PACK_HEAD + c * len;
	while (p < end) {
		const struct gtrace__shape *shape = &shapes[*p];
		uint64_t dt;
		const uint8_t *next = shape->known ? gtrace__varint(p + 1, end, &dt) : NULL;

		if (!next || dt > ticks - packed.ticks)
			break;
		number_pack(&k, GTRACE__COLUMN_TICKS, p + 1);
		next = args_pack(&k, shape, next, end);
		if (!next)
			break;
		*k.end[GTRACE__COLUMN_ID]++ =
			*p; // now it is whole: what is behind it in columns is nobody's
		packed.ticks += dt;
		packed.events++;
		p = next;
	}
	packed.bytes = columns_join(&k, out, len);
	return packed;
}

/* ── together ── */

struct unpacker {
	const uint8_t *next[GTRACE__COLUMN_COUNT]; // of each column
	const uint8_t *end[GTRACE__COLUMN_COUNT];
	struct counts counts;
};

/** Returns: the byte behind the number; NULL: there is none, or it is too long. */
static inline uint8_t *number_unpack(struct unpacker *u, unsigned column, uint8_t *out)
{
	const uint8_t *next = u->next[column];

	if (next == u->end[column])
		return NULL;
	uint8_t byte = *out++ = *next;

	u->next[column] = next + 1;
	next = u->next[GTRACE__COLUMN_REST];
	for (unsigned n = 1; byte >= 0x80; n++) {
		if (next == u->end[GTRACE__COLUMN_REST] || n == NUMBER_BYTES)
			return NULL;
		byte = *out++ = *next;
		u->next[GTRACE__COLUMN_REST] = ++next;
	}
	return out;
}

static uint8_t *text_unpack(struct unpacker *u, uint64_t len, uint8_t *out)
{
	const uint8_t **next = &u->next[GTRACE__COLUMN_TEXT];

	if (len > (size_t)(u->end[GTRACE__COLUMN_TEXT] - *next))
		return NULL;
	memcpy(out, *next, len);
	*next += len;
	return out + len;
}

/** Returns: the byte behind the argument; NULL: it is not whole. */
static inline uint8_t *arg_unpack(struct unpacker *u, const struct gtrace__shape *shape, unsigned i,
                                  uint8_t *out)
{
	unsigned column = shape->column[i];
	uint8_t *end = number_unpack(u, column, out);
	uint64_t v;

	if (!end ||
	    (column != GTRACE__COLUMN_G && column != GTRACE__COLUMN_SEQ && !(shape->bytes >> i & 1)))
		return end;
	if (!gtrace__varint(out, end, &v))
		return NULL;
	if (column == GTRACE__COLUMN_G)
		u->counts.g += (uint64_t)gtrace__unzigzag(v);
	else if (column == GTRACE__COLUMN_OTHER)
		return text_unpack(u, v, end);
	else if (v)
		return gtrace_put(out, count_unpack(&u->counts, v));
	return end;
}

static uint8_t *record_unpack(struct unpacker *u, const struct gtrace__shape *shape, uint8_t id,
                              uint8_t *out)
{
	*out++ = id;
	out = shape->known ? number_unpack(u, GTRACE__COLUMN_TICKS, out) : NULL;
	for (unsigned i = 0; out && i < shape->nargs; i++)
		out = arg_unpack(u, shape, i, out);
	return out;
}

/** The length of a column, as it stands in the head. */
static uint32_t column_bytes(const uint8_t *in, unsigned column)
{
	uint32_t bytes;

	memcpy(&bytes, in + column * sizeof(bytes), sizeof(bytes));
	return bytes;
}

size_t gtrace__unpack_room(const uint8_t *in, size_t len)
{
	uint64_t sum = GTRACE__PACK_HEAD;

	for (unsigned c = 0; c < GTRACE__COLUMN_COUNT && len >= GTRACE__PACK_HEAD; c++)
		sum += column_bytes(in, c);
	return sum == len ? len + (NUMBER_BYTES - 1) * column_bytes(in, GTRACE__COLUMN_SEQ) : 0;
}

size_t gtrace__unpack(const struct gtrace__shape *shapes, const uint8_t *in, uint8_t *out)
{
	const uint8_t *p = in + GTRACE__PACK_HEAD;
	const uint8_t *base = out;
	struct unpacker u;

	memset(&u.counts, 0, sizeof(u.counts));
	for (unsigned c = 0; c < GTRACE__COLUMN_COUNT; c++) {
		u.next[c] = p;
		p += column_bytes(in, c);
		u.end[c] = p;
	}
	for (const uint8_t *id = u.next[GTRACE__COLUMN_ID]; id < u.end[GTRACE__COLUMN_ID]; id++) {
		uint8_t *next = record_unpack(&u, &shapes[*id], *id, out);

		if (!next) {
			*out++ = 0; // which no record begins with
			break;
		}
		out = next;
	}
	return (size_t)(out - base);
}
