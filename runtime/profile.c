/* SPDX-License-Identifier: MIT */
/** profile.c: what gor_profile_write() writes, by name. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aside.h"
#include "counts.h"
#include "dump.h"
#include "module.h"
#include "out.h"
#include "profile.h"
#include "reach.h"
#include "tally.h"

#define DEBUG_MOST 3

struct pprof *gor__profile_begin(const struct module *module, const char *count, const char *ns,
                                 const char *shown, unsigned procs)
{
	char comment[128];
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	snprintf(comment, sizeof comment, "libgor " GOR_VERSION ", GOR_MAXPROCS %u", procs);
	return module->pprof_begin(
		&(struct module_profile){.count = count,
	                             .count_unit = "count",
	                             .ns = ns,
	                             .shown = shown,
	                             .comment = comment,
	                             .time_ns = (int64_t)wall.tv_sec * GOR_SECOND + wall.tv_nsec});
}

int gor__profile_end(const struct module *module, struct pprof *p, struct out *out)
{
	char *bytes;
	size_t len;
	int err = module->pprof_end(p, &bytes, &len);

	if (err)
		return err;
	gor__out_put(out, bytes, len);
	free(bytes);
	return gor__out_flush(out);
}

struct call;

struct profile {
	const char *name;
	int (*write)(const struct call *call);
};

struct call {
	const struct profile *profile;
	struct sched *sched;
	struct snapshot_caller caller;
	int fd, debug;
	bool each; // of debug 0: a sample for each goroutine
	int err;
};

/** The rows of s, all of them. */
static int profile_rows(struct snapshot *s, const struct call *call)
{
	struct out out = {.fd = call->fd};
	int debug = call->debug;
	const struct module *module = gor__module();
	struct counts counts;

	if (debug >= 2) {
		gor__dump_rows(&out, s, module, debug);
		return gor__out_flush(&out);
	}
	if (debug == 0 && !module)
		return -ENOSYS;
	int err = gor__counts(&counts, s,
	                      debug        ? COUNTS_BY_STACK
	                      : call->each ? COUNTS_BY_ID
	                                   : COUNTS_BY_LOOKS);
	if (err)
		return err;
	if (debug == 0) {
		err = gor__counts_pprof(&out, &counts, s, module);
	} else {
		gor__counts_write(&out, call->profile->name, &counts, s, module);
		err = gor__out_flush(&out);
	}
	gor__counts_free(&counts);
	return err;
}

static int profile_goroutines(const struct call *call, bool leaked)
{
	unsigned holders = call->debug == 3 ? SNAPSHOT_HOLDERS : 0;
	struct snapshot s;
	size_t kept = 0;
	int err =
		gor__snapshot(&s, call->sched, SNAPSHOT_STACKS | SNAPSHOT_RUNNING | holders, &call->caller);

	if (err)
		return err;
	for (size_t i = 0; i < s.count; i++)
		if (!leaked || s.rows[s.index[i].row].leaked)
			s.index[kept++] = s.index[i];
	s.count = kept;
	err = profile_rows(&s, call);
	gor__snapshot_free(&s);
	return err;
}

static int profile_goroutine(const struct call *call)
{
	return profile_goroutines(call, false);
}

struct search_call {
	struct sched *sched;
	int err;
};

static void profile_search(void *arg)
{
	struct search_call *search = arg;

	search->err = gor__reach_leaked(search->sched);
}

static int profile_goroutineleak(const struct call *call)
{
	struct search_call search = {.sched = call->sched};

	// before anything else of ours has copies of addresses
	if (!gor__aside_thread(profile_search, &search))
		return -EAGAIN;
	return search.err ? search.err : profile_goroutines(call, true);
}

static int profile_tally(const struct call *call, enum tally_kind kind)
{
	struct out out = {.fd = call->fd};

	return gor__tally_write(kind, &out, call->debug, call->sched->procs);
}

static int profile_threadcreate(const struct call *call)
{
	return profile_tally(call, TALLY_THREADS);
}

static int profile_block(const struct call *call)
{
	return profile_tally(call, TALLY_BLOCK);
}

static int profile_mutex(const struct call *call)
{
	return profile_tally(call, TALLY_MUTEX);
}

static const struct profile profiles[] = {
	{"goroutine", profile_goroutine},
	{"goroutineleak", profile_goroutineleak},
	{"threadcreate", profile_threadcreate},
	{"block", profile_block},
	{"mutex", profile_mutex},
};

static void profile_call(void *arg)
{
	struct call *call = arg;

	call->err = call->profile->write(call);
}

/** frame: the one whose caller is the first that is shown of the calling goroutine. */
static int profile_write(const char *name, struct call call, const void *frame)
{
	const struct m *m = gor__here();

	call.sched = gor__sched_now();
	call.caller = (struct snapshot_caller){m ? m->cur : NULL, frame};
	if (call.debug < 0 || call.debug > DEBUG_MOST)
		return -EINVAL;
	for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
		if (strcmp(profiles[i].name, name) == 0)
			call.profile = &profiles[i];
	if (!call.profile)
		return -ENOENT;
	if (!call.sched || atomic_load(&call.sched->stopped))
		return -ECANCELED;
	gor__aside(profile_call, &call);
	return call.err;
}

int gor_profile_write(const char *name, int fd, int debug)
{
	return profile_write(name, (struct call){.fd = fd, .debug = debug}, __builtin_frame_address(0));
}

int gor__profile_each(const char *name, int fd)
{
	return profile_write(name, (struct call){.fd = fd, .each = true}, __builtin_frame_address(0));
}
