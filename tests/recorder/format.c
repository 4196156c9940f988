/* SPDX-License-Identifier: MIT */
/** format.c: docs/trace-format.md says what the code does. */
#include "support.h"

#include "format.h"
#include "pack.h"
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *root;
static char *doc;

static int doc_load(void **state)
{
	char path[4096];
	size_t len;

	(void)state;
	snprintf(path, sizeof(path), "%s/docs/trace-format.md", root);
	doc = (char *)file_read(path, &len);
	doc[len] = '\0';
	return 0;
}

static int doc_free(void **state)
{
	(void)state;
	free(doc);
	return 0;
}

/** What stands between two marks. */
static char *section(const char *begin, const char *end)
{
	char *from = strstr(doc, begin);

	assert_non_null(from);
	from = strchr(from, '\n') + 1;
	char *to = strstr(from, end);

	assert_non_null(to);
	return strndup(from, (size_t)(to - from));
}

static void events_table(void **state)
{
	static char want[16384];
	char *got = section("<!-- events -->", "<!-- end of events -->");
	size_t len = (size_t)sprintf(want, "| id | event | arguments |\n|---:|---|---|\n");

	(void)state;
	for (unsigned id = 1; id < 256; id++) {
		const struct gtrace_event_desc *d = gtrace_event_desc(id);

		if (!d)
			continue;
		len += (size_t)sprintf(want + len, "| %u | %s |", id, d->name);
		for (int i = 0; i < d->nargs; i++)
			len += (size_t)sprintf(want + len, "%s %s:%s", i ? "," : "", d->arg[i], d->kind[i]);
		len += (size_t)sprintf(want + len, " |\n");
	}
	assert_string_equal(got, want);
	free(got);
}

static void names_lists(void **state)
{
	static const char *const lists[] = {
#define NAME(list, number, name, text) #list,
#include <gtrace_names.def>
#undef NAME
	};
	static char want[16384];
	char *got = section("<!-- names -->", "<!-- end of names -->");
	size_t len = 0;
	unsigned number = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		bool first = !i || strcmp(lists[i], lists[i - 1]);

		number = first ? 0 : number + 1;
		const char *text = gtrace_name(lists[i], number);

		// Numbers go up by one: gtrace_name() relies on it.
		assert_string_not_equal(text, "?");
		if (first)
			len += (size_t)sprintf(want + len, "%s- %s:", i ? "\n" : "", lists[i]);
		len +=
			(size_t)sprintf(want + len, "%s %u `%s`", first ? "" : ",", number, *text ? text : "-");
		assert_string_equal(gtrace_name(lists[i], number + 1000), "?");
	}
	sprintf(want + len, "\n");
	assert_string_equal(got, want);
	assert_string_equal(gtrace_name("nonsense", 0), "?");
	free(got);
}

/** The bytes of an example.  Returns: how many. */
static size_t example(const char *mark, uint8_t *bytes)
{
	char *hex = section(mark, "\n```\n");
	size_t len = 0;

	for (char *save, *line = strtok_r(strchr(hex, '\n'), "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *p = strchr(line, ' ');

		assert_int_equal(strtoul(line, NULL, 10), len);
		for (unsigned v; p && sscanf(p, " %2x", &v) == 1; p = strchr(p + 1, ' '))
			bytes[len++] = (uint8_t)v;
	}
	free(hex);
	return len;
}

static void example_packed(void **state)
{
	uint8_t bytes[512], chunk[512], records[128];
	uint8_t out[1024];
	size_t len = example("<!-- packed -->", bytes);

	(void)state;
	example("<!-- example -->", chunk);
	assert_true(gtrace__unpack_room(bytes, len) <= sizeof(records));
	assert_int_equal(gtrace__unpack(gtrace__shapes(), bytes, records), 16);
	assert_memory_equal(records, chunk + 145, 16);
	assert_true(gtrace__pack_room(16) <= sizeof(out));
	struct gtrace__packed packed = gtrace__pack(gtrace__shapes(), records, 16, UINT64_MAX, out);

	assert_int_equal(packed.events, 3);
	assert_int_equal(packed.ticks, 160);
	assert_int_equal(packed.bytes, len);
	assert_memory_equal(out, bytes, len);
	// Cut by time, and in the middle of a record.
	assert_int_equal(gtrace__pack(gtrace__shapes(), records, 16, 159, out).events, 2);
	assert_int_equal(gtrace__pack(gtrace__shapes(), records, 15, UINT64_MAX, out).events, 2);
	// The last column lacks its byte: of the records, the first remains.
	bytes[36] = 0;
	assert_int_equal(gtrace__unpack_room(bytes, len), 0);
	len = gtrace__unpack(gtrace__shapes(), bytes, records);
	assert_int_equal(len, 5);
	assert_int_equal(records[4], 0);
}

static void example_chunk(void **state)
{
	static const char *const want[] = {" t1 GO_START g=1 seq=1", " t1 g1 USE obj=7 op='chan send'",
	                                   " t1 g1 GO_PARK reason='chan receive' obj=7"};
	const char *path = temp_path("example.gtrace");
	uint8_t bytes[512];
	size_t len = example("<!-- example -->", bytes);

	(void)state;
	file_write(path, bytes, len);
	struct events e = events_read(path);

	assert_int_equal(e.result, 0);
	assert_int_equal(e.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(strchr(e.line[i], ' '), want[i]);
	assert_memory_equal(bytes + 149, "\x21\x96\x01\x0e\x03", 5);
	events_free(&e);
}

/** The offsets of the tables are those of the structures. */
static void offsets(void **state)
{
	static const struct {
		const char *row;
		size_t offset;
	} rows[] = {
		{"| 20 | 4 | generation |", 8 + offsetof(struct gtrace__chunk, generation)},
		{"| 48 | 8 | seq |", 8 + offsetof(struct gtrace__chunk, seq)},
		{"| 88 | 8 | lost_events |", 8 + offsetof(struct gtrace__chunk, lost_events)},
		{"| 104 | 8 | clock.ticks |", 8 + offsetof(struct gtrace__chunk, clock)},
		{"| 128 | 8 | checksum |", 8 + offsetof(struct gtrace__chunk, checksum)},
		{"| 40 | 4 | slot_count |", offsetof(struct gtrace__side, slot_count)},
		{"| 56 | 24 | start |", offsetof(struct gtrace__side, start)},
		{"| 80 | 4 | last_index |", offsetof(struct gtrace__side, last_index)},
		{"| 88 | 48 | last |", offsetof(struct gtrace__side, last)},
		{"| 8 | 4 | used |", offsetof(struct gtrace__slot, used)},
		{"| 16 | 48 | thread, seq, first_ticks, g,", offsetof(struct gtrace__slot, thread)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_non_null(strstr(doc, rows[i].row));
		assert_int_equal(strtoul(rows[i].row + 2, NULL, 10), rows[i].offset);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_table),  cmocka_unit_test(names_lists),
		cmocka_unit_test(example_chunk), cmocka_unit_test(example_packed),
		cmocka_unit_test(offsets),
	};

	root = argc > 1 ? argv[1] : ".";
	return cmocka_run_group_tests(tests, doc_load, doc_free);
}
