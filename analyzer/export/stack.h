/* SPDX-License-Identifier: MIT */
/** stack.h: the rows of sql/export/stacks.sql. */
#ifndef EXPORT_STACK_H
#define EXPORT_STACK_H

#include <sqlite3.h>
#include <stdint.h>

/** A kind of profile: its statement, and what its numbers are. */
struct stack_profile {
	const char *name;
	const char *count, *count_unit; // the first number
	const char *ns;                 // the second one, in nanoseconds
	const char *shown;              // the one that is shown unless asked
	const char *state;              // what the column state is of
};

enum { STACK_FRAMES = 2 };

/** Texts are never NULL; they live until the next row. */
struct stack {
	struct stack_frame {
		const char *func, *file;
		int64_t line;            // 0: unknown
	} frame[STACK_FRAMES], born; // innermost first; born.func "": unknown
	int frames;
	const char *state, *name, *verdict; // "": none
	int64_t count, ns;
};

/** The profile of a name, or NULL. */
const struct stack_profile *stack_profile(const char *name);

/** A row of its statement. */
void stack_read(struct stack *s, sqlite3_stmt *st);

#endif
