/* SPDX-License-Identifier: MIT */
/**
 * rotate.c: a recording in several files: each is a trace, and together they have everything once.
 *
 * Events are numbered in each stream, so what is missing or there twice shows.
 */
#include "support.h"

#include "schedule.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 3
#define STREAMS 16
#define FILES_MAX 500
#ifdef __SANITIZE_THREAD__
#define MANY 60000
#define FILES_MIN 3u // that so many events make
#else
#define MANY 200000
#define FILES_MIN 6u
#endif

static atomic_int notes;
static char note[8192];

static void notify(const char *line)
{
	snprintf(note, sizeof(note), "%s", line);
	notes++;
}

/* ── calls that fail, or are the last ones ── */

static atomic_int calls_left; // when it comes to 0, SIGKILL; below that, never
static bool kill_behind;      // the call, not before it
static atomic_int fail_link, fail_rename;

ssize_t __wrap_write(int fd, const void *p, size_t len);
int __wrap_link(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);
ssize_t __real_write(int fd, const void *p, size_t len);
int __real_link(const char *from, const char *to);
int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);

static void called(bool behind)
{
	if (behind == kill_behind && calls_left > 0 && --calls_left == 0)
		raise(SIGKILL);
}

ssize_t __wrap_write(int fd, const void *p, size_t len)
{
	called(false);
	ssize_t n = __real_write(fd, p, len);

	called(true);
	return n;
}

int __wrap_link(const char *from, const char *to)
{
	if (fail_link) {
		errno = fail_link;
		return -1;
	}
	called(false);
	int n = __real_link(from, to);

	called(true);
	return n;
}

int __wrap_rename(const char *from, const char *to)
{
	if (fail_rename) {
		errno = fail_rename;
		return -1;
	}
	called(false);
	int n = __real_rename(from, to);

	called(true);
	return n;
}

int __wrap_unlink(const char *path)
{
	called(false);
	int n = __real_unlink(path);

	called(true);
	return n;
}

static struct gtrace_options rotating(const char *path, unsigned keep)
{
	struct gtrace_options opt = options_for(path);

	opt.rotate_bytes = GTRACE_ROTATE_BYTES_MIN;
	opt.keep = keep;
	notes = 0;
	return opt;
}

static struct gtrace_rec *rotating_open(const char *path, unsigned keep)
{
	struct gtrace_options opt = rotating(path, keep);
	struct gtrace_error err;
	struct gtrace_rec *rec;

	assert_int_equal(gtrace_rec_open(&rec, &opt, NULL, notify, &err), 0);
	return rec;
}

static void emit(struct gtrace_stream *s, uint64_t from, uint64_t to)
{
	static _Thread_local uint64_t seed = 5;

	for (uint64_t i = from; i <= to; i++)
		GTRACE_EMIT(s, BUSY, i, random_next(&seed), random_next(&seed), 0, 0);
}

/* ── the files of a recording ── */

struct files {
	char path[FILES_MAX][640]; // oldest first, the newest last
	unsigned count;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/** FILE.000001.gtrace ... and FILE.gtrace, of the one that temp_path() made. */
static struct files files_of(const char *path)
{
	static struct files f;
	char dir[256], stem[64];
	const char *slash = strrchr(path, '/');
	size_t len = strlen(slash + 1) - strlen(".gtrace");

	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	snprintf(stem, sizeof(stem), "%.*s.", (int)len, slash + 1);
	f.count = 0;
	DIR *d = opendir(dir);

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		if (strncmp(e->d_name, stem, len + 1) || strspn(e->d_name + len + 1, "0123456789") < 6)
			continue;
		assert_true(f.count < FILES_MAX - 1);
		snprintf(f.path[f.count++], sizeof(f.path[0]), "%s/%s", dir, e->d_name);
	}
	closedir(d);
	qsort(f.path, f.count, sizeof(f.path[0]), by_name);
	snprintf(f.path[f.count++], sizeof(f.path[0]), "%s", path);
	return f;
}

struct numbers {
	uint64_t first[STREAMS], last[STREAMS]; // of the numbered events; 0: none
};

/** Go on with one more file: no hole, nothing twice. */
static struct events numbers_add(struct numbers *n, const char *path)
{
	struct events e = events_read(path);

	assert_int_equal(e.result, 0);
	assert_int_equal(e.info.lost_batches, 0);
	assert_int_equal(e.info.lost_events, 0);
	assert_int_equal(e.info.broken, 0);
	assert_int_equal(events_count(&e, GTRACE_GAP), 0);
	for (size_t i = 0; i < e.count; i++) {
		const struct gtrace_event *ev = &e.event[i];

		assert_true(ev->thread < STREAMS);
		assert_true(ev->time_ns >= 0);
		if (ev->id != GTRACE_BUSY)
			continue;
		if (n->last[ev->thread])
			assert_int_equal(ev->arg[0], n->last[ev->thread] + 1);
		else
			n->first[ev->thread] = ev->arg[0];
		n->last[ev->thread] = ev->arg[0];
	}
	return e;
}

/** All files of a recording that has ended like that. */
static struct numbers numbers_of(const char *path, enum gtrace_end end, unsigned *count)
{
	struct files f = files_of(path);
	struct numbers n = {0};

	for (unsigned i = 0; i < f.count; i++) {
		struct events e = numbers_add(&n, f.path[i]);
		struct stat st;

		assert_int_equal(e.info.end, i + 1 < f.count ? GTRACE_END_ROTATED : end);
		assert_false(e.info.truncated);
		assert_int_equal(stat(f.path[i], &st), 0);
		// And what the threads' shares of the buffer held.
		assert_true(st.st_size < GTRACE_ROTATE_BYTES_MIN + (THREADS + 1) * (256 << 10));
		events_free(&e);
	}
	*count = f.count;
	return n;
}

/* ── whole ── */

static void together_everything_once(void **state)
{
	char path[512];
	unsigned count;

	(void)state;
	strcpy(path, temp_path("all.gtrace"));
	struct gtrace_rec *rec = rotating_open(path, 1000);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);
	struct gtrace_stream *quiet = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 2);

	emit(quiet, 1, 1);
	emit(s, 1, MANY);
	emit(quiet, 2, 2);
	gtrace_stream_end(s);
	gtrace_stream_end(quiet);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 7), 0);
	gtrace_rec_free(rec);
	struct numbers n = numbers_of(path, GTRACE_END_EXIT, &count);

	assert_int_equal(n.first[1], 1);
	assert_int_equal(n.last[1], MANY);
	assert_int_equal(n.first[2], 1);
	assert_int_equal(n.last[2], 2);
	assert_true(count >= FILES_MIN);
	assert_int_equal(notes, 0);
	strcat(path, ".live");
	assert_false(file_exists(path));
	strcpy(path + strlen(path) - 5, ".next");
	assert_false(file_exists(path));
}

/** What a file says of its batches is what it has. */
static void end_records(void **state)
{
	char path[512];

	(void)state;
	strcpy(path, temp_path("ends.gtrace"));
	struct gtrace_rec *rec = rotating_open(path, 1000);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit(s, 1, MANY);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	struct files f = files_of(path);

	for (unsigned i = 0; i < f.count; i++) {
		char want[64];
		struct gtrace_reader *r;
		struct gtrace_error err;

		assert_int_equal(gtrace_reader_open(&r, f.path[i], &err), 0);
		const struct gtrace_info *info = gtrace_reader_info(r);

		snprintf(want, sizeof(want), "\nbatches=%llu\n", (unsigned long long)info->batches);
		assert_non_null(strstr(info->end_record, want));
		snprintf(want, sizeof(want), "\nraw_bytes=%llu\n", (unsigned long long)info->raw_bytes);
		assert_non_null(strstr(info->end_record, want));
		assert_true(i ? info->begin_ns > 0 : !info->begin_ns);
		gtrace_reader_close(r);
	}
}

static void keeps_so_many(void **state)
{
	(void)state;
	for (unsigned keep = 1; keep <= 3; keep++) {
		char path[512], name[32];
		unsigned count;

		snprintf(name, sizeof(name), "keep%u.gtrace", keep);
		strcpy(path, temp_path(name));
		struct gtrace_rec *rec = rotating_open(path, keep);
		struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

		emit(s, 1, MANY);
		gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
		gtrace_rec_free(rec);
		struct numbers n = numbers_of(path, GTRACE_END_EXIT, &count);

		assert_int_equal(count, keep);
		assert_true(n.first[1] > 1);
		assert_int_equal(n.last[1], MANY);
	}
}

/** Another run's files are left alone. */
static void overwrites_nothing(void **state)
{
	char path[512], old[512];
	size_t len;

	(void)state;
	strcpy(path, temp_path("again.gtrace"));
	strcpy(old, temp_path("again.000001.gtrace"));
	file_write(old, "not mine", 8);
	struct gtrace_rec *rec = rotating_open(path, 1);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit(s, 1, MANY);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	uint8_t *bytes = file_read(old, &len);

	assert_int_equal(len, 8);
	assert_memory_equal(bytes, "not mine", 8);
	free(bytes);
}

/** The program has gone to another directory meanwhile. */
static void elsewhere(void **state)
{
	char path[512], here[512];
	unsigned count;

	(void)state;
	strcpy(path, temp_path("else.gtrace"));
	assert_non_null(getcwd(here, sizeof(here)));
	*strrchr(path, '/') = '\0';
	assert_int_equal(chdir(path), 0);
	struct gtrace_rec *rec = rotating_open("else.gtrace", 1000);

	assert_int_equal(chdir("/"), 0);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit(s, 1, MANY);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	assert_int_equal(chdir(here), 0);
	path[strlen(path)] = '/';
	assert_int_equal(numbers_of(path, GTRACE_END_EXIT, &count).last[1], MANY);
	assert_true(count >= FILES_MIN);
	strcat(path, ".live");
	assert_false(file_exists(path));
}

/* ── order ── */

static int count_lines(const char *path, unsigned id)
{
	struct events e = events_read(path);
	size_t n = events_count(&e, id);

	events_free(&e);
	return (int)n;
}

/** Goroutines on four threads, by the clock: every file is in order, its seams included. */
static void order(void **state)
{
	struct schedule_options opt = {.events = 4 * MANY,
	                               .streams = 4,
	                               .goroutines = 300,
	                               .short_lived = 3,
	                               .seed = 12,
	                               .rotate_bytes = GTRACE_ROTATE_BYTES_MIN};
	struct schedule_written written;
	char path[512];
	uint64_t events = 0, born = 0;

	(void)state;
	strcpy(path, temp_path("order.gtrace"));
	assert_int_equal(schedule_record(path, &opt, &written), 0);
	struct files f = files_of(path);

	assert_true(f.count >= FILES_MIN);
	for (unsigned i = 0; i < f.count; i++) {
		struct events e = events_read(f.path[i]);

		assert_int_equal(e.result, 0);
		assert_int_equal(e.info.lost_batches, 0);
		assert_true(e.info.broken <= (i ? 2 * opt.streams : 0)); // without a list of goroutines
		events += e.count;
		born += events_count(&e, GTRACE_GO_NEW);
		// Each batch says anew which thread it is.
		events -= events_count(&e, GTRACE_THREAD_START);
		events_free(&e);
	}
	assert_int_equal(events, written.events - opt.streams);
	assert_int_equal(born, written.goroutines);
}

/* ── lists of goroutines ── */

static int list_of_three(void *arg, const struct gtrace_keyframe *to)
{
	++*(atomic_int *)arg;
	assert_true(to->bytes_max == GTRACE_ROTATE_BYTES_MIN / 4);
	GTRACE_EMIT_AT(to->stream, to->ticks, SNAP_BEGIN, to->why, 3);
	for (uint64_t g = 1; g <= 3; g++)
		GTRACE_EMIT_AT(to->stream, to->ticks, GO_STATUS, g, GTRACE_state_WAITING,
		               GTRACE_reason_CHAN_SEND, g, 0, 0, 0, 0);
	GTRACE_EMIT_AT(to->stream, to->ticks, SNAP_END);
	return 0;
}

/** Longer than a batch: the writer thread must not wait for itself. */
static int list_of_many(void *arg, const struct gtrace_keyframe *to)
{
	++*(atomic_int *)arg;
	GTRACE_EMIT_AT(to->stream, to->ticks, SNAP_BEGIN, to->why, 60000);
	for (uint64_t g = 1; g <= 60000; g++)
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

static void lists_in(const char *name, int (*list)(void *, const struct gtrace_keyframe *),
                     unsigned rows)
{
	char path[512];
	atomic_int calls = 0;

	strcpy(path, temp_path(name));
	struct gtrace_rec *rec = rotating_open(path, 1000);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	gtrace_rec_set_keyframe(rec, list, &calls);
	emit(s, 1, MANY);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	struct files f = files_of(path);

	assert_true(f.count >= FILES_MIN);
	assert_int_equal(calls, f.count - 1);
	for (unsigned i = 0; i < f.count; i++) {
		assert_int_equal(count_lines(f.path[i], GTRACE_SNAP_END), i > 0);
		assert_int_equal(count_lines(f.path[i], GTRACE_GO_STATUS), i ? rows : 0);
	}
}

static void lists(void **state)
{
	(void)state;
	lists_in("lists.gtrace", list_of_three, 3);
	lists_in("long.gtrace", list_of_many, 60000);
}

static void a_list_too_long(void **state)
{
	struct gtrace_rec *rec = rotating_open(temp_path("toolong.gtrace"), 2);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	(void)state;
	gtrace_rec_set_keyframe(rec, list_too_long, NULL);
	emit(s, 1, MANY);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	assert_int_equal(notes, 1);
	assert_non_null(strstr(note, "longer than a quarter of the file"));
}

/* ── while others write ── */

struct emitter {
	struct gtrace_rec *rec;
	uint64_t number; // of its stream
};

static void *emitter_main(void *arg)
{
	struct emitter *me = arg;
	struct gtrace_stream *s = gtrace_stream_new(me->rec, GTRACE_thread_kind_WORKER, 1);

	me->number = s->number;
	emit(s, 1, MANY);
	gtrace_stream_end(s);
	return NULL;
}

static void at_full_speed(void **state)
{
	char path[512];
	struct emitter e[THREADS];
	pthread_t id[THREADS];
	unsigned count;

	(void)state;
	strcpy(path, temp_path("speed.gtrace"));
	struct gtrace_rec *rec = rotating_open(path, 1000);

	for (int t = 0; t < THREADS; t++) {
		e[t] = (struct emitter){.rec = rec};
		assert_int_equal(pthread_create(&id[t], NULL, emitter_main, &e[t]), 0);
	}
	for (int t = 0; t < THREADS; t++)
		pthread_join(id[t], NULL);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	struct numbers n = numbers_of(path, GTRACE_END_EXIT, &count);

	for (int t = 0; t < THREADS; t++)
		assert_int_equal(n.last[e[t].number], MANY);
	assert_true(count >= FILES_MIN);
}

/** With overflow=drop batches may be missing, and each that is, is said to be. */
static void dropping(void **state)
{
	char path[512];
	struct gtrace_options opt = rotating(strcpy(path, temp_path("drop.gtrace")), 1000);
	struct gtrace_error err;
	struct gtrace_rec *rec;
	struct emitter e[THREADS];
	pthread_t id[THREADS];
	uint64_t seen = 0, lost = 0, last[STREAMS] = {0};

	(void)state;
	opt.drop = true;
	opt.buffer_bytes = 128 << 10;
	assert_int_equal(gtrace_rec_open(&rec, &opt, NULL, notify, &err), 0);
	for (int t = 0; t < THREADS; t++) {
		e[t] = (struct emitter){.rec = rec};
		assert_int_equal(pthread_create(&id[t], NULL, emitter_main, &e[t]), 0);
	}
	for (int t = 0; t < THREADS; t++)
		pthread_join(id[t], NULL);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	struct files f = files_of(path);

	for (unsigned i = 0; i < f.count; i++) {
		struct events read = events_read(f.path[i]);

		assert_int_equal(read.result, 0);
		for (size_t k = 0; k < read.count; k++) {
			const struct gtrace_event *ev = &read.event[k];

			if (ev->id != GTRACE_BUSY)
				continue;
			assert_true(ev->arg[0] > last[ev->thread]);
			last[ev->thread] = ev->arg[0];
			seen++;
		}
		lost += read.info.lost_events;
		events_free(&read);
	}
	assert_true(seen + lost >= (uint64_t)THREADS * MANY);
	assert_true(seen <= (uint64_t)THREADS * MANY);
}

/* ── ends ── */

/** Smaller than PIPE_BUF: whole or not at all. */
struct said {
	uint64_t thread;
	uint64_t number;
};

static struct gtrace_rec *child_rec;
static int pipe_out;

static void *child_thread(void *arg)
{
	struct gtrace_stream *s = gtrace_stream_new(child_rec, GTRACE_thread_kind_WORKER, 1);

	(void)arg;
	for (uint64_t i = 1;; i += 256) {
		struct said said = {s->number, i + 255};

		emit(s, i, i + 255);
		if (write(pipe_out, &said, sizeof(said)) != sizeof(said))
			_exit(1);
	}
	return NULL;
}

static void child(const char *path)
{
	struct gtrace_options opt = rotating(path, 1000);
	struct gtrace_error err;
	pthread_t id;

	if (gtrace_rec_open(&child_rec, &opt, NULL, NULL, &err))
		_exit(1);
	pthread_create(&id, NULL, child_thread, NULL);
	child_thread(NULL);
}

/** What was said is in one of the files, or in the sidecar of the newest. */
static void expect_all_said(const char *path, const uint64_t last_said[STREAMS])
{
	struct files f = files_of(path);
	struct numbers n = {0};
	struct stat newest, before;

	// Killed between the two changes of names, the last number is the newest file's, too.
	if (f.count > 1 && !stat(f.path[f.count - 1], &newest) && !stat(f.path[f.count - 2], &before) &&
	    newest.st_ino == before.st_ino) {
		memcpy(f.path[f.count - 2], f.path[f.count - 1], sizeof(f.path[0]));
		f.count--;
	}
	for (unsigned i = 0; i < f.count; i++) {
		struct events e = numbers_add(&n, f.path[i]);

		if (i + 1 < f.count)
			assert_int_equal(e.info.end, GTRACE_END_ROTATED);
		else // or killed behind the last write
			assert_true(e.info.end == GTRACE_END_CUT || e.info.end == GTRACE_END_EXIT);
		events_free(&e);
	}
	for (int t = 1; t < STREAMS; t++) {
		assert_true(n.last[t] >= last_said[t]);
		assert_true(n.first[t] <= 1);
	}
}

static void killed_after(unsigned round, uint64_t events)
{
	char path[512], name[32];
	int fds[2];
	struct said said;
	uint64_t last_said[STREAMS] = {0};

	snprintf(name, sizeof(name), "k%u.gtrace", round);
	strcpy(path, temp_path(name));
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();

	if (!pid) {
		pipe_out = fds[1];
		child(path);
	}
	close(fds[1]);
	while (read(fds[0], &said, sizeof(said)) == sizeof(said)) {
		last_said[said.thread] = said.number;
		if (said.number >= events)
			kill(pid, SIGKILL);
	}
	waitpid(pid, NULL, 0);
	close(fds[0]);
	expect_all_said(path, last_said);
}

static void kills(void **state)
{
	const char *rounds = getenv("KILLS");
	uint64_t seed = (uint64_t)time(NULL);

	(void)state;
	for (unsigned i = 0; i < (rounds ? (unsigned)atoi(rounds) : 10); i++)
		killed_after(i, 1 + random_next(&seed) % (i % 5 ? MANY : 200));
}

/** SIGKILL before or after each call that changes a file, in turn. */
static void kills_at_each_call(void **state)
{
	uint64_t *said = mmap(NULL, STREAMS * sizeof(*said), PROT_READ | PROT_WRITE,
	                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;

	(void)state;
	for (int n = 1; n == 1 || !WIFEXITED(status); n++) {
		char path[512], name[32];

		snprintf(name, sizeof(name), "call%d.gtrace", n);
		strcpy(path, temp_path(name));
		memset(said, 0, STREAMS * sizeof(*said));
		pid_t pid = fork();

		if (!pid) {
			calls_left = (n + 1) / 2;
			kill_behind = n % 2;
			struct gtrace_rec *rec = rotating_open(path, 1000);
			struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

			for (; said[1] < MANY / 2; said[1] += 100)
				emit(s, said[1] + 1, said[1] + 100);
			gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		if (n > 2) // or there is no header
			expect_all_said(path, said);
	}
	munmap(said, STREAMS * sizeof(*said));
}

/* ── trouble ── */

/** A file system without links. */
static void no_links(void **state)
{
	char path[512];
	unsigned count;

	(void)state;
	strcpy(path, temp_path("nolinks.gtrace"));
	fail_link = EPERM;
	struct gtrace_rec *rec = rotating_open(path, 1000);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit(s, 1, MANY);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	fail_link = 0;
	struct numbers n = numbers_of(path, GTRACE_END_EXIT, &count);

	assert_true(count >= FILES_MIN);
	assert_int_equal(n.first[1], 1);
	assert_int_equal(n.last[1], MANY);
}

/** The recording is over, the program is not, and what was written can be read. */
static void no_name(void **state)
{
	char path[512];

	(void)state;
	strcpy(path, temp_path("noname.gtrace"));
	fail_rename = EIO;
	struct gtrace_rec *rec = rotating_open(path, 1000);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit(s, 1, MANY);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 0), -EIO);
	gtrace_rec_free(rec);
	fail_rename = 0;
	assert_int_equal(notes, 1);
	assert_non_null(strstr(note, "noname.gtrace': Input/output error"));
	struct events e = events_read(path);

	assert_int_equal(e.result, 0);
	assert_true(events_count(&e, GTRACE_BUSY) > 1000);
	events_free(&e);
}

/** The new file cannot be made: it goes on in the old one. */
static void no_new_file(void **state)
{
	char path[512], next[512];
	(void)state;
	strcpy(path, temp_path("nonew.gtrace"));
	strcpy(next, temp_path("nonew.gtrace.next"));
	assert_int_equal(mkdir(next, 0777), 0);
	struct gtrace_rec *rec = rotating_open(path, 1000);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	emit(s, 1, MANY);
	assert_int_equal(rmdir(next), 0);
	assert_int_equal(notes, 1);
	assert_non_null(strstr(note, "nonew.gtrace.next': Is a directory; the recording goes on"));
	assert_int_equal(files_of(path).count, 1);
	emit(s, MANY + 1, 2 * MANY);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	struct files f = files_of(path);
	struct numbers n = {0};

	for (unsigned i = 0; i < f.count; i++) {
		struct events e = numbers_add(&n, f.path[i]);

		events_free(&e);
	}
	assert_true(f.count > 1);
	assert_int_equal(n.first[1], 1);
	assert_int_equal(n.last[1], 2 * MANY);
}

static void warn(void *arg, const char *line)
{
	++*(int *)arg;
	assert_non_null(strstr(line, "GTRACE: "));
}

static void settings(void **state)
{
	struct gtrace_options opt;
	int warnings = 0;

	(void)state;
	gtrace_options_init(&opt);
	assert_int_equal(gtrace_options_parse(&opt, "x,rotate=64M", warn, &warnings), 0);
	assert_true(opt.rotate_bytes == 64 << 20 && opt.keep == 8 && !warnings);
	gtrace_options_parse(&opt, "x,rotate=1K,keep=0", warn, &warnings);
	assert_true(opt.rotate_bytes == GTRACE_ROTATE_BYTES_MIN && opt.keep == 1 && warnings == 2);
	gtrace_options_parse(&opt, "x,keep=10001", warn, &warnings);
	assert_true(opt.keep == GTRACE_KEEP_MAX && warnings == 3);
	gtrace_options_parse(&opt, "x,rotate=1M,ring=1M", warn, &warnings);
	assert_true(!opt.rotate_bytes && opt.ring_bytes && warnings == 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(together_everything_once),
		cmocka_unit_test(end_records),
		cmocka_unit_test(keeps_so_many),
		cmocka_unit_test(overwrites_nothing),
		cmocka_unit_test(elsewhere),
		cmocka_unit_test(order),
		cmocka_unit_test(lists),
		cmocka_unit_test(a_list_too_long),
		cmocka_unit_test(at_full_speed),
		cmocka_unit_test(dropping),
		cmocka_unit_test(kills),
		cmocka_unit_test(kills_at_each_call),
		cmocka_unit_test(no_links),
		cmocka_unit_test(no_name),
		cmocka_unit_test(no_new_file),
		cmocka_unit_test(settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
