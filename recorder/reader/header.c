/* SPDX-License-Identifier: MIT */
/** header.c: the texts of the header and of the end record. */
#include "reader/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *gtrace__chunk_text(struct gtrace_reader *r, uint64_t offset, uint64_t frame_bytes,
                         uint64_t raw_bytes)
{
	if (raw_bytes > GTRACE__TEXT_RAW_MAX || frame_bytes > 2 * GTRACE__TEXT_RAW_MAX)
		return NULL;
	char *text = malloc(raw_bytes + 1);

	if (!text)
		return NULL;
	if (gtrace__frame_read(r, offset, frame_bytes, (uint8_t *)text, raw_bytes)) {
		free(text);
		return NULL;
	}
	text[raw_bytes] = '\0';
	return text;
}

/** The value of a key in lines of key=value; ends at a newline.  NULL if there is none. */
static const char *line_value(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *p = text; p && *p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (!strncmp(p, key, len) && p[len] == '=')
			return p + len + 1;
	}
	return NULL;
}

static uint64_t line_number(const char *text, const char *key, int base)
{
	const char *value = line_value(text, key);

	return value ? strtoull(value, NULL, base) : 0;
}

static bool line_is(const char *text, const char *key, const char *word)
{
	const char *value = line_value(text, key);
	size_t len = strlen(word);

	return value && !strncmp(value, word, len) && (!value[len] || value[len] == '\n');
}

/* ── the list of events ── */

/** True if the file's row says of our arguments what we say. */
static bool row_extends(const struct gtrace_event_desc *ours, const struct gtrace_event_desc *row,
                        unsigned nargs)
{
	if (strcmp(ours->name, row->name) || nargs < ours->nargs)
		return false;
	for (int i = 0; i < ours->nargs; i++) {
		if (strcmp(ours->kind[i], row->kind[i]))
			return false;
	}
	return true;
}

/** Split "ID NAME arg:kind ..." in place.  Returns the number of arguments, or -1. */
static int row_split(char *words, struct gtrace_event_desc *row, struct gtrace__shape *shape)
{
	char *save = NULL;
	char *id = strtok_r(words, " ", &save);
	char *name = id ? strtok_r(NULL, " ", &save) : NULL;
	int n = 0;

	if (!name)
		return -1;
	row->id = (uint16_t)strtoul(id, NULL, 10);
	row->name = name;
	for (char *arg; (arg = strtok_r(NULL, " ", &save)); n++) {
		char *colon = strchr(arg, ':');

		if (!colon || n >= 16)
			return -1;
		*colon = '\0';
		if (n < GTRACE_ARGS_MAX) {
			row->arg[n] = arg;
			row->kind[n] = colon + 1;
			row->nargs++;
		}
		if (!strcmp(colon + 1, "bytes"))
			shape->bytes |= (uint16_t)(1 << n);
		if (n < GTRACE_ARGS_MAX && !strcmp(colon + 1, "site"))
			shape->sites |= (uint16_t)(1 << n);
	}
	return n;
}

/** Learn one event of the file's own list, unless it contradicts ours. */
static int row_take(struct gtrace_reader *r, const char *line, size_t len)
{
	struct file_event *e = calloc(1, sizeof(*e));
	struct gtrace__shape shape = {.known = 1};

	if (!e)
		return -ENOMEM;
	e->words = strndup(line, len);
	if (!e->words) {
		free(e);
		return -ENOMEM;
	}
	int n = row_split(e->words, &e->desc, &shape);
	unsigned id = e->desc.id;
	const struct gtrace_event_desc *ours =
		n >= 0 && id <= GTRACE__ID_MAX ? gtrace_event_desc(id) : NULL;
	bool of_use = n >= 0 && id && id <= GTRACE__ID_MAX && !r->file_events[id] &&
	              (!ours || (row_extends(ours, &e->desc, (unsigned)n) && n > ours->nargs));

	if (!of_use) {
		free(e->words);
		free(e);
		return 0;
	}
	shape.nargs = (uint8_t)n;
	r->shape[id] = shape;
	r->desc[id] = &e->desc;
	r->file_events[id] = e;
	return 0;
}

static int header_events(struct gtrace_reader *r)
{
	for (const char *p = r->header; *p;) {
		size_t len = strcspn(p, "\n");

		if (!strncmp(p, "event=", 6) && row_take(r, p + 6, len - 6))
			return -ENOMEM;
		p += len + (p[len] == '\n');
	}
	return 0;
}

/* ── the header ── */

/** A copy of the header as key, value, key, value ..., each with its terminator. */
static int header_cut(struct gtrace_reader *r)
{
	size_t len = strlen(r->header);
	char *words = malloc(len + 2);
	char *out = words;

	if (!words)
		return -ENOMEM;
	for (const char *p = r->header; *p;) {
		size_t line = strcspn(p, "\n");
		const char *equals = memchr(p, '=', line);

		if (equals) {
			memcpy(out, p, line);
			out[equals - p] = '\0';
			out[line] = '\0';
			out += line + 1;
		}
		p += line + (p[line] == '\n');
	}
	r->header_words = words;
	r->header_words_len = (size_t)(out - words);
	return 0;
}

int gtrace__header_take(struct gtrace_reader *r, char *text, const struct gtrace__clock *start)
{
	const char *wall = line_value(text, "start_wall_ns");

	free(r->header);
	r->header = text;
	r->info.header = text;
	r->start = *start;
	r->has_start = true;
	r->info.start_wall_ns = wall ? (int64_t)strtoll(wall, NULL, 10) : (int64_t)start->wall_ns;
	r->id = line_number(text, "id", 16);
	r->has_id = line_value(text, "id") != NULL;
	r->timeline.exact = line_is(text, "clock", "os");
	r->timeline.shift = (unsigned)(line_number(text, "tick_shift", 10) & 31);
	return header_events(r) || header_cut(r) ? -ENOMEM : 0;
}

const char *gtrace_reader_header(const struct gtrace_reader *r, const char *key)
{
	const char *p = r->header_words;
	const char *end = p + r->header_words_len;

	while (p && p < end) {
		const char *value = p + strlen(p) + 1;

		if (!strcmp(p, key))
			return value;
		p = value + strlen(value) + 1;
	}
	return NULL;
}

void gtrace__end_take(struct gtrace_reader *r, char *text, const struct gtrace__clock *when)
{
	static const char *const ends[] = {"cut", "exit", "deadlock", "panic", "signal", "stopped"};
	uint64_t batches = line_number(text, "batches", 10);

	free(r->end_record);
	r->end_record = text;
	r->info.end_record = text;
	r->info.end = GTRACE_END_CUT;
	for (int i = 0; i < (int)(sizeof(ends) / sizeof(*ends)); i++) {
		if (line_is(text, "end", ends[i]))
			r->info.end = (enum gtrace_end)i;
	}
	r->info.end_code = (int)(line_number(text, "code", 10) & 0xffffff);
	r->end_ticks = when->ticks;
	r->has_end = true;
	r->end_batches = batches;
}
