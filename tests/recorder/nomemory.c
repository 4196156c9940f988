/* SPDX-License-Identifier: MIT */
/**
 * nomemory.c: every allocation of the reader, and of the text assembler, fails in turn.
 *
 * This program's malloc stands before all others, those of libc and zstd included.  The first call
 * fails, then the second, and so on until a run passes in which none did; once that call alone,
 * once all from it on.  Whatever the run, it says -ENOMEM, and goes on saying so, or gives the
 * whole trace: the same events and totals.
 */
#define _GNU_SOURCE
#include "support.h"

#include "format.h"
#include "schedule.h"

#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#define EACH UINT64_MAX // in place of a step

/* ── the shim ─────────────────────────────────────────────────────────────────────────────────────
 */

static struct {
	void *(*malloc)(size_t bytes);
	void *(*calloc)(size_t n, size_t bytes);
	void *(*realloc)(void *p, size_t bytes);
	uint64_t first; // the first-th fails, from 1; 0: none
	bool lasting;   // and all after it
	_Atomic uint64_t calls, failed;
	_Atomic bool on;
	void *(*_Atomic thread)(void *); // what threads run: at one time all the same
	unsigned threads;                // begun
} plan;

static _Thread_local bool ours; // the thread is: a sanitizer's own way to begin one may not fail

/* A sanitizer that is not yet initialized allocates as well: nothing of it in here. */
#define PLAIN no_sanitize("address"), no_sanitize("thread"), no_sanitize("undefined")
#define SHIM __attribute__((visibility("default"), PLAIN))

__attribute__((PLAIN)) static bool fails(void)
{
	if (!ours || !atomic_load(&plan.on))
		return false;
	uint64_t n = atomic_fetch_add(&plan.calls, 1) + 1;

	if (!plan.first || n < plan.first || (n > plan.first && !plan.lasting))
		return false;
	atomic_fetch_add(&plan.failed, 1);
	errno = ENOMEM;
	return true;
}

SHIM void *malloc(size_t bytes)
{
	if (!plan.malloc)
		plan.malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
	return fails() ? NULL : plan.malloc(bytes);
}

SHIM void *calloc(size_t n, size_t bytes)
{
	if (!plan.calloc)
		plan.calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
	return fails() ? NULL : plan.calloc(n, bytes);
}

SHIM void *realloc(void *p, size_t bytes)
{
	if (!plan.realloc)
		plan.realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
	return fails() ? NULL : plan.realloc(p, bytes);
}

int __real_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg);

static void *thread_main(void *arg)
{
	ours = true;
	return plan.thread(arg);
}

int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	plan.thread = fn;
	plan.threads++;
	return __real_pthread_create(id, attr, thread_main, arg);
}

/* This version of zstd has all it needs when it begins to decompress; it does not promise that. */
size_t __real_ZSTD_decompressDCtx(ZSTD_DCtx *ctx, void *to, size_t cap, const void *from,
                                  size_t len);
size_t __wrap_ZSTD_decompressDCtx(ZSTD_DCtx *ctx, void *to, size_t cap, const void *from,
                                  size_t len);

size_t __wrap_ZSTD_decompressDCtx(ZSTD_DCtx *ctx, void *to, size_t cap, const void *from,
                                  size_t len)
{
	return fails() ? (size_t)-ZSTD_error_memory_allocation
	               : __real_ZSTD_decompressDCtx(ctx, to, cap, from, len);
}

static void plan_begin(uint64_t first, bool lasting)
{
	plan.first = first;
	plan.lasting = lasting;
	plan.calls = plan.failed = 0;
	ours = true;
	plan.on = true;
}

/* ── a run ────────────────────────────────────────────────────────────────────────────────────────
 */

struct outcome {
	int code;
	uint64_t events;
	uint64_t hash; // of all that the reader says
	struct gtrace_error err;
};

static void hash_text(uint64_t *h, const char *text)
{
	for (; *text; text++)
		*h = (*h ^ (unsigned char)*text) * 0x100000001B3u;
	*h = (*h ^ '\n') * 0x100000001B3u;
}

static void hash_info(uint64_t *h, const struct gtrace_info *i)
{
	const int64_t number[] = {
		(int64_t)i->end,
		i->end_code,
		i->start_wall_ns,
		i->duration_ns,
		(int64_t)i->file_bytes,
		(int64_t)i->batches,
		(int64_t)i->events,
		(int64_t)i->raw_bytes,
		(int64_t)i->lost_batches,
		(int64_t)i->lost_events,
		(int64_t)i->inversions,
		(int64_t)i->broken,
		i->threads,
		i->begin_ns,
		i->sidecar,
		i->truncated,
		(int64_t)i->unknown_events,
		(int64_t)i->unknown_chunks,
	};
	char line[32];

	for (size_t n = 0; n < sizeof(number) / sizeof(*number); n++) {
		snprintf(line, sizeof(line), "%lld", (long long)number[n]);
		hash_text(h, line);
	}
	hash_text(h, i->header);
	hash_text(h, i->end_record);
}

static void hash_event(uint64_t *h, const struct gtrace_reader *r, const struct gtrace_event *ev)
{
	static char line[65536];

	gtrace_event_print(r, ev, line, sizeof(line));
	hash_text(h, line);
	*h = (*h ^ ev->offset) * 0x100000001B3u;
	for (unsigned i = 0; i < ev->nargs; i++) // sites that nobody defines have numbers as well
		*h = (*h ^ ev->arg[i]) * 0x100000001B3u;
}

/** After an error there is nothing more to be had, and the same to be said. */
static void still_fails(struct gtrace_reader *r, int code, uint64_t events)
{
	struct gtrace_error err = {0};
	struct gtrace_event ev;

	assert_int_equal(gtrace_reader_next(r, &ev, &err), code);
	assert_int_equal(err.code, code);
	assert_int_equal(gtrace_reader_info(r)->events, events);
}

static void read_run(const char *path, struct outcome *out)
{
	struct gtrace_reader *r = NULL;
	struct gtrace_event ev;

	out->code = gtrace_reader_open(&r, path, &out->err);
	if (out->code) {
		plan.on = false;
		assert_null(r);
		return;
	}
	while ((out->code = gtrace_reader_next(r, &ev, &out->err)) == 1) {
		hash_event(&out->hash, r, &ev);
		out->events++;
	}
	plan.on = false;
	hash_info(&out->hash, gtrace_reader_info(r));
	const char *version = gtrace_reader_header(r, "version");

	hash_text(&out->hash, version ? version : "");
	if (out->code)
		still_fails(r, out->code, out->events);
	gtrace_reader_close(r);
}

/** A trace with all its ways to be read. */
struct subject {
	const char *path;
	const void *piped; // the bytes of a trace that comes by a pipe, or a text to assemble
	size_t len;
	void (*run)(const struct subject *s, struct outcome *out);
};

static void file_run(const struct subject *s, struct outcome *out)
{
	read_run(s->path, out);
}

static void check(const struct outcome *whole, const struct outcome *out)
{
	if (out->code) {
		if (out->code != -ENOMEM || out->err.code != -ENOMEM)
			fail_msg("call %llu: %d, %s", (unsigned long long)plan.first, out->code, out->err.text);
		if (!strstr(out->err.text, strerror(ENOMEM)))
			fail_msg("call %llu: '%s'", (unsigned long long)plan.first, out->err.text);
	} else if (out->hash != whole->hash || out->events != whole->events) {
		fail_msg("call %llu, %s: another trace of %llu events, not %llu",
		         (unsigned long long)plan.first, plan.lasting ? "for good" : "once",
		         (unsigned long long)out->events, (unsigned long long)whole->events);
	}
}

/** Each call fails, or of the later ones each step-th part. */
static void each_call(const struct subject *s, uint64_t step)
{
	struct outcome whole = {0};

	plan_begin(0, false);
	s->run(s, &whole);
	if (whole.code)
		fail_msg("%s", whole.err.text);
	for (int lasting = 0; lasting < 2; lasting++) {
		bool failed = true;
		uint64_t runs = 0, errors = 0;

		for (uint64_t n = 1; failed; n += 1 + n / step, runs++) {
			struct outcome out = {0};

			plan_begin(n, lasting);
			s->run(s, &out);
			failed = plan.failed > 0;
			if (!failed)
				assert_int_equal(out.code, 0);
			check(&whole, &out);
			errors += out.code != 0;
		}
		assert_true(errors);
		print_message("%s: %llu events, %llu runs, %llu errors\n", s->path,
		              (unsigned long long)whole.events, (unsigned long long)runs,
		              (unsigned long long)errors);
	}
}

/* ── traces ───────────────────────────────────────────────────────────────────────────────────────
 */

static const char *traces; // the folder of texts

static void golden(void **state)
{
	char pattern[1024];
	char path[512];
	glob_t g;

	(void)state;
	strcpy(path, temp_path("golden.gtrace"));
	snprintf(pattern, sizeof(pattern), "%s/tests/traces/l*.txt", traces);
	assert_int_equal(glob(pattern, 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct gtrace_error err;
		size_t len;
		char *text = (char *)file_read(g.gl_pathv[i], &len);

		if (gtrace_text_assemble(text, len, path, &err))
			fail_msg("%s", err.text);
		free(text);
		each_call(&(struct subject){.path = path, .run = file_run}, EACH);
	}
	globfree(&g);
}

/** So many threads, goroutines, sites and stacks that all tables grow. */
static char *wide_text(void)
{
	enum { THREADS = 20, GOROUTINES = 400, LINE = 400, HEADER = 20000 };
	char *text = malloc((size_t)(2 * GOROUTINES + 2) * LINE + HEADER);
	char *p = text;

	p += sprintf(p, "header program=./wide pid=42 note=%0*d\n", HEADER, 1);
	for (int i = 0; i < GOROUTINES; i++) {
		int t = 1 + i % THREADS;

		p += sprintf(p, "%d t%d GO_NEW g=%d site=file%d.c:%d:main:go:'worker %d'\n", 10 * i, t,
		             i + 1, i % 7, i, i);
		p += sprintf(p, "%d t%d STACK pcs=0x%x,0x20,0x30\n", 10 * i, t, i);
		if (i % 100 == 99)
			p += sprintf(p, "%d t%d GAP batches=1 events=2\n", 10 * i, t);
	}
	sprintf(p, "%d t1 MARK category=c text='some words'\nend exit 0\n", 10 * GOROUTINES);
	return text;
}

static void wide(void **state)
{
	const char *path = temp_path("wide.gtrace");
	char *text = wide_text();

	(void)state;
	assemble(path, text);
	free(text);
	each_call(&(struct subject){.path = path, .run = file_run}, EACH);
}

/** Several batches, of which the first one, with most sites, and the end record are damaged. */
static void damaged(void **state)
{
	const char *path = temp_path("damaged.gtrace");
	size_t len;

	(void)state;
	assemble(path, "header program=./leak pid=42 maxprocs=2\n"
	               "0  t1 GO_NEW g=1 site=main.c:10:main:go:app\n"
	               "10 t1 GO_START g=1\n"
	               "20 t1 GO_NEW g=2 site=main.c:11:main:go:worker\n"
	               "30 t1 GO_PARK reason='chan receive' obj=7 site=leak.c:15:app:'chan receive':c\n"
	               "35 t1 GAP batches=1 events=2\n"
	               "36 t1 GO_NEW g=3 site=main.c:10:main:go:app\n"
	               "37 t1 GO_NEW g=4 site=main.c:11:main:go:worker\n"
	               "40 t2 GO_START g=2\n"
	               "45 t2 STACK pcs=0x10,0x20,0x30\n"
	               "48 t2 GO_NEW g=5 site=main.c:12:wake:go:\n"
	               "50 t2 GO_WAKE g=1 obj=7\n"
	               "70 t1 GO_START g=1 seq=3\n"
	               "80 t1 GO_END\n"
	               "end exit 0\n");
	uint8_t *bytes = file_read(path, &len);
	int chunk = 0;

	for (uint8_t *p = bytes; (p = memmem(p, (size_t)(bytes + len - p), "GTRC", 4)); p += 4) {
		struct gtrace__chunk k;

		memcpy(&k, p, sizeof(k));
		if (++chunk == 2 || k.kind == GTRACE__END)
			p[k.header_bytes + k.frame_bytes / 2] ^= 0xff;
	}
	assert_true(chunk >= 4);
	file_write(path, bytes, len);
	free(bytes);
	each_call(&(struct subject){.path = path, .run = file_run}, EACH);
}

/* ── a killed program's ── */

/** The state of the sidecar's first slot. */
static unsigned slot_state(const char *side)
{
	size_t len;
	uint8_t *bytes = file_read(side, &len);
	unsigned state = ((struct gtrace__slot *)(bytes + GTRACE__SIDE_BYTES))->state;

	free(bytes);
	return state;
}

/** Two batches: the first one is in the file, the other one in its slot. */
static void killed_child(const char *path, const char *side)
{
	struct gtrace_options opt = options_for(path);
	struct gtrace_error err;
	struct gtrace_rec *rec;

	if (gtrace_rec_open(&rec, &opt, NULL, NULL, &err))
		_exit(1);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	for (uint64_t i = 1; i <= 20000; i++)
		GTRACE_EMIT(s, USE, i, GTRACE_op_NONE, 0);
	while (slot_state(side) != GTRACE__SLOT_FREE)
		sched_yield();
	raise(SIGKILL);
}

/** A batch of the file is still in its slot; in the file it may be damaged. */
static void slot_again(const char *path, const char *side, bool damage)
{
	size_t len;
	uint8_t *bytes = file_read(side, &len);
	struct gtrace__slot *slot = (struct gtrace__slot *)(bytes + GTRACE__SIDE_BYTES);

	slot->state = GTRACE__SLOT_FULL;
	assert_int_equal(slot->seq, 1);
	file_write(side, bytes, len);
	free(bytes);
	bytes = file_read(path, &len);
	for (uint8_t *p = bytes; (p = memmem(p, (size_t)(bytes + len - p), "GTRC", 4)); p += 4) {
		struct gtrace__chunk k;

		memcpy(&k, p, sizeof(k));
		if (damage && k.kind == GTRACE__PACKED && k.seq == 1)
			p[k.header_bytes + k.frame_bytes / 2] ^= 0xff;
	}
	file_write(path, bytes, len);
	free(bytes);
}

static void killed(void **state)
{
	char path[512];
	char side[530];
	int status;

	(void)state;
	strcpy(path, temp_path("killed.gtrace"));
	snprintf(side, sizeof(side), "%s.live", path);
	pid_t pid = fork();

	if (!pid)
		killed_child(path, side);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	each_call(&(struct subject){.path = path, .run = file_run}, EACH);
	each_call(&(struct subject){.path = side, .run = file_run}, EACH);
	slot_again(path, side, false);
	each_call(&(struct subject){.path = path, .run = file_run}, EACH);
	slot_again(path, side, true);
	each_call(&(struct subject){.path = path, .run = file_run}, EACH);
}

/* ── a long one: batches are decompressed ahead ── */

static void large(void **state)
{
	const char *path = temp_path("large.gtrace");
	struct schedule_options opt = {.events = 60000, .streams = 4, .goroutines = 300, .seed = 1};
	struct schedule_written written;
	cpu_set_t cpus;

	(void)state;
	assert_int_equal(schedule_record(path, &opt, &written), 0);
	plan.threads = 0;
	each_call(&(struct subject){.path = path, .run = file_run}, 8);
	assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	assert_true(plan.threads || CPU_COUNT(&cpus) == 1);
}

/* ── one of several files: it begins in the middle, and says what is another's ── */

static void rotated(void **state)
{
	const char *path = temp_path("rotated.gtrace");
	struct schedule_options opt = {.events = 500000, // several times what the buffers hold
	                               .streams = 4,
	                               .goroutines = 300,
	                               .seed = 1,
	                               .rotate_bytes = GTRACE_ROTATE_BYTES_MIN};
	struct schedule_written written;
	struct events e;

	(void)state;
	assert_int_equal(schedule_record(path, &opt, &written), 0);
	e = events_read(path);
	assert_true(e.info.begin_ns > 0);
	events_free(&e);
	each_call(&(struct subject){.path = path, .run = file_run}, 8);
}

/* ── a pipe, which holds all of it ── */

static void pipe_run(const struct subject *s, struct outcome *out)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], s->piped, s->len), s->len);
	close(fd[1]);
	dup2(fd[0], STDIN_FILENO);
	close(fd[0]);
	read_run("-", out);
}

static void piped(void **state)
{
	const char *path = temp_path("piped.gtrace");
	size_t len;

	(void)state;
	assemble(path, "header program=./piped pid=42\n"
	               "0  t1 GO_NEW g=1 site=main.c:10:main:go:app\n"
	               "10 t1 GO_START g=1\n"
	               "30 t1 GO_END\n"
	               "end exit 0\n");
	uint8_t *bytes = file_read(path, &len);
	int was = dup(STDIN_FILENO);

	assert_true(len < 4096);
	each_call(&(struct subject){.path = "-", .piped = bytes, .len = len, .run = pipe_run}, EACH);
	dup2(was, STDIN_FILENO);
	close(was);
	free(bytes);
}

/* ── the assembler ── */

static void text_run(const struct subject *s, struct outcome *out)
{
	out->code = gtrace_text_assemble(s->piped, s->len, s->path, &out->err);
	plan.on = false;
	if (out->code)
		return;
	size_t len;
	uint8_t *bytes = file_read(s->path, &len);

	for (size_t i = 0; i < len; i++)
		out->hash = (out->hash ^ bytes[i]) * 0x100000001B3u;
	free(bytes);
}

static void text(void **state)
{
	const char *path = temp_path("text.gtrace");
	char *lines = wide_text();

	(void)state;
	each_call(&(struct subject){path, lines, strlen(lines), text_run}, EACH);
	free(lines);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden), cmocka_unit_test(wide),  cmocka_unit_test(damaged),
		cmocka_unit_test(killed), cmocka_unit_test(large), cmocka_unit_test(rotated),
		cmocka_unit_test(piped),  cmocka_unit_test(text),
	};

	traces = argc > 1 ? argv[1] : ".";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
