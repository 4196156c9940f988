/* SPDX-License-Identifier: MIT */
/**
 * memory.c: what reading takes is bounded by what is alive at once, not by what ever was.
 *
 * Measured as the kernel counts it, so without a sanitizer only: those have memory of their own.
 */
#define _GNU_SOURCE
#include "support.h"

#include "schedule.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)
#define ROOM (16 * MIB) // buffers of threads, and what malloc keeps
#define GOROUTINE_BYTES 200

/** A line of /proc/self/status in bytes. */
static uint64_t status(const char *key)
{
	char line[256];
	uint64_t kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)))
			kib = strtoull(line + strlen(key), NULL, 10);
	}
	fclose(f);
	return kib * 1024;
}

/** Have the kernel forget the peak so far.  False: it does not. */
static bool peak_reset(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, "5", 1) == 1;

	if (fd >= 0)
		close(fd);
	return done;
}

struct reading {
	uint64_t events;
	uint64_t goroutines;
	uint64_t bytes; // of memory, beyond what was there before; 0 not known
};

static struct reading read_through(const char *path)
{
	struct gtrace_reader *r;
	struct gtrace_error err;
	struct gtrace_event ev;
	struct reading out = {0};
	uint64_t before = peak_reset() ? status("VmRSS:") : 0;
	int n;

	if (gtrace_reader_open(&r, path, &err))
		fail_msg("%s", err.text);
	while ((n = gtrace_reader_next(r, &ev, &err)) == 1) {
		out.events++;
		out.goroutines += ev.id == GTRACE_GO_NEW;
	}
	assert_int_equal(n, 0);
	assert_int_equal(gtrace_reader_info(r)->broken, 0);
	gtrace_reader_close(r);
	uint64_t peak = status("VmHWM:");

	out.bytes = before && peak > before ? peak - before : 0;
	return out;
}

static struct schedule_written make(const char *path, struct schedule_options opt)
{
	struct schedule_written written;

	opt.seed = 1;
	opt.streams = 4;
	assert_int_equal(schedule_record(path, &opt, &written), 0);
	return written;
}

static void goroutines_ever(void **state)
{
	char path[512];

	(void)state;
	strcpy(path, temp_path("ever.gtrace"));
	struct schedule_written written =
		make(path,
	         (struct schedule_options){.events = 4200000, .goroutines = 100, .short_lived = 60});
	struct reading read = read_through(path);

	assert_true(read.goroutines > 1000000);
	assert_int_equal(read.goroutines, written.goroutines);
	assert_int_equal(read.events, written.events);
	assert_in_range(read.bytes, 0, ROOM);
}

static void goroutines_at_once(void **state)
{
	enum { ALIVE = 300000 };
	char path[512];

	(void)state;
	strcpy(path, temp_path("at-once.gtrace"));
	make(path, (struct schedule_options){.events = 1000000, .goroutines = ALIVE, .short_lived = 3});
	struct reading read = read_through(path);

	assert_true(read.goroutines > ALIVE);
	assert_in_range(read.bytes, 0, ROOM + ALIVE * GOROUTINE_BYTES);
}

/* ── a pipe with a name ── */

struct copy {
	const char *from, *to;
};

static void *copy_thread(void *arg)
{
	struct copy *c = arg;
	static char buf[65536];
	int from = open(c->from, O_RDONLY | O_CLOEXEC);
	int to = open(c->to, O_WRONLY | O_CLOEXEC);

	for (ssize_t n; (n = read(from, buf, sizeof(buf))) > 0;)
		assert_int_equal(write(to, buf, (size_t)n), n);
	close(from);
	close(to);
	return NULL;
}

static void fifo(void **state)
{
	char path[512];
	char pipe[512];
	pthread_t id;

	(void)state;
	strcpy(path, temp_path("piped.gtrace"));
	strcpy(pipe, temp_path("pipe"));
	assert_int_equal(mkfifo(pipe, 0600), 0);
	struct schedule_written written =
		make(path,
	         (struct schedule_options){.events = 3000000, .goroutines = 100, .short_lived = 3});

	assert_int_equal(pthread_create(&id, NULL, copy_thread, &(struct copy){path, pipe}), 0);
	struct reading read = read_through(pipe);

	pthread_join(id, NULL);
	assert_int_equal(read.events, written.events);
	assert_in_range(read.bytes, 0, ROOM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goroutines_ever),
		cmocka_unit_test(goroutines_at_once),
		cmocka_unit_test(fifo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
