/* SPDX-License-Identifier: MIT */
/** lines.h: a small file, line by line. */
#ifndef TRIAGE_LINES_H
#define TRIAGE_LINES_H

#include <stddef.h>

/** All of a file with a zero behind it; NULL after talk().  The caller frees it. */
char *lines_read(const char *path, size_t *len);

/** The next line of *at without blanks around it, terminated in place; NULL after the last one. */
char *lines_next(char **at);

#endif
