/* SPDX-License-Identifier: MIT */
/**
 * load.c: what the analysis of a trace costs, step by step, in a process each.
 *
 *     bench_load GTRACE TRACE DIR
 *
 * Prints lines `figure value`.  DIR is for results.  With BENCH_SLOW=MS in the environment also the
 * SQL statements of loading and of the detectors that take so long, on stderr.
 */
#define _GNU_SOURCE
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "detect/detect.h"
#include "load/load.h"

static double now_s(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void figure(const char *name, double value)
{
	printf("%s %.3f\n", name, value);
	fflush(stdout);
}

static void require(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_load: %s\n", what);
	exit(1);
}

static double number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;

	require(sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK, sqlite3_errmsg(db));
	require(sqlite3_step(st) == SQLITE_ROW, sqlite3_errmsg(db));
	double value = sqlite3_column_double(st, 0);

	sqlite3_finalize(st);
	return value;
}

/** What a statement took, if it was long; its first words say which it was. */
static int statement_slow(unsigned what, void *limit_ms, void *st, void *ns)
{
	double ms = (double)*(sqlite3_int64 *)ns * 1e-6;
	const char *sql = sqlite3_sql(st);

	(void)what;
	sql += strspn(sql, "\n");
	if (ms >= *(double *)limit_ms)
		fprintf(stderr, "%8.0f ms  %.90s\n", ms, sql);
	return 0;
}

/** Load and look for findings, as the verbs do. */
static void steps(const char *trace, const char *dir)
{
	const char *slow = getenv("BENCH_SLOW");
	double limit_ms = slow ? atof(slow) : 0;
	struct gtrace_error err;
	struct stat st;
	char path[4096];
	sqlite3 *db;

	snprintf(path, sizeof path, "%s/load.db", dir);
	require(sqlite3_open(path, &db) == SQLITE_OK, "no database");
	if (slow)
		sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, statement_slow, &limit_ms);
	double start = now_s(CLOCK_MONOTONIC);

	require(load_trace(db, trace, NULL, &err) == 0, err.text);
	double loaded = now_s(CLOCK_MONOTONIC);

	require(detect_all(db, NULL) == SQLITE_OK, sqlite3_errmsg(db));
	double found = now_s(CLOCK_MONOTONIC);
	double intervals = number(db, "SELECT count(*) FROM interval");

	figure("events", number(db, "SELECT events FROM trace"));
	figure("load_s", loaded - start);
	figure("load_cpu_s", now_s(CLOCK_PROCESS_CPUTIME_ID));
	figure("detect_s", found - loaded);
	figure("intervals", intervals);
	figure("intervals_s", intervals / (loaded - start) / 1e6);
	figure("row_bytes",
	       number(db, "SELECT sum(pgsize) FROM dbstat WHERE name = 'interval_block'") / intervals);
	sqlite3_close(db);
	require(stat(path, &st) == 0, path);
	figure("db_bytes", (double)st.st_size / intervals);
	unlink(path);
}

/** The whole program. */
static void whole(char *gtrace, char *trace, const char *dir, char *no_plots)
{
	char out[4096];
	struct rusage use;
	int status;

	snprintf(out, sizeof out, "%s/report", dir);
	double start = now_s(CLOCK_MONOTONIC);
	pid_t pid = fork();

	if (pid == 0) {
		char *argv[] = {gtrace, "analyze", "--fresh", "--quiet", "-o", out, trace, no_plots, NULL};
		require(freopen("/dev/null", "w", stdout) != NULL, "no /dev/null");
		execv(gtrace, argv);
		_exit(127);
	}
	require(pid > 0 && wait4(pid, &status, 0, &use) == pid, "no child");
	require(WIFEXITED(status) && WEXITSTATUS(status) < 2, "gtrace failed");
	figure(no_plots ? "analyze_s" : "report_s", now_s(CLOCK_MONOTONIC) - start);
	figure(no_plots ? "analyze_mb" : "report_mb", (double)use.ru_maxrss / 1e3);
	figure(no_plots ? "analyze_cpu_s" : "report_cpu_s",
	       (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
	           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e-6);
}

int main(int argc, char **argv)
{
	require(argc == 4, "usage: bench_load GTRACE TRACE DIR");
	whole(argv[1], argv[2], argv[3], "--no-plots");
	whole(argv[1], argv[2], argv[3], NULL);
	steps(argv[2], argv[3]);
	return 0;
}
