/* SPDX-License-Identifier: MIT */
/** rows.h: the way of rows into the tables of schema.sql. */
#ifndef GTRACE_ROWS_H
#define GTRACE_ROWS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db.h"

/* A statement of sql/load.sql each. */
#define ROWS_STATEMENTS(X) \
	X(BEGIN, "begin") \
	X(COMMIT, "commit") \
	X(WORD, "word") \
	X(TRACE, "trace") \
	X(ORIGIN, "origin") \
	X(SITE, "site") \
	X(MODULE, "module") \
	X(THREAD, "thread") \
	X(THREAD_END, "thread_end") \
	X(GOROUTINE, "goroutine") \
	X(INTERVAL_BLOCK, "interval_block") \
	X(SPAWN, "spawn") \
	X(STILL, "still") \
	X(LONG_WAIT, "long_wait") \
	X(READY, "ready") \
	X(WAIT_ON, "wait_on") \
	X(OBJECT_WAIT, "object_wait") \
	X(SITE_WAIT, "site_wait") \
	X(OBJECT, "object") \
	X(OBJECT_CLOSE, "object_close") \
	X(OBJECT_FREE, "object_free") \
	X(USE_BLOCK, "use_block") \
	X(GIVE, "give") \
	X(HOLD_BLOCK, "hold_block") \
	X(NEST, "nest") \
	X(NEST_GATE, "nest_gate") \
	X(POLL, "poll") \
	X(LATE, "late") \
	X(TIMER, "timer") \
	X(HANDOFF, "handoff") \
	X(BUSY, "busy") \
	X(STACK, "stack") \
	X(FRAME, "frame") \
	X(SNAPSHOT, "snapshot") \
	X(SNAPSHOT_END, "snapshot_end") \
	X(REACH, "reach") \
	X(GAP, "gap") \
	X(MARK, "mark")

enum rows_statement {
#define ROWS_ENUM(id, name) ROWS_##id,
	ROWS_STATEMENTS(ROWS_ENUM)
#undef ROWS_ENUM
		ROWS_COUNT
};

enum { ROWS_BATCHES = 4 };

struct batch;
struct rows_held;

struct rows {
	sqlite3 *db;
	sqlite3_stmt *st[ROWS_COUNT];   // prepared when first needed
	sqlite3_stmt *many[ROWS_COUNT]; // the same for many rows
	struct rows_held *held;         // the writer's
	atomic_int err;                 // the first SQLite error; nothing is written after it
	struct batch *batch[ROWS_BATCHES];
	uint64_t sent, written; // batches; under mu, as over is
	bool over;
	pthread_mutex_t mu;
	pthread_cond_t changed;
	pthread_t writer;
	bool writing; // there is a writer
};

/** Begin a transaction.  Returns: an SQLite code. */
int rows_open(struct rows *r, sqlite3 *db);

/** Write a row, sooner or later; see the statement for its values. */
#define ROWS_PUT(r, statement, ...) \
	rows_put((r), (statement), \
	         (int)(sizeof((struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)), \
	         (const struct db_value[]){__VA_ARGS__})
void rows_put(struct rows *r, enum rows_statement statement, int count,
              const struct db_value *values);

/** Write a row at once; for jobs. */
#define ROWS_WRITE(r, statement, ...) \
	rows_write((r), (statement), \
	           (int)(sizeof((struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)), \
	           (const struct db_value[]){__VA_ARGS__})
void rows_write(struct rows *r, enum rows_statement statement, int count,
                const struct db_value *values);

/** Nothing more is to be written, because of this SQLite error. */
void rows_fail(struct rows *r, int err);

/** Let the writer call job once all that was put before is written; sooner or later, with a row or
 * two of others in between.  r is NULL if there is nothing to be written any more: then it only has
 * to free what it has. */
void rows_run(struct rows *r, void (*job)(struct rows *r, void *arg), void *arg);

/** Wait until all are written: then the database is the caller's.  No row may be put any more.
 * Returns: the first SQLite error, or SQLITE_OK. */
int rows_flush(struct rows *r);

/** Flush, commit, release.  Returns: the first SQLite error, or SQLITE_OK. */
int rows_close(struct rows *r);

#endif
