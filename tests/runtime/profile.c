/* SPDX-License-Identifier: MIT */
/* profile.c: looking into a program that runs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "dump.h"
#include "out.h"
#include "profile_decode.h"
#include "profile_waits.h"

#define FRAME __asm__ volatile("")

#ifdef __SANITIZE_THREAD__ // which calls them with registers of a moment that has gone
#define HANDLERS_LATE true
#else
#define HANDLERS_LATE false
#endif

/* ── golden texts ─────────────────────────────────────────────────────────────────────────────────
 */

/* Addresses, times and numbers that no two runs share, made equal; in place. */
static void normalise(char *text)
{
	char *to = text;

	for (const char *from = text; *from;) {
		if (strncmp(from, "0x", 2) == 0) {
			from += 2 + strspn(from + 2, "0123456789abcdef");
			memcpy(to, "0x", 2);
			to += 2;
		} else if (strncmp(from, ".c:", 3) == 0 && strncmp(to - 5, "waits", 5) != 0) {
			from += 3 + strspn(from + 3, "0123456789"); // of files that change
			memcpy(to, ".c:", 3);
			to += 3;
		} else if (strncmp(from, " #", 2) == 0 && from[2] >= '0' && from[2] <= '9') {
			from += 2 + strspn(from + 2, "0123456789");
		} else if (*from == '.' && from[1] >= '0' && from[1] <= '9' &&
		           strstr(from, " seconds") == from + 2) {
			from += 2;
			while (to > text && to[-1] >= '0' && to[-1] <= '9')
				to--;
			*to++ = 'N';
		} else {
			*to++ = *from++;
		}
	}
	*to = 0;
}

/* Frames between the runtime's own and the program's differ by build: one for all of a line. */
static void fold_addresses(char *text)
{
	char *to = text;

	for (const char *from = text; *from;)
		if (strncmp(from, " 0x 0x", 6) == 0)
			from += 3;
		else
			*to++ = *from++;
	*to = 0;
}

/* The text of stanzas that an empty line ends, after the first line, in order. */
static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *sorted(char *text)
{
	char *stanza[64], *body = strchr(text, '\n') + 1, *copy = calloc(1, strlen(text) + 3);
	size_t n = 0;

	REQUIRE(copy);
	memcpy(copy, text, (size_t)(body - text));
	for (char *end; (end = strstr(body, "\n\n")); body = end + 2) {
		REQUIRE(n < 64);
		end[1] = 0;
		stanza[n++] = body;
	}
	qsort(stanza, n, sizeof *stanza, by_text);
	for (size_t i = 0; i < n; i++) {
		strcat(copy, stanza[i]);
		strcat(copy, "\n");
	}
	free(text);
	return copy;
}

/* What follows the goroutines comes by address. */
static void cut_objects(char *text)
{
	char *at = text;

	while ((at = strstr(at, "\n\n")) && strncmp(at, "\n\ngoroutine ", 12) == 0)
		at++;
	REQUIRE(at && at[2]);
	at[2] = 0;
}

/* CHECK_UPDATE=1 writes it in place of comparing. */
static void golden(const char *name, const char *text)
{
	char path[512], want[1 << 15];

	snprintf(path, sizeof path, PROFILE_GOLDEN "/%s", name);
	int fd = open(path, getenv("CHECK_UPDATE") ? O_RDWR | O_CREAT | O_TRUNC : O_RDONLY, 0644);
	REQUIRE(fd >= 0);
	if (getenv("CHECK_UPDATE")) {
		REQUIRE(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	} else {
		ssize_t n = read(fd, want, sizeof want - 1);
		REQUIRE(n >= 0);
		want[n] = 0;
		if (strcmp(want, text) != 0) {
			fprintf(stderr, "%s", text);
			check_failed(path, 1, "it is what was just printed");
		}
	}
	close(fd);
}

/* Without a recording: that adds numbers of objects. */
TEST_PROCS(text_of_every_wait, 1)
{
	char name[16], *text;

	profile_waits();
	for (int debug = 1; debug <= 3; debug++) {
		text = written("goroutine", debug, NULL);
		normalise(text);
		if (debug == 1) {
			fold_addresses(text);
			text = sorted(text);
		}
		if (debug == 3)
			cut_objects(text);
		snprintf(name, sizeof name, "%d.out", debug);
		golden(name, text);
		free(text);
	}
	profile_waits_end();
}

TEST_PROCS(objects_and_their_waiters, 1)
{
	profile_waits();
	char *text = written("goroutine", 3, NULL);

	normalise(text);
	REQUIRE(check_has_line(text, "chan \"full\" 0x len 1 cap 1"));
	REQUIRE(check_has_line(text, "\tchan send: goroutine 4, 7"));
	REQUIRE(check_has_line(text, "sync.RWMutex \"&rw\" 0x"));
	REQUIRE(check_has_line(text, "\theld by goroutine 1"));
	REQUIRE(check_has_line(text, "holds sync.Mutex \"&mu\" 0x"));
	REQUIRE(check_has_line(text, "waits for sync.Mutex \"&mu\" 0x, held by goroutine 1"));
	free(text);
	profile_waits_end();
}

/* ── what it counts ───────────────────────────────────────────────────────────────────────────────
 */

static ints never;

static void parked(void *arg)
{
	(void)arg;
	gor_recv(never, NULL);
	FRAME;
}

TEST(total_is_the_number)
{
	char want[64];

	gor_make(never, 0);
	for (int i = 0; i < 300; i++)
		gor_go(parked, NULL);
	check_quiet();
	char *text = written("goroutine", 1, NULL);
	snprintf(want, sizeof want, "goroutine profile: total %zu", gor_num_goroutine());
	REQUIRE(check_has_line(text, want));
	REQUIRE_EQ(gor_num_goroutine(), 301);
	REQUIRE(check_has_prefix(text, "300 @ 0x"));
	free(text);
}

TEST_PROCS(for_pprof, 4)
{
	static struct decoded d;
	int64_t sum = 0, wait = 0;
	size_t len;

	int n = profile_waits();
	char *bytes = written("goroutine", 0, &len);
	profile_decode(&d, (unsigned char *)bytes, len);
	for (int i = 0; i < d.samples; i++) {
		sum += d.sample[i].value[0];
		wait += d.sample[i].value[1];
	}
	REQUIRE_EQ(sum, n);
	REQUIRE(wait > 0);
	assert_string_equal(d.kind[0][0], "goroutine");
	assert_string_equal(d.kind[0][1], "count");
	assert_string_equal(d.kind[1][0], "wait");
	assert_string_equal(d.kind[1][1], "nanoseconds");
	assert_string_equal(d.shown, "goroutine");
	REQUIRE(strstr(d.program, "test_runtime_profile") != NULL);
	REQUIRE(d.time_ns > 0 && d.period == 1);
	const struct decoded_sample *s =
		decoded_find(&d, "deeper at profile_waits.c:", "state=chan receive;");
	REQUIRE(s && s->value[0] == 2 && strstr(s->stack, ";receives at profile_waits.c:"));
	REQUIRE(strstr(s->labels, "created_by=profile_waits at "));
	s = decoded_find(&d, "inlined at profile_waits.c:", "state=chan send;");
	REQUIRE(s && strstr(s->stack, ";sends at profile_waits.c:"));
	REQUIRE(decoded_find(&d, "is_pinned at ", "name=pinned;"));
	REQUIRE(decoded_find(&d, "sleeps at ", "state=sleep;"));
	REQUIRE(decoded_find(&d, "written at profile_decode.c:", "state=running;"));
	free(bytes);
	profile_waits_end();
}

/* ── while they go on ─────────────────────────────────────────────────────────────────────────────
 */

static _Atomic bool stop;
static _Atomic int gone;

__attribute__((noinline)) static void nothing(void)
{
	FRAME;
}

/* A function that calls none has no frame of its own, and its caller's goes unseen. */
__attribute__((noinline)) static void computes_inside(void)
{
	while (!atomic_load(&stop))
		nothing();
}

static void computes(void *arg)
{
	(void)arg;
	computes_inside();
	FRAME;
	atomic_fetch_add(&gone, 1);
}

/* The thread of the one that computes may get no CPU for the millisecond that is waited for it. */
TEST_PROCS(stack_of_one_that_runs, 2)
{
	bool found = false;

	gor_go(computes, NULL);
	while (!found) {
		char *text = written("goroutine", 2, NULL);
		const char *inside = strstr(text, "computes_inside(...)\n\t");
		found =
			inside && strstr(inside, "computes(...)\n\t") && strstr(text, "goroutine 2 [running]:");
		free(text);
	}
	atomic_store(&stop, true);
	while (!atomic_load(&gone))
		gor_yield();
}

static ints there, back;

__attribute__((noinline)) static void pings(int n)
{
	if (n > 0) {
		pings(n - 1);
	} else {
		gor_send(there, 1);
		gor_recv(back, NULL);
	}
	FRAME;
}

static void ping(void *arg)
{
	(void)arg;
	for (int i = 0; !atomic_load(&stop); i++)
		pings(i % 7);
	gor_close(there);
	atomic_fetch_add(&gone, 1);
}

static void pong(void *arg)
{
	(void)arg;
	while (gor_recv(there, NULL) == 1)
		gor_send(back, 1);
	FRAME;
	atomic_fetch_add(&gone, 1);
}

/* Whoever moves has a row, and a stack that was true at some moment: pings() are all below ping. */
TEST_PROCS(those_that_move, 4)
{
	gor_make(there, 0);
	gor_make(back, 0);
	gor_go(ping, NULL);
	gor_go(pong, NULL);
	for (int i = 0; i < check_times(2000); i++) {
		char *text = written("goroutine", 2, NULL), *at = strstr(text, "goroutine 2 [");
		REQUIRE(strstr(text, "goroutine 1 [running]:\nwritten(...)"));
		REQUIRE(at && strstr(text, "goroutine 3 ["));
		*strstr(at, "\ncreated by those_that_move_body in goroutine 1\n") = 0;
		bool late = HANDLERS_LATE && strncmp(at, "goroutine 2 [running", 20) == 0;
		int depth = 0;
		at = strstr(at, "\nping"); // above it, where it runs, may be whatever that calls
		for (at = at ? at + 1 : ""; strncmp(at, "pings(...)\n\t", 12) == 0; depth++) {
			at = strchr(at + 12, '\n');
			at = at ? at + 1 : "";
		}
		REQUIRE(depth <= 7 || late);
		REQUIRE(!*at || strncmp(at, "ping(...)\n\t", 11) == 0 || late);
		free(text);
	}
	atomic_store(&stop, true);
	while (atomic_load(&gone) < 2)
		gor_yield();
}

static void *looks(void *arg)
{
	char **text = arg;

	*text = written("goroutine", 2, NULL);
	return NULL;
}

/* A thread that looks is not attached by that. */
TEST(from_a_thread_of_its_own)
{
	char *text = NULL;

	check_join(check_thread(looks, &text));
	REQUIRE(check_has_prefix(text, "goroutine 1 ["));
	REQUIRE(!strstr(text, "goroutine 2 ["));
	REQUIRE_EQ(gor_num_goroutine(), 1);
	free(text);
}

static void *attached(void *arg)
{
	gor_send((ints)arg, 1);
	gor_recv(never, NULL);
	return NULL;
}

TEST(stack_of_a_foreign_thread)
{
	ints ready;

	gor_make(never, 0);
	gor_make(ready, 0);
	pthread_t thread = check_thread_registered(attached, ready);
	gor_recv(ready, NULL);
	check_quiet();
	char *text = written("goroutine", 2, NULL);
	const char *at = strstr(text, " [chan receive, locked to thread]:\nattached(...)\n\t");
	REQUIRE(at);
	free(text);
	gor_close(never);
	check_join(thread);
	gor_free(ready);
}

/* ── leaks ────────────────────────────────────────────────────────────────────────────────────────
 */

static void leaked(void *arg)
{
	ints c;

	(void)arg;
	gor_make(c, 0);
	gor_recv(c, NULL);
	FRAME;
}

static void leaked_nil(void *arg)
{
	ints c = NULL;

	(void)arg;
	gor_recv(c, NULL);
	FRAME;
}

static gor_mutex leaked_mu;

static void leaked_holder(void *arg)
{
	gor_mutex_lock(&leaked_mu);
	leaked(arg);
	FRAME;
}

static void leaked_behind(void *arg)
{
	(void)arg;
	gor_mutex_lock(&leaked_mu);
	FRAME;
}

static gor_waitgroup global_wg;

static void waits_for_global(void *arg)
{
	(void)arg;
	gor_wg_wait(&global_wg);
	FRAME;
}

static struct {
	pthread_mutex_t lock;
	_Atomic int looked;
} lookers = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A thread that has looked at all goroutines, and is there still. */
static void *has_looked(void *arg)
{
	(void)arg;
	for (int debug = 0; debug < 4; debug++)
		free(written("goroutine", debug, NULL));
	atomic_fetch_add(&lookers.looked, 1);
	pthread_mutex_lock(&lookers.lock);
	pthread_mutex_unlock(&lookers.lock);
	return NULL;
}

TEST(leaks)
{
	static void (*const all[])(void *) = {leaked,        leaked, leaked_nil,       parked,
	                                      leaked_holder, NULL,   waits_for_global, leaked_behind};

	gor_make(never, 0);
	gor_wg_add(&global_wg, 1);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (all[i])
			gor_go(all[i], NULL);
		check_quiet();
	}
	pthread_t thread[4];
	pthread_mutex_lock(&lookers.lock);
	for (int i = 0; i < 4; i++)
		thread[i] = check_thread(has_looked, NULL);
	while (atomic_load(&lookers.looked) < 4)
		gor_yield();
#if SLOW > 1
	if (gor_profile_write("goroutineleak", STDOUT_FILENO, 1) == -ENOTSUP)
		return; // a sanitizer keeps copies of everything
#endif
	char *text = written("goroutineleak", 1, NULL);
	REQUIRE(check_has_line(text, "goroutineleak profile: total 5"));
	REQUIRE(strstr(text, "leaked_nil+") && strstr(text, "leaked_behind+"));
	REQUIRE(!strstr(text, "parked") && !strstr(text, "waits_for_global"));
	free(text);
	text = written("goroutine", 2, NULL);
	REQUIRE(strstr(text, " [chan receive (leaked)]:\nleaked(...)"));
	REQUIRE(strstr(text, " [chan receive (nil chan) (leaked)]:\nleaked_nil(...)"));
	REQUIRE(strstr(text, " [sync.Mutex.Lock (leaked)]:\nleaked_behind(...)"));
	REQUIRE(strstr(text, " [chan receive]:\nparked(...)"));
	free(text);
	pthread_mutex_unlock(&lookers.lock);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
}

/* ── threads and contention ───────────────────────────────────────────────────────────────────────
 */

static gor_mutex contended;
static gor_rwmutex shared;
static gor_waitgroup all_done;

__attribute__((noinline)) static void takes(void)
{
	gor_mutex_lock(&contended);
	gor_yield();
	gor_mutex_unlock(&contended);
	FRAME;
}

static void contends(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++) {
		takes();
		gor_rwmutex_rlock(&shared);
		gor_yield();
		gor_rwmutex_runlock(&shared);
		gor_rwmutex_lock(&shared);
		gor_yield();
		gor_rwmutex_unlock(&shared);
	}
}

/* A record that begins so, was counted for that reason, and has the function on top. */
static bool has_stack(const char *text, const char *record, const char *why, const char *func)
{
	char labels[64];

	snprintf(labels, sizeof labels, "# labels: {\"why\":\"%s\"}\n#\t0x", why);
	for (; (text = strstr(text, record)); text++) {
		const char *at = strchr(text, '\n') + 1, *top = at + strlen(labels);
		if (strncmp(at, labels, strlen(labels)) == 0 &&
		    strncmp(strchr(top, '\t') + 1, func, strlen(func)) == 0)
			return true;
	}
	return false;
}

static void contention_body(void)
{
	static struct decoded d;
	size_t len;

	for (int i = 0; i < 5; i++)
		gor_wg_go(&all_done, contends, NULL);
	gor_wg_wait(&all_done);
	char *text = written("block", 1, NULL);
	REQUIRE(check_has_line(text, "--- contention:"));
	REQUIRE(check_has_line(text, "cycles/second=1000000000"));
	REQUIRE(has_stack(text, " 1 @ 0x", "sync.WaitGroup.Wait", "contention_body+"));
	REQUIRE(has_stack(text, " @ 0x", "sync.Mutex.Lock", "takes+"));
	REQUIRE(strstr(strstr(text, "\ttakes+"), "\tcontends+"));
	REQUIRE(has_stack(text, " @ 0x", "sync.RWMutex.Lock", "contends+"));
	REQUIRE(!strstr(text, "gor_"));
	free(text);
	text = written("mutex", 2, NULL);
	REQUIRE(check_has_line(text, "--- mutex:"));
	REQUIRE(check_has_line(text, "sampling period=1"));
	REQUIRE(has_stack(text, " @ 0x", "mutex unlock", "takes+"));
	REQUIRE(has_stack(text, " @ 0x", "rwmutex unlock", "contends+"));
	free(text);
	char *bytes = written("block", 0, &len);
	profile_decode(&d, (unsigned char *)bytes, len);
	free(bytes);
	REQUIRE(strcmp(d.kind[0][0], "contentions") == 0 && strcmp(d.kind[1][0], "delay") == 0);
	REQUIRE(strcmp(d.shown, "delay") == 0);
	const struct decoded_sample *s =
		decoded_find(&d, "contention_body at profile.c:", "why=sync.WaitGroup.Wait;");
	REQUIRE(s && s->value[0] == 1 && s->value[1] > 0);
	s = decoded_find(&d, "takes at profile.c:", "why=sync.Mutex.Lock;");
	REQUIRE(s && strstr(s->stack, ";contends at ") && !strstr(s->stack, "gor_"));
}

/* All of it; the process has read no settings before. */
static void contention(void **state)
{
	(void)state;
	setenv("GOR_DEBUG", "blockprofile=1,mutexprofile=1", 1);
	check_run(contention_body, 1);
}

TEST_PROCS(contention_unless_asked_for, 1)
{
	for (int i = 0; i < 5; i++)
		gor_wg_go(&all_done, contends, NULL);
	gor_wg_wait(&all_done);
	char *text = written("block", 1, NULL);
	assert_string_equal(text, "--- contention:\ncycles/second=1000000000\n");
	free(text);
}

static _Atomic bool released;

static int waits_outside(void *arg)
{
	(void)arg;
	while (!atomic_load(&released))
		usleep(100);
	return 0;
}

static void leaves(void *arg)
{
	(void)arg;
	gor_blocking(waits_outside, NULL);
	FRAME;
}

TEST_PROCS(threads, 1)
{
	static struct decoded d;
	bool found = false;
	size_t len;

	gor_go(leaves, NULL);
	gor_go(leaves, NULL);
	while (!found) { // until others have taken over
		gor_yield();
		char *text = written("threadcreate", 1, NULL);
		REQUIRE(check_has_prefix(text, "threadcreate profile: total "));
		REQUIRE(strstr(text, " @\n# labels: {\"why\":\"goroutines to run\"}\n"));
		found = strstr(text, "{\"why\":\"explicit\"}\n#\t0x0\tleaves+0x0\t");
		free(text);
	}
	char *bytes = written("threadcreate", 0, &len);
	profile_decode(&d, (unsigned char *)bytes, len);
	free(bytes);
	REQUIRE(strcmp(d.kind[0][0], "threadcreate") == 0 && !d.kind[1][0][0]);
	REQUIRE(decoded_find(&d, "leaves at profile.c:", "why=explicit;"));
	atomic_store(&released, true);
}

/* ── form and errors ──────────────────────────────────────────────────────────────────────────────
 */

TEST(header)
{
	static const struct gor_site site = {"/src/x.c", "f", "c", 12, GOR_OP_CHAN_RECV};
	struct snapshot_row row = {.id = 7,
	                           .state = SNAPSHOT_WAITS,
	                           .reason = GTRACE_reason_CHAN_RECV,
	                           .site = &site,
	                           .born = &site,
	                           .parent = 3,
	                           .wait_ns = 1,
	                           .leaked = true,
	                           .pinned = true};
	struct snapshot_index index = {7, 0};
	struct snapshot s = {.rows = &row, .index = &index, .count = 1};
	struct out out = {.fd = memfd_create("header", MFD_CLOEXEC)};
	static const struct {
		int64_t ns;
		const char *line;
	} ages[] = {
		{59 * GOR_SECOND, "goroutine 7 [chan receive (leaked), locked to thread]:"},
		{60 * GOR_SECOND, "goroutine 7 [chan receive (leaked), 1 minutes, locked to thread]:"},
		{181 * GOR_SECOND, "goroutine 7 [chan receive (leaked), 3 minutes, locked to thread]:"},
	};

	for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
		char text[512] = "";
		s.now_ns = 1 + ages[i].ns;
		gor__dump_rows(&out, &s, NULL, 2);
		REQUIRE_EQ(gor__out_flush(&out), 0);
		REQUIRE(pread(out.fd, text, sizeof text - 1, 0) > 0);
		REQUIRE(ftruncate(out.fd, 0) == 0 && lseek(out.fd, 0, SEEK_SET) == 0);
		REQUIRE(check_has_line(text, ages[i].line));
		REQUIRE(strstr(text,
		               ":\nf(...)\n\t/src/x.c:12\ncreated by f in goroutine 3\n\t/src/x.c:12\n\n"));
	}
	close(out.fd);
}

static void errors_body(void)
{
	int ends[2], full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	REQUIRE_EQ(gor_profile_write("goroutine", 1, -1), -EINVAL);
	REQUIRE_EQ(gor_profile_write("goroutine", 1, 4), -EINVAL);
	REQUIRE_EQ(gor_profile_write("nosuch", 1, 1), -ENOENT);
	REQUIRE_EQ(gor_profile_write("", 1, 1), -ENOENT);
	REQUIRE_EQ(gor_profile_write("goroutine", -1, 1), -EBADF);
	for (int debug = 0; full >= 0 && debug <= 3; debug++)
		REQUIRE_EQ(gor_profile_write("goroutine", full, debug), -ENOSPC);
	REQUIRE_EQ(pipe(ends), 0);
	REQUIRE_EQ(gor_profile_write("goroutine", ends[0], 1), -EBADF);
}

static void errors(void **state)
{
	(void)state;
	assert_int_equal(gor_profile_write("goroutine", 1, 2), -ECANCELED);
	check_run(errors_body, 0);
	assert_int_equal(gor_profile_write("goroutine", 1, 2), -ECANCELED);
}

static void *drains(void *arg)
{
	static char bytes[1 << 16];
	size_t *sum = arg;

	for (ssize_t n; (n = read((int)*sum, bytes, sizeof bytes)) > 0;)
		sum[1] += (size_t)n;
	return NULL;
}

/* A pipe in non-blocking mode, which is full again and again. */
TEST(to_a_pipe_that_does_not_block)
{
	int ends[2];

	gor_make(never, 0);
	for (int i = 0; i < 3000; i++)
		gor_go(parked, NULL);
	check_quiet();
	REQUIRE_EQ(pipe2(ends, O_NONBLOCK), 0);
	REQUIRE_EQ(fcntl(ends[0], F_SETFL, 0), 0);
	size_t sum[2] = {(size_t)ends[0], 0};
	pthread_t thread = check_thread(drains, sum);
	REQUIRE_EQ(gor_profile_write("goroutine", ends[1], 2), 0);
	close(ends[1]);
	check_join(thread);
	char *text = written("goroutine", 2, NULL);
	REQUIRE(sum[1] > 100000 && sum[1] <= strlen(text) + 64 && sum[1] + 64 >= strlen(text));
	free(text);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_every_wait),
		cmocka_unit_test(objects_and_their_waiters),
		cmocka_unit_test(total_is_the_number),
		cmocka_unit_test(for_pprof),
		cmocka_unit_test(stack_of_one_that_runs),
		cmocka_unit_test(those_that_move),
		cmocka_unit_test(from_a_thread_of_its_own),
		cmocka_unit_test(stack_of_a_foreign_thread),
		cmocka_unit_test(leaks),
		cmocka_unit_test(contention),
		cmocka_unit_test(contention_unless_asked_for),
		cmocka_unit_test(threads),
		cmocka_unit_test(header),
		cmocka_unit_test(errors),
		cmocka_unit_test(to_a_pipe_that_does_not_block),
	};

	return CHECK_MAIN(tests, argc, argv);
}
