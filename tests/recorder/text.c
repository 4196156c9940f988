/* SPDX-License-Identifier: MIT */
/** text.c: text to trace and back. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** All of an events list as text. */
static char *join(const struct events *e, const char *tail)
{
	size_t len = strlen(tail) + 1;

	for (size_t i = 0; i < e->count; i++)
		len += strlen(e->line[i]) + 1;
	char *text = malloc(len);
	char *p = text;

	for (size_t i = 0; i < e->count; i++)
		p += sprintf(p, "%s\n", e->line[i]);
	strcpy(p, tail);
	return text;
}

/** Every event, every kind of argument, once with numbers from a seed. */
static void every_event(void **state)
{
	static char text[65536];
	const char *path = temp_path("every.gtrace");
	uint64_t seed = 7;
	size_t len = 0;

	(void)state;
	for (unsigned id = 1; id < GTRACE_GAP; id++) {
		const struct gtrace_event_desc *d = gtrace_event_desc(id);

		if (!d || id == GTRACE_SITE || id == GTRACE_STACK_DEF || id == GTRACE_STACK)
			continue;
		len += (size_t)sprintf(text + len, "%u t1 %s", id * 10, d->name);
		for (int i = 0; i < d->nargs; i++) {
			unsigned v = (unsigned)(random_next(&seed) % 90) + 1;
			const char *kind = d->kind[i];

			if (!strcmp(kind, "bytes"))
				len += (size_t)sprintf(text + len, " %s='a b\\'\\\\\\n\\x01\xc3\xa9 %u'", d->arg[i],
				                       v);
			else if (!strcmp(kind, "site"))
				len += (size_t)sprintf(text + len, " %s=f%u.c:%u:'o k':'chan send':'x:y'",
				                       d->arg[i], v, v);
			else if (!strcmp(kind, "z"))
				len += (size_t)sprintf(text + len, " %s=-%u", d->arg[i], v);
			else
				len += (size_t)sprintf(text + len, " %s=%u", d->arg[i], v);
		}
		text[len++] = '\n';
	}
	strcpy(text + len, "9000 t1 STACK pcs=0x10,0xffffffffffffffff,1\n");
	assemble(path, text);
	struct events first = events_read(path);
	char *again = join(&first, "end signal 9\n");

	assert_non_null(strstr(again, "STACK pcs=0x10,0xffffffffffffffff,0x1"));
	assert_non_null(strstr(again, "delta=-"));
	assert_non_null(strstr(again, "'chan send':'x:y'"));
	path = temp_path("again.gtrace");
	assemble(path, again);
	struct events second = events_read(path);

	assert_int_equal(first.count, second.count);
	for (size_t i = 0; i < first.count; i++)
		assert_string_equal(first.line[i], second.line[i]);
	assert_int_equal(first.info.end, GTRACE_END_CUT);
	assert_int_equal(second.info.end, GTRACE_END_SIGNAL);
	assert_int_equal(second.info.end_code, 9);
	free(again);
	events_free(&first);
	events_free(&second);
}

static void counts_are_filled_in(void **state)
{
	static const char *const want[] = {
		"0 t1 THREAD_START kind=worker tid=1",
		"0 t1 GO_NEW g=1 site=m.c:1:main:go:app",
		"10 t1 GO_START g=1 seq=1",
		"20 t1 g1 GO_NEW g=2",
		"30 t1 g1 GO_PARK reason='chan receive' obj=5",
		"30 t1 GO_START g=2 seq=1",
		"40 t1 g2 GO_WAKE g=1 seq=0 obj=5",
		"50 t2 THREAD_START kind=worker tid=2",
		"50 t2 GO_START g=1 seq=3",
		"60 t2 g1 GO_YIELD",
		"70 t2 GO_START g=1 seq=0",
		"80 t2 g1 GO_END",
	};
	const char *path = temp_path("counts.gtrace");

	(void)state;
	assemble(path, "# threads in any order\n"
	               "header program='./a b' maxprocs=2\n\n"
	               "50 t2 GO_START g=1\n"
	               "60 t2 GO_YIELD\n"
	               "70 t2 GO_START g=g1\n"
	               "80 t2 GO_END\n"
	               "0 t1 GO_NEW g=1 site=m.c:1:main:go:app entry=0\n"
	               "10 t1 GO_START g=1\n"
	               "20 t1 GO_NEW g=2\n"
	               "30 t1 GO_SWITCH reason='chan receive' obj=5 g=2\n"
	               "40 t1 GO_WAKE g=1 obj=5\n"
	               "end deadlock 2 at=1us\n");
	struct events e = events_read(path);

	assert_int_equal(e.count, sizeof(want) / sizeof(*want));
	for (size_t i = 0; i < e.count; i++)
		assert_string_equal(e.line[i], want[i]);
	assert_int_equal(e.info.end, GTRACE_END_DEADLOCK);
	assert_int_equal(e.info.end_code, 2);
	assert_int_equal(e.info.duration_ns, 1000);
	events_free(&e);

	struct gtrace_reader *r;
	struct gtrace_error err;

	assert_int_equal(gtrace_reader_open(&r, path, &err), 0);
	assert_string_equal(gtrace_reader_header(r, "program"), "./a b");
	assert_string_equal(gtrace_reader_header(r, "maxprocs"), "2");
	assert_null(gtrace_reader_header(r, "max"));
	gtrace_reader_close(r);
}

static void gaps(void **state)
{
	const char *path = temp_path("gaps.gtrace");

	(void)state;
	assemble(path, "0 t1 GO_NEW g=1\n"
	               "5 t1 GO_START g=1\n"
	               "7 t1 GAP batches=2 events=40\n"
	               "9 t1 g3 GO_PARK reason=sleep\n"
	               "11 t1 GAP\n"
	               "end exit 0\n");
	struct events e = events_read(path);

	assert_int_equal(e.info.lost_batches, 3);
	assert_int_equal(e.info.lost_events, 40);
	assert_int_equal(events_count(&e, GTRACE_GAP), 2);
	assert_string_equal(e.line[3], "5 t1 g1 GAP thread=1 batches=2 events=40");
	assert_string_equal(e.line[4], "9 t1 g3 GO_PARK reason=sleep");
	events_free(&e);
}

static void middle(void **state)
{
	const char *path = temp_path("middle.gtrace");

	(void)state;
	assemble(path, "begin 1s\n"
	               "1000000100 t1 SNAP_BEGIN snap=periodic count=1\n"
	               "1000000100 t1 GO_STATUS g=4 state=waiting\n"
	               "1000000100 t1 SNAP_END\n"
	               "end rotated\n");
	struct events e = events_read(path);

	assert_int_equal(e.info.begin_ns, 1000000000);
	assert_int_equal(e.info.end, GTRACE_END_ROTATED);
	assert_string_equal(e.line[2], "100 t1 GO_STATUS g=4 state=waiting");
	events_free(&e);
}

static void errors(void **state)
{
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
		{"0 t1 GO_FOO", "line 1: unknown event 'GO_FOO'"},
		{"0 t1 THREAD_END\n\n5 GO_END", "line 3: a thread, t1 or so, must follow the time"},
		{"x t1 GO_END", "line 1: bad time 'x'"},
		{"-5 t1 GO_END", "line 1: bad time '-5'"},
		{"0 t0 GO_END", "line 1: a thread, t1 or so, must follow the time"},
		{"0 t1", "line 1: no event"},
		{"0 t1 GO_NEW h=1", "line 1: the event has no such argument 'h'"},
		{"0 t1 GO_NEW g=x", "line 1: bad value 'x'"},
		{"0 t1 GO_NEW g", "line 1: not of the form key=value 'g'"},
		{"0 t1 GO_PARK reason=bored", "line 1: bad value 'bored'"},
		{"0 t1 GO_PARK site=a:b", "line 1: bad line number in site 'a:b'"},
		{"0 t1 GO_PARK site=a:1:f:jump", "line 1: unknown operation in site 'a:1:f:jump'"},
		{"0 t1 SITE site=3", "line 1: tables make themselves, leave out 'SITE'"},
		{"end badly", "line 1: unknown kind of end 'badly'"},
		{"end", "line 1: end of what kind?"},
		{"begin", "line 1: begin at what time?"},
		{"begin soon", "line 1: begin at what time?"},
		{"begin 1s 2s", "line 1: more than a time '2s'"},
		{"header x", "line 1: not of the form key=value 'x'"},
	};
	struct gtrace_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(gtrace_text_assemble(rows[i].text, strlen(rows[i].text),
		                                      temp_path("bad.gtrace"), &err),
		                 -EINVAL);
		assert_string_equal(err.text, rows[i].want);
	}
	assert_int_equal(gtrace_text_assemble("", 0, "/nonexistent/x", &err), -ENOENT);
	assert_string_equal(err.text, "cannot create '/nonexistent/x': No such file or directory");
}

/** More than one batch, and an argument longer than a trace takes. */
static void long_texts(void **state)
{
	const char *path = temp_path("long.gtrace");
	char *text = malloc(16 << 20);
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 3000; i++)
		len += (size_t)sprintf(text + len, "%d t1 MARK category=c text=%0*d\n", i, i * 2, i);
	assemble(path, text);
	struct events e = events_read(path);

	assert_int_equal(e.count, 3001);
	assert_true(e.info.batches > 50);
	assert_int_equal(e.event[1000].arg[1], 999 * 2);
	assert_int_equal(e.event[3000].arg[1], 4096);
	events_free(&e);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event), cmocka_unit_test(counts_are_filled_in),
		cmocka_unit_test(gaps),        cmocka_unit_test(middle),
		cmocka_unit_test(errors),      cmocka_unit_test(long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
