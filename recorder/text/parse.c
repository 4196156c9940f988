/* SPDX-License-Identifier: MIT */
/** parse.c: one line of the text grammar. */
#include "text/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define NUMBER_CHARS 64

/** The word without quotes, kept for as long as the text is. */
static struct word keep(struct text *t, const struct word *w)
{
	struct word kept = {t->heap + t->heap_len, 0};

	kept.len = gtrace__word_plain(w, t->heap + t->heap_len);
	t->heap_len += kept.len;
	return kept;
}

static bool number_parse(const struct word *w, bool may_be_signed, uint64_t *out)
{
	char buf[NUMBER_CHARS];
	char *end;

	if (!w->len || w->len >= sizeof(buf))
		return false;
	memcpy(buf, w->p, w->len);
	buf[w->len] = '\0';
	if (strchr(" \t+", buf[0]) || (buf[0] == '-' && !may_be_signed))
		return false;
	errno = 0;
	*out = buf[0] == '-' ? (uint64_t)strtoll(buf, &end, 0) : strtoull(buf, &end, 0);
	return !*end && !errno;
}

static bool time_parse(const struct word *w, int64_t *ns)
{
	char buf[NUMBER_CHARS];
	uint64_t v;

	if (number_parse(w, false, &v) && v <= INT64_MAX) {
		*ns = (int64_t)v;
		return true;
	}
	if (w->len >= sizeof(buf))
		return false;
	memcpy(buf, w->p, w->len);
	buf[w->len] = '\0';
	return !gtrace_parse_duration(buf, ns);
}

/** A number behind one of the letters that ids are written with, or alone. */
static bool id_parse(const struct word *w, char letter, uint64_t *out)
{
	struct word digits = *w;

	if (digits.len && *digits.p == letter) {
		digits.p++;
		digits.len--;
	}
	return number_parse(&digits, false, out);
}

/* ── values ── */

static int site_keep(struct text *t, const struct text_site *site, uint64_t *number)
{
	uint64_t hash = XXH64(site->file, site->file_len, (uint64_t)site->line << 8 ^ site->op);
	struct text_site *s;

	hash = XXH64(site->func, site->func_len, hash);
	hash = XXH64(site->text, site->text_len, hash);
	*number = gtrace__map_get(&t->site_by_hash, hash);
	if (*number)
		return 0;
	if (t->site_count == t->site_cap) {
		uint64_t cap = t->site_cap ? 2 * t->site_cap : 64;
		struct text_site **sites = realloc(t->sites, cap * sizeof(*sites));

		if (!sites)
			return -ENOMEM;
		t->sites = sites;
		t->site_cap = cap;
	}
	s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = *site;
	s->number = t->site_count + 1;
	t->sites[t->site_count++] = s;
	*number = s->number;
	return gtrace__map_set(&t->site_by_hash, hash, (uint32_t)s->number);
}

/** FILE:LINE:FUNC:OP:TEXT; what is left out at the end is empty. */
static int site_parse(struct text *t, const struct word *value, uint64_t *number)
{
	struct word field[5] = {{"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}};
	struct word rest = *value;
	uint64_t line = 0;
	uint64_t op = 0;

	if (gtrace__word_is(value, "0"))
		return 0;
	for (int i = 0; i < 5; i++) {
		field[i] = rest;
		if (i == 4 || !gtrace__word_cut(&field[i], ':', &rest))
			break;
	}
	if (field[1].len && !number_parse(&field[1], false, &line))
		return gtrace__text_error(t, "bad line number in site", value);
	struct word word = keep(t, &field[3]);
	int64_t named = gtrace__name_number("op", word.p, word.len);

	if (named >= 0)
		op = (uint64_t)named;
	else if (!number_parse(&word, false, &op))
		return gtrace__text_error(t, "unknown operation in site", value);
	struct word file = keep(t, &field[0]);
	struct word func = keep(t, &field[2]);
	struct word text = keep(t, &field[4]);
	struct text_site site = {
		.line = (uint32_t)line,
		.op = (uint32_t)op,
		.file = file.p,
		.file_len = file.len,
		.func = func.p,
		.func_len = func.len,
		.text = text.p,
		.text_len = text.len,
	};

	return site_keep(t, &site, number);
}

static int pcs_parse(struct text *t, const struct word *value, struct text_event *ev)
{
	struct word one = *value;
	struct word rest;
	bool more;

	if (t->pcs_len + TEXT_FRAMES_MAX > t->pcs_cap)
		return gtrace__text_error(t, "too many stacks", NULL);
	ev->pcs = t->pcs + t->pcs_len;
	do {
		more = gtrace__word_cut(&one, ',', &rest);
		if (ev->pc_count == TEXT_FRAMES_MAX || !number_parse(&one, false, &ev->pcs[ev->pc_count]))
			return gtrace__text_error(t, "bad stack", value);
		ev->pc_count++;
		one = rest;
	} while (more);
	t->pcs_len += ev->pc_count;
	return 0;
}

static bool value_parse(struct text *t, const char *kind, const struct word *value, uint64_t *out)
{
	struct word word = keep(t, value);
	int64_t named = gtrace__name_number(kind, word.p, word.len);
	int64_t ns;

	if (named >= 0) {
		*out = (uint64_t)named;
		return true;
	}
	if (!strcmp(kind, "g"))
		return id_parse(value, 'g', out);
	if (!strcmp(kind, "thread"))
		return id_parse(value, 't', out);
	if (!strcmp(kind, "ns")) {
		if (!time_parse(value, &ns))
			return false;
		*out = (uint64_t)ns;
		return true;
	}
	if (strcmp(kind, "z"))
		return number_parse(value, false, out);
	if (!number_parse(value, true, out))
		return false;
	*out = gtrace_zigzag((int64_t)*out);
	return true;
}

static int arg_parse(struct text *t, struct text_event *ev, const struct word *key,
                     const struct word *value)
{
	const struct gtrace_event_desc *desc = gtrace_event_desc(ev->id);
	int i = 0;

	if (ev->id == GTRACE_STACK && gtrace__word_is(key, "pcs"))
		return pcs_parse(t, value, ev);
	while (i < desc->nargs && !gtrace__word_is(key, desc->arg[i]))
		i++;
	if (i == desc->nargs)
		return gtrace__text_error(t, "the event has no such argument", key);
	if (!strcmp(desc->kind[i], "bytes")) {
		struct word bytes = keep(t, value);

		ev->bytes[i] = bytes.p;
		ev->arg[i] = bytes.len < GTRACE__TEXT_ARG_MAX ? bytes.len : GTRACE__TEXT_ARG_MAX;
		return 0;
	}
	if (!strcmp(desc->kind[i], "site"))
		return site_parse(t, value, &ev->arg[i]);
	if (!strcmp(desc->kind[i], "seq"))
		ev->has_seq = true;
	if (!value_parse(t, desc->kind[i], value, &ev->arg[i]))
		return gtrace__text_error(t, "bad value", value);
	return 0;
}

/* ── lines ── */

static int event_id(const struct word *name)
{
	for (unsigned id = 1; id < 256; id++) {
		const struct gtrace_event_desc *desc = gtrace_event_desc(id);

		if (desc && gtrace__word_is(name, desc->name))
			return (int)id;
	}
	return -1;
}

static struct text_event *event_add(struct text *t)
{
	if (t->event_count == t->event_cap) {
		size_t cap = t->event_cap ? 2 * t->event_cap : 256;
		struct text_event *events = realloc(t->events, cap * sizeof(*events));

		if (!events)
			return NULL;
		t->events = events;
		t->event_cap = cap;
	}
	struct text_event *ev = &t->events[t->event_count++];

	memset(ev, 0, sizeof(*ev));
	ev->line = t->line;
	return ev;
}

static int event_line(struct text *t, const struct word *time, const char *p, const char *end)
{
	struct text_event *ev = event_add(t);
	struct word w, value;
	int id;

	if (!ev)
		return -ENOMEM;
	if (!time_parse(time, &ev->time_ns))
		return gtrace__text_error(t, "bad time", time);
	if (!gtrace__word_next(&p, end, &w) || *w.p != 't' || !id_parse(&w, 't', &ev->thread) ||
	    !ev->thread)
		return gtrace__text_error(t, "a thread, t1 or so, must follow the time", NULL);
	if (!gtrace__word_next(&p, end, &w))
		return gtrace__text_error(t, "no event", NULL);
	if (*w.p == 'g' && id_parse(&w, 'g', &ev->g) && !gtrace__word_next(&p, end, &w))
		return gtrace__text_error(t, "no event", NULL);
	id = event_id(&w);
	if (id < 0 || id == GTRACE_SITE || id == GTRACE_STACK_DEF)
		return gtrace__text_error(t, id < 0 ? "unknown event" : "tables make themselves, leave out",
		                          &w);
	ev->id = (uint16_t)id;
	while (gtrace__word_next(&p, end, &w)) {
		if (!gtrace__word_cut(&w, '=', &value))
			return gtrace__text_error(t, "not of the form key=value", &w);
		int err = arg_parse(t, ev, &w, &value);

		if (err)
			return err;
	}
	return 0;
}

static int header_line(struct text *t, const char *p, const char *end)
{
	struct word w, value;

	while (gtrace__word_next(&p, end, &w)) {
		if (!gtrace__word_cut(&w, '=', &value))
			return gtrace__text_error(t, "not of the form key=value", &w);
		struct word plain = keep(t, &value);

		// Never longer than the words were, with the blank or newline behind them.
		memcpy(t->header + t->header_len, w.p, w.len);
		t->header_len += w.len;
		t->header[t->header_len++] = '=';
		for (size_t i = 0; i < plain.len; i++)
			t->header[t->header_len++] = plain.p[i] == '\n' ? '?' : plain.p[i];
		t->header[t->header_len++] = '\n';
	}
	return 0;
}

/** end exit|deadlock|panic|signal|stopped|dump|rotated [CODE] [at=TIME] */
static int end_line(struct text *t, const char *p, const char *end)
{
	struct word w, value;
	uint64_t code;

	if (!gtrace__word_next(&p, end, &w))
		return gtrace__text_error(t, "end of what kind?", NULL);
	for (int i = GTRACE_END_EXIT; i <= GTRACE_END_ROTATED; i++) {
		if (gtrace__word_is(&w, gtrace__ends[i])) {
			t->has_end = true;
			t->end = (enum gtrace_end)i;
		}
	}
	if (!t->has_end)
		return gtrace__text_error(t, "unknown kind of end", &w);
	while (gtrace__word_next(&p, end, &w)) {
		if (gtrace__word_cut(&w, '=', &value)) {
			if (!gtrace__word_is(&w, "at") || !time_parse(&value, &t->end_ns))
				return gtrace__text_error(t, "bad time of the end", &value);
		} else if (number_parse(&w, true, &code)) {
			t->end_code = (int)code;
		} else {
			return gtrace__text_error(t, "bad code", &w);
		}
	}
	return 0;
}

/** begin TIME */
static int begin_line(struct text *t, const char *p, const char *end)
{
	struct word w;

	if (!gtrace__word_next(&p, end, &w) || !time_parse(&w, &t->begin_ns))
		return gtrace__text_error(t, "begin at what time?", NULL);
	return gtrace__word_next(&p, end, &w) ? gtrace__text_error(t, "more than a time", &w) : 0;
}

int gtrace__text_line(struct text *t, const char *p, const char *end)
{
	struct word w;

	if (!gtrace__word_next(&p, end, &w) || *w.p == '#')
		return 0;
	if (gtrace__word_is(&w, "header"))
		return header_line(t, p, end);
	if (gtrace__word_is(&w, "begin"))
		return begin_line(t, p, end);
	if (gtrace__word_is(&w, "end"))
		return end_line(t, p, end);
	return event_line(t, &w, p, end);
}
