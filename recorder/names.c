/* SPDX-License-Identifier: MIT */
/** names.c: gtrace_events.def and gtrace_names.def as tables. */
#include "record.h"

#include <pthread.h>
#include <string.h>

struct name {
	const char *list;
	uint32_t number;
	const char *text;
};

static const struct name names[] = {
#define NAME(list, number, name, text) {#list, (number), (text)},
#include <gtrace_names.def>
#undef NAME
};

const char *const gtrace__ends[] = {
	[GTRACE_END_CUT] = "cut",           [GTRACE_END_EXIT] = "exit",
	[GTRACE_END_DEADLOCK] = "deadlock", [GTRACE_END_PANIC] = "panic",
	[GTRACE_END_SIGNAL] = "signal",     [GTRACE_END_STOPPED] = "stopped",
	[GTRACE_END_DUMP] = "dump",         [GTRACE_END_ROTATED] = "rotated",
};

#define NAMES (sizeof(names) / sizeof(*names))
#define LISTS_MAX 32

static struct {
	pthread_once_t once;
	const struct name *first[LISTS_MAX];
	size_t count;
} lists = {.once = PTHREAD_ONCE_INIT};

struct row {
	uint16_t id;
	const char *name;
	const char *args[GTRACE_ARGS_MAX + 1];
};

static const struct row rows[] = {
#define EVENT(id, name, ...) {(id), #name, {"", ##__VA_ARGS__}},
#include <gtrace_events.def>
#undef EVENT
	{GTRACE_GAP, "GAP", {"", "thread:thread", "batches:u", "events:u"}},
};

static struct {
	pthread_once_t once;
	struct gtrace_event_desc desc[256];
	struct gtrace__shape shape[256];
	char words[4096]; // argument names, each with its terminator
	size_t words_len;
} events = {.once = PTHREAD_ONCE_INIT};

static void row_arg(struct gtrace_event_desc *desc, struct gtrace__shape *shape, const char *arg)
{
	const char *colon = strchr(arg, ':');
	size_t len = (size_t)(colon - arg);
	char *word = events.words + events.words_len;

	memcpy(word, arg, len);
	events.words_len += len + 1;
	desc->arg[desc->nargs] = word;
	desc->kind[desc->nargs] = colon + 1;
	gtrace__shape_arg(shape, desc->nargs, colon + 1);
	desc->nargs++;
}

static void events_fill(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		struct gtrace_event_desc *desc = &events.desc[row->id];
		struct gtrace__shape *shape = &events.shape[row->id];

		desc->id = row->id;
		desc->name = row->name;
		for (int a = 1; a <= GTRACE_ARGS_MAX && row->args[a]; a++)
			row_arg(desc, shape, row->args[a]);
		shape->nargs = desc->nargs;
		shape->handed = desc->nargs;
		shape->quick = !shape->bytes;
		shape->known = row->id <= GTRACE__ID_MAX;
	}
}

const struct gtrace__shape *gtrace__shapes(void)
{
	pthread_once(&events.once, events_fill);
	return events.shape;
}

const struct gtrace_event_desc *gtrace_event_desc(unsigned id)
{
	pthread_once(&events.once, events_fill);
	return id < 256 && events.desc[id].name ? &events.desc[id] : NULL;
}

/** Where a list begins: its rows are together and its numbers go up by one.  NULL: no such list. */
static const struct name *list_begin(const char *list)
{
	for (size_t i = 0; i < lists.count; i++) {
		if (!strcmp(lists.first[i]->list, list))
			return lists.first[i];
	}
	return NULL;
}

static void lists_fill(void)
{
	for (size_t i = 0; i < NAMES; i++) {
		bool first = !i || strcmp(names[i].list, names[i - 1].list);

		if (first && lists.count < LISTS_MAX)
			lists.first[lists.count++] = &names[i];
	}
}

static const struct name *list_find(const char *list)
{
	pthread_once(&lists.once, lists_fill);
	return list_begin(list);
}

const char *gtrace_name(const char *list, uint64_t number)
{
	const struct name *first = list_find(list);

	if (!first)
		return "?";
	size_t left = (size_t)(names + NAMES - first);

	if (number < left && first[number].number == number && !strcmp(first[number].list, list))
		return first[number].text;
	return "?";
}

int64_t gtrace__name_number(const char *list, const char *text, size_t len)
{
	const struct name *n = list_find(list);

	for (; n && n < names + NAMES && !strcmp(n->list, list); n++) {
		if (strlen(n->text) == len && !memcmp(n->text, text, len))
			return n->number;
	}
	return -1;
}

bool gtrace__name_list(const char *list)
{
	return list_find(list) != NULL;
}
