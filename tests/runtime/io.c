/* SPDX-License-Identifier: MIT */
/* io.c: reading, writing, waiting and closing by goroutines. */
#define _GNU_SOURCE
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void pair(int fd[2])
{
	REQUIRE_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
}

static void close_both(const int fd[2])
{
	REQUIRE_EQ(gor_close_fd(fd[0]), 0);
	REQUIRE_EQ(gor_close_fd(fd[1]), 0);
}

/* ── one call in a goroutine of its own ───────────────────────────────────────────────────────────
 */

struct call {
	int fd;
	char buf[64];
	size_t bytes;
	int64_t deadline;
	_Atomic ssize_t got;
	gor_waitgroup *wg;
};

static void call_read(void *arg)
{
	struct call *c = arg;

	c->got = gor_read_until(c->fd, c->buf, c->bytes, c->deadline);
	gor_wg_done(c->wg);
}

static void call_wait(void *arg)
{
	struct call *c = arg;

	c->got = gor_wait_fd(c->fd, (int)c->bytes, c->deadline);
	gor_wg_done(c->wg);
}

static void call_fill(void *arg)
{
	static const char zeros[1 << 20];
	struct call *c = arg;

	c->got = gor_write(c->fd, zeros, sizeof zeros);
	gor_wg_done(c->wg);
}

static void start(struct call *c, void (*fn)(void *), gor_waitgroup *wg)
{
	c->wg = wg;
	gor_wg_add(wg, 1);
	gor_go(fn, c);
	check_quiet();
}

/** A read waits, is answered, and ends with the other side. */
TEST(stream)
{
	int fd[2];
	gor_waitgroup wg = {0};
	struct call c = {.bytes = sizeof c.buf, .deadline = GOR_FOREVER};

	pair(fd);
	c.fd = fd[0];
	start(&c, call_read, &wg);
	REQUIRE_EQ(gor_write(fd[1], "hello", 5), 5);
	gor_wg_wait(&wg);
	REQUIRE_EQ(c.got, 5);
	REQUIRE(memcmp(c.buf, "hello", 5) == 0);

	REQUIRE_EQ(gor_write(fd[1], "ab", 2), 2); // what is there needs no wait
	REQUIRE_EQ(gor_read(fd[0], c.buf, 1), 1);
	REQUIRE_EQ(gor_read(fd[0], c.buf, 0), 0);
	REQUIRE_EQ(gor_read(fd[0], c.buf, 8), 1);
	REQUIRE_EQ(gor_read(fd[0], c.buf, 0), 0);

	start(&c, call_read, &wg);
	REQUIRE_EQ(gor_close_fd(fd[1]), 0);
	gor_wg_wait(&wg);
	REQUIRE_EQ(c.got, 0);
	REQUIRE_EQ(gor_read(fd[0], c.buf, 8), 0);
	REQUIRE_EQ(gor_close_fd(fd[0]), 0);
}

/** A pipe that was made without a thought of us. */
TEST(blocking_pipe)
{
	int fd[2];
	gor_waitgroup wg = {0};
	struct call c = {.bytes = 64, .deadline = GOR_FOREVER};

	REQUIRE_EQ(pipe(fd), 0);
	c.fd = fd[0];
	start(&c, call_read, &wg);
	REQUIRE_EQ(gor_write(fd[1], "x", 1), 1);
	gor_wg_wait(&wg);
	REQUIRE_EQ(c.got, 1);
	REQUIRE_EQ(gor_read_until(fd[0], c.buf, 1, GOR_NOW), -EAGAIN);
	REQUIRE_EQ(gor_read_until(fd[0], c.buf, 1, gor_deadline(GOR_MILLISECOND)), -ETIMEDOUT);
	REQUIRE_EQ(gor_close_fd(fd[1]), 0);
	REQUIRE_EQ(gor_read(fd[0], c.buf, 1), 0);
	REQUIRE_EQ(gor_close_fd(fd[0]), 0);
}

/** A write of more than fits goes on as the reader makes room. */
TEST(write_all)
{
	static char from[3 << 20], to[64 << 10];
	int fd[2];
	gor_waitgroup wg = {0};
	struct call c = {0};
	size_t sum = 0;

	pair(fd);
	c.fd = fd[1];
	start(&c, call_fill, &wg);
	for (size_t got; sum < 1 << 20; sum += got) {
		ssize_t n = gor_read(fd[0], to, sizeof to);
		REQUIRE(n > 0);
		got = (size_t)n;
	}
	gor_wg_wait(&wg);
	REQUIRE_EQ(c.got, 1 << 20);
	REQUIRE_EQ(sum, 1 << 20);

	// nobody reads: part of it, then nothing
	ssize_t n = gor_write_until(fd[1], from, sizeof from, gor_deadline(GOR_MILLISECOND));
	REQUIRE(n > 0 && (size_t)n < sizeof from);
	REQUIRE_EQ(gor_write_until(fd[1], from, 1, gor_deadline(GOR_MILLISECOND)), -ETIMEDOUT);
	REQUIRE_EQ(gor_write_until(fd[1], from, 1, GOR_NOW), -EAGAIN);
	close_both(fd);
}

/** The reader goes away: a short count, then the error, and no SIGPIPE. */
TEST(write_to_nobody)
{
	int fd[2];
	gor_waitgroup wg = {0};
	struct call c = {0};

	pair(fd);
	c.fd = fd[1];
	start(&c, call_fill, &wg);
	REQUIRE_EQ(gor_close_fd(fd[0]), 0);
	gor_wg_wait(&wg);
	REQUIRE(c.got > 0 && c.got < 1 << 20);
	REQUIRE_EQ(gor_write(fd[1], "x", 1), -EPIPE);
	REQUIRE_EQ(gor_close_fd(fd[1]), 0);
}

/** One goroutine reads and another writes, both waiting, on one descriptor. */
TEST(both_directions)
{
	static char to[1 << 20];
	int fd[2];
	gor_waitgroup wg = {0};
	struct call r = {.bytes = 64, .deadline = GOR_FOREVER}, w = {0};

	pair(fd);
	r.fd = w.fd = fd[1];
	start(&r, call_read, &wg);
	start(&w, call_fill, &wg);
	REQUIRE_EQ(r.got, 0);
	REQUIRE_EQ(gor_write(fd[0], "go", 2), 2);
	while (r.got != 2)
		gor_yield();
	REQUIRE_EQ(w.got, 0); // still waits
	for (size_t sum = 0; sum < sizeof to;) {
		ssize_t n = gor_read(fd[0], to, sizeof to);
		REQUIRE(n > 0);
		sum += (size_t)n;
	}
	gor_wg_wait(&wg);
	REQUIRE_EQ(w.got, 1 << 20);
	close_both(fd);
}

/** Time runs out for one of two that wait; data comes for the other. */
TEST(deadlines)
{
	int fd[2];
	gor_waitgroup wg = {0};
	struct call brief = {.bytes = 1, .deadline = gor_deadline(2 * GOR_MILLISECOND)};
	struct call lasting = {.bytes = 1, .deadline = gor_deadline(GOR_HOUR)};
	char byte;

	pair(fd);
	brief.fd = lasting.fd = fd[0];
	start(&brief, call_read, &wg);
	start(&lasting, call_read, &wg);
	while (!brief.got)
		gor_sleep(GOR_MILLISECOND);
	REQUIRE_EQ(brief.got, -ETIMEDOUT);
	REQUIRE_EQ(lasting.got, 0);
	REQUIRE_EQ(gor_write(fd[1], "x", 1), 1);
	gor_wg_wait(&wg);
	REQUIRE_EQ(lasting.got, 1);

	REQUIRE_EQ(gor_read_until(fd[0], &byte, 1, 1), -ETIMEDOUT); // long past
	REQUIRE_EQ(gor_write(fd[1], "y", 1), 1);
	REQUIRE_EQ(gor_read_until(fd[0], &byte, 1, 1), 1); // but it is there
	REQUIRE_EQ(gor_read_until(fd[0], &byte, 1, GOR_NOW), -EAGAIN);
	close_both(fd);
}

/** An edge wakes all; each byte has one taker. */
TEST(several_readers)
{
	enum { READERS = 10 };
	static struct call c[READERS];
	int fd[2], done = 0;
	gor_waitgroup wg = {0};

	pair(fd);
	for (int i = 0; i < READERS; i++) {
		c[i] = (struct call){.fd = fd[0], .bytes = 1, .deadline = GOR_FOREVER};
		start(&c[i], call_read, &wg);
	}
	for (int i = 1; i <= READERS; i++) {
		REQUIRE_EQ(gor_write(fd[1], "x", 1), 1);
		do {
			gor_yield();
			done = 0;
			for (int k = 0; k < READERS; k++)
				done += (int)c[k].got;
		} while (done < i);
		REQUIRE_EQ(done, i);
	}
	gor_wg_wait(&wg);
	close_both(fd);
}

/** Everybody who waits hears of the close, whatever they wait for; and it stays closed. */
TEST(close_wakes)
{
	int fd[2];
	gor_waitgroup wg = {0};
	struct call r[3] = {{.bytes = 1, .deadline = GOR_FOREVER},
	                    {.bytes = 1, .deadline = gor_deadline(GOR_HOUR)},
	                    {.bytes = POLLIN, .deadline = GOR_FOREVER}};
	struct call w = {0};
	char byte;

	pair(fd);
	w.fd = fd[0];
	for (int i = 0; i < 3; i++) {
		r[i].fd = fd[0];
		start(&r[i], i == 2 ? call_wait : call_read, &wg);
	}
	start(&w, call_fill, &wg);
	REQUIRE_EQ(gor_close_fd(fd[0]), 0);
	gor_wg_wait(&wg);
	for (int i = 0; i < 3; i++)
		REQUIRE_EQ(r[i].got, -EBADF);
	REQUIRE(w.got > 0 && w.got < 1 << 20); // what was written before
	REQUIRE_EQ(gor_read(fd[0], &byte, 1), -EBADF);
	REQUIRE_EQ(gor_write(fd[0], "x", 1), -EBADF);
	REQUIRE_EQ(gor_wait_fd(fd[0], POLLIN, GOR_FOREVER), -EBADF);
	REQUIRE_EQ(gor_accept(fd[0]), -EBADF);
	REQUIRE_EQ(gor_close_fd(fd[0]), -EBADF);
	REQUIRE_EQ(gor_close_fd(fd[1]), 0);
}

/** No descriptor at all. */
TEST(no_descriptor)
{
	char byte = 0;

	for (int fd = -1; fd >= -2; fd--) {
		REQUIRE_EQ(gor_read(fd, &byte, 1), -EBADF);
		REQUIRE_EQ(gor_write(fd, &byte, 1), -EBADF);
		REQUIRE_EQ(gor_accept(fd), -EBADF);
		REQUIRE_EQ(gor_close_fd(fd), -EBADF);
		REQUIRE_EQ(gor_port(fd), -EBADF);
	}
	REQUIRE_EQ(gor_read(1 << 30, &byte, 1), -EBADF);
	REQUIRE_EQ(gor_close_fd(1 << 30), -EBADF);
	REQUIRE_EQ(gor_close_fd(INT32_MAX), -EBADF);
}

TEST(wait_for_events)
{
	static char fill[1 << 20];
	int fd[2];
	gor_waitgroup wg = {0};
	struct call c = {.bytes = POLLIN, .deadline = GOR_FOREVER};

	pair(fd);
	c.fd = fd[0];
	REQUIRE_EQ(gor_wait_fd(fd[0], POLLIN, GOR_NOW), -EAGAIN);
	REQUIRE_EQ(gor_wait_fd(fd[0], POLLIN, gor_deadline(GOR_MILLISECOND)), -ETIMEDOUT);
	REQUIRE_EQ(gor_wait_fd(fd[0], POLLOUT, GOR_FOREVER), POLLOUT);
	REQUIRE_EQ(gor_wait_fd(fd[0], POLLIN | POLLOUT, GOR_FOREVER), POLLOUT);

	start(&c, call_wait, &wg);
	REQUIRE_EQ(gor_write(fd[1], "x", 1), 1);
	gor_wg_wait(&wg);
	REQUIRE_EQ(c.got, POLLIN);
	REQUIRE_EQ(gor_wait_fd(fd[0], POLLIN | POLLOUT, GOR_FOREVER), POLLIN | POLLOUT);
	REQUIRE_EQ(gor_read(fd[0], c.buf, 64), 1);

	while (gor_write_until(fd[0], fill, sizeof fill, GOR_NOW) > 0)
		;
	REQUIRE_EQ(gor_wait_fd(fd[0], POLLIN | POLLOUT, GOR_NOW), -EAGAIN);
	c = (struct call){.fd = fd[0], .bytes = POLLIN | POLLOUT, .deadline = GOR_FOREVER};
	start(&c, call_wait, &wg);
	while (gor_read_until(fd[1], fill, sizeof fill, GOR_NOW) > 0)
		;
	gor_wg_wait(&wg);
	REQUIRE_EQ(c.got, POLLOUT);

	c = (struct call){.fd = fd[0], .bytes = 0, .deadline = GOR_FOREVER}; // for a hang-up only
	start(&c, call_wait, &wg);
	REQUIRE_EQ(gor_write(fd[1], "x", 1), 1);
	check_quiet();
	REQUIRE_EQ(c.got, 0);
	REQUIRE_EQ(gor_close_fd(fd[1]), 0);
	gor_wg_wait(&wg);
	REQUIRE(c.got & POLLHUP);
	REQUIRE_EQ(gor_close_fd(fd[0]), 0);
}

/** epoll does not take regular files; reading and writing them does not wait. */
TEST(regular_file)
{
	char path[] = "io.XXXXXX", text[8] = "";
	int fd = mkstemp(path);

	REQUIRE(fd >= 0);
	unlink(path);
	REQUIRE_EQ(gor_write(fd, "hello", 5), 5);
	REQUIRE_EQ(lseek(fd, 0, SEEK_SET), 0);
	REQUIRE_EQ(gor_read(fd, text, 8), 5);
	REQUIRE(strcmp(text, "hello") == 0);
	REQUIRE_EQ(gor_read(fd, text, 8), 0);
	REQUIRE_EQ(gor_wait_fd(fd, POLLIN, GOR_FOREVER), POLLIN);
	REQUIRE_EQ(gor_close_fd(fd), 0);
	fd = open("/", O_RDONLY | O_CLOEXEC);
	REQUIRE_EQ(gor_read(fd, text, 8), -EISDIR);
	REQUIRE_EQ(gor_write(fd, text, 8), -EBADF);
	REQUIRE_EQ(gor_close_fd(fd), 0);
}

/** A terminal keeps its mode, which is its shell's as well; and a read of it waits all the same. */
TEST(terminal)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	gor_waitgroup wg = {0};
	struct call c = {.bytes = 64, .deadline = GOR_FOREVER};

	REQUIRE(master >= 0);
	REQUIRE_EQ(grantpt(master), 0);
	REQUIRE_EQ(unlockpt(master), 0);
	c.fd = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	REQUIRE(c.fd >= 0);
	REQUIRE_EQ(gor_read_until(c.fd, c.buf, 1, GOR_NOW), -EAGAIN);
	start(&c, call_read, &wg);
	REQUIRE_EQ(gor_write(master, "line\n", 5), 5);
	gor_wg_wait(&wg);
	REQUIRE_EQ(c.got, 5);
	REQUIRE_EQ(gor_write(c.fd, "x", 1), 1);
	REQUIRE_EQ(fcntl(c.fd, F_GETFL) & O_NONBLOCK, 0);
	REQUIRE_EQ(gor_close_fd(c.fd), 0);
	REQUIRE_EQ(gor_close_fd(master), 0);
}

/** Datagrams keep their borders, empty ones too. */
TEST(datagrams)
{
	int fd[2];
	gor_waitgroup wg = {0};
	struct call c = {.bytes = 64, .deadline = GOR_FOREVER};

	REQUIRE_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd), 0);
	c.fd = fd[0];
	start(&c, call_read, &wg);
	REQUIRE_EQ(gor_write(fd[1], "abc", 3), 3);
	gor_wg_wait(&wg);
	REQUIRE_EQ(c.got, 3);
	REQUIRE_EQ(gor_write(fd[1], "de", 2), 2);
	REQUIRE_EQ(gor_write(fd[1], "", 0), 0);
	REQUIRE_EQ(gor_read(fd[0], c.buf, 64), 2);
	REQUIRE_EQ(gor_read(fd[0], c.buf, 64), 0);
	REQUIRE_EQ(gor_read_until(fd[0], c.buf, 64, GOR_NOW), -EAGAIN);
	close_both(fd);
}

/* ── many ─────────────────────────────────────────────────────────────────────────────────────────
 */

struct player {
	int fd;
	int rounds;
	gor_waitgroup *wg;
};

static void answer(struct player *p)
{
	char byte;

	for (int i = 0; i < p->rounds; i++) {
		REQUIRE_EQ(gor_read(p->fd, &byte, 1), 1);
		REQUIRE_EQ(gor_write(p->fd, &byte, 1), 1);
	}
	gor_wg_done(p->wg);
}

static void ask(struct player *p)
{
	for (int i = 0; i < p->rounds; i++) {
		char byte = (char)i, back = 0;
		REQUIRE_EQ(gor_write(p->fd, &byte, 1), 1);
		REQUIRE_EQ(gor_read_until(p->fd, &back, 1, gor_deadline(GOR_MINUTE)), 1);
		REQUIRE_EQ(back, byte);
	}
	gor_wg_done(p->wg);
}

/** Many pairs of goroutines, each with its own pair of sockets. */
TEST(many)
{
	enum { PAIRS = 100 };
	static int fd[PAIRS][2];
	gor_waitgroup wg = {0};

	for (int i = 0; i < PAIRS; i++) {
		pair(fd[i]);
		gor_wg_add(&wg, 2);
		gor_go_copy(answer, ((struct player){fd[i][0], 200 / SLOW, &wg}));
		gor_go_copy(ask, ((struct player){fd[i][1], 200 / SLOW, &wg}));
	}
	gor_wg_wait(&wg);
	for (int i = 0; i < PAIRS; i++)
		close_both(fd[i]);
}

struct link {
	int from, to;
	long rounds;
	gor_waitgroup *wg;
};

static void pass_on(struct link *l)
{
	long v;

	for (long i = 0; i < l->rounds; i++) {
		REQUIRE_EQ(gor_read(l->from, &v, sizeof v), sizeof v);
		v++;
		REQUIRE_EQ(gor_write(l->to, &v, sizeof v), sizeof v);
	}
	gor_wg_done(l->wg);
}

/** A token goes round a ring of pipes: all but one wait. */
TEST(ring)
{
	enum { LINKS = 50, ROUNDS = 100 };
	int fd[LINKS + 1][2];
	gor_waitgroup wg = {0};
	long v = 0;

	for (int i = 0; i <= LINKS; i++)
		REQUIRE_EQ(pipe(fd[i]), 0);
	for (int i = 0; i < LINKS; i++) {
		gor_wg_add(&wg, 1);
		gor_go_copy(pass_on, ((struct link){fd[i][0], fd[i + 1][1], ROUNDS / SLOW, &wg}));
	}
	for (long i = 0; i < ROUNDS / SLOW; i++) {
		REQUIRE_EQ(gor_write(fd[0][1], &v, sizeof v), sizeof v);
		REQUIRE_EQ(gor_read(fd[LINKS][0], &v, sizeof v), sizeof v);
	}
	REQUIRE_EQ(v, (long)LINKS * (ROUNDS / SLOW));
	gor_wg_wait(&wg);
	for (int i = 0; i <= LINKS; i++)
		close_both(fd[i]);
}

static void read_in_vain(void *arg)
{
	char byte;

	gor_read((int)(intptr_t)arg, &byte, 1);
}

/** The numbers of the streams, which the program has not, are none of the epoll set's. */
static int no_streams(int argc, char **argv)
{
	int fd[2], taken = 0;

	(void)argc, (void)argv;
	pair(fd);
	for (int i = 0; i < 3; i++)
		syscall(SYS_close, i); // unseen by ThreadSanitizer
	gor_max_procs(1);
	gor_go(read_in_vain, (void *)(intptr_t)fd[0]); // NOLINT: a number
	check_quiet();
	for (int i = 0; i < 3; i++) {
		char path[32], is[64];
		snprintf(path, sizeof path, "/proc/self/fd/%d", i);
		ssize_t n = readlink(path, is, sizeof is);
		taken += n > 0 && memmem(is, (size_t)n, "anon_inode", 10);
	}
	return taken;
}

static const struct check_child children[] = {{"no_streams", no_streams}, {NULL, NULL}};

static void streams_stay_free(void **state)
{
	static struct check_result r;

	(void)state;
	check_spawn("no_streams", &r);
	assert_int_equal(r.status, 0);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream),
		cmocka_unit_test(blocking_pipe),
		cmocka_unit_test(write_all),
		cmocka_unit_test(write_to_nobody),
		cmocka_unit_test(both_directions),
		cmocka_unit_test(deadlines),
		cmocka_unit_test(several_readers),
		cmocka_unit_test(close_wakes),
		cmocka_unit_test(no_descriptor),
		cmocka_unit_test(wait_for_events),
		cmocka_unit_test(regular_file),
		cmocka_unit_test(terminal),
		cmocka_unit_test(datagrams),
		cmocka_unit_test(many),
		cmocka_unit_test(ring),
		cmocka_unit_test(streams_stay_free),
	};

	check_child_main(children, argc, argv);
	return CHECK_MAIN(tests, argc, argv);
}
