/* SPDX-License-Identifier: MIT */
/** page.c: report.html of a leak, of a clean run, and of hostile names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "plot/plot.h"
#include "report/html.h"
#include "report/html_write.h"
#include "scene.h"

static char *page(struct scene *s)
{
	scene_sums(s);
	assert_int_equal(report_html(s->db, s->dir, NULL, NULL), 0);
	char *html = scene_read(s, "report.html", NULL);

	assert_non_null(html);
	assert_int_equal(scene_count(html, "</html>"), 1);
	assert_int_equal(scene_count(html, "<script"), 2); // the JSON, and what sorts
	assert_int_equal(scene_count(html, "{{"), 0);
	return html;
}

static void finding(struct scene *s, const char *kind, const char *severity, const char *text)
{
	scene_sql(s,
	          "INSERT INTO finding(trace_id, kind, part, id, certainty, severity, title, why, "
	          "hint, count, since_ns, blocked_file, blocked_line, blocked_func, blocked_text, "
	          "touches_gap) VALUES(1, ?1, 1, (SELECT count(*) + 1 FROM finding), 'probable', "
	          "?2, ?3, ?3, ?3, 1, 12345678, ?3, 88, ?3, ?3, 0)",
	          kind, severity, text);
	scene_sql(s, "INSERT INTO finding_goroutine VALUES(1, ?1, 1, 7)", kind);
}

static void leak(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 61400000000, "./server");
	scene_goroutine(&s, 7, 0, 0, -1);
	finding(&s, "leak", "error", "reply.c");
	finding(&s, "alive-at-exit", "info", "idle pool");
	scene_script(&s, "report.json", "{\"schema\": 1, \"x\": \"<b>\"}");
	char plots[300];

	snprintf(plots, sizeof plots, "%s/plots", s.dir);
	assert_int_equal(mkdir(plots, 0777), 0);
	scene_sums(&s);
	assert_int_equal(plot_all(s.db, plots), 0);
	char *html = page(&s);

	assert_non_null(strstr(html, "1 problem</p>"));
	assert_non_null(strstr(html, "id=\"leak-1\""));
	assert_non_null(strstr(html, "id=\"alive-at-exit-2\""));
	assert_non_null(strstr(html, "reply.c:88"));
	assert_non_null(strstr(html, "12.346 ms"));
	assert_non_null(strstr(html, "61.400 s"));
	assert_int_equal(scene_count(html, "id=\"gnuplot_canvas\""), 3); // goroutines, sites, blocking
	assert_int_equal(scene_count(html, "<svg class=\"spark\""), 1);
	assert_int_equal(scene_count(html, "<?xml"), 0);
	assert_non_null(strstr(html, "{\"schema\": 1, \"x\": \"\\u003cb>\"}"));
	assert_null(strstr(html, "http://localhost"));
	free(html);
	scene_close(&s);
}

static void clean(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 1000, "./x");
	char *html = page(&s);

	assert_non_null(strstr(html, "no problems"));
	assert_null(strstr(html, "<figure")); // nothing to show
	free(html);
	char path[300];

	snprintf(path, sizeof path, "%s/plots", s.dir);
	assert_int_equal(mkdir(path, 0777), 0);
	scene_script(&s, "plots/sites.gp", "#");
	html = page(&s);
	assert_int_equal(scene_count(html, "The plot was not drawn"), 1);
	free(html);
	scene_close(&s);
}

static void hostile(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 1000, scene_hostile);
	scene_sql(&s, "INSERT INTO site VALUES(1, 1, ?1, 3, ?1, 'go', ?1)", scene_hostile);
	scene_goroutine(&s, 7, 1, 0, -1);
	scene_sql(&s, "UPDATE goroutine SET name = ?1", scene_hostile);
	finding(&s, "\"><script>alert(1)</script>", "error", scene_hostile);
	scene_script(&s, "report.json", "{\"x\": \"</script><script>alert(1)</script><!--\"}");
	char *html = page(&s);

	assert_null(strstr(html, "alert(1)</script>"));
	assert_int_equal(scene_count(html, "</script"), 2);
	assert_non_null(strstr(html, "lt;/svg&gt;&lt;script&gt;")); // shown as it is
	assert_null(strchr(html, '\x1b'));
	assert_null(strchr(html, '\xff'));
	free(html);
	scene_close(&s);
}

static void writing(void **state)
{
	(void)state;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	html_text(out, "<a href=\"x\">&'\n\x01\xc3\xa9\xff");
	putc('|', out);
	html_count(out, 1234567);
	putc('|', out);
	html_count(out, -123);
	putc('|', out);
	html_time(out, 999);
	putc('|', out);
	html_time(out, 61400000000);
	putc('|', out);
	html_bytes(out, 1536);
	fclose(out);
	assert_string_equal(text,
	                    "&lt;a href=&quot;x&quot;&gt;&amp;&#39; \uFFFD\u00e9\uFFFD|1,234,567|-123|"
	                    "999 ns|61.400 s|1.5 KiB");
	free(text);
}

/** In a channel, a lock, a hold, a graph, a lane and the dump as well. */
static void hostile_objects(void **state)
{
	static const char *const types[] = {"chan", "mutex"};
	(void)state;
	struct scene s;

	scene_open(&s, 1000, "./x");
	scene_sql(&s, "INSERT INTO site VALUES(1, 1, ?1, 3, ?1, 'go', ?1)", scene_hostile);
	scene_goroutine(&s, 7, 1, 0, -1);
	scene_sql(&s, "UPDATE goroutine SET name = ?1, parent = 7", scene_hostile);
	scene_sql(&s, "UPDATE interval SET site = 1, object = 1");
	scene_sql(&s, "UPDATE still SET site = 1, object = 1");
	finding(&s, "lock-deadlock", "error", scene_hostile);
	for (int i = 0; i < 2; i++) {
		scene_sql(&s,
		          "INSERT INTO object(trace_id, object, type, made_site, made_ns) "
		          "SELECT 1, count(*) + 1, ?1, 1, 0 FROM object",
		          types[i]);
		scene_sql(&s, "INSERT INTO finding_wait SELECT 1, 'lock-deadlock', 1, 7, max(object), 7 "
		              "FROM object");
	}
	scene_sql(&s, "INSERT INTO hold SELECT 1, 2, 1, 7, 'mutex lock', 0, NULL, 1, NULL");
	scene_sql(&s, "INSERT INTO wait_on SELECT 1, 7, 2, 'mutex lock', 0, NULL");
	char *html = page(&s);

	assert_int_equal(scene_count(html, "<svg class=\"graph\""), 1);
	assert_non_null(strstr(html, "<figure class=\"lanes\""));
	assert_non_null(strstr(html, "<pre id=\"dump\""));
	assert_int_equal(scene_count(html, "</tbody>"), 4); // sites, channels, locks, facts
	assert_null(strstr(html, "<script>alert"));
	assert_null(strchr(html, '\x1b'));
	assert_null(strchr(html, '\xff'));
	free(html);
	scene_close(&s);
}

/** 200,000 goroutines from a thousand places, parked on as many channels, in one finding. */
static void crowd(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 1000000000, "./x");
	scene_sql(&s, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
	              "INSERT INTO site SELECT 1, i, '/a/long/way/to/the/file' || i || '.c', i, "
	              "'a_long_name_of_a_function', 'go', 'another_long_name' FROM n");
	scene_sql(
		&s, "INSERT INTO object(trace_id, object, type, made_site, made_ns) "
			"SELECT 1, site, CASE site % 3 WHEN 0 THEN 'mutex' ELSE 'chan' END, site, 0 FROM site");
	scene_sql(&s,
	          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) "
	          "INSERT INTO goroutine(trace_id, g, parent, born_site, born_ns, intervals) "
	          "SELECT 1, i, 1, i % 1000 + 1, i * 4500, 1 FROM n");
	scene_sql(&s, "INSERT INTO interval(trace_id, g, n, from_ns, state, reason, object, site) "
	              "SELECT 1, g, 0, born_ns, 3, 2, born_site, born_site FROM goroutine");
	scene_sql(&s, "INSERT INTO still(trace_id, g, n, from_ns, state, reason, object, site) "
	              "SELECT 1, g, 0, born_ns, 3, 2, born_site, born_site FROM goroutine");
	finding(&s, "leak", "error", "reply.c");
	scene_sql(&s, "INSERT OR IGNORE INTO finding_goroutine SELECT 1, 'leak', 1, g FROM goroutine");
	scene_sql(&s,
	          "INSERT INTO finding_wait SELECT 1, 'leak', 1, g, born_site, NULL FROM goroutine");
	scene_sql(&s, "UPDATE finding SET count = 200000");
	char *html = page(&s);

	// The plots and the JSON, which are not there, have 1.3 MB at most.
	assert_true(strlen(html) < 2000000 - 1300000);
	assert_non_null(strstr(html, "199,800 more goroutines"));
	assert_int_equal(scene_count(html, "<svg class=\"spark\""), 100);
	free(html);
	scene_close(&s);
}

/** A folder that is not there is said and told, and leaves nothing. */
static void unwritable(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 1000, "./x");
	assert_true(report_html(s.db, "/nonexistent", NULL, NULL) < 0);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leak),       cmocka_unit_test(clean),
		cmocka_unit_test(hostile),    cmocka_unit_test(hostile_objects),
		cmocka_unit_test(crowd),      cmocka_unit_test(writing),
		cmocka_unit_test(unwritable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
