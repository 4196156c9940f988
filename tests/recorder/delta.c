/* SPDX-License-Identifier: MIT */
/** delta.c: what has changed between two profiles, and in which direction. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <cmocka.h>

#include "delta.h"
#include "pprof.h"
#include "pprof.pb-c.h"

/** One of a profile's samples: so many goroutines in a function, called from main. */
struct row {
	int64_t count;
	uint64_t address;
	const char *func, *name; // name: its label
};

static struct pprof_bytes profile(int64_t time_ns, const struct row *rows, size_t count)
{
	const struct pprof_run run = {.kind = {{"goroutine", "count"}},
	                              .shown = "goroutine",
	                              .time_ns = time_ns};
	struct pprof *p = pprof_new(&run);
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);

	assert_true(p && out);
	for (size_t i = 0; i < count; i++) {
		pprof_sample(p, rows[i].count, 0);
		pprof_frame(p, rows[i].address, &(struct pprof_line){rows[i].func, "a.c", 7}, 1);
		pprof_frame(p, 0x1000, &(struct pprof_line){"main", "a.c", 1}, 1);
		pprof_label(p, "name", rows[i].name);
	}
	assert_int_equal(pprof_finish(p, out), 0);
	assert_int_equal(fclose(out), 0);
	pprof_free(p);
	return (struct pprof_bytes){(uint8_t *)bytes, len};
}

static Pprof__Profile *unpacked(const char *bytes, size_t len)
{
	static uint8_t plain[1 << 16];
	z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes,
	              .avail_in = (uInt)len,
	              .next_out = plain,
	              .avail_out = sizeof plain};

	assert_int_equal(inflateInit2(&z, 16 + MAX_WBITS), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	inflateEnd(&z);
	return pprof__profile__unpack(NULL, sizeof plain - z.avail_out, plain);
}

/** "3 grew < main  new", one line a sample. */
static void sample_text(const Pprof__Profile *p, const Pprof__Sample *s, char *out, size_t cap)
{
	int n = snprintf(out, cap, "%" PRId64, s->value[0]);

	for (size_t i = 0; i < s->n_location; i++) {
		const Pprof__Location *l = p->location[s->location[i] - 1];
		assert_int_equal(l->id, s->location[i]);
		const Pprof__Function *f = p->function[l->line[0]->function - 1];
		assert_int_equal(f->id, l->line[0]->function);
		n += snprintf(out + n, cap - (size_t)n, " %s", p->text[f->name]);
	}
	for (size_t i = 0; i < s->n_label; i++)
		n += snprintf(out + n, cap - (size_t)n, " %s=%s", p->text[s->label[i]->key],
		              p->text[s->label[i]->text]);
}

static void expect(const Pprof__Profile *p, const char *want)
{
	char text[200];

	for (size_t i = 0; i < p->n_sample; i++) {
		sample_text(p, p->sample[i], text, sizeof text);
		if (strcmp(text, want) == 0)
			return;
	}
	for (size_t i = 0; i < p->n_sample; i++) {
		sample_text(p, p->sample[i], text, sizeof text);
		print_message("%s\n", text);
	}
	fail_msg("no sample '%s'", want);
}

/** What came counts above 0, what went below; what stayed is not there. */
static void signs(void **state)
{
	static const struct row before[] = {
		{2, 0x2000, "stays", ""}, {2, 0x2100, "grows", ""},    {4, 0x2200, "shrinks", ""},
		{3, 0x2300, "goes", ""},  {1, 0x2400, "named", "old"},
	};
	static const struct row after[] = {
		{7, 0x2500, "comes", ""},   {1, 0x2400, "named", "new"}, {5, 0x2100, "grows", ""},
		{1, 0x2200, "shrinks", ""}, {2, 0x2000, "stays", ""},
	};
	struct pprof_bytes a = profile(1000, before, 5), b = profile(5000, after, 5);
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);

	(void)state;
	assert_non_null(out);
	assert_int_equal(pprof_delta(a, b, 4000, out), 0);
	assert_int_equal(fclose(out), 0);
	Pprof__Profile *p = unpacked(bytes, len);

	assert_non_null(p);
	assert_int_equal(p->n_sample, 6);
	expect(p, "3 grows main");
	expect(p, "-3 shrinks main");
	expect(p, "-3 goes main");
	expect(p, "7 comes main");
	expect(p, "1 named main name=new");
	expect(p, "-1 named main name=old");
	assert_int_equal(p->time_ns, 1000);
	assert_int_equal(p->duration_ns, 4000);
	pprof__profile__free_unpacked(p, NULL);
	free(bytes);
	free((void *)(uintptr_t)a.bytes);
	free((void *)(uintptr_t)b.bytes);
}

static void no_profile(void **state)
{
	static const struct row one = {1, 0x2000, "stays", ""};
	struct pprof_bytes a = profile(1000, &one, 1), cut = {a.bytes, a.len / 2};

	(void)state;
	assert_int_equal(pprof_delta(a, cut, 1, stdout), -EBADMSG);
	assert_int_equal(pprof_delta(cut, a, 1, stdout), -EBADMSG);
	free((void *)(uintptr_t)a.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs),
		cmocka_unit_test(no_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
