/* SPDX-License-Identifier: MIT */
/** plain.c: text of a trace for people. */
#include "plain.h"

#include <inttypes.h>
#include <string.h>

/* The first character of s as it is shown.  Returns: its bytes in s. */
static size_t plain_one(char shown[8], const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;

	if (p[0] < 0x20 || p[0] == 0x7f) {
		snprintf(shown, 8, "\\x%02x", p[0]);
		return 1;
	}
	if (p[0] == 0xc2 && n > 1 && p[1] < 0xa0) {
		snprintf(shown, 8, "\\x%02x", p[1]);
		return 2;
	}
	shown[0] = s[0];
	shown[1] = '\0';
	return 1;
}

int plain_bytes(FILE *out, const char *s, size_t n)
{
	char shown[8];
	int columns = 0;

	for (size_t i = 0; i < n;) {
		i += plain_one(shown, s + i, n - i);
		if (out)
			fputs(shown, out);
		columns += shown[1] ? 4 : (shown[0] & 0xc0) != 0x80;
	}
	return columns;
}

int plain_columns(const char *s)
{
	return plain_bytes(NULL, s, strlen(s));
}

int plain_text(FILE *out, const char *s)
{
	return plain_bytes(out, s, strlen(s));
}

size_t plain_copy(char *out, size_t cap, const char *s)
{
	size_t n = strlen(s), at = 0;
	char shown[8];

	for (size_t i = 0; i < n;) {
		i += plain_one(shown, s + i, n - i);
		size_t len = shown[1] ? strlen(shown) : 1;
		if (at + len >= cap)
			break;
		memcpy(out + at, shown, len);
		at += len;
	}
	out[at] = '\0';
	return at;
}

const char *plain_time(char out[32], int64_t ns)
{
	if (ns < 1000)
		snprintf(out, 32, "%" PRId64 " ns", ns);
	else if (ns < 1000000)
		snprintf(out, 32, "%.1f us", (double)ns / 1e3);
	else if (ns < 1000000000)
		snprintf(out, 32, "%.1f ms", (double)ns / 1e6);
	else
		snprintf(out, 32, "%.1f s", (double)ns / 1e9);
	return out;
}
