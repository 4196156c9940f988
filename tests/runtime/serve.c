/* SPDX-License-Identifier: MIT */
/* serve.c: gor_debug_serve's addresses and errors, and recordings that begin during a run. */
#define _GNU_SOURCE
#include "check.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/** What is no address is told from one that cannot be had. */
TEST(addresses)
{
	char hostport[64], path[64];

	REQUIRE_EQ(gor_debug_serve(NULL), -EINVAL);
	REQUIRE_EQ(gor_debug_serve(""), -EINVAL);
	REQUIRE_EQ(gor_debug_serve("6060"), -EINVAL);
	REQUIRE_EQ(gor_debug_serve("127.0.0.1:70000"), -EINVAL);
	REQUIRE_EQ(gor_debug_serve("192.0.2.1:0"), -EADDRNOTAVAIL);
	int port = gor_debug_serve(":0");
	REQUIRE(port > 0);
	snprintf(hostport, sizeof hostport, "127.0.0.1:%d", port);
	REQUIRE_EQ(gor_debug_serve(hostport), -EADDRINUSE);
	int fd = gor_dial(hostport);
	REQUIRE(fd >= 0);
	REQUIRE_EQ(gor_write(fd, "HEAD /debug/pprof/ HTTP/1.0\r\n\r\n", 31), 31);
	REQUIRE_EQ(gor_read(fd, path, 15), 15);
	REQUIRE_EQ(memcmp(path, "HTTP/1.1 200 OK", 15), 0);
	REQUIRE_EQ(gor_close_fd(fd), 0);
	snprintf(path, sizeof path, "unix:/tmp/gor-serve.%d", (int)getpid());
	REQUIRE_EQ(gor_debug_serve(path), 0);
	REQUIRE_EQ(unlink(path + 5), 0);
}

/** The module cannot be opened as long as there is no descriptor for it, and not for good. */
TEST(no_room_for_module)
{
	int null = open("/dev/null", O_WRONLY), full[1000], n = 0;
	struct rlimit limit, low;

	REQUIRE(null >= 0);
	REQUIRE_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = (struct rlimit){(rlim_t)null + 1, limit.rlim_max};
	REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
	while (n < 1000 && (full[n] = dup(null)) >= 0)
		n++;
	int err = gor_profile_write("goroutine", null, 0);
	while (n > 0)
		close(full[--n]);
	REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	REQUIRE(err == -ENOSYS || err == 0); // 0: an earlier test had it loaded
	REQUIRE_EQ(gor_profile_write("goroutine", null, 0), 0);
	close(null);
}

/** Not by a goroutine, and with no run going on. */
static int nothing(int argc, char **argv)
{
	(void)argc, (void)argv;
	return 7;
}

static void before_a_run(void **state)
{
	(void)state;
	assert_true(gor_debug_serve("localhost:0") > 0);
	assert_true(gor_debug_serve("[::1]:0") > 0 || access("/proc/net/if_inet6", F_OK) != 0);
	assert_int_equal(gor_run(nothing, 0, NULL), 7);
}

static void hand_over(void *arg)
{
	int v;

	while (gor_recv((ints)arg, &v))
		;
}

#define RECORDINGS 40

struct use {
	int fds, mappings;
	long pages; // resident
};

static struct use use_now(void)
{
	struct use use = {0};
	FILE *maps = fopen("/proc/self/maps", "r"), *statm = fopen("/proc/self/statm", "r");
	DIR *fds = opendir("/proc/self/fd");

	REQUIRE(maps && statm && fds);
	for (int c; (c = getc(maps)) != EOF;)
		use.mappings += c == '\n';
	while (readdir(fds))
		use.fds++;
	REQUIRE_EQ(fscanf(statm, "%*d %ld", &use.pages), 1);
	fclose(maps);
	fclose(statm);
	closedir(fds);
	return use;
}

/**
 * Started and stopped over and over while goroutines work; each trace is there and is not empty,
 * and when all threads know that a recording is over, nothing is left of it.
 */
TEST_PROCS(recordings, 2)
{
	char path[64], options[96];
	struct stat st;
	ints ch;
	struct use few = {0}, many;

	if (getenv("GTRACE"))
		return; // is recorded already
	gor_make(ch, 0);
	gor_go(hand_over, ch);
	for (int i = 0; i < RECORDINGS; i++) {
		if (i == RECORDINGS / 2)
			few = use_now();
		snprintf(path, sizeof path, "/tmp/gor-serve.%d.%d.gtrace", (int)getpid(), i);
		snprintf(options, sizeof options, "out=%s", path);
		REQUIRE_EQ(gor_trace_start(options), 0);
		REQUIRE_EQ(gor_trace_start(options), -EBUSY);
		for (int v = 0; v < 1000; v++)
			gor_send(ch, v);
		gor_trace_log("test", "recording %d", i);
		gor_trace_stop();
		REQUIRE_EQ(stat(path, &st), 0);
		REQUIRE(st.st_size > 1000);
		REQUIRE_EQ(unlink(path), 0);
	}
	gor_close(ch);
	many = use_now();
	print_message("%d, %d descriptors; %d, %d mappings; %ld, %ld pages\n", few.fds, many.fds,
	              few.mappings, many.mappings, few.pages, many.pages);
	REQUIRE(many.fds <= few.fds + 2); // a thread that sleeps has not heard of the end yet
	REQUIRE(many.mappings <= few.mappings + 8);
	if (SLOW == 1)
		REQUIRE(many.pages < few.pages + 200);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(no_room_for_module),
		cmocka_unit_test(before_a_run),
		cmocka_unit_test(recordings),
	};

	return CHECK_MAIN(tests, argc, argv);
}
