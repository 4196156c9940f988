/* SPDX-License-Identifier: MIT */
/** act.c: uses and holds come out of their tables as they were packed, whatever is asked; damage is
 * an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gtrace.h>

#include "act/pack.h"
#include "act/table.h"
#include "db.h"
#include "packed.h"

enum { ROWS = 20000, BATCH = 3000, OBJECTS = 300, GOROUTINES = 1000, SHARED = 4096 };

/* Half of them are about a few objects. */
static struct act anything(enum act_kind kind, int64_t now)
{
	struct act row = {.object = any() % 2 ? any() % OBJECTS : any() % 5, .g = any() % GOROUTINES};

	row.object += any() % 3 ? SHARED : 0; // those behind 4,095 share buckets

	row.object += any() % 50 == 0 ? number() : 0;
	row.count = kind == ACT_USE ? 1 + any() % 9 : (uint64_t)now;
	row.site = any() % 3 ? number() : 0;
	row.to_site = kind == ACT_HOLD && any() % 3 ? number() : 0;
	row.from_ns = now;
	row.to_ns = any() % 9 || kind == ACT_USE ? now + (int64_t)(number() >> 20) : -1;
	row.op = 1 + (uint8_t)(any() % 8);
	return row;
}

static void row_plain(sqlite3_stmt *st, enum act_kind kind, const struct act *v)
{
	struct db_value op = db_text(gtrace_name("op", v->op)), object = db_int((int64_t)v->object);
	struct db_value g = db_int((int64_t)v->g), count = db_int((int64_t)v->count);

	if (kind == ACT_USE)
		assert_int_equal(DB_ROW(st, object, g, op, db_int(v->from_ns), db_int(v->to_ns), count,
		                        db_id(v->site)),
		                 SQLITE_OK);
	else
		assert_int_equal(DB_ROW(st, object, count, g, op, db_int(v->from_ns), db_time(v->to_ns),
		                        db_id(v->site), db_id(v->to_site)),
		                 SQLITE_OK);
}

static enum act_kind kind_at_hand;

static int by_square(const void *x, const void *y)
{
	const struct act *a = x, *b = y;
	uint64_t at[2] = {act_bucket(a->object), act_bucket(b->object)};

	if (at[0] == at[1]) {
		at[0] = act_cell(kind_at_hand, a);
		at[1] = act_cell(kind_at_hand, b);
	}
	if (at[0] != at[1])
		return at[0] < at[1] ? -1 : 1;
	return act_compare(kind_at_hand, a, b);
}

/* A batch in blocks of some size, as the loader would write it. */
static void batch_write(sqlite3_stmt *st, enum act_kind kind, struct act *rows, size_t count)
{
	static int64_t n;
	uint8_t data[ACT_BLOCK_BYTES + ACT_PACKED_MAX], *p = data;

	kind_at_hand = kind;
	qsort(rows, count, sizeof *rows, by_square);
	for (size_t i = 0; i < count; i++) {
		uint64_t bucket = act_bucket(rows[i].object), cell = act_cell(kind, &rows[i]);
		struct act first = {.object = act_bucket_object(bucket)};
		p = act_pack(p, p == data ? &first : &rows[i - 1], &rows[i]);
		if (i + 1 < count && act_bucket(rows[i + 1].object) == bucket &&
		    act_cell(kind, &rows[i + 1]) == cell && p - data < (ptrdiff_t)(any() % ACT_BLOCK_BYTES))
			continue;
		assert_int_equal(DB_ROW(st, db_int((int64_t)bucket), db_int((int64_t)cell), db_int(n++),
		                        db_blob(data, (size_t)(p - data))),
		                 SQLITE_OK);
		p = data;
	}
}

/* The same acts in the virtual table and in plain. */
static sqlite3 *tables(enum act_kind kind)
{
	static struct act batch[BATCH];
	sqlite3_stmt *plain, *packed;
	size_t count = 0;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(act_register(db), SQLITE_OK);
	assert_int_equal(db_run_asset(db, "sql/schema.sql"), SQLITE_OK);
	run(db,
	    kind == ACT_USE ? "ALTER TABLE use RENAME TO plain" : "ALTER TABLE hold RENAME TO plain");
	run(db, kind == ACT_USE ? "CREATE VIRTUAL TABLE use USING gtrace_use"
	                        : "CREATE VIRTUAL TABLE hold USING gtrace_hold");
	sqlite3_prepare_v2(
		db,
		kind == ACT_USE
			? "INSERT INTO plain VALUES (1, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
			  " last_ns = max(last_ns, excluded.last_ns), count = count + excluded.count,"
			  " site = CASE WHEN site IS NULL OR excluded.last_ns >= last_ns"
			  " THEN coalesce(excluded.site, site) ELSE site END"
			: "INSERT OR IGNORE INTO plain VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
		-1, &plain, NULL);
	sqlite3_prepare_v2(db,
	                   kind == ACT_USE ? "INSERT INTO use_block VALUES (1, ?, ?, ?, ?)"
	                                   : "INSERT INTO hold_block VALUES (1, ?, ?, ?, ?)",
	                   -1, &packed, NULL);
	for (int64_t now = 1; now <= ROWS; now++) {
		batch[count] = anything(kind, now);
		row_plain(plain, kind, &batch[count++]);
		if (count == BATCH || now == ROWS) {
			batch_write(packed, kind, batch, count);
			count = 0;
		}
	}
	sqlite3_finalize(plain);
	sqlite3_finalize(packed);
	return db;
}

static void compare(enum act_kind kind, const char *const *query, size_t count)
{
	sqlite3 *db = tables(kind);

	for (size_t i = 0; i < count; i++) {
		char *got = asked(db, kind == ACT_USE ? "use" : "hold", query[i]);
		char *want = asked(db, "plain", query[i]);
		if (strcmp(got, want) != 0)
			fail_msg("%s", query[i]);
		free(got);
		free(want);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_uses(void **state)
{
	static const char *const query[] = {
		"SELECT * FROM @ ORDER BY trace_id, object, g, op",
		"SELECT * FROM @ ORDER BY first_ns, object, g, op",
		"SELECT * FROM @ WHERE trace_id = 1 AND object = 4103 ORDER BY g, op",
		"SELECT g, sum(count) FROM @ WHERE trace_id = 1 AND object = 3 GROUP BY g",
		"SELECT g FROM @ WHERE trace_id = 1 AND object = 4099 GROUP BY g ORDER BY g DESC",
		"SELECT * FROM @ WHERE trace_id = 1 AND object = 2 AND g = 77 ORDER BY op",
		"SELECT * FROM @ WHERE trace_id = 1 AND object = 4098 AND g = 77 ORDER BY op",
		"SELECT * FROM @ WHERE trace_id = 1 AND object IN (1, 4, 4095, 4096, 4100, 4136, 4137)"
		" AND g < 100 ORDER BY object, g, op",
		"SELECT * FROM @ WHERE object = 4 AND g = 3 ORDER BY op",
		"SELECT * FROM @ WHERE trace_id = 1 AND object = '4' AND g = 3.0 ORDER BY op",
		"SELECT count(*) FROM @ WHERE trace_id = 1 AND object = 4.5",
		"SELECT count(*) FROM @ WHERE trace_id = 1 AND object = NULL",
		"SELECT count(*) FROM @ WHERE trace_id = 2 AND object = 4",
		"SELECT count(*) FROM @ WHERE trace_id = NULL",
		"SELECT d.object, u.g, u.op, u.site FROM (SELECT DISTINCT object FROM plain) d"
		" CROSS JOIN @ u ON u.trace_id = 1 AND u.object = d.object ORDER BY 1, 2, 3, 4",
		"SELECT g, (SELECT max(last_ns) FROM @ u WHERE u.trace_id = 1 AND u.object = 4098"
		" AND u.g = d.g) FROM (SELECT DISTINCT g FROM plain) d ORDER BY 1",
		"SELECT p.*, u.* FROM plain p JOIN @ u ON u.trace_id = p.trace_id AND u.object = p.object"
		" AND u.g = p.g + 1 AND u.op = p.op ORDER BY p.object, p.g, p.op",
	};

	(void)state;
	compare(ACT_USE, query, sizeof query / sizeof query[0]);
}

static void test_holds(void **state)
{
	static const char *const query[] = {
		"SELECT * FROM @ ORDER BY trace_id, object, count, g",
		"SELECT * FROM @ WHERE trace_id = 1 AND object = 4 ORDER BY count DESC, g LIMIT 9",
		"SELECT * FROM @ WHERE trace_id = 1 AND object = 4100 ORDER BY count, g LIMIT 9",
		"SELECT * FROM @ WHERE trace_id = 1 AND object = 4099 AND to_ns IS NULL ORDER BY g, count",
		"SELECT max(count) FROM @ WHERE trace_id = 1 AND object = 3 AND g = 12",
		"SELECT p.*, h.* FROM plain p JOIN @ h ON h.trace_id = p.trace_id AND h.object = p.object"
		" AND h.count = p.count ORDER BY p.object, p.count, p.g, h.g",
	};

	(void)state;
	compare(ACT_HOLD, query, sizeof query / sizeof query[0]);
}

/* Bytes of a block changed or cut off: rows, or an error that says so. */
static void test_damage(void **state)
{
	sqlite3 *db = tables(ACT_HOLD);
	int errors = 0;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		char sql[256];
		snprintf(sql, sizeof sql,
		         "SAVEPOINT s; UPDATE hold_block SET data = CAST(substr(data, 1, %d) || x'%02x' ||"
		         " substr(data, %d) AS BLOB) WHERE bucket = %d",
		         (int)(any() % 300), (int)(any() & 255), (int)(any() % 300), i % 9 + SHARED);
		run(db, sql);
		snprintf(sql, sizeof sql,
		         "SELECT max(from_ns), count(site), max(mode) FROM hold WHERE trace_id = 1 AND"
		         " object = %d",
		         i % 9 * 32 + (int)(any() % 32) + SHARED);
		if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
			assert_string_equal(sqlite3_errmsg(db), "hold_block is damaged");
			errors++;
		}
		run(db, "ROLLBACK TO s; RELEASE s");
	}
	assert_true(errors > 100);
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
