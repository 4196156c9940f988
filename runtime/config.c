/* SPDX-License-Identifier: MIT */
/** config.c: GOR_MAXPROCS, GOR_DEBUG and GOR_TRACEBACK, read once. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seed.h"
#include "signals.h"

#define PROCS_MAX 1024
#define STACK_MIN (16u << 10)
#define STACK_MAX (UINT64_C(1) << 30)

struct config gor__config;

static const struct gtrace_setting debug_table[] = {
	{"agent", "bool", "1", "let gtrace look into the program, by a unix socket of its own user's"},
	{"blockprofile", "int", "0",
     "profile waits: one for each so many nanoseconds of them; 1 all, 0 none"},
	{"busy", "duration", "0",
     "say which goroutine has computed for that long without a call of the runtime; 0 never"},
	{"deadlock", "fatal|report|off", "fatal",
     "when nothing can run any more: end, say so and wait, or wait"},
	{"dumpsig", "string", "",
     "a signal, USR2 say, that dumps all goroutines, and has a flight recorder dump"},
	{"gops", "bool", "0", "listen for gops, on a port of this machine that anybody on it can use"},
	{"handoff", "duration", "10ms",
     "how long a goroutine keeps the others of its thread waiting; 1s with a seed"},
	{"http", "string", "",
     "serve /debug/pprof/ there, at 127.0.0.1:6060 say; no host means this machine alone"},
	{"mutexprofile", "int", "0",
     "profile unlocks that others waited for: one in so many; 1 all, 0 none"},
	{"policy", "string", "random",
     "with a seed, who runs: natural, random, random:OPERATIONS, pct:D or pct:D:OPERATIONS"},
	{"scheddetail", "bool", "0", "with schedtrace: each processor, thread and goroutine as well"},
	{"schedtrace", "int", "0", "a line on the scheduler each so many milliseconds; 0 never"},
	{"seed", "string", "",
     "a number of 64 bits: one processor, and all choices drawn from it, to repeat a run"},
	{"shrink", "duration", "10s",
     "how long a goroutine is parked until its stack gives back unused pages; 0 never"},
	{"sigquit", "bool", "1", "SIGQUIT dumps all goroutines, and ends with status 2"},
	{"stack", "size", "256K", "address space of a goroutine's stack"},
	{"threads", "int", "10000", "at most so many threads; more end the program"},
	{"vtime", "bool", "0", "with a seed: time is virtual, and passes when nothing can run"},
	{NULL, NULL, NULL, NULL},
};

static void config_warn(void *arg, const char *line)
{
	(void)arg;
	gor__say("gor: %s\n", line);
}

static void config_item(void *arg, const char *key, const char *value)
{
	struct config *c = arg;
	uint64_t bytes = 0;
	int64_t ns = 0;

	if (strcmp(key, "agent") == 0) {
		c->agent = value[0] == '1';
	} else if (strcmp(key, "deadlock") == 0) {
		c->deadlock = value[0] == 'r'   ? DEADLOCK_REPORT
		              : value[0] == 'o' ? DEADLOCK_OFF
		                                : DEADLOCK_FATAL;
	} else if (strcmp(key, "busy") == 0) {
		if (gtrace_parse_duration(value, &ns) == 0 && ns >= 0)
			c->busy_ns = ns;
	} else if (strcmp(key, "dumpsig") == 0) {
		c->dump_signal = gor__signal_number(value);
		if (!c->dump_signal)
			config_warn(NULL, "GOR_DEBUG: dumpsig= takes a signal such as USR2 or 12");
	} else if (strcmp(key, "sigquit") == 0) {
		c->quit = value[0] == '1';
	} else if (strcmp(key, "schedtrace") == 0) {
		c->trace_ns = strtoll(value, NULL, 10) * GOR_MILLISECOND;
	} else if (strcmp(key, "scheddetail") == 0) {
		c->trace_detail = value[0] == '1';
	} else if (strcmp(key, "handoff") == 0) {
		if (gtrace_parse_duration(value, &ns) == 0 && ns > 0)
			c->slice_ns = ns;
	} else if (strcmp(key, "gops") == 0) {
		c->gops = value[0] == '1';
	} else if (strcmp(key, "http") == 0) {
		snprintf(c->http, sizeof c->http, "%s", value);
	} else if (strcmp(key, "shrink") == 0) {
		if (gtrace_parse_duration(value, &ns) == 0 && ns >= 0)
			c->shrink_ns = ns;
	} else if (strcmp(key, "stack") == 0) {
		if (gtrace_parse_size(value, &bytes) == 0 && bytes >= STACK_MIN && bytes <= STACK_MAX)
			c->stack_bytes = (size_t)(bytes + 4095) / 4096 * 4096;
		else
			config_warn(NULL, "GOR_DEBUG: stack= takes 16K to 1G");
	} else if (strcmp(key, "blockprofile") == 0) {
		c->block_ns = strtoll(value, NULL, 10);
	} else if (strcmp(key, "mutexprofile") == 0) {
		c->mutex_rate = strtoull(value, NULL, 10);
	} else if (strcmp(key, "threads") == 0) {
		long long n = strtoll(value, NULL, 10);
		if (n >= 1 && n <= UINT32_MAX)
			c->threads = (uint32_t)n;
		else
			config_warn(NULL, "GOR_DEBUG: threads= takes a number from 1");
	} else if (strcmp(key, "seed") == 0) {
		if (!gor__seed_set_number(value))
			config_warn(NULL, "GOR_DEBUG: seed= takes a number of 64 bits");
	} else if (strcmp(key, "policy") == 0) {
		if (!gor__seed_set_policy(value))
			config_warn(NULL,
			            "GOR_DEBUG: policy= takes natural, random, random:OPERATIONS, pct:D or "
			            "pct:D:OPERATIONS");
	} else if (strcmp(key, "vtime") == 0) {
		gor__seed.vtime = value[0] == '1';
	}
}

static unsigned config_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < 1)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static void config_procs(struct config *c, const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || n < 1 || n > PROCS_MAX)
		gor__say("gor: GOR_MAXPROCS='%s' is not a number from 1 to %d; using %u\n", text, PROCS_MAX,
		         c->procs);
	else
		c->procs = (unsigned)n;
}

static void config_traceback(struct config *c, const char *text)
{
	static const char *const words[] = {"none", "single", "all", "system", "crash"};

	for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(text, words[i]) == 0) {
			c->traceback = i;
			return;
		}
	gor__say("gor: GOR_TRACEBACK='%s' is none of none, single, all, system, crash\n", text);
}

static void config_read(void)
{
	struct config *c = &gor__config;
	const char *text;

	c->procs = config_cpus();
	c->stack_bytes = 256u << 10;
	c->threads = 10000;
	c->shrink_ns = 10 * GOR_SECOND;
	c->agent = true;
	c->traceback = TRACEBACK_SINGLE;
	c->quit = true;
	if ((text = secure_getenv("GOR_MAXPROCS")) && *text)
		config_procs(c, text);
	if ((text = secure_getenv("GOR_TRACEBACK")) && *text)
		config_traceback(c, text);
	if ((text = secure_getenv("GOR_DEBUG")) && *text)
		gtrace_settings_parse("GOR_DEBUG", text, debug_table, false, config_item, config_warn, c);
	gor__seed_settle();
	if (gor__seeded()) {
		c->procs = 1;
		c->shrink_ns = 0; // a claim sends a pick by way of g0, and comes by the clock
	}
	if (!c->slice_ns)
		c->slice_ns = gor__seeded() ? GOR_SECOND : 10 * GOR_MILLISECOND;
}

void gor__config_read(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, config_read);
}
