/* SPDX-License-Identifier: MIT */
/** interval.c: intervals come out of the table interval as they were packed, whatever is asked;
 * damage is an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "db.h"
#include "interval/each.h"
#include "interval/pack.h"
#include "interval/table.h"
#include "packed.h"

enum { GOROUTINES = 40, EACH = 700, BLOCK = 200 };

/* One that follows on was. */
static struct interval next(const struct interval *was)
{
	static const uint8_t state[] = {1, 2, 3, STATE_SYSCALL};
	struct interval row = {.g = was->g, .n = was->n + 1, .from_ns = was->to_ns};

	row.to_ns = row.from_ns + (int64_t)(number() >> 12);
	row.state = state[any() % 4];
	if (row.state == 3) {
		row.reason = (uint8_t)number();
		row.object = number();
		row.site = number();
		row.flags = any() % 2 ? (uint8_t)any() : 0;
	} else if (any() % 2) {
		row.thread = number();
	}
	if (any() % 2) {
		row.woken_by = number();
		row.waker = any() % 4 ? 0 : (uint8_t)any();
		row.wake_object = any() % 4 ? row.object : number();
	}
	return row;
}

static void row_plain(sqlite3_stmt *st, const struct interval *v)
{
	assert_int_equal(DB_ROW(st, db_int((int64_t)v->g), db_int(v->n), db_int(v->from_ns),
	                        db_time(v->to_ns), db_int(v->state), db_id(v->reason), db_id(v->object),
	                        db_id(v->site), db_id(v->flags), db_id(v->thread), db_id(v->woken_by),
	                        db_id(v->waker), db_id(v->wake_object)),
	                 SQLITE_OK);
}

/* The same intervals in the tables interval and plain, of some goroutines in blocks of some size.
 */
static sqlite3 *tables(void)
{
	sqlite3_stmt *plain, *packed;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(interval_register(db), SQLITE_OK);
	assert_int_equal(db_run_asset(db, "sql/schema.sql"), SQLITE_OK);
	run(db,
	    "INSERT INTO trace(trace_id, file, duration_ns, events, lost_events, lost_batches, bytes,"
	    " end, started, ended, peak, peak_ns, broken, sidecar, partial, spin_ns)"
	    " VALUES (1, '', 0, 0, 0, 0, 0, '', 0, 0, 0, 0, 0, 0, 0, 0)");
	run(db, "ALTER TABLE interval RENAME TO plain");
	run(db, "CREATE VIRTUAL TABLE interval USING gtrace_interval");
	sqlite3_prepare_v2(db, "INSERT INTO plain VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	                   -1, &plain, NULL);
	sqlite3_prepare_v2(db, "INSERT INTO interval_block VALUES (1, ?, ?, ?, ?)", -1, &packed, NULL);
	for (uint64_t g = GOROUTINES; g > 0; g--) {
		struct interval row = {.g = g, .n = UINT32_MAX, .to_ns = (int64_t)(any() % 1000)};
		uint32_t count = (uint32_t)(any() % EACH) + 1, at = 0;
		while (at < count) {
			uint8_t data[BLOCK * INTERVAL_PACKED_MAX], *p = data;
			uint32_t n = at, left = (uint32_t)(any() % BLOCK) + 1;
			int64_t from_ns = row.to_ns;
			for (; left && at < count; left--, at++) {
				row = next(&row);
				row.to_ns = at + 1 == count && g % 2 ? -1 : row.to_ns;
				p = interval_pack(p, &row);
				row_plain(plain, &row);
			}
			assert_int_equal(DB_ROW(packed, db_int((int64_t)g), db_int(n), db_int(from_ns),
			                        db_blob(data, (size_t)(p - data))),
			                 SQLITE_OK);
		}
	}
	sqlite3_finalize(plain);
	sqlite3_finalize(packed);
	return db;
}

static void test_queries(void **state)
{
	static const char *const query[] = {
		"SELECT * FROM @",
		"SELECT * FROM @ ORDER BY trace_id, g, n",
		"SELECT * FROM @ ORDER BY g DESC, n DESC",
		"SELECT * FROM @ ORDER BY g DESC, n",
		"SELECT * FROM @ ORDER BY n, g",
		"SELECT * FROM @ WHERE trace_id = 1 AND g = 7 ORDER BY n DESC",
		"SELECT * FROM @ WHERE trace_id = 1 AND g = 7 AND n > 150 ORDER BY n",
		"SELECT * FROM @ WHERE trace_id = 1 AND g = 7 AND n >= 150 AND n < 300 ORDER BY n DESC"
		" LIMIT 9",
		"SELECT * FROM @ WHERE trace_id = 1 AND g = 7 AND n <= '150' AND n > -3 AND n > 9"
		" ORDER BY g, n",
		"SELECT * FROM @ WHERE trace_id = 1 AND g = 7 AND n = 99999",
		"SELECT * FROM @ WHERE trace_id = 1 AND g = 7 AND n BETWEEN 10.5 AND 12.5 ORDER BY n",
		"SELECT * FROM @ WHERE trace_id = 1 AND g = NULL",
		"SELECT * FROM @ WHERE trace_id = 2",
		"SELECT * FROM @ WHERE g IN (3, 5, 99) ORDER BY g, n",
		"SELECT max(n), min(n) FROM @ WHERE trace_id = 1 AND g = 12 AND state = 3",
		"SELECT g, (SELECT max(n) FROM @ WHERE g = d.g AND trace_id = 1 AND site IS NOT NULL)"
		" FROM (SELECT DISTINCT g FROM plain) d ORDER BY 1",
		"SELECT p.*, i.* FROM plain p JOIN @ i ON i.trace_id = p.trace_id AND i.g = p.g"
		" AND i.n = p.n + 1 ORDER BY p.g, p.n",
	};
	sqlite3 *db = tables();

	(void)state;
	for (size_t i = 0; i < sizeof query / sizeof query[0]; i++) {
		char *got = asked(db, "interval", query[i]), *want = asked(db, "plain", query[i]);
		if (strcmp(got, want) != 0)
			fail_msg("%s", query[i]);
		free(got);
		free(want);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* What interval_each() gives out, as asked() writes it. */
struct rows {
	FILE *out;
	size_t left; // then it is to stop
};

static void put_id(FILE *out, uint64_t v)
{
	if (v)
		fprintf(out, "%lld ", (long long)v);
	else
		fputs(" ", out);
}

static int put_row(void *arg, const struct interval *row)
{
	struct rows *r = arg;

	if (r->left-- == 0)
		return -1;
	fprintf(r->out, "1 %lld %lld %lld ", (long long)row->g, (long long)row->n,
	        (long long)row->from_ns);
	if (row->to_ns < 0)
		fputs(" ", r->out);
	else
		fprintf(r->out, "%lld ", (long long)row->to_ns);
	fprintf(r->out, "%d ", row->state);
	put_id(r->out, row->reason);
	put_id(r->out, row->object);
	put_id(r->out, row->site);
	put_id(r->out, row->flags);
	put_id(r->out, row->thread);
	put_id(r->out, row->woken_by);
	put_id(r->out, row->waker);
	put_id(r->out, row->wake_object);
	fputc('\n', r->out);
	return SQLITE_OK;
}

static char *each(sqlite3 *db, uint64_t g, size_t left, int want)
{
	char *text = NULL;
	size_t len;
	struct rows r = {.out = open_memstream(&text, &len), .left = left};

	assert_int_equal(interval_each(db, 1, g, put_row, &r), want);
	fclose(r.out);
	return text;
}

static void each_is(sqlite3 *db, uint64_t g, const char *table, const char *query)
{
	char *got = each(db, g, SIZE_MAX, SQLITE_OK), *want = asked(db, table, query);

	if (strcmp(got, want) != 0)
		fail_msg("%s", query);
	free(got);
	free(want);
}

/* Without SQL, they are the same rows: all, those of one goroutine, of none; until it is to stop.
 */
static void each_as_asked(sqlite3 *db, const char *table, int stopped)
{
	each_is(db, 0, table, "SELECT * FROM @ ORDER BY trace_id, g, n");
	each_is(db, 12, table, "SELECT * FROM @ WHERE g = 12 ORDER BY n");
	each_is(db, GOROUTINES, table, "SELECT * FROM @ WHERE g = 40 ORDER BY n");
	each_is(db, 99, table, "SELECT * FROM @ WHERE g = 99");
	char *got = each(db, 0, 500, stopped);
	char *want = asked(db, table, "SELECT * FROM @ ORDER BY trace_id, g, n LIMIT 500");

	assert_string_equal(got, want);
	free(got);
	free(want);
}

static void test_each(void **state)
{
	sqlite3 *db = tables();

	(void)state;
	each_as_asked(db, "interval", -1);
	run(db, "DELETE FROM interval_block");
	run(db, "DROP TABLE interval");
	run(db, "ALTER TABLE plain RENAME TO interval");
	each_as_asked(db, "interval", -1);
	run(db, "DELETE FROM interval");
	each_as_asked(db, "interval", SQLITE_OK); // there are none
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Two blocks of one goroutine overlap: each key once, of the first block. */
static void test_overlap(void **state)
{
	sqlite3 *db = tables();

	(void)state;
	run(db, "INSERT OR IGNORE INTO interval_block SELECT 1, 7, n + 3, from_ns + 1, data"
	        " FROM interval_block WHERE g = 9");
	each_is(db, 7, "interval", "SELECT * FROM @ WHERE trace_id = 1 AND g = 7 ORDER BY n");
	each_is(db, 0, "interval", "SELECT * FROM @");
	char *got =
		asked(db, "interval",
	          "SELECT count(*) > 0, count(*) - count(DISTINCT n), max(n) + 1 - count(*) FROM @"
	          " WHERE g = 7");

	assert_string_equal(got, "1 0 0 \n");
	free(got);
	got = asked(db, "interval",
	            "SELECT count(*) - count(DISTINCT n) FROM (SELECT n FROM @ WHERE trace_id = 1"
	            " AND g = 7 ORDER BY n DESC)");
	assert_string_equal(got, "0 \n");
	free(got);
	sqlite3_close(db);
}

static int count_row(void *arg, const struct interval *row)
{
	*(int *)arg += row->n == 0;
	return SQLITE_OK;
}

/* Bytes of a block changed or cut off: rows, or an error that says so. */
static void test_damage(void **state)
{
	sqlite3 *db = tables();
	sqlite3_stmt *st;
	int errors = 0, natively = 0;

	(void)state;
	sqlite3_prepare_v2(
		db, "SELECT max(from_ns), count(thread) FROM interval WHERE trace_id = 1 AND g = ?", -1,
		&st, NULL);
	for (int i = 0; i < 2000; i++) {
		char sql[256];
		snprintf(
			sql, sizeof sql,
			"SAVEPOINT s; UPDATE interval_block SET data = CAST(substr(data, 1, %d) || x'%02x' ||"
			" substr(data, %d) AS BLOB) WHERE g = %d",
			(int)(any() % 500), (int)(any() & 255), (int)(any() % 500), i % GOROUTINES + 1);
		run(db, sql);
		sqlite3_bind_int(st, 1, i % GOROUTINES + 1);
		int got = sqlite3_step(st), none = 0;
		if (got != SQLITE_ROW)
			assert_string_equal(sqlite3_errmsg(db), "interval_block is damaged");
		errors += got != SQLITE_ROW;
		// A block of more rows than there can be is good enough for one that takes them one by one.
		int native = interval_each(db, 1, (uint64_t)(i % GOROUTINES) + 1, count_row, &none);
		assert_true(native == SQLITE_OK || native == SQLITE_CORRUPT);
		assert_true(native == SQLITE_OK || got != SQLITE_ROW);
		natively += native != SQLITE_OK;
		sqlite3_reset(st);
		run(db, "ROLLBACK TO s; RELEASE s");
	}
	assert_true(errors > 100 && natively > 100);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
