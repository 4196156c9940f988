/* SPDX-License-Identifier: MIT */
/**
 * html_listed.c: which channels and locks the page lists.
 *
 * There may be millions, and most of them tell nothing.  Of each kind the first by number and those
 * waited for longest are found in one pass over two tables that are in the same order; what is
 * known of few, such as that they are in a finding, is added by listed.sql.  What was waited for
 * and is in no row of objects was made before the trace began.
 */
#include "report/html_parts.h"

#include <errno.h>

#include "db.h"
#include "talk.h"

static const char asset[] = "sql/html/listed.sql";

enum kind { KIND_CHANNEL, KIND_LOCK, KINDS }; // as in listed.sql

struct waited {
	int64_t ns, object;
};

struct listed {
	sqlite3_stmt *put, *waits;
	int64_t count[KINDS];
	struct waited most[KINDS][HTML_LISTED_MAX]; // longest first
	int mosts[KINDS];
	int state; // of waits: SQLITE_ROW as long as there are some
};

/** Keep it if it is among the longest so far.  Of equals those with lower numbers, which come
 * first.
 */
static void waited_keep(struct listed *l, enum kind kind, const struct waited *w)
{
	struct waited *most = l->most[kind];
	int at = l->mosts[kind];

	if (at == HTML_LISTED_MAX && most[at - 1].ns >= w->ns)
		return;
	at -= at == HTML_LISTED_MAX;
	for (; at > 0 && most[at - 1].ns < w->ns; at--)
		most[at] = most[at - 1];
	most[at] = *w;
	l->mosts[kind] += l->mosts[kind] < HTML_LISTED_MAX;
}

static int listed_add(struct listed *l, enum kind kind, const struct waited *w)
{
	if (w->ns >= 0)
		waited_keep(l, kind, w);
	return l->count[kind]++ < HTML_LISTED_MAX ? DB_ROW(l->put, db_int(w->object)) : SQLITE_OK;
}

/** Up to that object's: all of them are of objects with no row, or of other kinds. */
static int listed_waits(struct listed *l, int64_t object)
{
	int err = SQLITE_OK;

	while (err == SQLITE_OK && l->state == SQLITE_ROW &&
	       sqlite3_column_int64(l->waits, 0) < object) {
		struct waited w = {sqlite3_column_int64(l->waits, 1), sqlite3_column_int64(l->waits, 0)};
		if (sqlite3_column_type(l->waits, 2) != SQLITE_NULL)
			err = listed_add(l, (enum kind)sqlite3_column_int(l->waits, 2), &w);
		l->state = sqlite3_step(l->waits);
	}
	return err;
}

/** Objects come in the order of their numbers. */
static int listed_object(void *arg, sqlite3_stmt *st)
{
	struct listed *l = arg;
	struct waited w = {-1, sqlite3_column_int64(st, 0)};
	int err = listed_waits(l, w.object);

	if (l->state == SQLITE_ROW && sqlite3_column_int64(l->waits, 0) == w.object) {
		w.ns = sqlite3_column_int64(l->waits, 1);
		l->state = sqlite3_step(l->waits);
	}
	return err == SQLITE_OK ? listed_add(l, (enum kind)sqlite3_column_int(st, 1), &w) : err;
}

/** The temporary table candidate. */
static int listed_candidates(struct listed *l, sqlite3 *db)
{
	int err = db_prepare(db, asset, "candidate", &l->put);

	if (err == SQLITE_OK)
		err = db_prepare(db, asset, "waits", &l->waits);
	if (err == SQLITE_OK) {
		l->state = sqlite3_step(l->waits);
		err = db_each(db, asset, "objects", listed_object, l);
	}
	if (err == SQLITE_OK)
		err = listed_waits(l, INT64_MAX);
	if (err == SQLITE_OK && l->state != SQLITE_ROW && l->state != SQLITE_DONE)
		err = l->state;
	for (int kind = 0; kind < KINDS; kind++)
		for (int i = 0; i < l->mosts[kind] && err == SQLITE_OK; i++)
			err = DB_ROW(l->put, db_int(l->most[kind][i].object));
	sqlite3_finalize(l->put);
	sqlite3_finalize(l->waits);
	return err;
}

int html_listed(struct html_page *p)
{
	struct listed l = {0};

	if (listed_candidates(&l, p->db) != SQLITE_OK) {
		talk("cannot query the database: %s (%s)", sqlite3_errmsg(p->db), asset);
		return -EIO;
	}
	p->channels = l.count[KIND_CHANNEL];
	p->locks = l.count[KIND_LOCK];
	return html_do(p, asset, "choose");
}
