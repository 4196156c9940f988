/* SPDX-License-Identifier: MIT */
/** rules.h: detectors of the user's, besides the built-in ones. */
#ifndef GTRACE_RULES_H
#define GTRACE_RULES_H

#include <sqlite3.h>

/**
 * Run the files DIR/ *.sql in the order of their names, and number the findings anew.
 *
 * Returns: 0; after talk() an exit code of cmd.h: CMD_USAGE for what they say, CMD_INPUT if they
 * cannot be read.
 */
int rules_run(sqlite3 *db, const char *dir);

#endif
