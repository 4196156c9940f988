/* SPDX-License-Identifier: MIT */
/** plain.h: text of a trace for people: what it says is hostile, and must not speak to a terminal.
 */
#ifndef GTRACE_PLAIN_H
#define GTRACE_PLAIN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Print n bytes of s with control characters as \xNN.  Returns: the columns used. */
int plain_bytes(FILE *out, const char *s, size_t n);
int plain_text(FILE *out, const char *s);

/** How many columns that takes. */
int plain_columns(const char *s);

/** The same into out; what does not fit is cut.  Returns: its length. */
size_t plain_copy(char *out, size_t cap, const char *s);

/** 21400000 -> "21.4 ms". */
const char *plain_time(char out[32], int64_t ns);

#endif
