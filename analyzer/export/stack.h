/* SPDX-License-Identifier: MIT */
/** stack.h: the rows of sql/export/stacks.sql. */
#ifndef EXPORT_STACK_H
#define EXPORT_STACK_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

/** A kind of profile: its statement, and what its numbers are. */
struct stack_profile {
	const char *name;
	const char *count, *count_unit; // the first number
	const char *ns;                 // the second one, in nanoseconds
	const char *shown;              // the one that is shown unless asked
	const char *state;              // what the column state is of
};

/** Texts are never NULL; they live until the next row. */
struct stack {
	struct stack_frame {
		const char *func, *file;
		int64_t line; // 0: unknown
	} * frame, born;  // innermost first, one at least; born.func "": unknown
	size_t frames;
	const char *state, *name, *verdict; // "": none
	int64_t count, ns;
};

/** What is kept from row to row. */
struct stack_reader {
	sqlite3_stmt *frames; // of a recorded stack
	struct stack_frame *frame;
	char **text; // of those frames that were recorded
	size_t frame_count, text_count;
};

/** The profile of a name, or NULL. */
const struct stack_profile *stack_profile(const char *name);

/** Returns: an SQLite code.  stack_close() it in any case. */
int stack_open(struct stack_reader *r, sqlite3 *db);

/** A row of a profile's statement.  Returns: an SQLite code. */
int stack_read(struct stack_reader *r, struct stack *s, sqlite3_stmt *st);

void stack_close(struct stack_reader *r);

#endif
