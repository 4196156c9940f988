/* SPDX-License-Identifier: MIT */
/** cpu.c: the page profile: samples of the CPU time of the next seconds, for `go tool pprof`. */
#define _GNU_SOURCE
#include <errno.h>
#include <gor.h>
#include <inttypes.h>
#include <search.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "inspect/http.h"
#include "inspect/profile.h"
#include "inspect/symbol.h"

#define CPU_SECONDS 30
#define CPU_SECONDS_MAX 86400
#define SAMPLE_NS 10000000 // at a hundred a second
#define FRAMES_MAX (MODULE_CPU_FRAMES * 2u)

/** Equal samples. */
struct stack {
	struct module_cpu sample;
	int64_t count;
};

/** What an address is, asked for once. */
struct spot {
	uint64_t pc;
	unsigned count;
	struct module_place place[MODULE_INLINED_MAX];
};

struct cpu {
	void *stacks, *spots; // by tsearch()
	struct pprof *out;
};

static int stack_compare(const void *a, const void *b)
{
	const struct module_cpu *x = a, *y = b;

	if (x->g != y->g)
		return x->g < y->g ? -1 : 1;
	uint32_t n = atomic_load(&x->frames), m = atomic_load(&y->frames);
	return n != m ? (n < m ? -1 : 1) : memcmp(x->pc, y->pc, n * sizeof *x->pc);
}

static int spot_compare(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	return (x->pc > y->pc) - (x->pc < y->pc);
}

static void cpu_row(void *arg, const struct module_cpu *sample)
{
	struct cpu *c = arg;

	if (!atomic_load_explicit(&sample->frames, memory_order_acquire))
		return;
	struct stack **at = tfind(sample, &c->stacks, stack_compare), *more;
	if (at) {
		(*at)->count++;
		return;
	}
	more = malloc(sizeof *more);
	if (!more)
		return;
	memcpy(&more->sample, sample, sizeof *sample);
	more->count = 1;
	if (!tsearch(more, &c->stacks, stack_compare))
		free(more);
}

static const struct spot *cpu_spot(struct cpu *c, uint64_t pc)
{
	struct spot key = {.pc = pc}, **at = tfind(&key, &c->spots, spot_compare), *more;

	if (at)
		return *at;
	more = malloc(sizeof *more);
	if (!more)
		return NULL;
	more->pc = pc;
	more->count = inspect_places(pc, more->place);
	if (tsearch(more, &c->spots, spot_compare))
		return more;
	free(more);
	return NULL;
}

/** The functions of one frame, the inlined ones first. */
static unsigned cpu_frames(struct cpu *c, uint64_t pc, struct frame *frame)
{
	const struct spot *spot = cpu_spot(c, pc);

	if (!spot || !spot->count) {
		*frame = (struct frame){.func = "?", .file = "", .pc = pc};
		return 1;
	}
	for (unsigned i = 0; i < spot->count; i++) {
		const struct module_place *p = &spot->place[i];
		frame[i] = (struct frame){.func = p->func ? p->func : "?",
		                          .file = p->file ? p->file : "",
		                          .line = p->line,
		                          .inlined = i + 1 < spot->count,
		                          .pc = pc,
		                          .offset = p->offset};
	}
	return spot->count;
}

static void cpu_stack(const void *node, VISIT which, void *arg)
{
	struct cpu *c = arg;
	const struct stack *s = *(const struct stack *const *)node;
	struct frame frame[FRAMES_MAX + MODULE_INLINED_MAX];
	char id[24];
	unsigned n = 0;

	if (which != postorder && which != leaf)
		return;
	uint32_t frames = atomic_load(&s->sample.frames);
	for (uint32_t i = 0; i < frames && n <= FRAMES_MAX; i++)
		n += cpu_frames(c, s->sample.pc[i], frame + n);
	snprintf(id, sizeof id, "%" PRIu64, s->sample.g);
	const struct module_label label[] = {{"goroutine", s->sample.g ? id : "scheduler"},
	                                     {"name", s->sample.name}};
	inspect_pprof_sample(c->out, &(struct module_sample){.count = s->count,
	                                                     .ns = s->count * SAMPLE_NS,
	                                                     .frame = frame,
	                                                     .frames = n,
	                                                     .labels = s->sample.name[0] ? 2 : 1,
	                                                     .label = label});
}

/** The profile of what was sampled. */
static int cpu_encode(struct cpu *c, char **bytes, size_t *len)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	c->out = inspect_pprof_begin(
		&(struct module_profile){.count = "samples",
	                             .count_unit = "count",
	                             .ns = "cpu",
	                             .shown = "cpu",
	                             .comment = "gor " GOR_VERSION,
	                             .time_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec});
	if (c->out)
		twalk_r(c->stacks, cpu_stack, c);
	tdestroy(c->stacks, free);
	tdestroy(c->spots, free);
	return c->out ? inspect_pprof_end(c->out, bytes, len) : -ENOMEM;
}

int cpu_collect(const struct module_host *host, bool (*wait)(const void *arg, int64_t ns),
                const void *arg, int64_t ns, int fd)
{
	struct cpu c = {0};
	char *bytes = NULL;
	size_t len = 0;
	int err = host->cpu_start();

	if (err)
		return err;
	bool wanted = wait(arg, ns);
	host->cpu_stop(cpu_row, &c);
	err = cpu_encode(&c, &bytes, &len);
	if (!err && !wanted)
		err = -EPIPE;
	for (size_t at = 0; !err && at < len;) {
		ssize_t n = write(fd, bytes + at, len - at);
		if (n < 0 && errno != EINTR)
			err = -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	free(bytes);
	return err;
}

static bool cpu_wait(const void *arg, int64_t ns)
{
	return request_wait(arg, ns);
}

enum MHD_Result page_cpu(const struct request *r)
{
	int64_t seconds = request_number(r, "seconds", CPU_SECONDS);

	seconds = seconds <= 0 ? CPU_SECONDS : seconds > CPU_SECONDS_MAX ? CPU_SECONDS_MAX : seconds;
	int fd = reply_temporary();
	int err =
		fd < 0 ? -errno : cpu_collect(r->host, cpu_wait, r, seconds * INT64_C(1000000000), fd);
	if (!err)
		return reply_file(r, fd, "profile");
	if (fd >= 0)
		close(fd);
	if (err == -EPIPE)
		return MHD_NO;
	return reply_error(r, MHD_HTTP_INTERNAL_SERVER_ERROR, "Could not enable CPU profiling: %s",
	                   err == -EBUSY ? "cpu profiling already in use, or SIGPROF is the program's"
	                                 : strerror(-err));
}
