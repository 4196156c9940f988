/* SPDX-License-Identifier: MIT */
/** profile.c: what gor_profile_write() writes, by name. */
#include <errno.h>
#include <string.h>

#include "aside.h"
#include "counts.h"
#include "dump.h"
#include "module.h"
#include "out.h"

#define DEBUG_MOST 3

/** The rows of s, all of them. */
static int profile_rows(struct snapshot *s, const char *name, int fd, int debug)
{
	struct out out = {.fd = fd};
	const struct module *module = gor__module();
	struct counts counts;

	if (debug >= 2) {
		gor__dump_rows(&out, s, module, debug);
		return gor__out_flush(&out);
	}
	if (debug == 0 && !module)
		return -ENOSYS;
	int err = gor__counts(&counts, s, debug == 0);
	if (err)
		return err;
	if (debug == 0) {
		err = gor__counts_pprof(&out, &counts, s, module);
	} else {
		gor__counts_write(&out, name, &counts, s, module);
		err = gor__out_flush(&out);
	}
	gor__counts_free(&counts);
	return err;
}

struct call {
	const struct profile *profile;
	struct sched *sched;
	struct snapshot_caller caller;
	int fd, debug;
	int err;
};

static int profile_goroutine(const struct call *call)
{
	unsigned holders = call->debug == 3 ? SNAPSHOT_HOLDERS : 0;
	struct snapshot s;
	int err =
		gor__snapshot(&s, call->sched, SNAPSHOT_STACKS | SNAPSHOT_RUNNING | holders, &call->caller);

	if (err)
		return err;
	err = profile_rows(&s, "goroutine", call->fd, call->debug);
	gor__snapshot_free(&s);
	return err;
}

static const struct profile {
	const char *name;
	int (*write)(const struct call *call);
} profiles[] = {
	{"goroutine", profile_goroutine},
};

static void profile_call(void *arg)
{
	struct call *call = arg;

	call->err = call->profile->write(call);
}

int gor_profile_write(const char *name, int fd, int debug)
{
	const struct m *m = gor__here();
	struct call call = {.sched = gor__sched_now(),
	                    .caller = {m ? m->cur : NULL, __builtin_frame_address(0)},
	                    .fd = fd,
	                    .debug = debug};

	if (debug < 0 || debug > DEBUG_MOST)
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
