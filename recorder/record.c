/* SPDX-License-Identifier: MIT */
/** record.c: step over records; fill in errors. */
#include "record.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct gtrace__span gtrace__skim(const struct gtrace__shape *shapes, const uint8_t *base,
                                 size_t len, uint64_t first_ticks, uint64_t until)
{
	struct gtrace__span span = {.last_ticks = first_ticks};
	const uint8_t *p = base;
	const uint8_t *end = base + len;

	while (p < end) {
		const struct gtrace__shape *shape = &shapes[*p++];
		uint64_t v;

		p = gtrace__varint(p, end, &v);
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
	uint16_t bit = (uint16_t)(1 << i);

	if (!strcmp(kind, "bytes"))
		shape->bytes |= bit;
	else if (!strcmp(kind, "site"))
		shape->sites |= bit;
	else if (!strcmp(kind, "g"))
		shape->gs |= bit;
	else if (!strcmp(kind, "obj"))
		shape->objs |= bit;
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
