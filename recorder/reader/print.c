/* SPDX-License-Identifier: MIT */
/** print.c: an event as a line of the text grammar in docs/trace-format.md. */
#include "record.h"

#include <gtrace.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct line {
	char *buf;
	size_t cap;
	size_t len; // what it would be without the end of buf
};

static void put_char(struct line *l, char c)
{
	if (l->len + 1 < l->cap)
		l->buf[l->len] = c;
	l->len++;
}

static void put_text(struct line *l, const char *text)
{
	while (*text)
		put_char(l, *text++);
}

__attribute__((format(printf, 2, 3))) static void put_format(struct line *l, const char *fmt, ...)
{
	char buf[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	put_text(l, buf);
}

/** Characters that need no quotes. */
static const bool plain[256] = {
	['0' ... '9'] = true, ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['_'] = true, ['-'] = true,
	['.'] = true,         ['/'] = true,         ['+'] = true,         ['*'] = true, ['&'] = true,
	['('] = true,         [')'] = true,         ['['] = true,         [']'] = true, ['<'] = true,
	['>'] = true,         ['!'] = true,         ['?'] = true,         ['@'] = true, ['%'] = true,
	['$'] = true,         ['^'] = true,         ['~'] = true,         [','] = true, [';'] = true,
	['{'] = true,         ['}'] = true,         ['|'] = true,
};

/** As it is if it is plain and not empty, else quoted. */
static void put_quoted(struct line *l, const char *text, size_t len, bool may_be_empty)
{
	bool quote = !len && !may_be_empty;

	for (size_t i = 0; i < len; i++)
		quote |= !plain[(unsigned char)text[i]];
	if (quote)
		put_char(l, '\'');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\'' || c == '\\')
			put_format(l, "\\%c", c);
		else if (c == '\n')
			put_text(l, "\\n");
		else if (c < ' ' || c == 0x7f)
			put_format(l, "\\x%02x", c);
		else
			put_char(l, (char)c);
	}
	if (quote)
		put_char(l, '\'');
}

static void put_word(struct line *l, const char *text)
{
	put_quoted(l, text, strlen(text), false);
}

static void put_site(struct line *l, const struct gtrace_site_info *s)
{
	const char *op = gtrace_name("op", s->op);

	put_quoted(l, s->file, strlen(s->file), true);
	put_format(l, ":%u:", s->line);
	put_quoted(l, s->func, strlen(s->func), true);
	put_char(l, ':');
	if (!strcmp(op, "?"))
		put_format(l, "%u", s->op);
	else
		put_quoted(l, op, strlen(op), true);
	put_char(l, ':');
	put_quoted(l, s->text, strlen(s->text), true);
}

static void put_stack(struct line *l, const struct gtrace_reader *r, uint64_t number)
{
	const uint64_t *pcs;
	size_t n = gtrace_reader_stack(r, number, &pcs);

	for (size_t i = 0; i < n; i++)
		put_format(l, "%s0x%llx", i ? "," : " pcs=", (unsigned long long)pcs[i]);
}

static void put_value(struct line *l, const struct gtrace_reader *r, const struct gtrace_event *ev,
                      int i)
{
	const char *kind = ev->desc->kind[i];
	uint64_t v = ev->arg[i];

	if (!strcmp(kind, "bytes"))
		put_quoted(l, ev->bytes[i], v, false);
	else if (!strcmp(kind, "site"))
		put_site(l, gtrace_reader_site(r, v));
	else if (!strcmp(kind, "z"))
		put_format(l, "%lld", (long long)gtrace__unzigzag(v));
	else if (gtrace__name_list(kind) && strcmp(gtrace_name(kind, v), "?"))
		put_word(l, gtrace_name(kind, v));
	else // numbers as long as that are addresses
		put_format(l, v >> 32 ? "0x%llx" : "%llu", (unsigned long long)v);
}

/** What is not said is nothing: those are left out.  A count of 0 says something. */
static bool worth_saying(const struct gtrace_reader *r, const struct gtrace_event *ev, int i)
{
	const struct gtrace_site_info *s;

	if (!ev->arg[i])
		return !strcmp(ev->desc->kind[i], "seq");
	if (strcmp(ev->desc->kind[i], "site"))
		return true;
	s = gtrace_reader_site(r, ev->arg[i]);
	return *s->file || s->line || *s->func || s->op || *s->text;
}

size_t gtrace_event_print(const struct gtrace_reader *r, const struct gtrace_event *ev, char *buf,
                          size_t cap)
{
	struct line l = {buf, cap, 0};
	int nargs = ev->desc ? ev->desc->nargs : 0;

	put_format(&l, "%lld t%llu ", (long long)ev->time_ns, (unsigned long long)ev->thread);
	if (ev->g)
		put_format(&l, "g%llu ", (unsigned long long)ev->g);
	put_text(&l, ev->desc ? ev->desc->name : "?");
	for (int i = 0; i < nargs; i++) {
		if (!worth_saying(r, ev, i))
			continue;
		if (ev->id == GTRACE_STACK && !i) {
			put_stack(&l, r, ev->arg[i]);
			continue;
		}
		put_char(&l, ' ');
		put_text(&l, ev->desc->arg[i]);
		put_char(&l, '=');
		put_value(&l, r, ev, i);
	}
	if (cap)
		buf[l.len < cap ? l.len : cap - 1] = '\0';
	return l.len < cap ? l.len : cap ? cap - 1 : 0;
}
