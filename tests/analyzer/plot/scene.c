/* SPDX-License-Identifier: MIT */
/** scene.c: the test's own database and folder. */
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <dirent.h>

#include "assets.h"

const char scene_hostile[] =
	"'`touch PWNED`$(touch PWNED)\"; system('touch PWNED') @title ^{a}_b\n\t\\n "
	"\xc3\xa9 \xff\x1b[31m</svg><script>alert(1)</script>&amp; `touch PWNED`'";

static void scene_asset(struct scene *s, const char *name)
{
	const struct asset *a = asset_find(name);

	assert_non_null(a);
	assert_int_equal(sqlite3_exec(s->db, a->data, NULL, NULL, NULL), SQLITE_OK);
}

void scene_sql(struct scene *s, const char *sql, ...)
{
	sqlite3_stmt *stmt = NULL;
	va_list ap;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(s->db));
	va_start(ap, sql);
	for (int i = 1; i <= sqlite3_bind_parameter_count(stmt); i++)
		sqlite3_bind_text(stmt, i, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
	va_end(ap);
	if (sqlite3_step(stmt) != SQLITE_DONE)
		fail_msg("%s: %s", sql, sqlite3_errmsg(s->db));
	sqlite3_finalize(stmt);
}

/** A row of `trace`: what may not be NULL is 0 or empty, whatever columns the schema has. */
static void scene_trace(struct scene *s)
{
	sqlite3_stmt *info = NULL;
	char names[4096] = "trace_id", values[4096] = "1";

	assert_int_equal(sqlite3_prepare_v2(s->db,
	                                    "SELECT name, type FROM pragma_table_info('trace') "
	                                    "WHERE \"notnull\" AND name <> 'trace_id'",
	                                    -1, &info, NULL),
	                 SQLITE_OK);
	while (sqlite3_step(info) == SQLITE_ROW) {
		size_t n = strlen(names), v = strlen(values);
		bool text = strcmp((const char *)sqlite3_column_text(info, 1), "TEXT") == 0;

		snprintf(names + n, sizeof names - n, ", \"%s\"", sqlite3_column_text(info, 0));
		snprintf(values + v, sizeof values - v, text ? ", ''" : ", 0");
	}
	sqlite3_finalize(info);
	char sql[9000];

	snprintf(sql, sizeof sql, "INSERT INTO trace(%s) VALUES(%s)", names, values);
	scene_sql(s, sql);
}

void scene_open(struct scene *s, int64_t duration_ns, const char *program)
{
	const char *temp = getenv("TMPDIR");
	char number[32];

	snprintf(s->dir, sizeof s->dir, "%s/gtrace-test.XXXXXX", temp && *temp ? temp : "/tmp");
	assert_non_null(mkdtemp(s->dir));
	assert_int_equal(sqlite3_open(":memory:", &s->db), SQLITE_OK);
	scene_asset(s, "sql/schema.sql");
	scene_asset(s, "sql/views.sql");
	scene_trace(s);
	snprintf(number, sizeof number, "%lld", (long long)duration_ns);
	scene_sql(s, "UPDATE trace SET duration_ns = CAST(?1 AS INTEGER), program = ?2", number,
	          program);
}

void scene_goroutine(struct scene *s, int64_t g, int64_t site, int64_t from_ns, int64_t to_ns)
{
	char sql[512], end[32] = "NULL";

	if (to_ns >= 0)
		snprintf(end, sizeof end, "%lld", (long long)to_ns);
	snprintf(sql, sizeof sql,
	         "INSERT INTO goroutine(trace_id, g, born_site, born_ns, ended_ns, intervals) "
	         "VALUES(1, %lld, %lld, %lld, %s, 1)",
	         (long long)g, (long long)site, (long long)from_ns, end);
	scene_sql(s, sql);
	snprintf(sql, sizeof sql,
	         "INSERT INTO interval(trace_id, g, n, from_ns, to_ns, state, reason) "
	         "VALUES(1, %lld, 0, %lld, %s, %d, %s)",
	         (long long)g, (long long)from_ns, end, to_ns < 0 ? 3 : 2, to_ns < 0 ? "2" : "NULL");
	scene_sql(s, sql);
	if (to_ns >= 0)
		return;
	snprintf(
		sql, sizeof sql,
		"INSERT INTO still(trace_id, g, n, from_ns, state, reason) VALUES(1, %lld, 0, %lld, 3, 2)",
		(long long)g, (long long)from_ns);
	scene_sql(s, sql);
}

void scene_sums(struct scene *s)
{
	scene_sql(s, "DELETE FROM object_wait");
	scene_sql(s, "DELETE FROM site_wait");
	scene_sql(s, "DELETE FROM spawn");
	scene_sql(
		s,
		"INSERT INTO spawn SELECT 1, coalesce(g.born_site, CASE g.g WHEN 1 THEN -1 ELSE 0 END), "
		"sum(g.older), sum(1 - g.older), count(g.ended_ns), count(CASE g.older WHEN 0 THEN "
		"g.ended_ns END), sum(CASE g.older WHEN 0 THEN coalesce(g.ended_ns - g.born_ns, 0) ELSE 0 "
		"END), max(coalesce(g.ended_ns, g.born_ns) - g.born_ns), "
		"sum(coalesce(g.ended_ns, t.duration_ns) - g.born_ns), sum(g.waited_ns), "
		"min(g.born_ns), max(g.born_ns), min(g.depth), max(g.depth) "
		"FROM goroutine g, trace t GROUP BY 2");
	scene_sql(s,
	          "INSERT INTO object_wait(trace_id, object, waits, ns, longest_ns, queue) "
	          "SELECT 1, object, count(*), sum(ns), max(ns), 1 "
	          "FROM (SELECT i.object, max(coalesce(i.to_ns, t.duration_ns) - i.from_ns, 0) AS ns "
	          "FROM interval i, trace t WHERE i.state = 3 AND i.object IS NOT NULL) "
	          "GROUP BY object");
	scene_sql(s, "INSERT INTO site_wait "
	             "SELECT 1, site, reason, count(*), sum(ns), max(ns), sum(still) "
	             "FROM (SELECT coalesce(i.site, 0) AS site, CASE i.state WHEN 5 THEN 16 "
	             "ELSE coalesce(i.reason, 0) END AS reason, i.to_ns IS NULL AS still, "
	             "max(coalesce(i.to_ns, t.duration_ns) - i.from_ns, 0) AS ns "
	             "FROM interval i, trace t WHERE i.state IN (3, 5)) GROUP BY site, reason");
}

char *scene_read(const struct scene *s, const char *name, size_t *size)
{
	char path[512], *text = NULL;
	size_t n = 0;

	snprintf(path, sizeof path, "%s/%s", s->dir, name);
	FILE *in = fopen(path, "r");

	if (!in)
		return NULL;
	FILE *out = open_memstream(&text, &n);

	for (int c = getc(in); c != EOF; c = getc(in))
		putc(c, out);
	fclose(out);
	fclose(in);
	if (size)
		*size = n;
	return text;
}

bool scene_has(const struct scene *s, const char *name)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", s->dir, name);
	return access(path, F_OK) == 0;
}

size_t scene_count(const char *text, const char *word)
{
	size_t n = 0;

	for (const char *p = strstr(text, word); p; p = strstr(p + 1, word))
		n++;
	return n;
}

static void scene_remove(const char *dir)
{
	DIR *d = opendir(dir);
	char path[768];

	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (unlink(path) < 0)
			scene_remove(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

void scene_close(struct scene *s)
{
	sqlite3_close(s->db);
	scene_remove(s->dir);
}

void scene_script(const struct scene *s, const char *name, const char *text)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", s->dir, name);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	assert_int_equal(chmod(path, 0755), 0);
}
