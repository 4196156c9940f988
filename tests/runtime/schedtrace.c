/* SPDX-License-Identifier: MIT */
/* schedtrace.c: the lines of GOR_DEBUG=schedtrace=, also of a program in which nothing happens. */
#include "check.h"
#include <regex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ── children ─────────────────────────────────────────────────────────────────────────────────────
 */

static ints nobody;

static void wait_for_nobody(void *arg)
{
	(void)arg;
	gor_recv(nobody, NULL);
}

static int idle(int argc, char **argv)
{
	(void)argc, (void)argv;
	gor_make(nobody, 0);
	gor_go(wait_for_nobody, NULL);
	gor_sleep(50 * GOR_MILLISECOND);
	return 0;
}

/* How often a text has these words. */
static int times(const char *text, const char *words)
{
	int n = 0;

	for (; (text = strstr(text, words)); text++)
		n++;
	return n;
}

/* Reads what it prints itself, until that has five moments, and both goroutines where they wait. */
static int watched(int argc, char **argv)
{
	static char text[1 << 15];
	int fd[2], saved = dup(STDERR_FILENO);
	bool detail = strstr(getenv("GOR_DEBUG"), "detail");
	size_t len = 0;

	(void)argc, (void)argv;
	gor_make(nobody, 0);
	gor_go(wait_for_nobody, NULL);
	REQUIRE_EQ(pipe(fd), 0);
	REQUIRE_EQ(dup2(fd[1], STDERR_FILENO), STDERR_FILENO);
	while (times(text, "SCHED ") < 5 || (detail && !strstr(text, "G1: status=4(IO wait)")) ||
	       (detail && !strstr(text, "G2: status=4(chan receive)"))) {
		ssize_t n = gor_read(fd[0], text + len, sizeof text - 1 - len);
		REQUIRE(n > 0);
		len += (size_t)n;
	}
	REQUIRE_EQ(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	REQUIRE_EQ(write(saved, text, len), len);
	return 0;
}

static const struct check_child children[] = {
	{"idle", idle},
	{"watched", watched},
	{NULL, NULL},
};

/* ── the tests ────────────────────────────────────────────────────────────────────────────────────
 */

static struct check_result r;

static void run(const char *child, const char *debug)
{
	setenv("GOR_DEBUG", debug, 1);
	setenv("GOR_MAXPROCS", "2", 1); // what belongs to a moment is one write then
	check_spawn(child, &r);
	print_message("%s", r.err);
	assert_int_equal(r.status, 0);
}

/* How many whole lines are of this form. */
static int lines(const char *form)
{
	regex_t re;
	regmatch_t at;
	int n = 0;

	assert_int_equal(regcomp(&re, form, REG_EXTENDED | REG_NEWLINE), 0);
	for (const char *p = r.err; regexec(&re, p, 1, &at, 0) == 0; p += at.rm_eo)
		n++;
	regfree(&re);
	return n;
}

static int all_lines(void)
{
	int n = 0;

	for (const char *p = r.err; (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

#define SCHED \
	"^SCHED [0-9]+ms: gomaxprocs=[0-9]+ idleprocs=[0-9]+ threads=[0-9]+ spinningthreads=[0-9]+ " \
	"idlethreads=[0-9]+ runqueue=[0-9]+"

static void off(void **state)
{
	(void)state;
	run("idle", "");
	assert_string_equal(r.err, "");
	run("idle", "scheddetail=1");
	assert_string_equal(r.err, "");
}

static void each_line(void **state)
{
	(void)state;
	run("watched", "schedtrace=20");
	int n = lines(SCHED " \\[[0-9]+( [0-9]+)*\\]$");
	assert_true(n >= 5);
	assert_int_equal(n, all_lines()); // and no others
	assert_int_equal(lines("^SCHED 0ms: "), 1);
	n = 0;
	for (const char *p = r.err; (p = strstr(p, "SCHED ")); p++) // late perhaps, and never early
		assert_true(strtol(p + strlen("SCHED "), NULL, 10) >= 20 * n++);
}

static void detail(void **state)
{
	(void)state;
	run("watched", "schedtrace=20,scheddetail=1");
	int n = lines(SCHED "$");
	int procs = lines("^  P[0-9]+: status=[01] schedtick=[0-9]+ m=-?[0-9]+ runqsize=[0-9]+ "
	                  "gfreecnt=[0-9]+ timerslen=[0-9]+$");
	int threads = lines("^  M[0-9]+: p=-?[0-9]+ curg=-?[0-9]+ spinning=(true|false) "
	                    "blocked=(true|false) lockedg=-?[0-9]+ tid=[0-9]+$");
	int goroutines = lines("^  G[0-9]+: status=[124]\\([A-Za-z ]*\\) m=-?[0-9]+ lockedm=-?[0-9]+$");

	assert_true(n >= 5);
	assert_true(procs >= n && procs % n == 0);
	assert_true(threads >= 1 && goroutines >= n);
	assert_true(lines("^  G1: status=4\\(IO wait\\) m=-1 lockedm=-1$") >= 1);
	assert_true(lines("^  G2: status=4\\(chan receive\\) m=-1 lockedm=-1$") >= 1);
	assert_int_equal(n + procs + threads + goroutines, all_lines());
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(off),
		cmocka_unit_test(each_line),
		cmocka_unit_test(detail),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}
