/* SPDX-License-Identifier: MIT */
/** html_write.h: pieces of HTML.  Whatever comes from a trace goes through html_text(). */
#ifndef REPORT_HTML_WRITE_H
#define REPORT_HTML_WRITE_H

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>

/** Text, in an element or in a quoted attribute; controls and what is not UTF-8 become U+FFFD. */
void html_text(FILE *out, const char *text);

/** At most so many characters of it; an ellipsis stands for the rest. */
void html_clip(FILE *out, const char *text, size_t chars_max);

/** As html_text(), but line feeds and tabs stay what they are. */
void html_lines(FILE *out, const char *text);

/** 1234567 as 1,234,567. */
void html_count(FILE *out, int64_t n);

/** Nanoseconds with a fitting unit. */
void html_time(FILE *out, int64_t ns);

void html_bytes(FILE *out, int64_t bytes);

/** func() file:line, and what stands there; nothing for an empty place.  No text is
 * NULL; what is longer than HTML_PLACE_CHARS is cut. */
enum { HTML_PLACE_CHARS = 200 };
struct html_place {
	const char *file, *func, *text;
	int64_t line;
};
void html_place(FILE *out, const struct html_place *p);

/** Heads of columns of numbers; NULL ends the list. */
void html_heads(FILE *out, const char *const *names);

/** Cells of a table, with what the script sorts by; a negative number is an unknown. */
void html_cell_count(FILE *out, int64_t n);
void html_cell_time(FILE *out, int64_t ns);

/** A cell that links to the finding in these two columns of a row; an empty one if there is none.
 */
void html_cell_finding(FILE *out, sqlite3_stmt *st, int id, int kind);

#endif
