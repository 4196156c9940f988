/* SPDX-License-Identifier: MIT */
/**
 * data.c: what the plots of a text trace draw.
 *
 * usage: data TRACES FOLDER NAME
 *
 * TRACES/NAME.txt is assembled and analyzed; FOLDER/NAME.out is the data of all its plots.  With
 * GTRACE_UPDATE=1 in the environment it is written anew, and the difference is there to be
 * reviewed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analysis.h"
#include "plot/plot.h"

static const char *traces, *folder, *name;

static void data_of(sqlite3 *db, const char *dir, const char *plot, FILE *out)
{
	static const char *const endings[] = {"tsv", "gp"};
	struct plot_options opt = {.undrawn = true};
	char path[4096];
	int err = plot_draw(db, dir, plot, &opt);

	if (err == PLOT_NOTHING) {
		fprintf(out, "== %s: nothing\n", plot);
		return;
	}
	assert_int_equal(err, 0);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s.%s", dir, plot, endings[i]);
		char *text = analysis_file(path);
		char *end =
			i ? strstr(text, "# The frame of every plot") : NULL; // behind is the same for all

		fprintf(out, "== %s.%s\n%.*s", plot, endings[i],
		        (int)(end ? (size_t)(end - text) : strlen(text)), text);
		free(text);
		unlink(path);
	}
}

static void test_data(void **state)
{
	char path[4096], dir[] = "/tmp/gtrace-test.XXXXXX";
	char *got = NULL;
	size_t len;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/%s.txt", traces, name);
	char *trace = analysis_file(path);
	sqlite3 *db = analysis_of_text(trace, strlen(trace));
	FILE *out = open_memstream(&got, &len);

	for (size_t i = 0; plot_name(i); i++)
		data_of(db, dir, plot_name(i), out);
	fclose(out);
	rmdir(dir);
	snprintf(path, sizeof path, "%s/%s.out", folder, name);
	if (getenv("GTRACE_UPDATE")) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fputs(got, f);
		fclose(f);
	}
	char *want = analysis_file(path);

	assert_string_equal(got, want);
	free(want);
	free(got);
	free(trace);
	sqlite3_close(db);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_data)};

	if (argc != 4)
		return 2;
	traces = argv[1];
	folder = argv[2];
	name = argv[3];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
