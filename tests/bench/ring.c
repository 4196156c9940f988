/* SPDX-License-Identifier: MIT */
/**
 * ring.c: dumps of a flight recorder while threads emit at full speed: how long one takes, and how
 * long the threads are kept waiting.
 *
 *     bench_ring [RING-MIB [THREADS [DUMPS]]]       64, 2, 10
 */
#define _GNU_SOURCE
#include <gtrace.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 64

struct emitter {
	struct gtrace_rec *rec;
	pthread_t id;
	_Atomic uint64_t batches;
	_Atomic uint64_t longest_ns; // of the changes from batch to batch; taken by who asks
};

static _Atomic bool over;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/** Switches between goroutines, with now and then a site: what a runtime says most. */
static void *emitter_main(void *arg)
{
	struct emitter *e = arg;
	struct gtrace_stream *s = gtrace_stream_new(e->rec, GTRACE_thread_kind_WORKER, 1);
	uint64_t site = GTRACE_SITE(s, CHAN_SEND, "c");

	for (uint64_t i = 1; !atomic_load_explicit(&over, memory_order_relaxed); i++) {
		if (s->pos >= s->limit) {
			uint64_t before = now_ns();
			site = GTRACE_SITE(s, CHAN_SEND, "c"); // begins the next batch
			uint64_t took = now_ns() - before;
			if (took > e->longest_ns)
				e->longest_ns = took;
			e->batches++;
		}
		GTRACE_EMIT(s, GO_SWITCH, GTRACE_reason_CHAN_SEND, i % 100 + 1, site, 0, i % 50 + 1, 0);
	}
	gtrace_stream_end(s);
	return NULL;
}

static uint64_t longest_take(struct emitter *e, unsigned threads)
{
	uint64_t longest = 0;

	for (unsigned t = 0; t < threads; t++) {
		uint64_t ns = atomic_exchange(&e[t].longest_ns, 0);
		longest = ns > longest ? ns : longest;
	}
	return longest;
}

static uint64_t batches(struct emitter *e, unsigned threads)
{
	uint64_t n = 0;

	for (unsigned t = 0; t < threads; t++)
		n += e[t].batches;
	return n;
}

static void measure(struct gtrace_rec *rec, struct emitter *e, unsigned threads, unsigned dumps,
                    uint64_t slots)
{
	char path[4096];

	for (unsigned i = 0; i < dumps; i++) {
		uint64_t until = batches(e, threads) + 2 * slots, from = now_ns();
		longest_take(e, threads);
		while (batches(e, threads) < until)
			usleep(1000);
		double fill_ms = (double)(now_ns() - from) / 1e6;
		double alone_ms = (double)longest_take(e, threads) / 1e6;

		from = now_ns();
		int err = gtrace_rec_dump(rec, GTRACE_END_DUMP, "bench", path, sizeof path);
		double dump_ms = (double)(now_ns() - from) / 1e6;
		double stall_ms = (double)longest_take(e, threads) / 1e6;
		if (err) {
			fprintf(stderr, "no dump: %s\n", strerror(-err));
			exit(1);
		}
		unlink(path);
		printf("two rings in %.1f ms; a dump in %.1f ms; longest change of batch: %.3f ms in it, "
		       "%.3f ms before\n",
		       fill_ms, dump_ms, stall_ms, alone_ms);
	}
}

int main(int argc, char **argv)
{
	uint64_t mib = argc > 1 ? strtoull(argv[1], NULL, 10) : 64;
	unsigned threads = argc > 2 ? (unsigned)atoi(argv[2]) : 2;
	unsigned dumps = argc > 3 ? (unsigned)atoi(argv[3]) : 10;
	struct emitter e[THREADS_MAX] = {0};
	struct gtrace_options opt;
	struct gtrace_error err;
	struct gtrace_rec *rec;

	gtrace_options_init(&opt);
	snprintf(opt.path, sizeof opt.path, "/tmp/bench-ring.%d.gtrace", (int)getpid());
	opt.ring_bytes = mib << 20;
	threads = threads < THREADS_MAX ? threads : THREADS_MAX;
	if (gtrace_rec_open(&rec, &opt, NULL, NULL, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (unsigned t = 0; t < threads; t++) {
		e[t].rec = rec;
		if (pthread_create(&e[t].id, NULL, emitter_main, &e[t]) != 0)
			return 1;
	}
	measure(rec, e, threads, dumps, (mib << 20) / 65536);
	over = true;
	for (unsigned t = 0; t < threads; t++)
		pthread_join(e[t].id, NULL);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	unlink(gtrace_rec_path(rec));
	gtrace_rec_free(rec);
	return 0;
}
