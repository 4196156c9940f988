/* SPDX-License-Identifier: MIT */
/** options.c: what the GTRACE variable can say. */
#include <gtrace.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES_MIN (128u << 10) // two batches: one to fill, one to write

#define DEFAULT_PATH "%e.%p.gtrace"

static const struct gtrace_setting options_table[] = {
	{"out", "string", DEFAULT_PATH,
     "the file; %p pid, %e program, %t start time, %% a percent sign"},
	{"level", "sched|sync|all", "sync",
     "what to record: scheduling only, and synchronization, or all"},
	{"stacks", "int", "16", "frames of a call stack, 0 for none"},
	{"overflow", "block|drop", "block",
     "when the disk is behind: wait for it, or drop whole batches"},
	{"zstd", "int", "1", "compression level, 1 to 19"},
	{"buffer", "size", "256K", "a thread's share of the buffer"},
	{"rotate", "size", "0", "go on in a new file when this one has so many bytes, 256K at least"},
	{"keep", "int", "8", "files that rotate= leaves, the newest included, 1 to 10000"},
	{"ring", "size", "0", "flight recorder: keep the last so many bytes, 512K to 768M, for a dump"},
	{NULL, NULL, NULL, NULL},
};

struct options_ctx {
	struct gtrace_options *opt;
	void (*warn)(void *arg, const char *line);
	void *arg;
};

void gtrace_options_init(struct gtrace_options *opt)
{
	memset(opt, 0, sizeof(*opt));
	opt->level = GTRACE_LEVEL_SYNC;
	opt->stack_frames = 16;
	opt->zstd_level = 1;
	opt->buffer_bytes = 256u << 10;
	opt->keep = 8;
}

static long options_clamp(struct options_ctx *c, const char *key, const char *value, long low,
                          long high)
{
	char line[128];
	long v = strtol(value, NULL, 10);

	if (v >= low && v <= high)
		return v;
	snprintf(line, sizeof(line), "GTRACE: '%s' is from %ld to %ld", key, low, high);
	c->warn(c->arg, line);
	return v < low ? low : high;
}

static void options_path(struct options_ctx *c, const char *value)
{
	if (strlen(value) >= sizeof(c->opt->path))
		c->warn(c->arg, "GTRACE: the file's name is too long");
	else
		strcpy(c->opt->path, value);
}

static void options_ring(struct options_ctx *c, const char *value)
{
	uint64_t bytes = 0;

	if (gtrace_parse_size(value, &bytes) ||
	    (bytes && (bytes < GTRACE_RING_BYTES_MIN || bytes > GTRACE_RING_BYTES_MAX)))
		c->warn(c->arg, "GTRACE: 'ring' is from 512K to 768M");
	if (bytes && bytes < GTRACE_RING_BYTES_MIN)
		bytes = GTRACE_RING_BYTES_MIN;
	c->opt->ring_bytes = bytes < GTRACE_RING_BYTES_MAX ? bytes : GTRACE_RING_BYTES_MAX;
}

static void options_rotate(struct options_ctx *c, const char *value)
{
	uint64_t bytes = 0;

	gtrace_parse_size(value, &bytes);
	if (bytes && bytes < GTRACE_ROTATE_BYTES_MIN) {
		c->warn(c->arg, "GTRACE: 'rotate' is 256K at least");
		bytes = GTRACE_ROTATE_BYTES_MIN;
	}
	c->opt->rotate_bytes = bytes;
}

static void options_warn(void *arg, const char *line)
{
	struct options_ctx *c = arg;

	c->warn(c->arg, line);
}

static void options_item(void *arg, const char *key, const char *value)
{
	struct options_ctx *c = arg;
	struct gtrace_options *opt = c->opt;

	if (!*key)
		options_path(c, strcmp(value, "1") ? value : DEFAULT_PATH);
	else if (!strcmp(key, "out"))
		options_path(c, value);
	else if (!strcmp(key, "level"))
		opt->level = value[1] == 'c'   ? GTRACE_LEVEL_SCHED
		             : value[0] == 'a' ? GTRACE_LEVEL_ALL
		                               : GTRACE_LEVEL_SYNC;
	else if (!strcmp(key, "stacks"))
		opt->stack_frames = (unsigned)options_clamp(c, key, value, 0, 128);
	else if (!strcmp(key, "overflow"))
		opt->drop = value[0] == 'd';
	else if (!strcmp(key, "zstd"))
		opt->zstd_level = (int)options_clamp(c, key, value, 0, 19);
	else if (!strcmp(key, "buffer") && !gtrace_parse_size(value, &opt->buffer_bytes) &&
	         opt->buffer_bytes < BUFFER_BYTES_MIN)
		opt->buffer_bytes = BUFFER_BYTES_MIN;
	else if (!strcmp(key, "ring"))
		options_ring(c, value);
	else if (!strcmp(key, "rotate"))
		options_rotate(c, value);
	else if (!strcmp(key, "keep"))
		opt->keep = (unsigned)options_clamp(c, key, value, 1, GTRACE_KEEP_MAX);
}

int gtrace_options_parse(struct gtrace_options *opt, const char *value,
                         void (*warn)(void *arg, const char *line), void *arg)
{
	struct options_ctx c = {opt, warn, arg};

	if (gtrace_settings_parse("GTRACE", value, options_table, true, options_item, options_warn,
	                          &c) == 1)
		return 1;
	if (!*value || !strcmp(value, "0")) {
		warn(arg, "GTRACE: no file to write: say GTRACE=1, GTRACE=FILE or GTRACE=out=FILE");
		return -EINVAL;
	}
	if (opt->ring_bytes && opt->rotate_bytes) {
		warn(arg, "GTRACE: 'ring' has no files to rotate: 'rotate' is left out");
		opt->rotate_bytes = 0;
	}
	if (!*opt->path)
		strcpy(opt->path, DEFAULT_PATH);
	return 0;
}
