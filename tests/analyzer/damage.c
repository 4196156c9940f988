/* SPDX-License-Identifier: MIT */
/**
 * damage.c: a trace cut at every byte, and with bytes flipped, through the whole way to the report.
 *
 * Each must give a report, or an error that names the file; never a crash.  Sanitizers make this
 * sharp.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <gtrace.h>

#include "analysis.h"
#include "detect/detect.h"
#include "load/load.h"
#include "report/report.h"

#ifdef __SANITIZE_ADDRESS__ // which sees most of what goes wrong
#define FLIPPED 10000
#else
#define FLIPPED 2000
#endif

static const char *source;
static const char whole_path[] = "damage-whole.gtrace", path[] = "damage.gtrace";

struct whole {
	unsigned char *bytes;
	size_t len;
};

static void write_file(const unsigned char *bytes, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static uint64_t hash_bytes(uint64_t h, const void *bytes, size_t len)
{
	for (const unsigned char *p = bytes; len > 0; len--)
		h = (h ^ *p++) * 1099511628211u;
	return h;
}

/*
 * Most damage has one of a few effects: the file is none, or a batch of it is lost.  What the
 * reader makes of a file, all its events and totals, tells whether the rest of the way has been
 * gone before.
 */
static bool read_before(void)
{
	static uint64_t seen[16384];
	struct gtrace_reader *r;
	struct gtrace_error err;
	struct gtrace_event ev;
	uint64_t h = 1469598103934665603u;

	if (gtrace_reader_open(&r, path, &err) < 0)
		return false;
	while (gtrace_reader_next(r, &ev, &err) > 0) {
		h = hash_bytes(h, &ev.id, sizeof ev.id);
		h = hash_bytes(h, &ev.time_ns, sizeof ev.time_ns);
		h = hash_bytes(h, &ev.g, sizeof ev.g);
		h = hash_bytes(h, ev.arg, sizeof *ev.arg * ev.nargs);
	}
	const struct gtrace_info *in = gtrace_reader_info(r);

	h = hash_bytes(h, in->header, strlen(in->header));
	h = hash_bytes(h, in->end_record, strlen(in->end_record));
	h = hash_bytes(h, &in->duration_ns, sizeof in->duration_ns);
	h = hash_bytes(h, &in->lost_events, sizeof in->lost_events);
	h = hash_bytes(h, &in->broken, sizeof in->broken);
	gtrace_reader_close(r);
	for (size_t i = h % 16384;; i = (i + 1) % 16384) {
		if (seen[i] == h)
			return true;
		if (seen[i])
			continue;
		seen[i] = h;
		return false;
	}
}

/* Returns true if there was a report. */
static bool analyze(void)
{
	struct gtrace_error err = {0};
	char *text = NULL;
	size_t len;
	sqlite3 *db;

	if (read_before())
		return true;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	int code = load_trace(db, path, NULL, &err);

	if (code < 0) {
		assert_non_null(strstr(err.text, path));
		assert_int_equal(err.code, code);
		sqlite3_close(db);
		return false;
	}
	FILE *f = open_memstream(&text, &len);

	if (detect_all(db, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	assert_int_equal(report_text(db, f, false), SQLITE_OK);
	assert_int_equal(report_json(db, f), SQLITE_OK);
	fclose(f);
	free(text);
	sqlite3_close(db);
	return true;
}

static int setup(void **state)
{
	static struct whole w;
	char *text = analysis_file(source);
	struct stat st;

	unlink(whole_path);
	analysis_assemble(text, strlen(text), whole_path);
	free(text);
	FILE *f = fopen(whole_path, "r");

	if (!f || fstat(fileno(f), &st) < 0)
		return -1;
	w.len = (size_t)st.st_size;
	w.bytes = malloc(w.len);
	if (!w.bytes || fread(w.bytes, 1, w.len, f) != w.len)
		return -1;
	fclose(f);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct whole *w = *state;

	free(w->bytes);
	unlink(whole_path);
	unlink(path);
	return 0;
}

static void test_cut_at_every_byte(void **state)
{
	const struct whole *w = *state;
	size_t reports = 0;

	for (size_t len = 0; len < w->len; len++) {
		write_file(w->bytes, len);
		reports += analyze();
	}
	assert_true(reports > 0); // a cut file still tells something
}

static void test_flipped(void **state)
{
	const struct whole *w = *state;
	unsigned char *bytes = malloc(w->len);
	uint64_t x = 88172645463325252u; // xorshift
	size_t reports = 0;

	assert_non_null(bytes);
	for (int i = 0; i < FLIPPED; i++) {
		memcpy(bytes, w->bytes, w->len);
		for (int flips = i % 3; flips >= 0; flips--) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			bytes[x % w->len] ^= (unsigned char)(1u << (x >> 40 & 7));
		}
		write_file(bytes, w->len);
		reports += analyze();
	}
	free(bytes);
	assert_true(reports > 0);
}

/* Lines left out, doubled and swapped, numbers changed: whole files that tell of impossible runs.
 */
static void test_scrambled(void **state)
{
	char *text = analysis_file(source), *lines[256];
	size_t count = 0, reports = 0;
	uint64_t x = 1181783497276652981u;

	(void)state;
	for (char *p = strtok(text, "\n"); p && count < 256; p = strtok(NULL, "\n"))
		lines[count++] = p;
	for (int i = 0; i < 500; i++) {
		struct gtrace_error err;
		char *mixed = NULL;
		size_t len;
		FILE *f = open_memstream(&mixed, &len);
		for (size_t at = 0; at < count; at++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			unsigned dice = x >> 33 & 15;
			size_t from = dice == 0 ? (x >> 40) % count : at;
			bool number = dice == 1;
			for (int times = dice == 2 ? 0 : dice == 3 ? 2 : 1; times > 0; times--) {
				for (const char *p = lines[from]; *p; p++)
					fputc(number && p > lines[from] && p[-1] == '=' && *p >= '0' && *p <= '9'
					          ? "0123456789"[x >> 50 & 7]
					          : *p,
					      f);
				fputc('\n', f);
			}
		}
		fclose(f);
		unlink(path);
		if (gtrace_text_assemble(mixed, len, path, &err) == 0)
			reports += analyze();
		free(mixed);
	}
	free(text);
	assert_true(reports > 100);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_at_every_byte),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_scrambled),
	};

	if (argc != 2)
		return 2;
	source = argv[1];
	return cmocka_run_group_tests(tests, setup, teardown);
}
