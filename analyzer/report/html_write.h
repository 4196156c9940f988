/* SPDX-License-Identifier: MIT */
/** html_write.h: pieces of HTML.  Whatever comes from a trace goes through html_text(). */
#ifndef REPORT_HTML_WRITE_H
#define REPORT_HTML_WRITE_H

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>

/** Text, in an element or in a quoted attribute; controls and what is not UTF-8 become U+FFFD. */
void html_text(FILE *out, const char *text);

/** 1234567 as 1,234,567. */
void html_count(FILE *out, int64_t n);

/** Nanoseconds with a fitting unit. */
void html_time(FILE *out, int64_t ns);

void html_bytes(FILE *out, int64_t bytes);

/** func() file:line, and what stands there; nothing for an empty place.  Text may be "". */
struct html_place {
	const char *file, *func, *text;
	int64_t line;
};
void html_place(FILE *out, const struct html_place *p);

#endif
