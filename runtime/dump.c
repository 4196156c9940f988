/* SPDX-License-Identifier: MIT */
/**
 * dump.c: goroutines in the form of Go's tracebacks, which its tools read.
 *
 *	goroutine 7 [chan receive, 2 minutes, locked to thread]:
 *	reader(...)
 *		/src/server.c:57 +0x25
 *	created by main in goroutine 1
 *		/src/server.c:31
 *
 * Nothing may stand in the brackets that Go would not print there, each function has parentheses,
 * and a file that is not known is ??:0; some readers lose the goroutine, or all that follow, over
 * anything else.  debug 3 is for people and keeps to none of it within the header and below.
 */
#define _GNU_SOURCE
#include "dump.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "apart.h"
#include "frames.h"
#include "objects.h"
#include "out.h"

const char *gor__dump_status(const struct snapshot_row *row)
{
	switch ((enum snapshot_state)row->state) {
	case SNAPSHOT_WAITS:
		return gtrace_name("reason", row->reason);
	case SNAPSHOT_RUNNABLE:
		return "runnable";
	case SNAPSHOT_IN_CALL:
		return "syscall";
	default:
		return "running";
	}
}

static void dump_header(struct out *out, const struct snapshot *s, const struct snapshot_row *row,
                        int debug)
{
	int64_t waited = row->state == SNAPSHOT_WAITS ? s->now_ns - row->wait_ns : 0;
	char age[48] = "";

	if (debug >= 3 && row->state == SNAPSHOT_WAITS)
		snprintf(age, sizeof age, ", %.1f seconds", (double)(waited > 0 ? waited : 0) / 1e9);
	else if (waited >= GOR_MINUTE)
		snprintf(age, sizeof age, ", %lld minutes", (long long)(waited / GOR_MINUTE));
	gor__out_say(out, "goroutine %llu [%s%s%s%s]", (unsigned long long)row->id,
	             gor__dump_status(row), row->leaked ? " (leaked)" : "", age,
	             row->pinned ? ", locked to thread" : "");
	if (debug >= 3 && row->name[0])
		gor__out_say(out, " \"%s\"", row->name);
	gor__out_say(out, ":\n");
}

static void dump_frame(struct out *out, const struct frame *f, bool calls, bool all)
{
	gor__out_say(out, "%s(...)\n\t%s:%d", f->func, f->file, f->line);
	if (!f->inlined) // of the return address, which Go prints
		gor__out_say(out, " +0x%llx", (unsigned long long)f->offset + calls);
	if (all && f->pc)
		gor__out_say(out, " pc=0x%llx", (unsigned long long)f->pc);
	gor__out_say(out, "\n");
}

/** Its own function: it takes more of the stack than a dying goroutine may have. */
__attribute__((noinline)) static void dump_frames(struct out *out, const struct snapshot *s,
                                                  const struct snapshot_row *row,
                                                  const struct module *module)
{
	bool all = gor__config.traceback >= TRACEBACK_SYSTEM;
	struct frame frame[FRAMES_SHOWN];
	unsigned n = gor__frames_shown(s, row, module, all, frame);

	for (unsigned i = 0; i < n; i++)
		dump_frame(out, &frame[i], row->frames > 0, all);
	if (row->frames == SNAPSHOT_FRAMES || n + MODULE_INLINED_MAX >= FRAMES_SHOWN)
		gor__out_say(out, "...additional frames elided...\n");
}

static void dump_site(struct out *out, const struct snapshot *s, const struct snapshot_row *row)
{
	struct frame frame;

	gor__frames_shown(s, row, NULL, false, &frame);
	dump_frame(out, &frame, false, false);
}

/** Of a call site, as frames have it: absolute, if that is to be had. */
static const char *dump_source(const struct gor_site *site, const struct module *module)
{
	return module && *site->file != '/' ? module->source(site, site->file) : site->file;
}

static void dump_row(struct out *out, const struct snapshot *s, const struct snapshot_row *row,
                     const struct module *module, const struct objects *objects)
{
	dump_header(out, s, row, objects ? 3 : 2);
	if (objects)
		gor__objects_of(out, objects, row);
	if (module)
		dump_frames(out, s, row, module);
	else
		dump_site(out, s, row);
	if (row->parent)
		gor__out_say(out, "created by %s in goroutine %llu\n\t%s:%u\n", row->born->func,
		             (unsigned long long)row->parent, dump_source(row->born, module),
		             row->born->line);
	gor__out_say(out, "\n");
}

void gor__dump_rows(struct out *out, struct snapshot *s, const struct module *module, int debug)
{
	struct objects objects;

	if (debug >= 3)
		gor__objects(&objects, s);
	for (size_t i = 0; i < s->count && !out->err; i++)
		dump_row(out, s, &s->rows[s->index[i].row], module, debug >= 3 ? &objects : NULL);
	if (debug >= 3) {
		gor__objects_write(out, &objects);
		gor__objects_free(&objects);
	}
}

struct dump {
	struct snapshot_caller caller;
	bool all;
	int fd;
};

/** On a stack that may be small.  module NULL: call sites. */
static bool dump_now(const struct dump *d, const struct module *module)
{
	struct out out = {.fd = d->fd};
	struct snapshot s;
	unsigned what = (module ? SNAPSHOT_STACKS : 0) | (d->all ? 0 : SNAPSHOT_OWN);

	if (gor__snapshot(&s, gor__sched_now(), what, &d->caller) != 0)
		return false;
	gor__dump_rows(&out, &s, module, 2);
	gor__snapshot_free(&s);
	return gor__out_flush(&out) == 0;
}

/** In a copy of the process. */
static bool dump_whole(void *arg)
{
	const struct dump *d = arg;

	if (ftruncate(d->fd, 0) != 0 || lseek(d->fd, 0, SEEK_SET) != 0) // a copy before this one's
		return false;
	if (gor__config.traceback < TRACEBACK_SYSTEM) // who did not ask need not know why not
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
	const struct module *module = gor__module();
	return module && dump_now(d, module);
}

/** What the copy has written. */
static void dump_copy(int fd)
{
	struct out out = {.fd = STDERR_FILENO};
	char bytes[1024];
	ssize_t n;

	for (off_t at = 0; (n = pread(fd, bytes, sizeof bytes, at)) > 0; at += n)
		gor__out_put(&out, bytes, (size_t)n);
	gor__out_flush(&out);
}

/**
 * Dump the caller's goroutine, or all of this run, on stderr: the caller's first, then by id.  The
 * program is about to end, and may be in any state: if whole stacks cannot be had, call sites.
 */
void gor__dump(bool all, int64_t ns_max)
{
	const struct m *m = gor__here();
	struct dump d = {.caller = {m ? m->cur : NULL, __builtin_frame_address(0)},
	                 .all = all,
	                 .fd = memfd_create("gor-dump", MFD_CLOEXEC)};

	if (gor__sched_now() && d.fd >= 0 && gor__apart(dump_whole, &d, ns_max)) {
		dump_copy(d.fd);
	} else if (gor__sched_now()) {
		struct dump sites = d;
		sites.fd = STDERR_FILENO;
		dump_now(&sites, NULL);
	}
	if (d.fd >= 0)
		close(d.fd);
}
