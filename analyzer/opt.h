/* SPDX-License-Identifier: MIT */
/** opt.h: one table of options per verb; it is read by getopt_long and printed by help. */
#ifndef GTRACE_OPT_H
#define GTRACE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opt_type {
	OPT_TYPE_FLAG,     // bool
	OPT_TYPE_TEXT,     // const char *
	OPT_TYPE_DURATION, // int64_t, nanoseconds
	OPT_TYPE_WORD      // const char *, one of the words in `value`: "a|b|c"
};

struct opt {
	const char *name; // without the dashes
	char letter;      // or 0
	enum opt_type type;
	size_t offset;     // in the verb's struct
	const char *value; // its name in the help: DIR
	const char *help;
};

#define OPT_FLAG(name, letter, type, field, help) \
	{ \
		name, letter, OPT_TYPE_FLAG, offsetof(type, field), NULL, help \
	}
#define OPT_TEXT(name, letter, type, field, value, help) \
	{ \
		name, letter, OPT_TYPE_TEXT, offsetof(type, field), value, help \
	}
#define OPT_DURATION(name, letter, type, field, help) \
	{ \
		name, letter, OPT_TYPE_DURATION, offsetof(type, field), "DUR", help \
	}
#define OPT_WORD(name, letter, type, field, words, help) \
	{ \
		name, letter, OPT_TYPE_WORD, offsetof(type, field), words, help \
	}
#define OPT_END \
	{ \
		NULL, 0, OPT_TYPE_FLAG, 0, NULL, NULL \
	}

enum { OPT_HELP = 1 }; // asked for help

/**
 * Read the options of `verb` out of argv (whose word 0 is skipped) into args; the other words are
 * moved behind them, from *first on.  `in_order` ends the options at the first other word.
 *
 * Returns: 0, or OPT_HELP, or -EINVAL after saying on stderr what is wrong.
 */
int opt_parse(const struct opt *opts, void *args, bool in_order, int argc, char **argv, int *first);

/** Print the table on stdout. */
void opt_print(const struct opt *opts);

/** The word of a NULL-ended list that is nearest to what was typed; NULL if none is near. */
const char *opt_nearest(const char *typed, const char *const *words);

#endif
