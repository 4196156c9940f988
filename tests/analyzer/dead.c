/* SPDX-License-Identifier: MIT */
/**
 * dead.c: the dead set against its definition, on small random worlds.
 *
 * The model says it as docs/verdicts.md does, with no thought of cost: take out of D whoever waits
 * for an object on which an agent outside D may act, until nothing changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "db.h"
#include "detect/dead.h"

enum { GOROUTINES = 12, OBJECTS = 5, WORLDS = 800 };

struct world {
	uint64_t seed;
	bool parked[GOROUTINES + 1], ended[GOROUTINES + 1], dead[GOROUTINES + 1];
	int parent[GOROUTINES + 1], born[GOROUTINES + 1];
	bool waits[GOROUTINES + 1][OBJECTS + 1];
	int touched[GOROUTINES + 1][OBJECTS + 1]; // when; 0 never
	int holder[OBJECTS + 1];                  // objects 1 and 2 are locks
	bool foreign[GOROUTINES + 1];             // threads of the program's own
};

static unsigned dice(struct world *w, unsigned sides)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(w->seed >> 33) % sides;
}

static void world_make(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof *w);
	w->seed = seed * 977 + 1;
	for (int g = 1; g <= GOROUTINES; g++) {
		w->parent[g] = g == 1 ? 0 : (int)dice(w, (unsigned)g - 1) + 1;
		w->born[g] = g * 10;
		w->ended[g] = g > 1 && dice(w, 4) == 0;
		w->parked[g] = !w->ended[g] && dice(w, 5) != 0;
		for (int o = 3; o <= OBJECTS; o++)
			w->touched[g][o] = dice(w, 8) == 0 ? w->born[g] + (int)dice(w, 100) : 0;
		if (w->parked[g])
			w->waits[g][1 + dice(w, OBJECTS)] = true;
		if (w->parked[g] && dice(w, 3) == 0)
			w->waits[g][3 + dice(w, OBJECTS - 2)] = true;
	}
	for (int o = 1; o <= 2; o++)
		w->holder[o] = 1 + (int)dice(w, GOROUTINES);
	for (int g = 2; g <= GOROUTINES; g++)
		w->foreign[g] = dice(w, 30) == 0;
}

/* May agent a act on o, by rules L1 and L2?  Of foreign threads nothing is known. */
static bool model_mayact(const struct world *w, int a, int o)
{
	if (o <= 2)
		return w->holder[o] == a;
	if (w->touched[a][o] || w->foreign[a])
		return true;
	for (int child = a; w->parent[child]; child = w->parent[child]) {
		int t = w->touched[w->parent[child]][o];
		if ((t && t <= w->born[child]) || w->foreign[w->parent[child]])
			return true;
	}
	return false;
}

static void model_dead(struct world *w)
{
	bool changed = true;

	memcpy(w->dead, w->parked, sizeof w->dead);
	while (changed) {
		changed = false;
		for (int g = 1; g <= GOROUTINES; g++) {
			for (int a = 1; w->dead[g] && a <= GOROUTINES; a++) {
				for (int o = 1; o <= OBJECTS && w->dead[g] && !w->dead[a] && !w->ended[a]; o++) {
					if (!w->waits[g][o] || !model_mayact(w, a, o))
						continue;
					w->dead[g] = false;
					changed = true;
				}
			}
		}
	}
}

static void run(sqlite3 *db, const char *sql, const int *values, int count)
{
	sqlite3_stmt *st;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	for (int i = 0; i < count; i++)
		sqlite3_bind_int(st, i + 1, values[i]);
	assert_int_equal(sqlite3_step(st), SQLITE_DONE);
	sqlite3_finalize(st);
}

#define RUN(db, sql, ...) \
	run((db), (sql), (int[]){0, ##__VA_ARGS__} + 1, \
	    (int)(sizeof((int[]){0, ##__VA_ARGS__}) / sizeof(int)) - 1)

static void world_goroutine(sqlite3 *db, const struct world *w, int g)
{
	RUN(db,
	    "INSERT INTO goroutine"
	    " VALUES (1, ?1, NULL, nullif(?2, 0), NULL, ?3, nullif(?4, 0), NULL, 1,"
	    " nullif(?5, 0), 0, 0, 0)",
	    g, w->parent[g], w->born[g], w->ended[g] ? 500 : 0, w->foreign[g]);
	if (!w->ended[g])
		RUN(db,
		    "INSERT INTO still VALUES (1, ?1, 0, 200, ?2, CASE ?2 WHEN 3 THEN 5 END,"
		    " NULL, NULL, NULL, NULL)",
		    g, w->parked[g] ? 3 : 2);
	for (int o = 1; o <= OBJECTS; o++) {
		if (w->waits[g][o])
			RUN(db, "INSERT INTO wait_on VALUES (1, ?1, ?2, 'chan receive', 200, NULL)", g, o);
		if (w->touched[g][o])
			RUN(db, "INSERT INTO use VALUES (1, ?2, ?1, 'chan send', ?3, ?3, 1, NULL)", g, o,
			    w->touched[g][o]);
	}
}

static sqlite3 *world_db(const struct world *w)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(db_run_asset(db, "sql/schema.sql"), SQLITE_OK);
	assert_int_equal(db_run_asset(db, "sql/views.sql"), SQLITE_OK);
	RUN(db,
	    "INSERT INTO trace(trace_id, file, duration_ns, events, lost_events, lost_batches, bytes,"
	    " end,"
	    " started, ended, peak, peak_ns, broken, sidecar, partial, spin_ns)"
	    " VALUES (1, 'x', 1000, 1, 0, 0, 1, 'cut', 1, 1, 1, 1, 0, 0, 0, 1000)");
	for (int g = 1; g <= GOROUTINES; g++)
		world_goroutine(db, w, g);
	for (int o = 1; o <= OBJECTS; o++)
		RUN(db,
		    "INSERT INTO object VALUES (1, ?1, CASE WHEN ?1 <= 2 THEN 'mutex' ELSE 'chan' END,"
		    " NULL, NULL, 1, 0, NULL, NULL, NULL, NULL, NULL)",
		    o);
	for (int o = 1; o <= 2; o++)
		RUN(db, "INSERT INTO hold VALUES (1, ?1, 1, ?2, 'mutex lock', 100, NULL, NULL, NULL)", o,
		    w->holder[o]);
	return db;
}

static void test_against_definition(void **state)
{
	struct world w;
	int all = 0;

	(void)state;
	for (uint64_t seed = 0; seed < WORLDS; seed++) {
		sqlite3_stmt *st;
		bool dead[GOROUTINES + 1] = {false};
		world_make(&w, seed);
		model_dead(&w);
		sqlite3 *db = world_db(&w);
		assert_int_equal(dead_find(db), SQLITE_OK);
		assert_int_equal(sqlite3_prepare_v2(db, "SELECT g FROM dead", -1, &st, NULL), SQLITE_OK);
		while (sqlite3_step(st) == SQLITE_ROW)
			dead[sqlite3_column_int(st, 0)] = true;
		for (int g = 1; g <= GOROUTINES; g++) {
			if (dead[g] != w.dead[g])
				fail_msg("world %d: goroutine %d is %s", (int)seed, g,
				         dead[g] ? "not dead" : "dead");
			all += dead[g];
		}
		sqlite3_finalize(st);
		sqlite3_close(db);
	}
	assert_true(all > WORLDS / 2);
}

/* A cycle of locks is found whatever hangs on it, and named after its first goroutine. */
static void test_ring(void **state)
{
	struct world w = {.parent = {[2] = 1, [3] = 1, [4] = 1}};
	sqlite3_stmt *st;

	(void)state;
	for (int g = 1; g <= GOROUTINES; g++)
		w.ended[g] = g > 4;
	w.parked[2] = w.parked[3] = w.parked[4] = true; // 4 -> 3 <-> 2, 1 runs
	w.holder[1] = 2;
	w.holder[2] = 3;
	w.waits[3][1] = w.waits[2][2] = w.waits[4][2] = true;
	sqlite3 *db = world_db(&w);

	assert_int_equal(dead_find(db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(
			db,
			"SELECT group_concat("
			"g || ':' || coalesce(ring, '-') || ':' || coalesce(behind, '-') || ':' || sure,"
			" ' ') FROM (SELECT * FROM dead ORDER BY g)",
			-1, &st, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(st, 0), "2:2:-:1 3:2:-:1 4:-:2:1");
	sqlite3_finalize(st);
	sqlite3_close(db);
}

/* Many goroutines on one channel, and a long line of ancestors, cost no more than they must. */
static void test_large(void **state)
{
	sqlite3 *db;
	struct world w = {.ended = {false}};

	(void)state;
	for (int g = 1; g <= GOROUTINES; g++)
		w.ended[g] = g > 1;
	db = world_db(&w);
	assert_int_equal(
		sqlite3_exec(
			db,
			"WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
			"INSERT INTO goroutine SELECT 1, i, NULL, i - 1, NULL, i, NULL, NULL, 1, NULL, 0, 0, 0"
			" FROM n;"
			"INSERT INTO still SELECT 1, g, 0, 200, CASE WHEN g % 2 THEN 3 ELSE 2 END,"
			" CASE WHEN g % 2 THEN 1 END, 3, NULL, NULL, NULL"
			" FROM goroutine WHERE g >= 100;"
			"INSERT INTO wait_on SELECT 1, g, 3, 'chan receive', 200, NULL FROM goroutine"
			" WHERE g >= 100 AND g % 2;"
			"INSERT INTO use SELECT 1, 3, g, 'chan receive', 200, 200, 1, NULL FROM goroutine"
			" WHERE g >= 100 AND g % 2",
			NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(dead_find(db), SQLITE_OK);
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_definition),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
