/* SPDX-License-Identifier: MIT */
/** load.h: a trace into a database. */
#ifndef GTRACE_LOAD_H
#define GTRACE_LOAD_H

#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>

#include <gtrace.h>

#include "interval/pack.h" // STATE_SYSCALL
#include "progress.h"

struct load_options {
	// Set it to stop a load early; what was read is then loaded and trace.partial is 1.  May be
	// NULL.
	volatile const sig_atomic_t *stop;
	// Read so many events, and no more, as if the program had been killed then.  0: all.
	uint64_t events;
	struct progress *progress; // NULL: nobody wants to know how far it is
	// With so many intervals or fewer they are rows of a plain table, so that any program that can
	// read SQLite has them; with more a virtual table, interval/table.h.
	uint64_t plain;
};

/**
 * Read a trace ("-": standard input) into an empty database: schema, views, rows.  Then the tables
 * of schema.sql are complete but for the findings.
 *
 * Returns: 0; a code of struct gtrace_error with *err filled.
 */
int load_trace(sqlite3 *db, const char *path, const struct load_options *opt,
               struct gtrace_error *err);

/**
 * Open a trace.db, or load a trace and look for findings in it (detect.h) in a temporary database:
 * for verbs that take TRACE|DB.  The caller closes *db.
 *
 * Returns: 0, or a code with *err filled.
 */
int load_open(sqlite3 **db, const char *path, struct gtrace_error *err);

#endif
