/* SPDX-License-Identifier: MIT */
/**
 * stats.c: numbers of the program, and where its goroutines are, as JSON.
 *
 *     /debug/gtrace/stats   one object: pid, version, goroutines, states, threads, rss ...
 *     /debug/gtrace/sites   a row for each state, place and birth place: how many are there
 *
 * Keys are only ever added.
 */
#define _GNU_SOURCE
#include <gor.h>
#include <inttypes.h>
#include <sched.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "inspect/http.h"

/** Goroutines that are at the same place in the same state. */
struct place {
	const char *state;
	const struct gor_site *site, *born;
	bool waits;
	uint64_t count, first; // and one of them
};

struct places {
	void *tree; // of struct place, by tsearch()
	bool by_site;
	uint64_t all, waiting;
	FILE *out;
	const char *comma;
};

static int place_compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->state != y->state)
		return (uintptr_t)x->state < (uintptr_t)y->state ? -1 : 1;
	if (x->site != y->site)
		return (uintptr_t)x->site < (uintptr_t)y->site ? -1 : 1;
	return ((uintptr_t)x->born > (uintptr_t)y->born) - ((uintptr_t)x->born < (uintptr_t)y->born);
}

static void place_row(void *arg, const struct module_goroutine *g)
{
	struct places *ps = arg;
	struct place key = {
		.state = g->state,
		.site = ps->by_site ? g->site : NULL,
		.born = ps->by_site ? g->born : NULL,
	};
	struct place **at = tfind(&key, &ps->tree, place_compare);

	ps->all++;
	ps->waiting += g->waits;
	if (!at) {
		struct place *more = malloc(sizeof *more);
		if (!more)
			return;
		*more = key;
		more->waits = g->waits;
		more->count = 0;
		more->first = g->id;
		at = tsearch(more, &ps->tree, place_compare);
		if (!at) {
			free(more);
			return;
		}
	}
	(*at)->count++;
}

static void json_text(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f) // a path may be no UTF-8, and JSON is
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void json_site(FILE *out, const char *key, const struct gor_site *site)
{
	fprintf(out, ", \"%s\": ", key);
	if (!site) {
		fputs("null", out);
		return;
	}
	fputs("{\"file\": ", out);
	json_text(out, site->file);
	fprintf(out, ", \"line\": %u, \"func\": ", site->line);
	json_text(out, site->func);
	fputs(", \"text\": ", out);
	json_text(out, site->text);
	fputc('}', out);
}

static void place_state(const void *node, VISIT which, void *arg)
{
	struct places *ps = arg;
	const struct place *p = *(const struct place *const *)node;

	if (which != postorder && which != leaf)
		return;
	fputs(ps->comma, ps->out);
	ps->comma = ", ";
	json_text(ps->out, p->state);
	fprintf(ps->out, ": %" PRIu64, p->count);
}

static void place_print(const void *node, VISIT which, void *arg)
{
	struct places *ps = arg;
	const struct place *p = *(const struct place *const *)node;

	if (which != postorder && which != leaf)
		return;
	fprintf(ps->out, "%s\n  {\"count\": %" PRIu64 ", \"one\": %" PRIu64 ", \"state\": ", ps->comma,
	        p->count, p->first);
	ps->comma = ",";
	json_text(ps->out, p->state);
	fprintf(ps->out, ", \"waits\": %s", p->waits ? "true" : "false");
	json_site(ps->out, "site", p->site);
	json_site(ps->out, "born", p->born);
	fputc('}', ps->out);
}

/** Nanoseconds since the process began, of which CPU; and its memory. */
static void stats_process(FILE *out)
{
	char text[1024];
	unsigned long long ticks = 0;
	long pages = 0;
	struct timespec cpu, now;
	FILE *in = fopen("/proc/self/stat", "re");
	const char *p = in && fgets(text, sizeof text, in) ? strrchr(text, ')') : NULL;

	if (p) // fields 22 and 24, counted from the second
		sscanf(p,
		       ") %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		       "%llu %*s %ld",
		       &ticks, &pages);
	if (in)
		fclose(in);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	clock_gettime(CLOCK_BOOTTIME, &now);
	double began = (double)ticks / (double)sysconf(_SC_CLK_TCK);
	fprintf(out,
	        ",\n \"elapsed_ns\": %.0f, \"cpu_ns\": %" PRId64 ", \"rss_bytes\": %" PRId64
	        ", \"cpus\": %ld",
	        ((double)now.tv_sec - began) * 1e9 + (double)now.tv_nsec,
	        cpu.tv_sec * INT64_C(1000000000) + cpu.tv_nsec, (int64_t)pages * sysconf(_SC_PAGESIZE),
	        sysconf(_SC_NPROCESSORS_ONLN));
}

static enum MHD_Result stats_reply(const struct request *r, FILE *out, char **text,
                                   const size_t *len)
{
	enum MHD_Result queued = MHD_NO;

	if (fclose(out) == 0)
		queued = reply_bytes(r, "application/json", *text, *len);
	free(*text);
	return queued;
}

enum MHD_Result page_stats(const struct request *r)
{
	char *text = NULL, program[4096];
	size_t len = 0;
	struct module_numbers n;
	struct places ps = {.comma = "", .out = open_memstream(&text, &len)};

	if (!ps.out)
		return MHD_NO;
	ssize_t bytes = readlink("/proc/self/exe", program, sizeof program - 1);
	program[bytes < 0 ? 0 : bytes] = 0;
	r->host->numbers(&n);
	r->host->goroutines(place_row, &ps);
	fprintf(ps.out,
	        "{\"schema\": 1, \"pid\": %d, \"version\": \"%s\", \"program\": ", (int)getpid(),
	        GOR_VERSION);
	json_text(ps.out, program);
	fprintf(ps.out,
	        ",\n \"goroutines\": %" PRIu64 ", \"blocked\": %" PRIu64
	        ", \"threads\": %u, \"procs\": %u, \"recording\": ",
	        n.goroutines, ps.waiting, n.threads, n.procs);
	if (*n.recording)
		json_text(ps.out, n.recording);
	else
		fputs("null", ps.out);
	stats_process(ps.out);
	fputs(",\n \"states\": {", ps.out);
	twalk_r(ps.tree, place_state, &ps);
	fputs("}}\n", ps.out);
	tdestroy(ps.tree, free);
	return stats_reply(r, ps.out, &text, &len);
}

enum MHD_Result page_sites(const struct request *r)
{
	char *text = NULL;
	size_t len = 0;
	struct places ps = {.comma = "", .by_site = true, .out = open_memstream(&text, &len)};

	if (!ps.out)
		return MHD_NO;
	r->host->goroutines(place_row, &ps);
	fprintf(ps.out, "{\"schema\": 1, \"goroutines\": %" PRIu64 ", \"sites\": [", ps.all);
	twalk_r(ps.tree, place_print, &ps);
	fputs("]}\n", ps.out);
	tdestroy(ps.tree, free);
	return stats_reply(r, ps.out, &text, &len);
}
