/* SPDX-License-Identifier: MIT */
/** args.c: the arguments of an event as JSON. */
#include "event/args.h"

#include <string.h>

#include "clean.h"

SQLITE_EXTENSION_INIT3

void event_text(sqlite3_str *out, const char *text, size_t len)
{
	char clean[CLEAN_MAX];

	len = clean_text(clean, text, len);
	sqlite3_str_appendchar(out, 1, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)clean[i];
		if (c == '"' || c == '\\')
			sqlite3_str_appendf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			sqlite3_str_appendf(out, "\\u%04x", c);
		else
			sqlite3_str_appendchar(out, 1, clean[i]);
	}
	sqlite3_str_appendchar(out, 1, '"');
}

static void event_word(sqlite3_str *out, const char *name, const char *text)
{
	sqlite3_str_appendf(out, "%s", name);
	event_text(out, text, strlen(text));
}

static void event_site(sqlite3_str *out, const struct gtrace_site_info *s)
{
	event_word(out, "{\"file\":", s->file);
	sqlite3_str_appendf(out, ",\"line\":%u", s->line);
	event_word(out, ",\"func\":", s->func);
	event_word(out, ",\"op\":", gtrace_name("op", s->op));
	event_word(out, ",\"text\":", s->text);
	sqlite3_str_appendchar(out, 1, '}');
}

static void event_stack(sqlite3_str *out, const struct gtrace_reader *r, uint64_t number)
{
	const uint64_t *pcs;
	size_t n = gtrace_reader_stack(r, number, &pcs);

	sqlite3_str_appendchar(out, 1, '[');
	for (size_t i = 0; i < n; i++)
		sqlite3_str_appendf(out, "%s%llu", i ? "," : "", (unsigned long long)pcs[i]);
	sqlite3_str_appendchar(out, 1, ']');
}

/* Of these, 0 is nobody and nothing. */
static bool kind_is_id(const char *kind)
{
	static const char *const ids[] = {"g", "obj", "site", "thread"};

	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		if (strcmp(kind, ids[i]) == 0)
			return true;
	}
	return false;
}

static void event_value(sqlite3_str *out, const struct gtrace_reader *r,
                        const struct gtrace_event *ev, unsigned i)
{
	const char *kind = ev->desc->kind[i];
	uint64_t v = ev->arg[i];
	const char *word = gtrace_name(kind, v);

	if (strcmp(kind, "bytes") == 0)
		event_text(out, ev->bytes[i], v);
	else if (ev->id == GTRACE_STACK)
		event_stack(out, r, v);
	else if (v == 0 && kind_is_id(kind))
		sqlite3_str_appendall(out, "null");
	else if (strcmp(kind, "site") == 0)
		event_site(out, gtrace_reader_site(r, v));
	else if (strcmp(kind, "z") == 0) // zigzag
		sqlite3_str_appendf(out, "%lld", (long long)((v >> 1) ^ (0 - (v & 1))));
	else if (!*word)
		sqlite3_str_appendall(out, "null");
	else if (strcmp(word, "?") != 0)
		event_text(out, word, strlen(word));
	else
		sqlite3_str_appendf(out, "%llu", (unsigned long long)v);
}

void event_args(sqlite3_str *out, const struct gtrace_reader *r, const struct gtrace_event *ev)
{
	unsigned n = ev->desc ? ev->desc->nargs : 0;

	sqlite3_str_appendchar(out, 1, '{');
	for (unsigned i = 0; i < n && i < GTRACE_ARGS_MAX; i++) {
		event_word(out, i ? "," : "", ev->desc->arg[i]);
		sqlite3_str_appendchar(out, 1, ':');
		event_value(out, r, ev, i);
	}
	sqlite3_str_appendchar(out, 1, '}');
}

const uint64_t *event_arg(const struct gtrace_event *ev, const char *kind)
{
	unsigned n = ev->desc ? ev->desc->nargs : 0;

	for (unsigned i = 0; i < n && i < GTRACE_ARGS_MAX; i++) {
		if (strcmp(ev->desc->kind[i], kind) == 0)
			return ev->arg[i] ? &ev->arg[i] : NULL;
	}
	return NULL;
}
