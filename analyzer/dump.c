/* SPDX-License-Identifier: MIT */
/** dump.c: the verb dump: the events of a trace, one line each, all or some. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gtrace.h>

#include "cmd.h"
#include "event/args.h"
#include "talk.h"

struct dump_args {
	const char *g, *events, *object, *format;
	int64_t since_ns, until_ns; // until_ns 0: to the end
};

/** Which events; of zeroes: all. */
struct filter {
	uint64_t g, object;
	int64_t since_ns, until_ns;
	bool by_event;
	bool kept; // the event before
	bool event[GTRACE_EVENT_COUNT];
};

struct line {
	char *text;
	size_t cap;
};

/* Does the event have this value as an argument of a kind? */
static bool event_has(const struct gtrace_event *ev, const char *kind, uint64_t value)
{
	for (unsigned i = 0; ev->desc && i < ev->desc->nargs; i++) {
		if (ev->arg[i] == value && strcmp(ev->desc->kind[i], kind) == 0)
			return true;
	}
	return false;
}

/* A gap may have been anything, so it is left out only by time, or if others are asked for. */
static bool filter_fits(const struct filter *f, const struct gtrace_event *ev)
{
	if (ev->time_ns < f->since_ns || (f->until_ns && ev->time_ns > f->until_ns))
		return false;
	if (f->by_event && (ev->id >= GTRACE_EVENT_COUNT || !f->event[ev->id]))
		return false;
	if (ev->id == GTRACE_GAP)
		return true;
	if (ev->id == GTRACE_STACK && !f->by_event)
		return f->kept; // it is that one's
	if (f->g && ev->g != f->g && !event_has(ev, "g", f->g))
		return false;
	return !f->object || event_has(ev, "obj", f->object);
}

static bool filter_wants(struct filter *f, const struct gtrace_event *ev)
{
	return f->kept = filter_fits(f, ev);
}

/* A number greater than 0, with or without the letter that dump writes before it. */
static int filter_number(const char *option, const char *text, uint64_t *number)
{
	char *end;

	if (!text)
		return 0;
	const char *digits = text + (*text == 'g');

	errno = 0;
	*number = strtoull(digits, &end, 10);
	if (end != digits && !*end && !errno && *number && *digits != '-')
		return 0;
	talk("--%s wants a number, not '%s'", option, text);
	return -EINVAL;
}

static int filter_unknown(const char *name)
{
	const char *names[GTRACE_EVENT_COUNT + 1] = {NULL};
	size_t n = 0;

	for (unsigned id = 0; id < GTRACE_EVENT_COUNT; id++) {
		const struct gtrace_event_desc *desc = gtrace_event_desc(id);
		if (desc)
			names[n++] = desc->name;
	}
	const char *near = opt_nearest(name, names);

	if (near)
		talk("unknown event '%s', did you mean '%s'?", name, near);
	else
		talk("unknown event '%s': docs/trace-format.md lists them", name);
	return -EINVAL;
}

/* GO_PARK,GO_WAKE */
static int filter_events(struct filter *f, const char *list)
{
	f->by_event = list != NULL;
	for (const char *p = list; p && *p;) {
		char name[32];
		size_t n = strcspn(p, ",");
		bool known = false;

		snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), p);
		for (unsigned id = 0; id < GTRACE_EVENT_COUNT; id++) {
			const struct gtrace_event_desc *desc = gtrace_event_desc(id);
			if (desc && strcasecmp(desc->name, name) == 0)
				known = f->event[id] = true;
		}
		if (!known)
			return filter_unknown(name);
		p += n + (p[n] == ',');
	}
	return 0;
}

/** The whole line, however long.  False: no memory. */
static bool line_print(struct line *l, const struct gtrace_reader *r, const struct gtrace_event *ev)
{
	while (gtrace_event_print(r, ev, l->text, l->cap) + 1 >= l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 8192;
		char *text = realloc(l->text, cap);

		if (!text)
			return false;
		l->text = text;
		l->cap = cap;
	}
	puts(l->text);
	return true;
}

/** Likewise as an object.  False: no memory. */
static bool line_json(const struct gtrace_reader *r, const struct gtrace_event *ev)
{
	const char *name = ev->desc ? ev->desc->name : "?";
	sqlite3_str *json = sqlite3_str_new(NULL);

	sqlite3_str_appendf(json, "{\"ts_ns\":%lld,\"thread\":%llu,\"g\":", (long long)ev->time_ns,
	                    (unsigned long long)ev->thread);
	if (ev->g)
		sqlite3_str_appendf(json, "%llu", (unsigned long long)ev->g);
	else
		sqlite3_str_appendall(json, "null");
	sqlite3_str_appendall(json, ",\"event\":");
	event_text(json, name, strlen(name));
	sqlite3_str_appendall(json, ",\"args\":");
	event_args(json, r, ev);
	sqlite3_str_appendchar(json, 1, '}');
	char *text = sqlite3_str_finish(json);

	if (text)
		puts(text);
	sqlite3_free(text);
	return text != NULL;
}

static int dump_events(struct gtrace_reader *r, struct filter *f, bool json)
{
	struct gtrace_error err;
	struct gtrace_event ev;
	struct line line = {0};
	int got;

	while ((got = gtrace_reader_next(r, &ev, &err)) > 0) {
		if (!filter_wants(f, &ev))
			continue;
		if (!(json ? line_json(r, &ev) : line_print(&line, r, &ev))) {
			strcpy(err.text, "no memory for a line");
			got = -1;
			break;
		}
		if (ferror(stdout))
			break; // main.c says so
	}
	if (got < 0)
		talk("%s", err.text);
	free(line.text);
	return got < 0 ? CMD_INPUT : CMD_CLEAN;
}

static int dump_run(void *verb_args, int nwords, char **words)
{
	const struct dump_args *args = verb_args;
	struct filter f = {.since_ns = INT64_MIN, .until_ns = args->until_ns};
	struct gtrace_reader *r;
	struct gtrace_error err;

	(void)nwords;
	if (args->since_ns) // without it even what seems to come before the start
		f.since_ns = args->since_ns;
	if (filter_number("goroutine", args->g, &f.g) < 0 ||
	    filter_number("object", args->object, &f.object) < 0 || filter_events(&f, args->events) < 0)
		return CMD_USAGE;
	if (gtrace_reader_open(&r, words[0], &err) < 0) {
		talk("%s", err.text);
		return CMD_INPUT;
	}
	int code = dump_events(r, &f, args->format && strcmp(args->format, "json") == 0);

	gtrace_reader_close(r);
	return code;
}

static const struct opt dump_opts[] = {
	OPT_TEXT("goroutine", 'g', struct dump_args, g, "ID", "only what it did, or what is about it"),
	OPT_TEXT("event", 'e', struct dump_args, events, "NAMES", "only these: GO_PARK,GO_WAKE"),
	OPT_TEXT("object", 0, struct dump_args, object, "ID", "only what is about it"),
	OPT_DURATION("since", 0, struct dump_args, since_ns, "only from then on"),
	OPT_DURATION("until", 0, struct dump_args, until_ns, "only until then"),
	OPT_WORD("format", 0, struct dump_args, format, "text|json",
             "a line of text, or a JSON object a line (default: text)"),
	OPT_END};

const struct cmd cmd_dump = {
	.name = "dump",
	.args = "[OPTION...] TRACE",
	.brief = "print every event, or some",
	.examples = "  gtrace dump run.gtrace\n"
				"  gtrace dump --goroutine 4 --since 21ms --until 22ms run.gtrace\n"
				"  gtrace dump --event GO_PARK,GO_WAKE,GO_WAKE_BY --format json run.gtrace\n",
	.opts = dump_opts,
	.args_bytes = sizeof(struct dump_args),
	.words_min = 1,
	.words_max = 1,
	.run = dump_run,
};
