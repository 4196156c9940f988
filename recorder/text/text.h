/* SPDX-License-Identifier: MIT */
/** text.h: a trace as text, inside: words, then events in order, then streams of batches. */
#ifndef GTRACE_TEXT_TEXT_H
#define GTRACE_TEXT_TEXT_H

#include "map.h"
#include "record.h"
#include "writer/file.h"

#include <gtrace.h>

/** A stretch of the text, quotes and all. */
struct word {
	const char *p;
	size_t len;
};

#define TEXT_FRAMES_MAX 128

/** One event line. */
struct text_event {
	int64_t time_ns;
	uint64_t thread;
	uint64_t g; // as the line says; 0: it does not
	unsigned line;
	uint16_t id;
	bool has_seq;
	uint64_t arg[GTRACE_ARGS_MAX]; // sites: numbers of text_sites; bytes: the length
	const char *bytes[GTRACE_ARGS_MAX];
	uint64_t *pcs; // of a STACK
	unsigned pc_count;
};

struct text_site {
	struct text_site *next;
	uint64_t number;
	uint32_t line, op;
	size_t file_len, func_len, text_len;
	const char *file, *func, *text;
};

/** What the whole text says. */
struct text {
	const char *out_path;
	struct gtrace_error *err;
	unsigned line;
	size_t line_offset;
	const char *start;

	char *heap; // unquoted bytes; as long as the text
	size_t heap_len;
	uint64_t *pcs;
	size_t pcs_len, pcs_cap;

	struct text_event *events;
	size_t event_count;
	size_t event_cap;
	struct text_site **sites;
	uint64_t site_count;
	uint64_t site_cap;
	struct map site_by_hash;

	char *header;
	size_t header_len;
	bool has_end;
	enum gtrace_end end;
	int end_code;
	int64_t end_ns;
	int64_t begin_ns; // the trace begins in the middle; 0: it does not
};

/* lex.c */

/** The next word of a line; false at its end.  A quote that is not closed ends with the line. */
bool gtrace__word_next(const char **p, const char *end, struct word *w);

/** Cut a word at the first such character outside quotes; what is before it stays in *w. */
bool gtrace__word_cut(struct word *w, char at, struct word *rest);

/** Copy a word without its quotes and escapes.  Returns the length; out has room for word.len. */
size_t gtrace__word_plain(const struct word *w, char *out);

/** True if the word is just that. */
bool gtrace__word_is(const struct word *w, const char *text);

/** Fill *text's error.  Returns -EINVAL. */
int gtrace__text_error(struct text *t, const char *what, const struct word *w);

/* parse.c */

/** One line.  Returns: 0; -EINVAL with the error filled; -ENOMEM. */
int gtrace__text_line(struct text *t, const char *p, const char *end);

/* streams.c */

/** Write everything to a file.  Returns: 0 or a negative errno. */
int gtrace__text_write(struct text *t, struct gtrace__file *file);

#endif
