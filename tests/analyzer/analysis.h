/* SPDX-License-Identifier: MIT */
/** analysis.h: text traces through the analyzer, in one process. */
#ifndef TESTS_ANALYSIS_H
#define TESTS_ANALYSIS_H

#include <sqlite3.h>
#include <stddef.h>

/** A file as text; the test fails if it cannot be read.  The caller frees it. */
char *analysis_file(const char *path);

/** Assemble a text trace into the file path. */
void analysis_assemble(const char *text, size_t len, const char *path);

/**
 * Assemble a text trace, load it, look for findings; the caller closes the database.  The lines
 * between "# repeat COUNT NS" and "# end" come COUNT times, each time NS later.
 */
sqlite3 *analysis_of_text(const char *text, size_t len);

#endif
