/* SPDX-License-Identifier: MIT */
/** profile.c: what gor_profile_write() writes, by name. */
#include <errno.h>
#include <string.h>

#include "dump.h"
#include "module.h"
#include "scheduler.h"

#define DEBUG_MOST 3

static int profile_goroutine(int fd, int debug)
{
	if (debug == 0)
		return -ENOSYS;
	return gor__dump_write(fd);
}

static const struct {
	const char *name;
	int (*write)(int fd, int debug);
} profiles[] = {
	{"goroutine", profile_goroutine},
};

int gor_profile_write(const char *name, int fd, int debug)
{
	const struct sched *s = gor__sched_now();

	if (debug < 0 || debug > DEBUG_MOST)
		return -EINVAL;
	for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
		if (strcmp(profiles[i].name, name) == 0)
			return s && !atomic_load(&s->stopped) ? profiles[i].write(fd, debug) : -ECANCELED;
	return -ENOENT;
}
