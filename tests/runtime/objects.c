/* SPDX-License-Identifier: MIT */
/** objects.c: see objects.h. */
#include "objects.h"

#include "check.h"
#include <gtrace.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct object {
	char name[64];
	uint64_t id;
	int64_t where;
	char what[64];
};

static struct object objects[64];
static int count;

static void objects_read(const char *trace)
{
	struct gtrace_error err;
	struct gtrace_reader *r;
	struct gtrace_event ev;

	count = 0;
	if (gtrace_reader_open(&r, trace, &err) < 0)
		fail_msg("%s", err.text);
	while (gtrace_reader_next(r, &ev, &err) == 1) {
		if (ev.id == GTRACE_OBJ_NEW && count < (int)(sizeof objects / sizeof *objects)) {
			const struct gtrace_site_info *site = gtrace_reader_site(r, ev.arg[2]);
			objects[count] = (struct object){.id = ev.arg[0], .where = UNTOLD};
			snprintf(objects[count++].name, sizeof objects->name, "%s", site->text);
		}
		for (int i = 0; ev.id == GTRACE_REACH && i < count; i++) {
			if (objects[i].id != ev.arg[0])
				continue;
			objects[i].where = (int64_t)ev.arg[1];
			snprintf(objects[i].what, sizeof objects->what, "%.*s", (int)ev.arg[2], ev.bytes[2]);
		}
	}
	gtrace_reader_close(r);
}

void objects_record(void (*app)(void), int procs)
{
	char trace[] = "objects.XXXXXX", options[64];
	int fd = mkstemp(trace);

	assert_true(fd >= 0);
	close(fd);
	unlink(trace); // a recording never overwrites
	snprintf(options, sizeof options, "out=%s", trace);
	assert_int_equal(gor_trace_start(options), 0);
	check_run(app, procs);
	gor_trace_stop();
	objects_read(trace);
	unlink(trace);
}

void objects_expect(const char *name, int64_t where, const char *what)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(objects[i].name, name) != 0)
			continue;
		print_message("%s: %lld %s\n", name, (long long)objects[i].where, objects[i].what);
		assert_int_equal(objects[i].where, where);
		assert_int_equal(strncmp(objects[i].what, what, strlen(what)), 0);
		return;
	}
	fail_msg("no object '%s'", name);
}
