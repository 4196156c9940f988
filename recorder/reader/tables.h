/* SPDX-License-Identifier: MIT */
/** tables.h: call sites and stacks, kept once each for the life of the reader. */
#ifndef GTRACE_READER_TABLES_H
#define GTRACE_READER_TABLES_H

#include "map.h"

#include <gtrace.h>

#define STACK_FRAMES_MAX 1024

struct arena_block;

struct site_row {
	struct gtrace_site_info info;
	bool defined;
};

struct stack_row {
	uint64_t *pcs;
	uint32_t count;
};

struct tables {
	struct arena_block *arena;
	struct site_row **sites; // by number - 1
	uint32_t site_count;
	uint32_t site_cap;
	struct map site_by_raw;   // the number in the records of any stream, the last that came
	struct map site_by_hash;  // of its contents
	struct stack_row *stacks; // by number - 1
	uint32_t stack_count;
	uint32_t stack_cap;
	struct map stack_by_hash;
};

/** The words of a SITE record; not terminated. */
struct site_words {
	const char *file, *func, *text;
	size_t file_len, func_len, text_len;
	uint64_t line, op;
};

/** Returns: the reader's number of a site, or 0 if there is no memory. */
uint32_t gtrace__site_define(struct tables *t, uint64_t raw, const struct site_words *words);

/** The reader's number of a site that its own stream does not define; one is given to a site that
 * no stream has defined yet.  raw is not 0.  0: no memory. */
uint32_t gtrace__site_number(struct tables *t, uint64_t raw);

/** The reader's number for a STACK_DEF's bytes; 0 if they are no stack.  Returns: 0 or -ENOMEM. */
int gtrace__stack_define(struct tables *t, const uint8_t *pcs, size_t len, uint32_t *number);

void gtrace__tables_release(struct tables *t);

#endif
