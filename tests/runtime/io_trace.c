/* SPDX-License-Identifier: MIT */
/* io_trace.c: what a trace tells of goroutines that wait for descriptors. */
#include "check.h"
#include <errno.h>
#include <gtrace.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUMBER = 150 }; // of the descriptor that is waited for

static void read_closed(void *arg)
{
	char byte;

	REQUIRE_EQ(gor_read(NUMBER, &byte, 1), -EBADF);
	gor_send((ints)arg, 1);
}

static void *answer(void *arg)
{
	check_still(2, true);
	REQUIRE_EQ(write(*(int *)arg, "x", 1), 1);
	return NULL;
}

/** Waits that end by time, by data, and by a close; and a second one on the same number. */
static int waits(int argc, char **argv)
{
	int fd[2];
	ints done;
	char byte;
	pthread_t thread;

	(void)argc, (void)argv;
	gor_make(done, 0);
	REQUIRE_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	REQUIRE_EQ(dup2(fd[0], NUMBER), NUMBER);
	REQUIRE_EQ(close(fd[0]), 0);
	REQUIRE_EQ(gor_read_until(NUMBER, &byte, 1, gor_deadline(GOR_MILLISECOND)), -ETIMEDOUT);
	REQUIRE_EQ(pthread_create(&thread, NULL, answer, &fd[1]), 0);
	REQUIRE_EQ(gor_read(NUMBER, &byte, 1), 1);
	REQUIRE_EQ(pthread_join(thread, NULL), 0);
	REQUIRE_EQ(gor_write(NUMBER, "y", 1), 1); // no wait, no event
	gor_go(read_closed, (void *)done);
	check_quiet();
	REQUIRE_EQ(gor_close_fd(NUMBER), 0);
	REQUIRE_EQ(gor_recv(done, NULL), 1);
	REQUIRE_EQ(dup2(fd[1], NUMBER), NUMBER); // another life of the number
	REQUIRE_EQ(gor_read_until(NUMBER, &byte, 1, gor_deadline(GOR_MILLISECOND)), 1);
	REQUIRE_EQ(gor_read_until(NUMBER, &byte, 1, gor_deadline(GOR_MILLISECOND)), 0);
	return 0;
}

static void record(const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setenv("GTRACE", path, 1);
		exit(gor_run(waits, 0, (char *[]){NULL}));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/** What happened to the descriptor, a letter each, in the order of the trace. */
struct story {
	char text[64];
	size_t len;
	uint64_t object; // of the first life
	uint64_t until;  // the goroutine whose last event was WAIT_UNTIL
};

static void tell(struct story *s, char letter)
{
	assert_true(s->len < sizeof s->text - 1);
	s->text[s->len++] = letter;
}

static void park(struct story *s, const struct gtrace_reader *r, const struct gtrace_event *ev)
{
	const struct gtrace_site_info *site = gtrace_reader_site(r, ev->arg[2]);

	assert_int_equal(ev->arg[0], GTRACE_reason_IO_WAIT);
	assert_int_equal(site->op, GTRACE_op_IO_READ);
	assert_string_equal(site->text, "NUMBER");
	assert_int_equal(ev->arg[3], s->until == ev->g ? GTRACE_WAIT_DEADLINE : 0);
	tell(s, s->until == ev->g ? 'U' : 'P');
}

static void wake_by(struct story *s, const struct gtrace_event *ev)
{
	if (ev->arg[3] == GTRACE_waker_POLLER && ev->arg[2] == s->object)
		tell(s, 'e');
	if (ev->arg[3] == GTRACE_waker_TIMER)
		tell(s, 't');
}

static void event(struct story *s, const struct gtrace_reader *r, const struct gtrace_event *ev)
{
	switch (ev->id) {
	case GTRACE_OBJ_NEW:
		if (ev->arg[1] != GTRACE_object_FD || ev->arg[3] != NUMBER)
			break;
		assert_int_equal(s->object, 0);
		s->object = ev->arg[0];
		tell(s, 'N');
		break;
	case GTRACE_WAIT_UNTIL:
		s->until = ev->g;
		return;
	case GTRACE_GO_PARK:
		if (s->object && ev->arg[1] == s->object)
			park(s, r, ev);
		break;
	case GTRACE_GO_WAKE_BY:
		wake_by(s, ev);
		break;
	case GTRACE_GO_WAKE:
		if (s->object && ev->arg[2] == s->object)
			tell(s, 'c');
		break;
	case GTRACE_OBJ_FREE:
		if (ev->arg[0] == s->object)
			tell(s, 'F');
		break;
	default:
		break;
	}
	if (s->until == ev->g)
		s->until = 0;
}

static void tells_all(void **state)
{
	char dir[] = "io_trace.XXXXXX", path[64];
	struct gtrace_reader *r;
	struct gtrace_error err = {0};
	struct gtrace_event ev;
	struct story s = {0};
	int got;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/run.gtrace", dir);
	record(path);
	if (gtrace_reader_open(&r, path, &err) < 0)
		fail_msg("%s", err.text);
	while ((got = gtrace_reader_next(r, &ev, &err)) == 1)
		event(&s, r, &ev);
	assert_int_equal(got, 0);
	gtrace_reader_close(r);
	unlink(path);
	rmdir(dir);
	// new; parked until a time: which came; parked: edge; parked: freed, woken by the close
	assert_string_equal(s.text, "NUtPePFc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(tells_all)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
