/* SPDX-License-Identifier: MIT */
/**
 * rows.c: rows into tables, by a thread of its own.
 *
 * SQLite takes about as long to write the rows as everything before takes to make them.  So they go
 * by way of batches, in which their values are copied one behind the other:
 *
 *     loader ──▶ batch[sent % BATCHES]      batch[written % BATCHES] ──▶ writer: SQLite
 *                  being filled               being written
 *
 *   R1  written <= sent < written + BATCHES: who fills one waits until it has been written.
 *   R2  Rows of one statement are written in the order in which they were put, and all before a
 *       row of a statement that is not in rows_many.
 *   R3  From the first batch that is full to the end of rows_flush() the database is the writer's
 *       alone.
 *
 * A statement that inserts 32 rows takes half as long as 32 of them; so the writer holds back what
 * there are many of, as long as the batch is there.
 *
 * A trace that fits into one batch has no writer, nor has one if no thread can be made.
 */
#include "load/rows.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_BYTES = 1 << 18, VALUES_MAX = 40, MANY = 32, MANY_VALUES = 12 };

struct batch {
	size_t len;
	bool job; // it has one
	uint8_t bytes[BATCH_BYTES];
};

static const char *const rows_name[ROWS_COUNT] = {
#define ROWS_NAME(id, name) [ROWS_##id] = (name),
	ROWS_STATEMENTS(ROWS_NAME)
#undef ROWS_NAME
};

/* What there are many of. */
static const bool rows_many[ROWS_COUNT] = {
	[ROWS_GOROUTINE] = true, [ROWS_INTERVAL_BLOCK] = true, [ROWS_STILL] = true,
	[ROWS_WAIT_ON] = true,   [ROWS_OBJECT] = true,         [ROWS_OBJECT_WAIT] = true,
	[ROWS_GIVE] = true,      [ROWS_TIMER] = true,
};

/** In place of a statement. */
enum { ROWS_JOB = ROWS_COUNT };

struct job {
	void (*run)(struct rows *r, void *arg);
	void *arg;
};

/** Rows of one statement that are not yet written. */
struct rows_held {
	int rows, count; // of values
	struct db_value values[MANY * MANY_VALUES];
};

void rows_fail(struct rows *r, int err)
{
	int none = SQLITE_OK;

	if (err != SQLITE_OK)
		atomic_compare_exchange_strong(&r->err, &none, err);
}

/* ── writing ── */

void rows_write(struct rows *r, enum rows_statement statement, int count,
                const struct db_value *values)
{
	if (r->err == SQLITE_OK && !r->st[statement])
		rows_fail(r, db_prepare(r->db, "sql/load.sql", rows_name[statement], &r->st[statement]));
	if (r->err == SQLITE_OK)
		rows_fail(r, db_row(r->st[statement], count, values));
}

/* Write what is held of a statement. */
static void held_write(struct rows *r, enum rows_statement statement)
{
	struct rows_held *h = &r->held[statement];
	int each = h->rows ? h->count / h->rows : 0;

	if (h->rows == MANY && r->err == SQLITE_OK && !r->many[statement])
		rows_fail(r, db_prepare_many(r->db, "sql/load.sql", rows_name[statement], MANY,
		                             &r->many[statement]));
	if (h->rows == MANY && r->err == SQLITE_OK)
		rows_fail(r, db_row(r->many[statement], h->count, h->values));
	for (int i = 0; i < h->rows && h->rows < MANY; i++)
		rows_write(r, statement, each, h->values + (size_t)i * (size_t)each);
	h->rows = h->count = 0;
}

static void all_held_write(struct rows *r)
{
	for (int i = 0; r->held && i < ROWS_COUNT; i++)
		held_write(r, i);
}

/* The value at p; *v points into the batch. */
static const uint8_t *value_get(const uint8_t *p, struct db_value *v)
{
	*v = (struct db_value){.type = *p++};
	if (v->type == DB_NULL)
		return p;
	memcpy(&v->number, p, sizeof v->number);
	p += sizeof v->number;
	if (v->type == DB_INT)
		return p;
	v->text = p;
	v->len = (size_t)v->number;
	return p + v->len;
}

static const uint8_t *job_run(struct rows *r, const uint8_t *p)
{
	struct job job;

	memcpy(&job, p, sizeof job);
	all_held_write(r);
	job.run(r->err == SQLITE_OK ? r : NULL, job.arg);
	return p + sizeof job;
}

static void batch_write(struct rows *r, struct batch *b)
{
	struct db_value values[VALUES_MAX];

	for (const uint8_t *p = b->bytes; p < b->bytes + b->len;) {
		enum rows_statement statement = *p++;
		if (statement == (enum rows_statement)ROWS_JOB) {
			p = job_run(r, p);
			continue;
		}
		int count = *p++;
		bool many = rows_many[statement] && count <= MANY_VALUES;
		struct rows_held *h = many ? &r->held[statement] : NULL;
		for (int i = 0; i < count; i++)
			p = value_get(p, h ? &h->values[h->count++] : &values[i]);
		if (h && ++h->rows == MANY) {
			held_write(r, statement);
		} else if (!h) {
			all_held_write(r);
			rows_write(r, statement, count, values);
		}
	}
	all_held_write(r); // their values are in the batch
	b->len = 0;
	b->job = false;
}

static void *writer_run(void *rows)
{
	struct rows *r = rows;

	pthread_mutex_lock(&r->mu);
	while (true) {
		while (r->written == r->sent && !r->over)
			pthread_cond_wait(&r->changed, &r->mu);
		if (r->written == r->sent)
			break;
		pthread_mutex_unlock(&r->mu);
		batch_write(r, r->batch[r->written % ROWS_BATCHES]);
		pthread_mutex_lock(&r->mu);
		r->written++;
		pthread_cond_signal(&r->changed);
	}
	pthread_mutex_unlock(&r->mu);
	return NULL;
}

/* ── filling ── */

/* The batch that is being filled; NULL: no memory. */
static struct batch *batch_now(struct rows *r)
{
	struct batch **b = &r->batch[r->sent % ROWS_BATCHES];

	if (!*b && (*b = malloc(sizeof **b)) != NULL) {
		(*b)->len = 0;
		(*b)->job = false;
	}
	return *b;
}

/* Keeps R1 and R3. */
static void batch_send(struct rows *r)
{
	if (!r->writing)
		r->writing = pthread_create(&r->writer, NULL, writer_run, r) == 0;
	if (!r->writing) {
		batch_write(r, batch_now(r));
		return;
	}
	pthread_mutex_lock(&r->mu);
	r->sent++;
	pthread_cond_signal(&r->changed);
	while (r->sent - r->written == ROWS_BATCHES)
		pthread_cond_wait(&r->changed, &r->mu);
	pthread_mutex_unlock(&r->mu);
}

static size_t row_bytes(int count, const struct db_value *values)
{
	size_t len = 2;

	for (int i = 0; i < count; i++)
		len += values[i].type == DB_NULL ? 1 : 1 + sizeof values->number + values[i].len;
	return len;
}

static uint8_t *value_put(uint8_t *p, const struct db_value *v)
{
	int64_t number = v->type == DB_INT ? v->number : (int64_t)v->len;

	*p++ = (uint8_t)v->type;
	if (v->type == DB_NULL)
		return p;
	memcpy(p, &number, sizeof number);
	p += sizeof number;
	if (v->len)
		memcpy(p, v->text, v->len);
	return p + v->len;
}

void rows_put(struct rows *r, enum rows_statement statement, int count,
              const struct db_value *values)
{
	size_t len = row_bytes(count, values);
	struct batch *b = batch_now(r);

	if (b && b->len + len > BATCH_BYTES) {
		batch_send(r);
		b = batch_now(r);
	}
	if (!b || len > BATCH_BYTES || count > VALUES_MAX) {
		rows_fail(r, b ? SQLITE_TOOBIG : SQLITE_NOMEM);
		return;
	}
	uint8_t *p = b->bytes + b->len;

	b->len += len;
	*p++ = (uint8_t)statement;
	*p++ = (uint8_t)count;
	for (int i = 0; i < count; i++)
		p = value_put(p, &values[i]);
}

/* A batch has one job at most, so that those on their way are as few. */
void rows_run(struct rows *r, void (*job)(struct rows *r, void *arg), void *arg)
{
	struct job what = {job, arg};
	struct batch *b = batch_now(r);

	if (b && (b->job || b->len + 1 + sizeof what > BATCH_BYTES)) {
		batch_send(r);
		b = batch_now(r);
	}
	if (!b) {
		rows_fail(r, SQLITE_NOMEM);
		job(NULL, arg);
		return;
	}
	b->bytes[b->len] = ROWS_JOB;
	memcpy(b->bytes + b->len + 1, &what, sizeof what);
	b->len += 1 + sizeof what;
	b->job = true;
}

int rows_open(struct rows *r, sqlite3 *db)
{
	*r = (struct rows){.db = db};
	pthread_mutex_init(&r->mu, NULL);
	pthread_cond_init(&r->changed, NULL);
	r->held = calloc(ROWS_COUNT, sizeof *r->held);
	rows_fail(r, r->held ? SQLITE_OK : SQLITE_NOMEM);
	rows_write(r, ROWS_BEGIN, 0, NULL);
	return r->err;
}

int rows_flush(struct rows *r)
{
	if (r->writing) {
		if (r->batch[r->sent % ROWS_BATCHES]) // there was memory for it
			batch_send(r);
		pthread_mutex_lock(&r->mu);
		r->over = true;
		pthread_cond_signal(&r->changed);
		pthread_mutex_unlock(&r->mu);
		pthread_join(r->writer, NULL);
		r->writing = false;
	} else if (r->batch[0]) {
		batch_write(r, r->batch[0]);
	}
	return r->err;
}

int rows_close(struct rows *r)
{
	if (r->db) {
		rows_flush(r);
		rows_write(r, ROWS_COMMIT, 0, NULL);
		pthread_mutex_destroy(&r->mu);
		pthread_cond_destroy(&r->changed);
	}
	for (int i = 0; i < ROWS_COUNT; i++) {
		sqlite3_finalize(r->st[i]);
		sqlite3_finalize(r->many[i]);
	}
	free(r->held);
	for (int i = 0; i < ROWS_BATCHES; i++)
		free(r->batch[i]);
	int err = r->err;

	*r = (struct rows){.err = err};
	return err;
}
