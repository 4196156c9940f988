/* SPDX-License-Identifier: MIT */
/** record.c: step over records; fill in errors. */
#include "record.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/** Nearly all records: no texts, each number a byte.  Returns: its bytes, with *dt; 0: another. */
static size_t skim_quick(const struct gtrace__shape *shape, const uint8_t *p, const uint8_t *end,
                         uint64_t *dt)
{
	uint64_t word;

	if (!shape->quick || shape->nargs >= sizeof(word) || (size_t)(end - p) <= sizeof(word))
		return 0;
	memcpy(&word, p + 1, sizeof(word));
	if (word << 8 * (7 - shape->nargs) & 0x8080808080808080)
		return 0;
	*dt = word & 0xff;
	return 2 + (size_t)shape->nargs;
}

struct gtrace__span gtrace__skim(const struct gtrace__shape *shapes, const uint8_t *base,
                                 size_t len, uint64_t first_ticks, uint64_t until)
{
	struct gtrace__span span = {.last_ticks = first_ticks};
	const uint8_t *p = base;
	const uint8_t *end = base + len;

	while (p < end) {
		const struct gtrace__shape *shape = &shapes[*p];
		uint64_t v;
		size_t bytes = skim_quick(shape, p, end, &v);

		if (bytes && shape->known && v <= until - span.last_ticks) {
			p += bytes;
			span.events++;
			span.last_ticks += v;
			span.bytes = (size_t)(p - base);
			continue;
		}
		p = gtrace__varint(p + 1, end, &v);
		if (!p || !shape->known || v > until - span.last_ticks)
			break;
		uint64_t ticks = span.last_ticks + v;

		for (unsigned i = 0; p && i < shape->nargs; i++) {
			p = gtrace__varint(p, end, &v);
			if (p && shape->bytes >> i & 1)
				p = v <= (uint64_t)(end - p) ? p + v : NULL;
		}
		if (!p)
			break;
		span.events++;
		span.last_ticks = ticks;
		span.bytes = (size_t)(p - base);
	}
	return span;
}

void gtrace__shape_arg(struct gtrace__shape *shape, unsigned i, const char *kind)
{
	static const char *const deltas[GTRACE_DELTA_COUNT] = {
		[GTRACE_DELTA_G] = "g",
		[GTRACE_DELTA_OBJ] = "obj",
		[GTRACE_DELTA_SITE] = "site",
		[GTRACE_DELTA_PC] = "pc",
	};
	uint16_t bit = (uint16_t)(1 << i);

	if (!strcmp(kind, "bytes"))
		shape->bytes |= bit;
	else if (!strcmp(kind, "site"))
		shape->sites |= bit;
	shape->column[i] = strcmp(kind, "seq") ? GTRACE__COLUMN_OTHER : GTRACE__COLUMN_SEQ;
	for (unsigned k = 0; k < GTRACE_DELTA_COUNT; k++) {
		if (!strcmp(kind, deltas[k])) {
			shape->delta[i] = (uint8_t)(k + 1);
			shape->column[i] = (uint8_t)(GTRACE__COLUMN_G + k);
		}
	}
}

int gtrace__error(struct gtrace_error *err, int code, uint64_t offset, const char *fmt, ...)
{
	if (!err)
		return code;
	va_list ap;

	err->code = code;
	err->offset = offset;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}
