/* SPDX-License-Identifier: MIT */
/**
 * emit.c: what an event costs to write and to read.
 *
 * Writing: events of two and of six arguments by one thread into a recording, the writer thread at
 * work beside it; the batches' wait for it is in the figure.  Reading: decode and order, events
 * handed out.
 */
#include <gtrace.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define RUNS 9
#define EVENTS 2000000

static double now_s(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print(const char *what, const char *unit, double *runs)
{
	qsort(runs, RUNS, sizeof(*runs), compare);
	printf("%-34s %8.1f %-10s (%.1f to %.1f, n %d)\n", what, runs[RUNS / 2], unit, runs[0],
	       runs[RUNS - 1], RUNS);
}

static const struct gtrace_site site = {"emit.c", "write_six", "", 1, GTRACE_op_CHAN_SEND};

static void write_two(struct gtrace_stream *s)
{
	for (uint64_t i = 0; i < EVENTS; i++)
		GTRACE_EMIT(s, GIVE, i & 1023, 7);
}

static void write_six(struct gtrace_stream *s)
{
	for (uint64_t i = 0; i < EVENTS; i++) {
		uint64_t number = gtrace_site_number(s, &site);

		GTRACE_EMIT(s, GO_STATUS, i & 1023, GTRACE_state_WAITING, GTRACE_reason_CHAN_SEND, i & 255,
		            number, 0, 0, 0);
	}
}

/** Nanoseconds an event; the recording is left for reading. */
static double write_run(const char *path, void (*fn)(struct gtrace_stream *), clockid_t clock)
{
	struct gtrace_options opt;
	struct gtrace_error err;
	struct gtrace_rec *rec;

	unlink(path);
	gtrace_options_init(&opt);
	snprintf(opt.path, sizeof(opt.path), "%s", path);
	if (gtrace_rec_open(&rec, &opt, NULL, NULL, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);
	double start = now_s(clock);

	fn(s);
	double ns = (now_s(clock) - start) * 1e9 / EVENTS;

	gtrace_stream_end(s);
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
	return ns;
}

/** Millions of events a second. */
static double read_run(const char *path)
{
	struct gtrace_reader *r;
	struct gtrace_error err;
	struct gtrace_event ev;
	double start = now_s(CLOCK_MONOTONIC);

	if (gtrace_reader_open(&r, path, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	while (gtrace_reader_next(r, &ev, &err) == 1)
		;
	double rate = (double)gtrace_reader_info(r)->events / (now_s(CLOCK_MONOTONIC) - start) / 1e6;

	gtrace_reader_close(r);
	return rate;
}

int main(void)
{
	static const struct {
		const char *what;
		void (*fn)(struct gtrace_stream *);
	} rows[] = {{"2 arguments", write_two}, {"6 arguments and a site", write_six}};
	double runs[RUNS];
	char path[64];
	char what[64];
	struct utsname u;

	uname(&u);
	printf("machine: %s, %ld CPUs\n", u.machine, sysconf(_SC_NPROCESSORS_ONLN));
	snprintf(path, sizeof(path), "bench-emit.%d.gtrace", (int)getpid());
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int n = 0; n < RUNS; n++)
			runs[n] = write_run(path, rows[i].fn, CLOCK_THREAD_CPUTIME_ID);
		snprintf(what, sizeof(what), "write, %s, CPU", rows[i].what);
		print(what, "ns/event", runs);
		for (int n = 0; n < RUNS; n++)
			runs[n] = write_run(path, rows[i].fn, CLOCK_MONOTONIC);
		snprintf(what, sizeof(what), "  time passed");
		print(what, "ns/event", runs);
		for (int n = 0; n < RUNS; n++)
			runs[n] = read_run(path);
		snprintf(what, sizeof(what), "read, %s", rows[i].what);
		print(what, "M events/s", runs);
	}
	unlink(path);
	return 0;
}
