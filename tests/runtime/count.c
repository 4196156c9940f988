/* SPDX-License-Identifier: MIT */
/* count.c: gor_num_goroutine() is what the dump shows, and what the trace has at that moment. */
#define _GNU_SOURCE
#include "check.h"
#include <gtrace.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WAITING = 100 };
static ints nobody;
static size_t counted;

static void wait_for_nobody(void *arg)
{
	(void)arg;
	gor_recv(nobody, NULL);
}

static void at_once(void *arg)
{
	(void)arg;
}

static size_t blocks(int fd)
{
	char *text = calloc(1, 1 << 18);
	size_t n = 0;

	REQUIRE(pread(fd, text, (1 << 18) - 1, 0) > 0);
	for (const char *p = text; (p = strstr(p, "goroutine ")); p++)
		n += p == text || (p[-1] == '\n' && p[-2] == '\n');
	free(text);
	return n;
}

static void *attached(void *arg)
{
	int fd = memfd_create("dump", 0);

	(void)arg;
	gor_yield(); // a goroutine of its own from here on
	counted = gor_num_goroutine();
	REQUIRE_EQ(counted, WAITING + 2);
	REQUIRE_EQ(gor_profile_write("goroutine", fd, 2), 0);
	REQUIRE_EQ(blocks(fd), counted);
	gor_trace_log("count", "%zu", counted);
	return NULL;
}

static int program(int argc, char **argv)
{
	(void)argc, (void)argv;
	gor_make(nobody, 0);
	for (int i = 0; i < WAITING; i++) {
		gor_go(at_once, NULL);
		gor_go(wait_for_nobody, NULL);
	}
	check_quiet();
	check_join(check_thread_registered(attached, NULL));
	return 0;
}

static void as_the_trace(void **state)
{
	char dir[] = "count.XXXXXX", path[64];
	struct gtrace_error err = {0};
	struct gtrace_reader *reader;
	struct gtrace_event ev;
	size_t alive = 0, at_mark = 0;
	int got;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/x.gtrace", dir);
	assert_int_equal(gor_trace_start(path), 0);
	assert_int_equal(gor_run(program, 0, NULL), 0);
	gor_trace_stop();
	if (gtrace_reader_open(&reader, path, &err) < 0)
		fail_msg("%s", err.text);
	while ((got = gtrace_reader_next(reader, &ev, &err)) == 1) {
		alive += ev.id == GTRACE_GO_NEW;
		alive -= ev.id == GTRACE_GO_END || ev.id == GTRACE_GO_END_TO;
		if (ev.id == GTRACE_MARK)
			at_mark = alive;
	}
	assert_int_equal(got, 0);
	gtrace_reader_close(reader);
	unlink(path);
	rmdir(dir);
	assert_int_equal(at_mark, counted);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_trace),
	};

	return CHECK_MAIN(tests, argc, argv);
}
