/* SPDX-License-Identifier: MIT */
/** gnuplot.c: gnuplot missing, hung and failing; and text that tries to get out of its quotes. */
#define _GNU_SOURCE // pipe2
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "plot/gnuplot.h"
#include "plot/plot.h"
#include "scene.h"

static char why[320];

/** Run dir/x.gp with only dir on the PATH, if `own` is set; its output goes to dir/out. */
static int run_script(struct scene *s, bool own, int64_t limit_ns)
{
	char path[512], *before = strdup(getenv("PATH"));

	snprintf(path, sizeof path, "%s/out", s->dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct gnuplot_job job = {.dir = s->dir, .script = "x.gp", .out_fd = fd, .limit_ns = limit_ns};

	if (own)
		setenv("PATH", s->dir, 1);
	int err = gnuplot_run(&job, why, sizeof why);

	setenv("PATH", before, 1);
	free(before);
	close(fd);
	return err;
}

static void missing(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 1000, "x");
	assert_int_equal(run_script(&s, true, 1000000000), -ENOENT);
	assert_string_equal(why, "gnuplot is not installed");
	scene_close(&s);
}

/** It is killed, and so is what it started: nobody holds the pipe of its standard output any more.
 */
static void hung(void **state)
{
	(void)state;
	static const char *const scripts[] = {
		"#!/bin/sh\n/bin/sleep 300 &\nwait\n",
		"#!/bin/sh\nexec 2>&-\n/bin/sleep 300\n", // its standard error is closed
		"#!/bin/sh\nwhile :; do echo talk >&2; done\n",
	};
	struct scene s;
	int fd[2];

	scene_open(&s, 1000, "x");
	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		char *before = strdup(getenv("PATH"));

		scene_script(&s, "gnuplot", scripts[i]);
		assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
		struct gnuplot_job job = {
			.dir = s.dir, .script = "x.gp", .out_fd = fd[1], .limit_ns = 200000000};
		struct pollfd end = {.fd = fd[0], .events = POLLIN};

		setenv("PATH", s.dir, 1);
		assert_int_equal(gnuplot_run(&job, why, sizeof why), -ETIMEDOUT);
		setenv("PATH", before, 1);
		free(before);
		assert_string_equal(why, "gnuplot took longer than 0.2 s and was stopped");
		close(fd[1]);
		assert_int_equal(poll(&end, 1, 20000), 1);
		assert_true(end.revents & POLLHUP);
		close(fd[0]);
	}
	scene_close(&s);
}

/** It closes its standard error and goes on: that is not its end. */
static void silent(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 1000, "x");
	scene_script(&s, "gnuplot", "#!/bin/sh\nexec 2>&-\n/bin/sleep 0.05\necho done\n");
	assert_int_equal(run_script(&s, true, 30000000000), 0);
	char *out = scene_read(&s, "out", NULL);

	assert_string_equal(out, "done\n");
	free(out);
	scene_close(&s);
}

/** The last line it wrote is told, without what could hurt a terminal. */
static void failing(void **state)
{
	(void)state;
	struct scene s;

	scene_open(&s, 1000, "x");
	scene_script(&s, "gnuplot",
	             "#!/bin/sh\nprintf 'first\\n\\n last\\033[31m\\n\\n' >&2\nexit 3\n");
	assert_int_equal(run_script(&s, true, 30000000000), -EIO);
	assert_string_equal(why, "gnuplot failed: last?[31m");
	scene_script(&s, "gnuplot", "#!/bin/sh\nkill -9 $$\n");
	assert_int_equal(run_script(&s, true, 30000000000), -EIO);
	assert_string_equal(why, "gnuplot was killed by signal 9");
	scene_script(&s, "gnuplot", "#!/bin/sh\nexit 4\n");
	assert_int_equal(run_script(&s, true, 30000000000), -EIO);
	assert_string_equal(why, "gnuplot failed with exit status 4");
	scene_close(&s);
}

/** The drawing of an earlier time does not stay where a new one cannot be made; the script does. */
static void no_old_drawing(void **state)
{
	(void)state;
	struct scene s;
	char *before = strdup(getenv("PATH"));

	scene_open(&s, 1000, "x");
	scene_goroutine(&s, 1, 0, 0, -1);
	scene_script(&s, "goroutines.svg", "old");
	setenv("PATH", s.dir, 1);
	assert_int_equal(plot_all(s.db, s.dir), PLOT_NO_GNUPLOT);
	assert_false(scene_has(&s, "goroutines.svg"));
	assert_true(scene_has(&s, "goroutines.gp"));
	assert_true(scene_has(&s, "goroutines.tsv"));
	assert_true(scene_has(&s, "sites.gp"));
	scene_sql(&s, "DELETE FROM goroutine"); // nor does a script that has nothing to show any more
	assert_int_equal(plot_all(s.db, s.dir), PLOT_NO_GNUPLOT);
	assert_false(scene_has(&s, "sites.gp"));
	assert_true(scene_has(&s, "goroutines.gp"));
	scene_script(&s, "gnuplot", "#!/bin/sh\nexit 1\n");
	assert_int_equal(plot_all(s.db, s.dir), PLOT_FAILED);
	setenv("PATH", before, 1);
	free(before);
	scene_close(&s);
}

/** One that ended in time is not late because nobody looked. */
static void looked_at_late(void **state)
{
	(void)state;
	struct scene s;
	struct gnuplot g;
	char *before = strdup(getenv("PATH"));

	scene_open(&s, 1000, "x");
	scene_script(&s, "gnuplot", "#!/bin/sh\nexit 0\n");
	struct gnuplot_job job = {.dir = s.dir, .script = "x.gp", .out_fd = 1, .limit_ns = 30000000000};
	siginfo_t end;

	setenv("PATH", s.dir, 1);
	assert_int_equal(gnuplot_start(&g, &job, why, sizeof why), 0);
	setenv("PATH", before, 1);
	free(before);
	assert_int_equal(waitid(P_PID, (id_t)g.pid, &end, WEXITED | WNOWAIT), 0);
	g.until_ns = 0;
	assert_int_equal(gnuplot_end(&g, why, sizeof why), 0);
	scene_close(&s);
}

/** Two run at once, and no more; one that fails does not harm the others, nor leaves half a
 * drawing. */
static void two_at_once(void **state)
{
	(void)state;
	struct scene s;
	int running = 0, begun = 0;
	char *before = strdup(getenv("PATH"));

	scene_open(&s, 1000, "x");
	for (int g = 1; g < 4; g++)
		scene_goroutine(&s, g, 0, g, 900);
	scene_sql(&s, "UPDATE interval SET thread = 1");
	scene_script(&s, "gnuplot", // the first one waits for the second
	             "#!/bin/sh\n"
	             "echo + >>log\n"
	             "echo half >${2%.gp}.svg\n"
	             "while [ $2 = goroutines.gp ] && ! [ -e sites.svg ]; do /bin/sleep 0.01; done\n"
	             "echo - >>log\n"
	             "if [ $2 = sites.gp ]; then echo broken >&2; exit 1; fi\n");
	setenv("PATH", s.dir, 1);
	assert_int_equal(plot_all(s.db, s.dir), PLOT_FAILED);
	setenv("PATH", before, 1);
	free(before);
	char *log = scene_read(&s, "log", NULL);

	for (const char *p = log; *p; p++) {
		running += *p == '+' ? 1 : *p == '-' ? -1 : 0;
		begun += *p == '+';
		assert_true(running <= 2);
	}
	free(log);
	assert_true(begun >= 5);
	assert_int_equal(running, 0);
	assert_true(scene_has(&s, "goroutines.svg"));
	assert_false(scene_has(&s, "sites.svg"));
	assert_true(scene_has(&s, "sites.gp"));
	assert_true(scene_has(&s, "threads.svg"));
	assert_true(scene_has(&s, "lifetimes.svg"));
	scene_close(&s);
}

/** gnuplot reads back each string as it was, but for quotes, controls and broken UTF-8; and runs
 * nothing. */
static void quoting(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"plain", "plain"},
		{"", ""},
		{"'", "\u2019"},
		{"''x'", "\u2019\u2019x\u2019"},
		{"'; system('touch PWNED'); x='", "\u2019; system(\u2019touch PWNED\u2019); x=\u2019"},
		{"`touch PWNED`", "`touch PWNED`"},
		{"\"`touch PWNED`\"", "\"`touch PWNED`\""},
		{"$(touch PWNED) @secret ^{a}_b", "$(touch PWNED) @secret ^{a}_b"},
		{"a\\", "a\\"},
		{"a\\nb%s", "a\\nb%s"},
		{"line\nbreak\ttab\x1b[0m", "line?break?tab?[0m"},
		{"\xc3\xa9\xff\xc3", "\u00e9??"},
		{"\xed\xa0\x80\xc0\xaf\xf5", "??????"},
		{"123456789012345678901234567890123456789012345",
	     "1234567890123456789012345678901234567890..."},
	};
	struct scene s;
	char path[512], want[2048] = "";

	scene_open(&s, 1000, "x");
	snprintf(path, sizeof path, "%s/x.gp", s.dir);
	FILE *gp = fopen(path, "w");

	fputs("secret = 'SECRET'\nset print '-'\n", gp);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fputs("print '<' . ", gp);
		gnuplot_quote(gp, rows[i].text, 40);
		fputs(" . '>'\n", gp);
		snprintf(want + strlen(want), sizeof want - strlen(want), "<%s>\n", rows[i].want);
	}
	fclose(gp);
	if (run_script(&s, false, 30000000000) != 0)
		fail_msg("%s", why);
	char *out = scene_read(&s, "out", NULL);

	assert_string_equal(out, want);
	assert_false(scene_has(&s, "PWNED"));
	free(out);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing),        cmocka_unit_test(hung),        cmocka_unit_test(silent),
		cmocka_unit_test(looked_at_late), cmocka_unit_test(two_at_once), cmocka_unit_test(failing),
		cmocka_unit_test(no_old_drawing), cmocka_unit_test(quoting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
