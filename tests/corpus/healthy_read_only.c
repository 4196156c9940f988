/* SPDX-License-Identifier: MIT */
/*
 * healthy_read_only.c: the only address of a channel is in memory that was made read-only, when
 * main returns.
 *
 * expect: clean
 */
#include "corpus.h"
#include <sys/mman.h>

static struct config {
	ints reload;
} * config;

static void follow(ints *reload)
{
	gor_recv(*reload, NULL);
}

static void reload_hourly(void *arg)
{
	struct config **c = arg;

	gor_sleep(GOR_HOUR);
	gor_send((*c)->reload, 1);
}

static void configure(void *arg)
{
	(void)arg;
	config = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	gor_make(config->reload, 0);
	gor_go_copy(follow, config->reload);
	mprotect(config, 4096, PROT_READ);
}

static int app(void)
{
	gor_go(configure, NULL);
	gor_go(reload_hourly, &config);
	gor_sleep(5 * GOR_MILLISECOND);
	return 0;
}
