/* SPDX-License-Identifier: MIT */
/** lex.c: words of a line, with '...' quotes and \ escapes inside them. */
#include "text/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/** Behind the quoted stretch that begins at p. */
static const char *quote_skip(const char *p, const char *end)
{
	for (p++; p < end && *p != '\''; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
	}
	return p < end ? p + 1 : end;
}

bool gtrace__word_next(const char **p, const char *end, struct word *w)
{
	while (*p < end && (**p == ' ' || **p == '\t' || **p == '\r'))
		(*p)++;
	w->p = *p;
	while (*p < end && **p != ' ' && **p != '\t' && **p != '\r')
		*p = **p == '\'' ? quote_skip(*p, end) : *p + 1;
	w->len = (size_t)(*p - w->p);
	return w->len > 0;
}

bool gtrace__word_cut(struct word *w, char at, struct word *rest)
{
	const char *end = w->p + w->len;

	for (const char *p = w->p; p < end;) {
		if (*p == at) {
			w->len = (size_t)(p - w->p);
			rest->p = p + 1;
			rest->len = (size_t)(end - p - 1);
			return true;
		}
		p = *p == '\'' ? quote_skip(p, end) : p + 1;
	}
	return false;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

size_t gtrace__word_plain(const struct word *w, char *out)
{
	const char *end = w->p + w->len;
	bool quoted = false;
	size_t n = 0;

	for (const char *p = w->p; p < end; p++) {
		if (*p == '\'') {
			quoted = !quoted;
		} else if (*p != '\\' || !quoted || p + 1 == end) {
			out[n++] = *p;
		} else if (p[1] == 'x' && end - p > 3 && isxdigit((unsigned char)p[2]) &&
		           isxdigit((unsigned char)p[3])) {
			out[n++] = (char)(hex_digit(p[2]) << 4 | hex_digit(p[3]));
			p += 3;
		} else {
			p++;
			out[n++] = *p == 'n' ? '\n' : *p;
		}
	}
	return n;
}

bool gtrace__word_is(const struct word *w, const char *text)
{
	return strlen(text) == w->len && !memcmp(w->p, text, w->len);
}

int gtrace__text_error(struct text *t, const char *what, const struct word *w)
{
	int len = !w ? 0 : w->len > 80 ? 80 : (int)w->len;

	return gtrace__error(t->err, -EINVAL, t->line_offset, "line %u: %s%s%.*s%s", t->line, what,
	                     w ? " '" : "", len, w ? w->p : "", w ? "'" : "");
}
