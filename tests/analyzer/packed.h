/* SPDX-License-Identifier: MIT */
/** packed.h: what the tests of packed tables share. */
#ifndef TEST_PACKED_H
#define TEST_PACKED_H

#include <sqlite3.h>
#include <stdint.h>

/** The same numbers in each run: any, and of any size. */
uint64_t any(void);
uint64_t number(void);

/** An error fails the test. */
void run(sqlite3 *db, const char *sql);

/** All rows of a query with the table in place of its first @, as text, to be freed. */
char *asked(sqlite3 *db, const char *table, const char *query);

#endif
