/* SPDX-License-Identifier: MIT */
/**
 * ring.c: a flight recorder: its dumps hold the last events, all of them, whatever goes on.
 *
 * Events are numbered in each stream, so what is missing shows.
 */
#include "support.h"

#include "format.h"
#include "schedule.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __SANITIZE_THREAD__ // an event costs fifty times as much
#define RING (512u << 10)
#define MANY 80000
#else
#define RING (1u << 20)
#define MANY 200000 // events: several rings
#endif
#define THREADS 2

static atomic_int notes;
static char note[8192];

static void notify(const char *line)
{
	snprintf(note, sizeof(note), "%s", line);
	notes++;
}

static struct gtrace_rec *ring_open(const char *path)
{
	struct gtrace_options opt = options_for(path);
	struct gtrace_error err;
	struct gtrace_rec *rec;

	opt.ring_bytes = RING;
	notes = 0;
	assert_int_equal(gtrace_rec_open(&rec, &opt, NULL, notify, &err), 0);
	return rec;
}

static void emit(struct gtrace_stream *s, uint64_t from, uint64_t to)
{
	static _Thread_local uint64_t seed = 5;

	for (uint64_t i = from; i <= to; i++)
		GTRACE_EMIT(s, BUSY, i, random_next(&seed), random_next(&seed), 0, 0);
}

/** The numbers of each stream in a trace. */
struct numbers {
	uint64_t first[16], last[16];
};

/** They have no hole. */
static struct numbers numbers_of(const struct events *e)
{
	struct numbers n = {0};

	assert_int_equal(e->result, 0);
	assert_int_equal(e->info.lost_batches, 0);
	assert_int_equal(e->info.lost_events, 0);
	assert_int_equal(events_count(e, GTRACE_GAP), 0);
	for (size_t i = 0; i < e->count; i++) {
		const struct gtrace_event *ev = &e->event[i];

		assert_true(ev->thread < 16);
		assert_true(ev->time_ns >= 0);
		if (ev->id != GTRACE_BUSY)
			continue;
		if (n.last[ev->thread])
			assert_int_equal(ev->arg[0], n.last[ev->thread] + 1);
		else
			n.first[ev->thread] = ev->arg[0];
		n.last[ev->thread] = ev->arg[0];
	}
	return n;
}

static struct numbers numbers_in(const char *path)
{
	struct events e = events_read(path);
	struct numbers n = numbers_of(&e);

	events_free(&e);
	return n;
}

/* ── what a dump holds ── */

static void the_last(void **state)
{
	char path[512], dump[512], next[512];

	(void)state;
	strcpy(path, temp_path("last.gtrace"));
	struct gtrace_rec *rec = ring_open(path);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit(s, 1, MANY);
	assert_int_equal(gtrace_rec_dump(rec, GTRACE_END_DUMP, "because\nof this", dump, sizeof(dump)),
	                 0);
	emit(s, MANY + 1, MANY + 100);
	assert_int_equal(gtrace_rec_dump(rec, GTRACE_END_DEADLOCK, NULL, next, sizeof(next)), 0);
	gtrace_stream_end(s);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 7), 0);
	gtrace_rec_free(rec);
	assert_non_null(strstr(dump, "/last.0001.gtrace"));
	assert_non_null(strstr(next, "/last.0002.gtrace"));
	struct events e = events_read(dump);
	struct numbers n = numbers_of(&e);

	assert_int_equal(n.last[1], MANY);
	assert_true(n.first[1] > 1);
	assert_true(e.info.raw_bytes >= RING / 2);
	assert_int_equal(e.info.end, GTRACE_END_DUMP);
	assert_true(e.info.begin_ns > 0);
	assert_false(e.info.sidecar || e.info.truncated);
	events_free(&e);
	e = events_read(next);
	assert_int_equal(numbers_of(&e).last[1], MANY + 100);
	assert_int_equal(e.info.end, GTRACE_END_DEADLOCK);
	events_free(&e);
	e = events_read(path);
	assert_int_equal(numbers_of(&e).last[1], MANY + 100);
	assert_int_equal(e.info.end, GTRACE_END_EXIT);
	assert_int_equal(e.info.end_code, 7);
	assert_true(e.info.raw_bytes >= RING / 2 && e.info.raw_bytes < 2 * RING);
	events_free(&e);
	strcat(path, ".live");
	assert_false(file_exists(path));
}

static void the_reason(void **state)
{
	char dump[512];
	struct gtrace_rec *rec = ring_open(temp_path("reason.gtrace"));
	struct gtrace_reader *r;
	struct gtrace_error err;

	(void)state;
	assert_int_equal(gtrace_rec_dump(rec, GTRACE_END_DUMP, "one\ntwo", dump, sizeof(dump)), 0);
	assert_int_equal(gtrace_reader_open(&r, dump, &err), 0);
	assert_non_null(strstr(gtrace_reader_info(r)->end_record, "\nreason=one?two\n"));
	gtrace_reader_close(r);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	assert_int_equal(gtrace_rec_dump(rec, GTRACE_END_DUMP, "late", dump, sizeof(dump)), -ECANCELED);
	gtrace_rec_free(rec);
}

/** What was never full is whole, and begins with the recording. */
static void all_of_little(void **state)
{
	char dump[512];
	struct gtrace_rec *rec = ring_open(temp_path("little.gtrace"));
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	(void)state;
	emit(s, 1, RING / 40);
	assert_int_equal(gtrace_rec_dump(rec, GTRACE_END_DUMP, "", dump, sizeof(dump)), 0);
	struct events e = events_read(dump);
	struct numbers n = numbers_of(&e);

	assert_int_equal(n.first[1], 1);
	assert_int_equal(n.last[1], RING / 40);
	assert_int_equal(e.info.begin_ns, 0);
	events_free(&e);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
}

/** One that says little: its old records are left out, and what it runs is known nonetheless. */
static void a_quiet_stream(void **state)
{
	static const struct gtrace_site site = {"quiet.c", "f", "x", 4, GTRACE_op_CHAN_SEND};
	char dump[512];
	struct gtrace_rec *rec = ring_open(temp_path("quiet.gtrace"));
	struct gtrace_stream *quiet = gtrace_stream_new(rec, GTRACE_thread_kind_FOREIGN, 1);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 2);
	uint64_t number = gtrace_site_number(quiet, &site);

	(void)state;
	GTRACE_EMIT(quiet, GO_START, 3, 1);
	GTRACE_EMIT(quiet, GO_SWITCH, GTRACE_reason_CHAN_SEND, 1, number, 0, 5, 1);
	emit(s, 1, MANY);
	GTRACE_EMIT(quiet, USE, 1, GTRACE_op_CHAN_SEND, gtrace_site_number(quiet, &site));
	assert_int_equal(gtrace_rec_dump(rec, GTRACE_END_DUMP, "", dump, sizeof(dump)), 0);
	struct events e = events_read(dump);
	size_t seen = 0;

	for (size_t i = 0; i < e.count; i++) {
		if (e.event[i].thread != 1)
			continue;
		assert_int_equal(e.event[i].id, GTRACE_USE);
		assert_int_equal(e.event[i].g, 5);
		assert_non_null(strstr(e.line[i], "quiet.c:4"));
		seen++;
	}
	assert_int_equal(seen, 1);
	events_free(&e);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
}

/** Goroutines on four threads: the order of what is left fits. */
static void order(void **state)
{
	struct schedule_options opt = {.events = 1000000,
	                               .streams = 4,
	                               .goroutines = 500,
	                               .short_lived = 3,
	                               .seed = 11,
	                               .ring_bytes = RING};
	struct schedule_written written;
	const char *path = temp_path("order.gtrace");

	(void)state;
	assert_int_equal(schedule_record(path, &opt, &written), 0);
	struct events e = events_read(path);

	assert_int_equal(e.result, 0);
	// A few at the beginning, if little happens in its first milliseconds: under a sanitizer.
	assert_true(e.info.broken <= 2 * opt.streams);
	assert_int_equal(e.info.lost_batches, 0);
	assert_true(e.count > RING / 30 && e.count < written.events);
	assert_true(e.info.begin_ns != 0);
	events_free(&e);
}

/* ── while others write ── */

struct emitter {
	struct gtrace_rec *rec;
	_Atomic uint64_t number; // of its stream
	_Atomic uint64_t said;
	_Atomic bool *stop;
	uint64_t stall_ns; // the longest
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void *emitter_main(void *arg)
{
	struct emitter *me = arg;
	struct gtrace_stream *s = gtrace_stream_new(me->rec, GTRACE_thread_kind_WORKER, 1);
	uint64_t seed = s->number;

	me->number = s->number;
	for (uint64_t i = 1; !*me->stop; i++) {
		uint64_t before = now_ns();

		GTRACE_EMIT(s, BUSY, i, random_next(&seed), random_next(&seed), 0, 0);
		uint64_t took = now_ns() - before;

		me->stall_ns = took > me->stall_ns ? took : me->stall_ns;
		atomic_store_explicit(&me->said, i, memory_order_release);
	}
	gtrace_stream_end(s);
	return NULL;
}

static void at_full_speed(void **state)
{
	struct gtrace_rec *rec = ring_open(temp_path("speed.gtrace"));
	struct emitter e[THREADS];
	pthread_t id[THREADS];
	_Atomic bool stop = false;

	(void)state;
	for (int t = 0; t < THREADS; t++) {
		e[t] = (struct emitter){.rec = rec, .stop = &stop};
		assert_int_equal(pthread_create(&id[t], NULL, emitter_main, &e[t]), 0);
	}
	for (int round = 0; round < 10; round++) {
		char dump[512];
		uint64_t said[THREADS];

		while (e[0].said < (uint64_t)(round + 1) * (MANY / 4) || !e[1].said)
			sched_yield();
		for (int t = 0; t < THREADS; t++)
			said[t] = e[t].said;
		assert_int_equal(gtrace_rec_dump(rec, GTRACE_END_DUMP, "", dump, sizeof(dump)), 0);
		struct events read = events_read(dump);
		struct numbers n = numbers_of(&read);
		assert_true(read.info.raw_bytes >= RING / 2);
		for (int t = 0; t < THREADS; t++)
			// Nothing at all, if the others wrote a whole ring since it last ran.
			assert_true(!n.last[e[t].number] || n.last[e[t].number] >= said[t]);
		events_free(&read);
	}
	stop = true;
	for (int t = 0; t < THREADS; t++) {
		pthread_join(id[t], NULL);
		print_message("longest emit of thread %d: %.3f ms\n", t, (double)e[t].stall_ns / 1e6);
	}
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
}

/* ── ends ── */

struct said {
	uint64_t number;
};

static void killed_child(const char *path, int out)
{
	struct gtrace_rec *rec = ring_open(path);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	for (uint64_t i = 1;; i += 16) {
		struct said said = {i + 15};

		emit(s, i, i + 15);
		if (write(out, &said, sizeof(said)) != sizeof(said))
			_exit(1);
	}
}

static void killed_after(uint64_t events, unsigned round)
{
	char path[512], name[32];
	int fds[2];
	struct said said;
	uint64_t last = 0;

	snprintf(name, sizeof(name), "killed%u.gtrace", round);
	strcpy(path, temp_path(name));
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();

	if (!pid)
		killed_child(path, fds[1]);
	close(fds[1]);
	while (read(fds[0], &said, sizeof(said)) == sizeof(said)) {
		last = said.number;
		if (last >= events)
			kill(pid, SIGKILL);
	}
	waitpid(pid, NULL, 0);
	close(fds[0]);
	struct events e = events_read(path);
	struct numbers n = numbers_of(&e);

	assert_true(e.info.sidecar);
	assert_int_equal(e.info.end, GTRACE_END_CUT);
	assert_true(n.last[1] + n.last[2] >= last);
	assert_true(e.info.raw_bytes >= RING / 2 || !e.info.begin_ns);
	events_free(&e);
	strcat(path, ".live"); // the sidecar's own name does as well
	struct numbers again = numbers_in(path);

	assert_memory_equal(&n, &again, sizeof(n));
}

static void killed(void **state)
{
	uint64_t seed = (uint64_t)time(NULL);

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		killed_after(random_next(&seed) % (i % 4 ? MANY + MANY / 2 : 200), i);
}

static void limit(rlim_t bytes)
{
	struct rlimit rl;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &rl), 0);
	rl.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &rl), 0);
}

static void no_room_for_a_dump(void **state)
{
	char path[512], dump[512];
	struct gtrace_rec *rec = ring_open(strcpy(path, temp_path("room.gtrace")));
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	(void)state;
	emit(s, 1, MANY);
	limit(100 << 10);
	assert_int_equal(gtrace_rec_dump(rec, GTRACE_END_DUMP, "", dump, sizeof(dump)), -EFBIG);
	limit(RLIM_INFINITY);
	assert_int_equal(notes, 1);
	assert_non_null(strstr(note, "room.0001.gtrace': File too large; the recording goes on"));
	assert_string_equal(dump, "");
	assert_false(file_exists(temp_path("room.0001.gtrace")));
	emit(s, MANY + 1, MANY + 10);
	assert_int_equal(gtrace_rec_dump(rec, GTRACE_END_DUMP, "", dump, sizeof(dump)), 0);
	assert_non_null(strstr(dump, "room.0001.gtrace"));
	assert_int_equal(numbers_in(dump).last[1], MANY + 10);
	limit(100 << 10); // and none at the end: what was recorded stays in the sidecar
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), -EFBIG);
	limit(RLIM_INFINITY);
	gtrace_rec_free(rec);
	assert_int_equal(numbers_in(path).last[1], MANY + 10);
}

/** Disk and memory are what they were after the first round. */
static void constant(void **state)
{
	char path[512];
	struct gtrace_rec *rec = ring_open(strcpy(path, temp_path("constant.gtrace")));
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);
	struct stat first, last;

	(void)state;
	emit(s, 1, MANY);
	assert_int_equal(stat(strcat(path, ".live"), &first), 0);
	for (int i = 1; i < 10; i++)
		emit(s, 1, MANY);
	assert_int_equal(stat(path, &last), 0);
	assert_int_equal(first.st_blocks, last.st_blocks);
	assert_int_equal(first.st_size, last.st_size);
	path[strlen(path) - strlen(".live")] = '\0';
	assert_int_equal(stat(path, &last), 0);
	assert_true(last.st_size < 32 << 10); // the header
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
}

/* ── lists of goroutines ── */

static atomic_int list_calls;

static int list_of_three(void *arg, const struct gtrace_keyframe *to)
{
	list_calls++;
	assert_ptr_equal(arg, &list_calls);
	assert_true(to->bytes_max == RING / 4);
	GTRACE_EMIT_AT(to->stream, to->ticks, SNAP_BEGIN, to->why, 3);
	for (uint64_t g = 1; g <= 3; g++)
		GTRACE_EMIT_AT(to->stream, to->ticks, GO_STATUS, g, GTRACE_state_WAITING,
		               GTRACE_reason_CHAN_SEND, g, 0, 0, 0, 0);
	GTRACE_EMIT_AT(to->stream, to->ticks, SNAP_END);
	return 0;
}

static int list_too_long(void *arg, const struct gtrace_keyframe *to)
{
	(void)arg;
	(void)to;
	return -EFBIG;
}

/** There is a whole one in the ring at any time, for whoever is killed. */
static void lists(void **state)
{
	char path[512];

	(void)state;
	strcpy(path, temp_path("lists.gtrace"));
	struct gtrace_rec *rec = ring_open(path);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	gtrace_rec_set_keyframe(rec, list_of_three, &list_calls);
	for (uint64_t i = 0; i < 40; i++) {
		int calls = list_calls;

		emit(s, 1 + i * MANY / 40, (i + 1) * MANY / 40);
		struct events e = events_read(path); // as it would be found

		assert_int_equal(e.result, 0);
		if (e.info.begin_ns && calls) {
			assert_true(events_count(&e, GTRACE_SNAP_END) >= 1);
			assert_true(events_count(&e, GTRACE_GO_STATUS) >= 3);
		}
		events_free(&e);
	}
	assert_true(list_calls >= 4);
	gtrace_rec_set_keyframe(rec, list_too_long, NULL);
	emit(s, 1, MANY);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	assert_int_equal(notes, 1);
	assert_non_null(strstr(note, "longer than a quarter of the ring"));
	struct events e = events_read(path);

	assert_true(events_count(&e, GTRACE_MARK) >= 1);
	events_free(&e);
}

static int list_and_go_on(void *s, const struct gtrace_keyframe *to)
{
	int err = list_of_three(&list_calls, to);

	emit(s, 1, 1);
	return err;
}

/** What comes after the last list's time, while that is made, is in the file. */
static void behind_the_last_list(void **state)
{
	char path[512];

	(void)state;
	strcpy(path, temp_path("behind.gtrace"));
	struct gtrace_rec *rec = ring_open(path);

	gtrace_rec_set_keyframe(rec, list_and_go_on,
	                        gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1));
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	struct events e = events_read(path);

	assert_int_equal(events_count(&e, GTRACE_SNAP_END), 1);
	assert_int_equal(events_count(&e, GTRACE_BUSY), 1);
	events_free(&e);
}

static struct {
	char path[512];
	_Atomic uint64_t emitted;
	_Atomic bool done;
	int calls;
	size_t lists, rows; // that were left when the emitter stood still, or was through
	struct gtrace_rec *rec;
	uint64_t stream;
} slow;

/** The third list takes so long that a whole ring could be written meanwhile. */
static int list_slow(void *arg, const struct gtrace_keyframe *to)
{
	if (++slow.calls == 3) {
		while (!slow.done && !gtrace_rec_stalls(slow.rec, slow.stream))
			;
		assert_false(gtrace_rec_stalls(slow.rec, slow.stream + 100));
		struct events e = events_read(slow.path);

		slow.lists = events_count(&e, GTRACE_SNAP_END);
		slow.rows = events_count(&e, GTRACE_GO_STATUS);
		events_free(&e);
	}
	return list_of_three(arg, to);
}

/** Then the last one before stays, and who emits waits. */
static void a_slow_list(void **state)
{
	(void)state;
	strcpy(slow.path, temp_path("slow.gtrace"));
	struct gtrace_rec *rec = ring_open(slow.path);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	slow.rec = rec;
	slow.stream = s->number;
	assert_false(gtrace_rec_stalls(rec, slow.stream));
	gtrace_rec_set_keyframe(rec, list_slow, &list_calls);
	for (; slow.emitted < 5 * MANY; slow.emitted += 100)
		emit(s, slow.emitted + 1, slow.emitted + 100);
	slow.done = true;
	assert_false(gtrace_rec_stalls(rec, slow.stream));
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	assert_true(slow.calls >= 3);
	assert_true(slow.lists >= 1);
	assert_true(slow.rows >= 3);
}

/* ── by other ways ── */

static void by_the_sidecar(void **state)
{
	char path[512], side[520], dump[512];
	struct gtrace_options opt;
	struct gtrace_error err;
	struct gtrace_rec *rec = ring_open(strcpy(path, temp_path("side.gtrace")));
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	(void)state;
	emit(s, 1, 1000);
	snprintf(side, sizeof(side), "%s.live", path);
	for (int i = 1; i <= 2; i++) {
		assert_int_equal(gtrace_dump_request(side, getpid(), 60000000000, dump, sizeof(dump)), 0);
		assert_int_equal(numbers_in(dump).last[1], 1000);
	}
	assert_non_null(strstr(dump, "side.0002.gtrace"));
	assert_int_equal(gtrace_dump_request(path, 0, 0, dump, sizeof(dump)), -ENOTSUP);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	assert_int_equal(gtrace_dump_request(side, 0, 0, dump, sizeof(dump)), -ENOENT);
	opt = options_for(temp_path("all.gtrace"));
	assert_int_equal(gtrace_rec_open(&rec, &opt, NULL, NULL, &err), 0);
	snprintf(side, sizeof(side), "%s.live", gtrace_rec_path(rec));
	assert_int_equal(gtrace_dump_request(side, 0, 0, dump, sizeof(dump)), -ENOTSUP);
	assert_int_equal(gtrace_rec_dump(rec, GTRACE_END_DUMP, "", NULL, 0), -EINVAL);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
}

/** A recorder that does not answer, and a process that is gone. */
static void nobody_answers(void **state)
{
	struct gtrace__side page = {.major = GTRACE_FORMAT_MAJOR,
	                            .header_bytes = GTRACE__SIDE_BYTES,
	                            .ring = 16};
	uint8_t bytes[GTRACE__SIDE_BYTES] = {0};
	char path[512], dump[512];
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	memcpy(page.magic, GTRACE__SIDE_MAGIC, sizeof(page.magic));
	memcpy(bytes, &page, sizeof(page));
	file_write(strcpy(path, temp_path("dead.live")), bytes, sizeof(bytes));
	assert_int_equal(gtrace_dump_request(path, getpid(), 1000000, dump, sizeof(dump)), -ETIMEDOUT);
	assert_int_equal(gtrace_dump_request(path, pid, 60000000000, dump, sizeof(dump)), -ESRCH);
}

static void in_passing(void **state)
{
	char path[512];
	struct gtrace_rec *rec = ring_open(strcpy(path, temp_path("passing.gtrace")));
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	(void)state;
	emit(s, 1, 1000);
	gtrace_rec_dump_async(rec, "a signal");
	while (!notes)
		sched_yield();
	assert_non_null(strstr(note, "wrote '"));
	assert_non_null(strstr(note, "/passing.0001.gtrace'"));
	assert_int_equal(numbers_in(temp_path("passing.0001.gtrace")).last[1], 1000);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
}

static void warned(void *arg, const char *line)
{
	assert_non_null(strstr(line, "512K to 768M"));
	++*(int *)arg;
}

static void sizes(void **state)
{
	struct gtrace_options opt;
	int warnings = 0;

	(void)state;
	gtrace_options_init(&opt);
	assert_int_equal(gtrace_options_parse(&opt, "out=x,ring=64M", warned, &warnings), 0);
	assert_true(opt.ring_bytes == 64 << 20 && !warnings);
	assert_int_equal(gtrace_options_parse(&opt, "out=x,ring=1K", warned, &warnings), 0);
	assert_true(opt.ring_bytes == GTRACE_RING_BYTES_MIN && warnings == 1);
	assert_int_equal(gtrace_options_parse(&opt, "out=x,ring=8G", warned, &warnings), 0);
	assert_true(opt.ring_bytes == GTRACE_RING_BYTES_MAX && warnings == 2);
	assert_int_equal(gtrace_options_parse(&opt, "out=x,ring=0", warned, &warnings), 0);
	assert_true(opt.ring_bytes == 0 && warnings == 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last),
		cmocka_unit_test(the_reason),
		cmocka_unit_test(all_of_little),
		cmocka_unit_test(a_quiet_stream),
		cmocka_unit_test(order),
		cmocka_unit_test(at_full_speed),
		cmocka_unit_test(killed),
		cmocka_unit_test(no_room_for_a_dump),
		cmocka_unit_test(constant),
		cmocka_unit_test(lists),
		cmocka_unit_test(by_the_sidecar),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(in_passing),
		cmocka_unit_test(sizes),
		cmocka_unit_test(behind_the_last_list),
		cmocka_unit_test(a_slow_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
