/* SPDX-License-Identifier: MIT */
/** roundtrip.c: what several threads write at random is what is read, each thread's in its order.
 */
#include "support.h"

#include "record.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define EVENTS 20000
#define SITES 300
#define TEXT_MAX 5000

static struct gtrace_site sites[SITES];

/** An event as written, reduced to a number. */
struct thread {
	struct gtrace_rec *rec;
	uint64_t seed;
	uint64_t number;
	uint64_t *digest; // EVENTS of them
};

static uint64_t mix(uint64_t h, uint64_t v)
{
	return random_next(&(uint64_t){h ^ v * 31});
}

static uint64_t mix_bytes(uint64_t h, const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = h * 1099511628211u ^ (unsigned char)p[i];
	return mix(h, len);
}

static uint64_t mix_site(uint64_t h, const char *file, const char *func, const char *text,
                         uint32_t line, uint32_t op)
{
	h = mix_bytes(h, file, strlen(file));
	h = mix_bytes(h, func, strlen(func));
	h = mix_bytes(h, text, strlen(text));
	return mix(mix(h, line), op);
}

/** Events that do not move goroutines: any order of them is right. */
static unsigned random_id(uint64_t *seed)
{
	static const unsigned ids[] = {GTRACE_HANDOFF,   GTRACE_BUSY,       GTRACE_GO_NAME,
	                               GTRACE_GO_STATUS, GTRACE_USE,        GTRACE_LOCK,
	                               GTRACE_OBJ_NEW,   GTRACE_CHAN_CLOSE, GTRACE_MARK,
	                               GTRACE_WG_ADD,    GTRACE_REACH,      GTRACE_PANIC,
	                               GTRACE_DEADLOCK,  GTRACE_THREAD_IDLE};

	return ids[random_next(seed) % (sizeof(ids) / sizeof(*ids))];
}

/** Which arguments are of that kind. */
static unsigned kinds(const struct gtrace_event_desc *desc, const char *kind)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < desc->nargs; i++)
		bits |= (unsigned)!strcmp(desc->kind[i], kind) << i;
	return bits;
}

static uint64_t emit_random(struct gtrace_stream *s, uint64_t *seed, const char *noise)
{
	unsigned id = random_id(seed);
	const struct gtrace_event_desc *desc = gtrace_event_desc(id);
	uint64_t args[GTRACE_ARGS_MAX] = {0};
	const char *strs[2];
	size_t lens[2];
	uint64_t h = id;
	int n = 0;

	for (int i = 0; i < desc->nargs; i++) {
		if (!strcmp(desc->kind[i], "bytes")) {
			strs[n] = noise + random_next(seed) % 64;
			lens[n] =
				random_next(seed) % 50 ? random_next(seed) % 20 : random_next(seed) % TEXT_MAX;
			h = mix_bytes(h, strs[n], lens[n] < 4096 ? lens[n] : 4096);
			n++;
		} else if (!strcmp(desc->kind[i], "site")) {
			const struct gtrace_site *site = &sites[random_next(seed) % SITES];

			args[i] = gtrace_site_number(s, site);
			h = mix_site(h, site->file, site->func, site->text, site->line, site->op);
		} else {
			args[i] = random_next(seed) >> random_next(seed) % 64;
			h = mix(h, args[i]);
		}
	}
	int nargs = desc->nargs < GTRACE_ARGS_MAX ? desc->nargs : GTRACE_ARGS_MAX;

	if (n)
		gtrace_stream_text(s, (enum gtrace_event_id)id, args, strs, lens);
	else
		gtrace_emit_at(s, gtrace_ticks(), (enum gtrace_event_id)id, nargs,
		               kinds(desc, "g") | kinds(desc, "obj") << 8 | kinds(desc, "site") << 16 |
		                   kinds(desc, "pc") << 24,
		               args);
	return h;
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	struct gtrace_stream *s = gtrace_stream_new(t->rec, GTRACE_thread_kind_WORKER, 1);
	uint64_t seed = t->seed;
	char noise[TEXT_MAX + 64];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)random_next(&seed);
	t->number = s->number;
	for (int i = 0; i < EVENTS; i++)
		t->digest[i] = emit_random(s, &seed, noise);
	gtrace_stream_end(s);
	return NULL;
}

static uint64_t event_digest(const struct gtrace_reader *r, const struct gtrace_event *ev)
{
	uint64_t h = ev->id;

	for (int i = 0; i < ev->nargs; i++) {
		if (!strcmp(ev->desc->kind[i], "bytes")) {
			h = mix_bytes(h, ev->bytes[i], ev->arg[i]);
		} else if (!strcmp(ev->desc->kind[i], "site")) {
			const struct gtrace_site_info *s = gtrace_reader_site(r, ev->arg[i]);

			h = mix_site(h, s->file, s->func, s->text, s->line, s->op);
		} else {
			h = mix(h, ev->arg[i]);
		}
	}
	return h;
}

static void check(const char *path, struct thread *threads)
{
	struct gtrace_error err;
	struct gtrace_reader *r;
	struct gtrace_event ev;
	size_t at[THREADS + 1] = {0};
	int64_t last[THREADS + 1] = {0};
	int n;

	assert_int_equal(gtrace_reader_open(&r, path, &err), 0);
	while ((n = gtrace_reader_next(r, &ev, &err)) == 1) {
		assert_in_range(ev.thread, 1, THREADS);
		assert_true(ev.time_ns >= last[ev.thread]);
		last[ev.thread] = ev.time_ns;
		if (ev.id == GTRACE_THREAD_START || ev.id == GTRACE_THREAD_END)
			continue;
		for (int t = 0; t < THREADS; t++) {
			if (threads[t].number == ev.thread)
				assert_int_equal(event_digest(r, &ev), threads[t].digest[at[ev.thread]]);
		}
		at[ev.thread]++;
	}
	assert_int_equal(n, 0);
	for (int t = 1; t <= THREADS; t++)
		assert_int_equal(at[t], EVENTS);
	const struct gtrace_info *info = gtrace_reader_info(r);

	assert_int_equal(info->lost_batches, 0);
	assert_int_equal(info->lost_events, 0);
	assert_int_equal(info->broken, 0);
	assert_int_equal(info->end, GTRACE_END_EXIT);
	assert_int_equal(info->end_code, 3);
	assert_false(info->sidecar);
	assert_false(info->truncated);
	gtrace_reader_close(r);
}

static void run(uint64_t seed)
{
	struct thread threads[THREADS];
	pthread_t ids[THREADS];
	char name[32];

	snprintf(name, sizeof(name), "r%d.gtrace", (int)seed);
	const char *path = temp_path(name);
	struct gtrace_options opt = options_for(path);
	struct gtrace_rec *rec = record(&opt);

	for (int t = 0; t < THREADS; t++) {
		threads[t] =
			(struct thread){rec, seed * 100 + (uint64_t)t, 0, calloc(EVENTS, sizeof(uint64_t))};
		pthread_create(&ids[t], NULL, thread_main, &threads[t]);
	}
	for (int t = 0; t < THREADS; t++)
		pthread_join(ids[t], NULL);
	assert_int_equal(gtrace_rec_close(rec, GTRACE_END_EXIT, 3), 0);
	check(path, threads);
	gtrace_rec_free(rec);
	for (int t = 0; t < THREADS; t++)
		free(threads[t].digest);
}

static void random_streams(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++)
		run(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(random_streams)};
	static char words[SITES][3][16];

	for (uint32_t i = 0; i < SITES; i++) {
		snprintf(words[i][0], 16, "file%u.c", i % 7u);
		snprintf(words[i][1], 16, "func%u", i % 1000u);
		snprintf(words[i][2], 16, "%s", i % 3 ? "ch" : "");
		sites[i] = (struct gtrace_site){words[i][0], words[i][1], words[i][2], i, i % 30};
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
