/* SPDX-License-Identifier: MIT */
/** header.c: the texts of the header and of the end record. */
#include "reader/reader.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int gtrace__chunk_text(struct gtrace_reader *r, uint64_t offset, const struct gtrace__chunk *k,
                       char **out)
{
	*out = NULL;
	if (k->raw_bytes > GTRACE__TEXT_RAW_MAX || k->frame_bytes > 2 * GTRACE__TEXT_RAW_MAX)
		return 0;
	char *text = malloc(k->raw_bytes + 1);

	if (!text)
		return -ENOMEM;
	int err =
		gtrace__frame_read(&r->frame, r->fd, offset, k->frame_bytes, (uint8_t *)text, k->raw_bytes);

	if (err) {
		free(text);
		return err == -EBADMSG ? 0 : err;
	}
	text[k->raw_bytes] = '\0';
	*out = text;
	return 0;
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

/** True if the file's row says of our arguments what we say, as far as both go. */
static bool row_agrees(const struct gtrace_event_desc *ours, const struct gtrace_event_desc *row)
{
	if (strcmp(ours->name, row->name))
		return false;
	for (int i = 0; i < ours->nargs && i < row->nargs; i++) {
		if (strcmp(ours->kind[i], row->kind[i]))
			return false;
	}
	return true;
}

/** A row of ours, with the arguments that the file has behind them. */
static void row_merge(struct gtrace_event_desc *row, const struct gtrace_event_desc *ours)
{
	row->name = ours->name;
	memcpy(row->arg, ours->arg, ours->nargs * sizeof(*row->arg));
	memcpy(row->kind, ours->kind, ours->nargs * sizeof(*row->kind));
	if (row->nargs < ours->nargs)
		row->nargs = ours->nargs;
}

/** Names are printed as they are. */
static bool is_name(const char *text)
{
	size_t n = 0;

	while (text[n] == '_' || (text[n] < 0x7f && isalnum((unsigned char)text[n])))
		n++;
	return n && !text[n];
}

/** Split "ID NAME arg:kind ..." in place.  Returns the number of arguments, or -1. */
static int row_split(char *words, struct gtrace_event_desc *row, struct gtrace__shape *shape)
{
	char *save = NULL;
	char *id = strtok_r(words, " ", &save);
	char *name = id ? strtok_r(NULL, " ", &save) : NULL;
	int n = 0;

	if (!name || !is_name(name))
		return -1;
	size_t digits = strspn(id, "0123456789");
	unsigned long number = strtoul(id, NULL, 10);

	if (id[digits] || number < 1 || number > GTRACE__ID_MAX)
		return -1;
	row->id = (uint16_t)number;
	row->name = name;
	for (char *arg; (arg = strtok_r(NULL, " ", &save)); n++) {
		char *colon = strchr(arg, ':');

		if (!colon || n >= GTRACE__ROW_ARGS_MAX)
			return -1;
		*colon = '\0';
		if (!is_name(arg))
			return -1;
		if (n < GTRACE_ARGS_MAX) {
			row->arg[n] = arg;
			row->kind[n] = colon + 1;
			row->nargs++;
		}
		gtrace__shape_arg(shape, (unsigned)n, colon + 1);
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
	const struct gtrace_event_desc *ours = n >= 0 ? gtrace_event_desc(id) : NULL;

	if (n < 0 || r->file_events[id]) {
		free(e->words);
		free(e);
		return 0;
	}
	r->file_events[id] = e; // the first line of an id counts, or none
	if (ours && !row_agrees(ours, &e->desc))
		return 0;
	if (ours)
		row_merge(&e->desc, ours);
	shape.nargs = (uint8_t)n;
	shape.handed = e->desc.nargs;
	shape.quick = !shape.bytes && n == e->desc.nargs;
	shape.novel = !ours;
	r->shape[id] = shape;
	r->desc[id] = &e->desc;
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

int gtrace__header_take(struct gtrace_reader *r, char *text)
{
	const char *wall = line_value(text, "start_wall_ns");

	free(r->header);
	r->header = text;
	r->info.header = text;
	r->info.start_wall_ns = wall ? (int64_t)strtoll(wall, NULL, 10) : (int64_t)r->start.wall_ns;
	r->id = line_number(text, "id", 16);
	r->has_id = line_value(text, "id") != NULL;
	r->timeline.exact = line_is(text, "clock", "os");
	r->timeline.shift = (unsigned)(line_number(text, "tick_shift", 10) & 31);
	return header_events(r) || header_cut(r) ? -ENOMEM : 0;
}

const char *gtrace_reader_header(const struct gtrace_reader *r, const char *key)
{
	const char *p = r->header_words ? r->header_words : "";
	const char *end = p + r->header_words_len;

	while (p < end) {
		const char *value = p + strlen(p) + 1;

		if (!strcmp(p, key))
			return value;
		p = value + strlen(value) + 1;
	}
	return NULL;
}

/** from=THREAD SEQ RECORDS */
static int seam_take(struct gtrace_reader *r, const char *line)
{
	uint64_t thread, seq, records;

	if (sscanf(line, "from=%" SCNu64 " %" SCNu64 " %" SCNu64, &thread, &seq, &records) != 3)
		return 0;
	if (r->seam_count == r->seam_cap) {
		size_t cap = r->seam_cap ? 2 * r->seam_cap : 16;
		struct seam *seams = realloc(r->seams, cap * sizeof(*seams));

		if (!seams)
			return -ENOMEM;
		r->seams = seams;
		r->seam_cap = cap;
	}
	r->seams[r->seam_count++] = (struct seam){seq, records};
	return gtrace__map_set(&r->seam_by_thread, thread, (uint32_t)r->seam_count);
}

int gtrace__begin_lines(struct gtrace_reader *r, const char *text)
{
	int err = 0;

	r->part = line_value(text, "part") != NULL;
	for (const char *p = text; r->part && *p && !err;) {
		err = seam_take(r, p);
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return err;
}

const struct seam *gtrace__seam(const struct gtrace_reader *r, uint64_t thread)
{
	uint32_t i = gtrace__map_get(&r->seam_by_thread, thread);

	return i ? &r->seams[i - 1] : NULL;
}

void gtrace__end_take(struct gtrace_reader *r, char *text, const struct gtrace__clock *when)
{
	uint64_t batches = line_number(text, "batches", 10);

	free(r->end_record);
	r->end_record = text;
	r->info.end_record = text;
	r->info.end = GTRACE_END_CUT;
	for (int i = GTRACE_END_CUT; i <= GTRACE_END_ROTATED; i++) {
		if (line_is(text, "end", gtrace__ends[i]))
			r->info.end = (enum gtrace_end)i;
	}
	r->info.end_code = (int)(line_number(text, "code", 10) & 0xffffff);
	r->end_ticks = when->ticks;
	r->has_end = true;
	r->end_batches = batches;
}
