/* SPDX-License-Identifier: MIT */
/** part.c: see part.h; the views are sql/plot/part.sql. */
#include "plot/part.h"

#include <errno.h>

#include "db.h"
#include "interval/each.h"
#include "map.h"
#include "plain.h"
#include "plot/figure.h"
#include "talk.h"

enum {
	PART_OBJECTS = 1 << 15, // that are added up before they are written
	REASON_CALL = 16,
};

static const char part_sql[] = "sql/plot/part.sql";

/** Waits of a place, by site and reason; or for an object. */
struct part_sum {
	struct map_head head;
	int64_t waits, ns, longest_ns, still;
};

struct part {
	int64_t trace, from_ns, to_ns;
	struct map sites, objects;
	sqlite3_stmt *put_site, *put_object;
};

bool part_cut(struct interval *row, int64_t from_ns, int64_t to_ns)
{
	if (row->from_ns > to_ns || (row->to_ns >= 0 && row->to_ns < from_ns))
		return false;
	row->from_ns -= from_ns;
	row->to_ns = row->to_ns >= 0 && row->to_ns <= to_ns ? row->to_ns - from_ns : -1;
	return true;
}

static int part_put_sites(struct part *p)
{
	int err = SQLITE_OK;

	for (struct part_sum *s = NULL; err == SQLITE_OK && (s = map_next(&p->sites, s)) != NULL;)
		err = DB_ROW(p->put_site, db_int(p->trace), db_int((int64_t)s->head.a),
		             db_int((int64_t)s->head.b), db_int(s->waits), db_int(s->ns),
		             db_int(s->longest_ns), db_int(s->still));
	return err;
}

static int part_put_objects(struct part *p)
{
	int err = SQLITE_OK;

	for (struct part_sum *s = NULL; err == SQLITE_OK && (s = map_next(&p->objects, s)) != NULL;)
		err = DB_ROW(p->put_object, db_int((int64_t)s->head.a), db_int(s->ns));
	map_clear(&p->objects);
	return err;
}

static int part_add(struct map *sums, uint64_t a, uint64_t b, int64_t ns, bool still)
{
	struct part_sum *s = map_put(sums, a, b);

	if (!s)
		return SQLITE_NOMEM;
	s->waits++;
	s->ns += ns;
	s->longest_ns = ns > s->longest_ns ? ns : s->longest_ns;
	s->still += still;
	return SQLITE_OK;
}

static int part_interval(void *arg, const struct interval *row)
{
	struct part *p = arg;
	struct interval cut = *row;

	if ((row->state != 3 && row->state != STATE_SYSCALL) || !part_cut(&cut, p->from_ns, p->to_ns))
		return SQLITE_OK;
	bool still = cut.to_ns < 0;
	int64_t ns = (still ? p->to_ns - p->from_ns : cut.to_ns) - (cut.from_ns > 0 ? cut.from_ns : 0);
	int err = part_add(&p->sites, cut.site, cut.state == STATE_SYSCALL ? REASON_CALL : cut.reason,
	                   ns, still);

	if (err == SQLITE_OK && cut.object && p->objects.count == PART_OBJECTS)
		err = part_put_objects(p);
	if (err == SQLITE_OK && cut.object)
		err = part_add(&p->objects, cut.object, 0, ns, still);
	return err;
}

/** Fill site_wait and part_object. */
static int part_sums(sqlite3 *db, int64_t from_ns, int64_t to_ns)
{
	struct part p = {
		.from_ns = from_ns,
		.to_ns = to_ns,
		.sites.slot_bytes = sizeof(struct part_sum),
		.objects.slot_bytes = sizeof(struct part_sum),
	};
	struct figure_run run;
	int err = figure_run(&run, db);

	if (err)
		return err;
	p.trace = run.trace;
	err = db_prepare(db, part_sql, "put_site", &p.put_site);
	if (err == SQLITE_OK)
		err = db_prepare(db, part_sql, "put_object", &p.put_object);
	if (err == SQLITE_OK)
		err = interval_each(db, p.trace, 0, part_interval, &p);
	if (err == SQLITE_OK)
		err = part_put_objects(&p);
	if (err == SQLITE_OK)
		err = part_put_sites(&p);
	if (err != SQLITE_OK)
		talk("cannot read the intervals: %s", sqlite3_errstr(err));
	sqlite3_finalize(p.put_site);
	sqlite3_finalize(p.put_object);
	map_release(&p.sites);
	map_release(&p.objects);
	return err == SQLITE_OK ? 0 : -EIO;
}

static int part_statement(sqlite3 *db, const char *name, int64_t from_ns, int64_t to_ns)
{
	sqlite3_stmt *st = NULL;
	int rc = db_prepare(db, part_sql, name, &st);

	if (rc == SQLITE_OK && sqlite3_bind_parameter_count(st))
		rc = DB_ROW(st, db_int(from_ns), db_int(to_ns));
	else if (rc == SQLITE_OK)
		rc = sqlite3_step(st) == SQLITE_DONE ? SQLITE_OK : sqlite3_errcode(db);
	sqlite3_finalize(st);
	if (rc != SQLITE_OK)
		talk("cannot query the database: %s (%s)", sqlite3_errmsg(db), part_sql);
	return rc == SQLITE_OK ? 0 : -EIO;
}

int part_open(sqlite3 *db, int64_t since_ns, int64_t *until_ns)
{
	static const char *const names[] = {
		"table",     "from",        "trace",       "goroutine",
		"gap",       "handoff",     "shown",       "finding_goroutine",
		"site_wait", "part_object", "object_wait", "begin"};
	int64_t end_ns = 0;
	char time[32];
	int err = 0;

	if (db_number(db, part_sql, "end", &end_ns) != SQLITE_OK) {
		talk("cannot query the database: %s (%s)", sqlite3_errmsg(db), part_sql);
		return -EIO;
	}
	if (since_ns >= end_ns) {
		talk("the trace ends at %lld ns (%s)", (long long)end_ns, plain_time(time, end_ns));
		return -EINVAL;
	}
	if (*until_ns == 0 || *until_ns > end_ns)
		*until_ns = end_ns;
	for (size_t i = 0; !err && i < sizeof names / sizeof names[0]; i++)
		err = part_statement(db, names[i], since_ns, *until_ns);
	if (!err)
		err = part_sums(db, since_ns, *until_ns);
	return err ? err : part_statement(db, "commit", 0, 0);
}
