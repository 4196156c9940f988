/* SPDX-License-Identifier: MIT */
/* poll.c: who looks at the descriptors, when, and what becomes of numbers that change hands. */
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pair(int fd[2])
{
	REQUIRE_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
}

/** A thread of no goroutine, which writes a byte when nothing else runs any more. */
static void *write_when_still(void *arg)
{
	int fd = (int)(intptr_t)arg;

	check_still(20, true);
	REQUIRE_EQ(write(fd, "x", 1), 1);
	return NULL;
}

static void write_later(int fd)
{
	pthread_t thread;

	REQUIRE_EQ(pthread_create(&thread, NULL, write_when_still, (void *)(intptr_t)fd), 0);
	pthread_detach(thread);
}

/* ── the deadlock detector ────────────────────────────────────────────────────────────────────────
 */

struct reader {
	int fd;
	ints out;
	_Atomic bool done;
};

static void read_one(void *arg)
{
	struct reader *r = arg;
	ints out = r->out;
	char byte;

	REQUIRE_EQ(gor_read(r->fd, &byte, 1), 1);
	atomic_store(&r->done, true); // r may be gone now
	if (out)
		gor_send(out, 1);
}

/** Main waits for a goroutine that waits for a pipe: no deadlock. */
TEST(waiting_is_no_deadlock)
{
	int fd[2];
	struct reader r = {0};

	REQUIRE_EQ(pipe(fd), 0);
	r.fd = fd[0];
	gor_make(r.out, 0);
	gor_go(read_one, &r);
	write_later(fd[1]);
	REQUIRE_EQ(gor_recv(r.out, NULL), 1);
	gor_free(r.out);
}

/** The same if the one that waits is pinned to the only thread there is. */
TEST_PROCS(pinned, 1)
{
	int fd[2];
	char byte;

	REQUIRE_EQ(pipe(fd), 0);
	gor_pin();
	for (int i = 0; i < 3; i++) {
		write_later(fd[1]);
		REQUIRE_EQ(gor_read(fd[0], &byte, 1), 1);
	}
	gor_unpin();
}

static int deadlock_later(int argc, char **argv)
{
	int fd[2];
	struct reader r = {0};
	ints never;

	(void)argc, (void)argv;
	REQUIRE_EQ(pipe(fd), 0);
	r.fd = fd[0];
	gor_make(never, 0);
	gor_go(read_one, &r);
	write_later(fd[1]);
	return gor_recv(never, NULL);
}

static int deadlock_by_close(int argc, char **argv)
{
	int fd[2];
	char byte;
	ints never;

	(void)argc, (void)argv;
	pair(fd);
	gor_make(never, 0);
	REQUIRE_EQ(gor_read_until(fd[0], &byte, 1, gor_deadline(GOR_MILLISECOND)), -ETIMEDOUT);
	REQUIRE_EQ(gor_close_fd(fd[0]), 0);
	return gor_recv(never, NULL);
}

static void panic_when_parked(void *arg)
{
	(void)arg;
	check_quiet();
	gor_panic("look");
}

static int dump_of_waits(int argc, char **argv)
{
	int fd[2];
	char byte;

	(void)argc, (void)argv;
	pair(fd);
	gor_max_procs(1);
	gor_go(panic_when_parked, NULL);
	return (int)gor_read(fd[0], &byte, 1);
}

static void read_in_vain(void *arg)
{
	char byte;

	gor_read(*(int *)arg, &byte, 1);
}

/** As a program that closes all it does not know, to be a daemon; but only the epoll set. */
static int close_set(int argc, char **argv)
{
	int fd[2];

	(void)argc, (void)argv;
	pair(fd);
	gor_go(read_in_vain, &fd[0]);
	check_quiet();
	for (int i = 3; i < 100; i++) {
		char path[32], is[64];
		snprintf(path, sizeof path, "/proc/self/fd/%d", i);
		ssize_t n = readlink(path, is, sizeof is);
		if (n > 0 && memmem(is, (size_t)n, "eventpoll", 9))
			syscall(SYS_close, i); // unseen by ThreadSanitizer, which would complain
	}
	for (int i = 0; i < 10000; i++)
		gor_sleep(GOR_MILLISECOND);
	return 0;
}

static const struct check_child children[] = {
	{"close_set", close_set},
	{"deadlock_later", deadlock_later},
	{"deadlock_by_close", deadlock_by_close},
	{"dump_of_waits", dump_of_waits},
	{NULL, NULL},
};

/** Once nobody waits for a descriptor any more, a deadlock is one again. */
static void deadlock_after_wait(void **state)
{
	static const char *const names[] = {"deadlock_later", "deadlock_by_close"};
	static struct check_result r;

	(void)state;
	for (int i = 0; i < 2; i++) {
		check_spawn(names[i], &r);
		assert_int_equal(r.status, 2);
		assert_true(check_has_line(r.err, "fatal error: all goroutines are asleep - deadlock!"));
		assert_true(check_has_line(r.err, "goroutine 1 [chan receive]:"));
	}
}

/** Without its epoll set the runtime says so, and does not spin. */
static void set_is_closed(void **state)
{
	static struct check_result r;

	(void)state;
	check_spawn("close_set", &r);
	assert_int_equal(r.status, 2);
	assert_true(check_has_line(
		r.err, "fatal error: gor: the program closed the runtime's epoll descriptor"));
}

static void dump(void **state)
{
	static struct check_result r;

	(void)state;
	setenv("GOR_TRACEBACK", "all", 1);
	check_spawn("dump_of_waits", &r);
	unsetenv("GOR_TRACEBACK");
	assert_int_equal(r.status, 2);
	assert_true(check_has_line(r.err, "goroutine 1 [IO wait]:"));
	assert_true(check_has_prefix(r.err, "dump_of_waits(...)"));
}

/* ── nobody starves ───────────────────────────────────────────────────────────────────────────────
 */

/** Main does nothing but yield; it is the only other goroutine. */
TEST_PROCS(yielding_does_not_starve, 1)
{
	int fd[2];
	struct reader r = {0};

	pair(fd);
	r.fd = fd[0];
	gor_go(read_one, &r);
	check_quiet();
	REQUIRE_EQ(write(fd[1], "x", 1), 1);
	while (!atomic_load(&r.done))
		gor_yield();
}

/** Two goroutines keep each other busy through a channel, and their thread never looks around. */
static void bounce(void *arg)
{
	ints *ch = arg;
	int v;

	while (gor_recv(ch[0], &v) == 1)
		gor_send(ch[1], v);
	gor_close(ch[1]);
}

TEST_PROCS(channels_do_not_starve, 1)
{
	int fd[2], v;
	struct reader r = {0};
	ints ch[2];

	pair(fd);
	gor_make(ch[0], 0);
	gor_make(ch[1], 0);
	r.fd = fd[0];
	gor_go(read_one, &r);
	gor_go(bounce, ch);
	check_quiet();
	REQUIRE_EQ(write(fd[1], "x", 1), 1);
	while (!atomic_load(&r.done)) {
		gor_send(ch[0], 1);
		gor_recv(ch[1], &v);
	}
	gor_close(ch[0]);
	REQUIRE_EQ(gor_recv(ch[1], NULL), 0);
	gor_free(ch[0]);
	gor_free(ch[1]);
}

/** Main computes and calls nothing of ours: the monitor looks. */
TEST_PROCS(computing_does_not_starve, 1)
{
	int fd[2];
	struct reader r = {0};

	pair(fd);
	r.fd = fd[0];
	gor_go(read_one, &r);
	check_quiet();
	REQUIRE_EQ(write(fd[1], "x", 1), 1);
	while (!atomic_load(&r.done))
		;
}

/** The same on two processors: one is idle, and looks. */
TEST_PROCS(computing_beside_idle, 2)
{
	int fd[2];
	struct reader r = {0};

	pair(fd);
	r.fd = fd[0];
	gor_go(read_one, &r);
	check_quiet();
	REQUIRE_EQ(write(fd[1], "x", 1), 1);
	while (!atomic_load(&r.done))
		;
}

static int wait_for_done(void *arg)
{
	struct reader *r = arg;

	while (!atomic_load(&r->done))
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	return 7;
}

/** Main sleeps in the kernel, with a word to us and without. */
TEST_PROCS(blocking_does_not_starve, 1)
{
	for (int i = 0; i < 4; i++) {
		int fd[2];
		struct reader r = {0};
		pair(fd);
		r.fd = fd[0];
		gor_go(read_one, &r);
		check_quiet();
		REQUIRE_EQ(write(fd[1], "x", 1), 1);
		REQUIRE_EQ(i % 2 ? gor_blocking(wait_for_done, &r) : wait_for_done(&r), 7);
	}
}

/** Timers and descriptors: each wakes the thread that sleeps for both. */
TEST(timers_beside)
{
	int fd[2];
	struct reader r = {0};
	char byte;

	pair(fd);
	r.fd = fd[0];
	gor_go(read_one, &r);
	for (int i = 0; i < 20; i++) {
		gor_sleep(GOR_MILLISECOND / 2);
		REQUIRE_EQ(gor_read_until(fd[1], &byte, 1, gor_deadline(GOR_MILLISECOND)), -ETIMEDOUT);
	}
	REQUIRE_EQ(gor_write(fd[1], "x", 1), 1);
	while (!atomic_load(&r.done))
		gor_sleep(GOR_MILLISECOND);
}

static void *note_when_still(void *arg)
{
	struct reader *r = arg;

	check_still(100, false);
	atomic_store(&r->done, true);
	REQUIRE_EQ(write(r->fd, "x", 1), 1);
	return NULL;
}

/** A program that only waits does not run: none of its threads for a tenth of a second. */
TEST(idle_is_still)
{
#ifndef __SANITIZE_THREAD__ // which has a thread of its own that never rests
	int fd[2];
	struct reader r = {0};
	pthread_t thread;
	char byte;

	pair(fd);
	r.fd = fd[1];
	REQUIRE_EQ(pthread_create(&thread, NULL, note_when_still, &r), 0);
	REQUIRE_EQ(gor_read(fd[0], &byte, 1), 1);
	REQUIRE(atomic_load(&r.done));
	REQUIRE_EQ(pthread_join(thread, NULL), 0);
#else
	(void)note_when_still;
#endif
}

/* ── numbers that change hands ────────────────────────────────────────────────────────────────────
 */

static void expect_wait(int fd[2])
{
	struct reader r = {.fd = fd[0]};

	gor_make(r.out, 0);
	gor_go(read_one, &r);
	check_quiet();
	REQUIRE_EQ(gor_write(fd[1], "x", 1), 1);
	REQUIRE_EQ(gor_recv(r.out, NULL), 1);
	gor_free(r.out);
}

enum { NUMBER = 150 }; // a descriptor that nobody else is given

/** Move a descriptor to a number of our choice. */
static void move(int *fd, int number)
{
	REQUIRE_EQ(dup2(*fd, number), number);
	REQUIRE_EQ(close(*fd), 0);
	*fd = number;
}

/** The same two numbers again and again, closed by us, by close(2), and replaced by dup2(2). */
TEST(numbers_come_back)
{
	int fd[2];

	for (int i = 0; i < 30; i++) {
		if (i % 3 == 0)
			pair(fd);
		else
			REQUIRE_EQ(pipe(fd), 0);
		move(&fd[0], NUMBER);
		move(&fd[1], NUMBER + 1);
		expect_wait(fd);
		if (i % 5 == 0) { // another pipe slips in under the number
			int other[2];
			REQUIRE_EQ(pipe(other), 0);
			move(&other[0], NUMBER);
			expect_wait(other);
			REQUIRE_EQ(close(other[1]), 0);
		}
		for (int k = 0; k < 2; k++)
			REQUIRE_EQ(i % 2 ? gor_close_fd(fd[k]) : close(fd[k]), 0);
	}
}

static void read_end(void *arg)
{
	struct reader *r = arg;
	char byte;

	REQUIRE_EQ(gor_read(r->fd, &byte, 1), 0);
	gor_send(r->out, 1);
}

/** The other side hangs up, we close by close(2), and the number is another's. */
TEST(number_after_hang_up)
{
	for (int i = 0; i < 5; i++) {
		int fd[2];
		struct reader r = {.fd = NUMBER};
		pair(fd);
		move(&fd[0], NUMBER);
		gor_make(r.out, 0);
		gor_go(read_end, &r);
		check_quiet();
		REQUIRE_EQ(close(fd[1]), 0);
		REQUIRE_EQ(gor_recv(r.out, NULL), 1);
		gor_free(r.out);
		pair(fd);
		move(&fd[0], NUMBER); // closes the old one
		expect_wait(fd);
		expect_wait(fd);
		REQUIRE_EQ(close(fd[0]), 0);
		REQUIRE_EQ(close(fd[1]), 0);
	}
}

/** A duplicate keeps the old descriptor, and its events, alive. */
TEST(duplicates)
{
	int a[2], b[2], kept;
	char byte;

	pair(a);
	move(&a[0], NUMBER);
	expect_wait(a);
	kept = dup(a[0]);
	pair(b);
	move(&b[0], NUMBER); // the kernel still knows the other by that number
	struct reader r = {.fd = NUMBER};
	gor_make(r.out, 0);
	gor_go(read_one, &r);
	for (int i = 0; i < 10; i++) {
		REQUIRE_EQ(gor_write(a[1], "x", 1), 1); // events of the old one
		REQUIRE_EQ(gor_read(kept, &byte, 1), 1);
		REQUIRE(!atomic_load(&r.done));
	}
	REQUIRE_EQ(gor_write(b[1], "x", 1), 1);
	REQUIRE_EQ(gor_recv(r.out, NULL), 1);
	gor_free(r.out);
}

static void read_closed(void *arg)
{
	struct reader *r = arg;
	char byte;

	REQUIRE_EQ(gor_read(r->fd, &byte, 1), -EBADF);
	gor_send(r->out, 1);
}

/** The kernel gives a number to a new connection: whoever still waits under it, since it was closed
 * by close(2), is told. */
TEST(number_given_anew)
{
	int l = gor_listen("127.0.0.1:0"), fd[2];
	struct reader r = {0};
	char hostport[32];

	pair(fd);
	r.fd = fd[0];
	gor_make(r.out, 0);
	gor_go(read_closed, &r);
	check_quiet();
	REQUIRE_EQ(close(fd[0]), 0);
	snprintf(hostport, sizeof hostport, "127.0.0.1:%d", gor_port(l));
	for (int conn = -1; conn != fd[0];) { // the monitor may have the number for a moment
		conn = gor_dial(hostport);
		REQUIRE(conn >= 0);
	}
	REQUIRE_EQ(gor_recv(r.out, NULL), 1);
	gor_free(r.out);
}

/* ── runs, children, and failures ─────────────────────────────────────────────────────────────────
 */

static int shared[2];

static void wait_for_ever(void *arg)
{
	char byte;

	(void)arg;
	gor_read(shared[0], &byte, 1);
	REQUIRE(!"woken by another run");
}

static int leave_one(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < 3; i++)
		gor_go(wait_for_ever, NULL);
	gor_sleep(GOR_MILLISECOND);
	return 0;
}

static int use_again(int argc, char **argv)
{
	(void)argc, (void)argv;
	expect_wait(shared);
	return 0;
}

/** What a run leaves behind does not disturb the next, which waits for the same descriptor. */
static void runs(void **state)
{
	char *argv[] = {NULL};

	(void)state;
	pair(shared);
	for (int i = 0; i < 10; i++) {
		gor_max_procs(1 + i % 4);
		assert_int_equal(gor_run(leave_one, 0, argv), 0);
		assert_int_equal(gor_run(use_again, 0, argv), 0);
	}
}

/** A child of fork() closes what it inherited; the parent does not notice. */
TEST(fork_child)
{
	int fd[2], status;
	struct reader r = {0};

	pair(fd);
	r.fd = fd[0];
	gor_make(r.out, 0);
	gor_go(read_one, &r);
	check_quiet();
	pid_t pid = fork();
	if (pid == 0) {
		close(fd[0]);
		close(fd[1]);
		_exit(0);
	}
	REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	REQUIRE_EQ(gor_write(fd[1], "x", 1), 1);
	REQUIRE_EQ(gor_recv(r.out, NULL), 1);
	gor_free(r.out);
	expect_wait(fd);
}

/** No descriptors left for the poller itself: an error, and not for good. */
TEST(no_room_for_poller)
{
	struct rlimit limit, low;
	char byte;
	int fd[2];

	pair(fd);
	REQUIRE_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	int last = dup(fd[0]);
	REQUIRE(last > fd[1]);
	low = (struct rlimit){(rlim_t)last + 1, limit.rlim_max};
	REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
	for (int i = 0; i < 3; i++, gor_yield()) // other threads have one now and then
		while (dup(fd[0]) >= 0)
			;
	REQUIRE_EQ(gor_read(fd[0], &byte, 1), -EMFILE);
	REQUIRE_EQ(close(last), 0); // the eventfd gets it, the epoll set none
	REQUIRE_EQ(gor_read(fd[0], &byte, 1), -EMFILE);
	REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	expect_wait(fd);
}

/** From here on a system call of this thread fails.  False: there is no way to do that here. */
static bool fail_call(int nr, int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = sizeof code / sizeof *code, .filter = code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0;
}

TEST(eventfd_fails)
{
	int fd[2];
	char byte;

	pair(fd);
	gor_pin();
	if (fail_call(SYS_eventfd2, ENFILE))
		REQUIRE_EQ(gor_read(fd[0], &byte, 1), -ENFILE);
	gor_unpin();
}

TEST(epoll_ctl_fails)
{
	int a[2], b[2];
	char byte;

	pair(a);
	pair(b);
	REQUIRE_EQ(gor_read_until(a[0], &byte, 1, gor_deadline(GOR_MILLISECOND)), -ETIMEDOUT);
	gor_pin();
	if (fail_call(SYS_epoll_ctl, ENOSPC)) {
		REQUIRE_EQ(gor_read(b[0], &byte, 1), -ENOSPC);
		REQUIRE_EQ(gor_wait_fd(b[0], POLLIN, GOR_FOREVER), -ENOSPC);
		REQUIRE_EQ(gor_write(b[1], "x", 1), 1);
		REQUIRE_EQ(gor_read(b[0], &byte, 1), 1);
	}
	gor_unpin();
}

/** Before Linux 5.11 there is no epoll_pwait2: times are rounded up to milliseconds. */
TEST_PROCS(old_epoll_wait, 1)
{
	int fd[2];
	char byte;

	pair(fd);
	fail_call(SYS_epoll_pwait2, ENOSYS);
	for (int i = 0; i < 5; i++) {
		int64_t until = gor_deadline(GOR_MILLISECOND + GOR_MICROSECOND);
		REQUIRE_EQ(gor_read_until(fd[0], &byte, 1, until), -ETIMEDOUT);
		REQUIRE(gor_now() >= until);
	}
	expect_wait(fd);
}

/* ── at random ────────────────────────────────────────────────────────────────────────────────────
 */

struct chaos {
	gor_waitgroup wg;
	_Atomic long bytes;
	int rounds;
};

struct lane {
	struct chaos *all;
	int fd;
	uint64_t seed;
};

static void chaos_read(struct lane *lane)
{
	char buf[16];
	ssize_t n;

	while ((n = gor_read_until(lane->fd, buf, sizeof buf,
	                           check_random(&lane->seed) % 2
	                               ? GOR_FOREVER
	                               : gor_deadline((int64_t)(check_random(&lane->seed) % 100000)))))
		if (n > 0)
			atomic_fetch_add(&lane->all->bytes, n);
		else
			REQUIRE_EQ(n, -ETIMEDOUT);
	REQUIRE_EQ(check_random(&lane->seed) % 2 ? close(lane->fd) : gor_close_fd(lane->fd), 0);
	gor_wg_done(&lane->all->wg);
}

/** Pairs of sockets are made, used for a while, and closed in either way. */
static void chaos_write(struct lane *lane)
{
	struct chaos *all = lane->all;
	long sum = 0;

	for (int i = 0; i < all->rounds; i++) {
		int fd[2];
		pair(fd);
		gor_wg_add(&all->wg, 1);
		gor_go_copy(chaos_read, ((struct lane){all, fd[0], check_random(&lane->seed) | 1}));
		for (uint64_t k = check_random(&lane->seed) % 20; k; k--) {
			size_t bytes = 1 + check_random(&lane->seed) % 30;
			char buf[32] = "";
			REQUIRE_EQ(gor_write(fd[1], buf, bytes), bytes);
			sum += (long)bytes;
			if (check_random(&lane->seed) % 3 == 0)
				gor_yield();
		}
		REQUIRE_EQ(check_random(&lane->seed) % 2 ? close(fd[1]) : gor_close_fd(fd[1]), 0);
	}
	atomic_fetch_sub(&all->bytes, sum);
	gor_wg_done(&all->wg);
}

static void run_chaos(void)
{
	struct chaos all = {.rounds = 60 / SLOW};

	for (uint64_t i = 1; i <= 8; i++) {
		gor_wg_add(&all.wg, 1);
		gor_go_copy(chaos_write, ((struct lane){&all, -1, i}));
	}
	gor_wg_wait(&all.wg);
	REQUIRE_EQ(atomic_load(&all.bytes), 0);
}

TEST_PROCS(chaos_1, 1)
{
	run_chaos();
}

TEST_PROCS(chaos_2, 2)
{
	run_chaos();
}

TEST_PROCS(chaos_8, 8)
{
	run_chaos();
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(waiting_is_no_deadlock),
		cmocka_unit_test(pinned),
		cmocka_unit_test(deadlock_after_wait),
		cmocka_unit_test(set_is_closed),
		cmocka_unit_test(dump),
		cmocka_unit_test(yielding_does_not_starve),
		cmocka_unit_test(channels_do_not_starve),
		cmocka_unit_test(computing_does_not_starve),
		cmocka_unit_test(computing_beside_idle),
		cmocka_unit_test(blocking_does_not_starve),
		cmocka_unit_test(timers_beside),
		cmocka_unit_test(idle_is_still),
		cmocka_unit_test(numbers_come_back),
		cmocka_unit_test(number_after_hang_up),
		cmocka_unit_test(duplicates),
		cmocka_unit_test(number_given_anew),
		cmocka_unit_test(runs),
		cmocka_unit_test(fork_child),
		cmocka_unit_test(no_room_for_poller),
		cmocka_unit_test(eventfd_fails),
		cmocka_unit_test(epoll_ctl_fails),
		cmocka_unit_test(old_epoll_wait),
		cmocka_unit_test(chaos_1),
		cmocka_unit_test(chaos_2),
		cmocka_unit_test(chaos_8),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}
