/* SPDX-License-Identifier: MIT */
/** profile.c: what gor_profile_write() writes, by name. */
#include <errno.h>
#include <string.h>

#include "counts.h"
#include "dump.h"
#include "module.h"
#include "out.h"

#define DEBUG_MOST 3

static int profile_text(struct snapshot *s, const char *name, int fd, int debug)
{
	struct out out = {.fd = fd};
	const struct module *module = gor__module();
	struct counts counts;

	if (debug >= 2) {
		gor__dump_rows(&out, s, module, debug);
		return gor__out_flush(&out);
	}
	int err = gor__counts(&counts, s, false);
	if (err)
		return err;
	gor__counts_write(&out, name, &counts, s, module);
	gor__counts_free(&counts);
	return gor__out_flush(&out);
}

static int profile_goroutine(struct sched *sched, int fd, int debug, const void *own)
{
	unsigned holders = debug == 3 ? SNAPSHOT_HOLDERS : 0;
	struct snapshot s;

	if (debug == 0)
		return -ENOSYS;
	int err = gor__snapshot(&s, sched, SNAPSHOT_STACKS | SNAPSHOT_RUNNING | holders, own);
	if (err)
		return err;
	err = profile_text(&s, "goroutine", fd, debug);
	gor__snapshot_free(&s);
	return err;
}

static const struct {
	const char *name;
	int (*write)(struct sched *sched, int fd, int debug, const void *own);
} profiles[] = {
	{"goroutine", profile_goroutine},
};

int gor_profile_write(const char *name, int fd, int debug)
{
	struct sched *s = gor__sched_now();

	if (debug < 0 || debug > DEBUG_MOST)
		return -EINVAL;
	for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
		if (strcmp(profiles[i].name, name) == 0)
			return s && !atomic_load(&s->stopped)
			           ? profiles[i].write(s, fd, debug, __builtin_frame_address(0))
			           : -ECANCELED;
	return -ENOENT;
}
