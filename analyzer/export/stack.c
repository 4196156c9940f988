/* SPDX-License-Identifier: MIT */
/** stack.c: the stacks that are exported: the call a goroutine was in, and the function it began
 * with. */
#include "export/stack.h"

#include <string.h>

#include "db.h"

static const struct stack_profile profiles[] = {
	{"goroutine", "goroutine", "count", "wait", "goroutine", "state"},
	{"block", "contentions", "count", "delay", "delay", "reason"},
	{"delay", "starts", "count", "delay", "delay", "after"},
};

const struct stack_profile *stack_profile(const char *name)
{
	for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	}
	return NULL;
}

void stack_read(struct stack *s, sqlite3_stmt *st)
{
	const char *entry = db_column(st, 3);

	*s = (struct stack){
		.born = {db_column(st, 4), db_column(st, 5), sqlite3_column_int64(st, 6)},
		.state = db_column(st, 7),
		.name = db_column(st, 8),
		.verdict = db_column(st, 9),
		.count = sqlite3_column_int64(st, 10),
		.ns = sqlite3_column_int64(st, 11),
	};
	if (*db_column(st, 0)) {
		s->frame[s->frames++] =
			(struct stack_frame){db_column(st, 0), db_column(st, 1), sqlite3_column_int64(st, 2)};
	}
	// A function is all that is known of where a goroutine began; its file is a guess, so none.
	if (*entry && (s->frames == 0 || strcmp(entry, s->frame[0].func) != 0))
		s->frame[s->frames++] = (struct stack_frame){.func = entry, .file = ""};
	if (s->frames == 0)
		s->frame[s->frames++] = (struct stack_frame){.func = "?", .file = ""};
}
