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
	assert_int_equal(report_html(s->db, s->dir), 0);
	char *html = scene_read(s, "report.html", NULL);

	assert_non_null(html);
	assert_int_equal(scene_count(html, "</html>"), 1);
	assert_int_equal(scene_count(html, "<script"), 1); // the JSON
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
	assert_int_equal(plot_all(s.db, plots), 0);
	char *html = page(&s);

	assert_non_null(strstr(html, "1 problem</p>"));
	assert_non_null(strstr(html, "id=\"leak-1\""));
	assert_non_null(strstr(html, "id=\"alive-at-exit-2\""));
	assert_non_null(strstr(html, "reply.c:88"));
	assert_non_null(strstr(html, "12.346 ms"));
	assert_non_null(strstr(html, "61.400 s"));
	assert_int_equal(scene_count(html, "<svg"), 3); // goroutines, sites, blocking
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
	assert_int_equal(scene_count(html, "</script"), 1);
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

/** A folder that is not there is said and told, and leaves nothing. */
static void unwritable(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 1000, "./x");
	assert_true(report_html(s.db, "/nonexistent") < 0);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leak),    cmocka_unit_test(clean),      cmocka_unit_test(hostile),
		cmocka_unit_test(writing), cmocka_unit_test(unwritable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
