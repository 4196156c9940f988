/* SPDX-License-Identifier: MIT */
/**
 * read.c: what an event costs to read: decoded and in order.
 *
 *     bench_reader [EVENTS [STREAMS [FILE]]]
 *
 * A random schedule is recorded, or FILE taken as it is, and read several times.  The rate is by
 * CPU time, of all threads of the reader together, and by the clock.
 */
#include "schedule.h"

#include <gtrace.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define RUNS 7

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

static void print(const char *what, double *runs)
{
	qsort(runs, RUNS, sizeof(*runs), compare);
	printf("%-28s %8.2f M events/s (%.2f to %.2f, n %d)\n", what, runs[RUNS / 2], runs[0],
	       runs[RUNS - 1], RUNS);
}

static void read_all(const char *path, double *by_cpu, double *by_clock, uint64_t *events)
{
	double cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
	double start = now_s(CLOCK_MONOTONIC);
	struct gtrace_reader *r;
	struct gtrace_error err;
	struct gtrace_event ev;

	if (gtrace_reader_open(&r, path, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	while (gtrace_reader_next(r, &ev, &err) == 1)
		;
	*events = gtrace_reader_info(r)->events;
	*by_cpu = (double)*events / (now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e6;
	*by_clock = (double)*events / (now_s(CLOCK_MONOTONIC) - start) / 1e6;
	gtrace_reader_close(r);
}

int main(int argc, char **argv)
{
	struct schedule_options opt = {
		.events = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000,
		.streams = argc > 2 ? (unsigned)atoi(argv[2]) : 4,
		.goroutines = 2000,
		.seed = 1,
		.short_lived = 3,
	};
	struct schedule_written written;
	double by_cpu[RUNS];
	double by_clock[RUNS];
	uint64_t events = 0;
	struct rusage usage;
	char path[64];

	snprintf(path, sizeof(path), "bench-read.%d.gtrace", (int)getpid());
	if (argc <= 3 && schedule_record(path, &opt, &written))
		return 1;
	for (int i = 0; i < RUNS; i++)
		read_all(argc > 3 ? argv[3] : path, &by_cpu[i], &by_clock[i], &events);
	getrusage(RUSAGE_SELF, &usage);
	printf("%llu events of %u streams\n", (unsigned long long)events, opt.streams);
	print("read, CPU", by_cpu);
	print("  time passed", by_clock);
	printf("%-28s %8.1f MiB\n", "peak memory", (double)usage.ru_maxrss / 1024);
	unlink(path);
	return 0;
}
