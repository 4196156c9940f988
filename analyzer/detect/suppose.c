/* SPDX-License-Identifier: MIT */
/**
 * suppose.c: who would be dead if others went on as they do.
 *
 * A program may hang though somebody goes on who could end it: by all rules of dead.c he may act,
 * but what he does shows no sign of it.  Two such suppositions are tried, and what follows from
 * them alone is never more than suspect:
 *
 *   repeats  goroutines that do the same few things thousands of times, and nothing else, go on to
 *            do so.  They count as waiting for all that they use.  Those that are dead then are a
 *            closed set: nobody outside of it uses what they use.  So is who waits for them
 *   roles    who waits for something now, and never did anything else to it, never will
 *
 * Where nobody repeats himself and main does not wait for what others wait for likewise, this costs
 * two questions that find nothing.
 */
#include "detect/suppose.h"

#include "db.h"
#include "detect/dead.h"

/* Run a statement of suppose.sql.  changes may be NULL. */
static int suppose_run(sqlite3 *db, const char *name, int *changes)
{
	sqlite3_stmt *st;
	int err = db_prepare(db, "sql/suppose.sql", name, &st);

	if (err == SQLITE_OK)
		err = db_row(st, 0, NULL);
	if (changes)
		*changes = sqlite3_changes(db);
	sqlite3_finalize(st);
	return err;
}

static int suppose_rows(sqlite3 *db, const struct graph *gr, const char *what)
{
	sqlite3_stmt *st;
	int err = db_prepare(db, "sql/suppose.sql", "dead_if", &st);

	for (size_t i = 0; i < gr->node_count && err == SQLITE_OK; i++) {
		const struct node *n = &gr->nodes[i];
		if (n->dead)
			err = DB_ROW(st, db_text(what), db_int((int64_t)n->g), db_int(n->member));
	}
	sqlite3_finalize(st);
	return err;
}

static int suppose(sqlite3 *db, enum graph_suppose what, const char *word)
{
	struct graph gr;
	int err = graph_read(&gr, db, what);

	if (err == SQLITE_OK)
		err = dead_mark(&gr, db);
	if (err == SQLITE_OK)
		err = suppose_rows(db, &gr, word);
	graph_release(&gr);
	return err;
}

/* Who repeats himself: candidates, less those that do anything else, less those left alone. */
static int repeats_find(sqlite3 *db)
{
	static const char *const less[] = {"step", "elsewhere", "new"};
	int changes = 0;
	int err = suppose_run(db, "candidates", &changes);

	for (size_t i = 0; changes && i < sizeof less / sizeof less[0] && err == SQLITE_OK; i++)
		err = suppose_run(db, less[i], NULL);
	if (changes && err == SQLITE_OK)
		err = suppose_run(db, "objects", NULL);
	while (changes && err == SQLITE_OK)
		err = suppose_run(db, "flow", &changes);
	return err;
}

int suppose_find(sqlite3 *db)
{
	static const char *const clear[] = {"clear", "clear_repeat", "clear_repeat_on"};
	int64_t repeats = 0, roles = 0;
	int err = SQLITE_OK;

	for (size_t i = 0; i < sizeof clear / sizeof clear[0] && err == SQLITE_OK; i++)
		err = suppose_run(db, clear[i], NULL);
	if (err == SQLITE_OK)
		err = repeats_find(db);
	if (err == SQLITE_OK)
		err = db_number(db, "sql/suppose.sql", "repeats", &repeats);
	if (err == SQLITE_OK && repeats)
		err = suppose(db, SUPPOSE_REPEATS, "repeat");
	if (err == SQLITE_OK)
		err = db_number(db, "sql/suppose.sql", "roles", &roles);
	if (err == SQLITE_OK && roles)
		err = suppose(db, SUPPOSE_ROLES, "role");
	return err;
}
