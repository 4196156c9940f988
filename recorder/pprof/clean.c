/* SPDX-License-Identifier: MIT */
/** clean.c: text from elsewhere as valid UTF-8. */
#include "clean.h"

/* Bytes of the valid sequence at p, 0 if it is none. */
static size_t clean_sequence(const unsigned char *p, size_t left)
{
	static const unsigned least[5] = {0, 1, 0x80, 0x800, 0x10000};
	size_t n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;

	if (n == 0 || n > left || p[0] == 0)
		return 0;
	unsigned code = n == 1 ? p[0] : p[0] & (0x7fu >> n);

	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		code = code << 6 | (p[i] & 0x3fu);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	return n;
}

size_t clean_text(char *out, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = text ? p + len : p;
	size_t at = 0;

	while (p < end) {
		size_t n = clean_sequence(p, (size_t)(end - p));
		if (at + (n ? n : 1) >= CLEAN_MAX)
			break;
		if (n == 0) {
			out[at++] = '?';
			p++;
		}
		for (; n > 0; n--)
			out[at++] = (char)*p++;
	}
	out[at] = '\0';
	return at;
}
