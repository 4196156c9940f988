/* SPDX-License-Identifier: MIT */
/**
 * damage.c: a trace cut anywhere, with any bits wrong, or of a later version, is read as far as can
 * be.
 *
 * What is damaged may cost the batches it touches; it may never crash, hang, or be taken for
 * something else without a word.
 */
#include "support.h"

#include "format.h"
#include "record.h"
#include "writer/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define FLIPS 10000

/** A small trace of several batches: gaps end batches. */
static uint8_t *small_trace(size_t *len)
{
	const char *path = temp_path("small.gtrace");

	assemble(path, "header program=./leak pid=42 maxprocs=2\n"
	               "0  t1 GO_NEW g=1 site=main.c:10:main:go:app\n"
	               "10 t1 GO_START g=1\n"
	               "20 t1 GO_NEW g=2 site=main.c:11:main:go:worker\n"
	               "30 t1 GO_PARK reason='chan receive' obj=7 site=leak.c:15:app:'chan receive':c\n"
	               "35 t1 GAP batches=1 events=2\n"
	               "36 t1 MARK category=c text='some words'\n"
	               "40 t2 GO_START g=2\n"
	               "45 t2 STACK pcs=0x10,0x20,0x30\n"
	               "50 t2 GO_WAKE g=1 obj=7\n"
	               "55 t2 GAP batches=1 events=9\n"
	               "60 t2 g2 GO_END\n"
	               "70 t1 GO_START g=1 seq=3\n"
	               "80 t1 GO_END\n"
	               "end exit 0\n");
	return file_read(path, len);
}

/** Read whatever it is.  An error must name the file and a place. */
static void read_or_explain(const char *path)
{
	struct events e = events_read(path);

	if (e.result < 0) {
		assert_non_null(strstr(e.error.text, path));
		if (!strstr(e.error.text, "byte") && !strstr(e.error.text, "empty"))
			fail_msg("no place: %s", e.error.text);
	}
	events_free(&e);
}

static void every_truncation(void **state)
{
	char path[512];
	size_t len;
	uint8_t *bytes = small_trace(&len);

	(void)state;
	strcpy(path, temp_path("cut.gtrace"));
	for (size_t n = 0; n < len; n++) {
		file_write(path, bytes, n);
		read_or_explain(path);
	}
	free(bytes);
}

/** One bit of every byte, and all its bits: never more than one chunk is lost. */
static void every_flip(void **state)
{
	char path[512];
	size_t len;
	uint8_t *bytes = small_trace(&len);

	(void)state;
	strcpy(path, temp_path("flip.gtrace"));
	file_write(path, bytes, len);
	struct events whole = events_read(path);

	for (size_t i = 0; i < 2 * len; i++) {
		uint8_t flip = (uint8_t)(i < len ? 1u << i % 8 : 0xff);

		bytes[i % len] ^= flip;
		file_write(path, bytes, len);
		struct events e = events_read(path);

		bytes[i % len] ^= flip;
		if (e.result != 0 || e.info.lost_batches > whole.info.lost_batches + 1)
			fail_msg("byte %zu: %s", i % len,
			         e.result ? e.error.text : "more than one batch is lost");
		events_free(&e);
	}
	events_free(&whole);
	free(bytes);
}

static void random_flips(void **state)
{
	char path[512];
	size_t len;
	uint8_t *bytes = small_trace(&len);
	uint64_t seed = 1;
	size_t survived = 0;

	(void)state;
	strcpy(path, temp_path("flip.gtrace"));
	for (int i = 0; i < FLIPS; i++) {
		uint8_t *copy = malloc(len);
		unsigned flips = (unsigned)(random_next(&seed) % 4) + 1;

		memcpy(copy, bytes, len);
		while (flips--)
			copy[random_next(&seed) % len] ^= (uint8_t)(1u << random_next(&seed) % 8);
		file_write(path, copy, len);
		struct events e = events_read(path);

		survived += e.result == 0 && e.count > 0;
		events_free(&e);
		free(copy);
	}
	// Most flips hit one chunk of six or so; the others must still be there.
	assert_true(survived > FLIPS * 9 / 10);
	free(bytes);
}

/* ── files made chunk by chunk ── */

struct maker {
	struct gtrace__file file;
	uint8_t batch[4096];
	size_t len;
	uint64_t offset[64];
	int chunks;
};

static void maker_open(struct maker *m, const char *path)
{
	unlink(path);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

	memset(m, 0, sizeof(*m));
	assert_true(fd >= 0);
	assert_int_equal(gtrace__file_open(&m->file, fd, 1), 0);
}

static void maker_chunk(struct maker *m, unsigned kind, uint64_t thread, uint64_t seq,
                        const void *payload, size_t len)
{
	struct gtrace__chunk chunk = {
		.kind = (uint16_t)kind, .thread = thread, .seq = seq, .events = 1, .generation = 1};

	m->offset[m->chunks++] = m->file.bytes;
	assert_int_equal(gtrace__file_chunk(&m->file, &chunk, payload, len), 0);
}

static void maker_text(struct maker *m, unsigned kind, const char *text)
{
	maker_chunk(m, kind, 0, 0, text, strlen(text));
}

/** Rewrite a chunk's header and put the checksum right again. */
static void chunk_edit(const char *path, uint64_t offset, size_t field, uint16_t value)
{
	size_t len;
	uint8_t *bytes = file_read(path, &len);
	uint8_t *head = bytes + offset + GTRACE__SKIP_BYTES;
	uint64_t sum;

	memcpy(head + field, &value, sizeof(value));
	sum = XXH64(head, GTRACE__CHUNK_BYTES - 8, 0);
	memcpy(head + GTRACE__CHUNK_BYTES - 8, &sum, sizeof(sum));
	file_write(path, bytes, len);
	free(bytes);
}

static void versions(void **state)
{
	char path[512];
	size_t len;
	uint8_t *bytes = small_trace(&len);
	char want[600];

	(void)state;
	strcpy(path, temp_path("version.gtrace"));
	file_write(path, bytes, len);
	chunk_edit(path, 0, offsetof(struct gtrace__chunk, minor), 77);
	struct events e = events_read(path);

	assert_int_equal(e.result, 0);
	assert_int_equal(e.info.lost_batches, 2);
	events_free(&e);
	chunk_edit(path, 0, offsetof(struct gtrace__chunk, major), 2);
	e = events_read(path);
	assert_int_equal(e.result, GTRACE_ENEWER);
	assert_int_equal(e.error.offset, 0);
	snprintf(want, sizeof(want),
	         "cannot read '%s': format 2.77 is newer than this program's 1.0, at byte 0", path);
	assert_string_equal(e.error.text, want);
	free(bytes);
}

/** Unknown events, chunk kinds, header keys, and longer chunk headers are stepped over. */
static void later_minor(void **state)
{
	char path[512];
	struct maker m;
	static const uint8_t records[] = {
		99,
		5,
		7,
		3,
		'a',
		'b',
		'c',
		9, // NOVEL n=7 what=abc z=-5
		GTRACE_DEADLOCK,
		1,
		GTRACE_GO_NAME,
		0,
		8,
		1,
		'x',
		6, // with one argument more than ours
		GTRACE_MAIN_END,
		2,
	};

	(void)state;
	strcpy(path, temp_path("later.gtrace"));
	maker_open(&m, path);
	maker_text(
		&m, GTRACE__HEADER,
		"clock=os\ntick_shift=0\ncolour=blue\nno equals sign\nevent=99 NOVEL n:u what:bytes z:z\n"
		"event=21 GO_NAME g:g name:bytes more:u\nevent=43 OTHER a:u\nevent=300 X\nevent=\n");
	maker_chunk(&m, 42, 1, 1, "whatever", 8);
	maker_chunk(&m, GTRACE__BATCH, 1, 1, records, sizeof(records));
	gtrace__file_close(&m.file);
	struct events e = events_read(path);

	assert_int_equal(e.result, 0);
	assert_int_equal(e.count, 4);
	assert_string_equal(e.line[0], "5 t1 NOVEL n=7 what=abc z=-5");
	assert_string_equal(e.line[1], "6 t1 DEADLOCK");
	assert_string_equal(e.line[2], "6 t1 GO_NAME g=4 name=x more=6");
	assert_string_equal(e.line[3], "8 t1 MAIN_END");
	assert_int_equal(e.info.lost_batches, 0);
	events_free(&e);
}

/** A trace of an earlier minor version, whose events have fewer arguments than ours. */
static void earlier_minor(void **state)
{
	static const uint8_t records[] = {GTRACE_GO_NAME,   5, 8,                // no name
	                                  GTRACE_GO_SWITCH, 1, 1, 14,  0, 0,  1, // no seq
	                                  GTRACE_MARK,      1, 1, 'x', 1, 'y'};
	char path[512];
	struct maker m;

	(void)state;
	strcpy(path, temp_path("earlier.gtrace"));
	maker_open(&m, path);
	maker_text(&m, GTRACE__HEADER,
	           "clock=os\ntick_shift=0\nevent=21 GO_NAME g:g\n"
	           "event=17 GO_SWITCH reason:reason obj:obj site:site flags:u g:g\n");
	maker_chunk(&m, GTRACE__BATCH, 1, 1, records, sizeof(records));
	gtrace__file_close(&m.file);
	struct events e = events_read(path);

	assert_int_equal(e.result, 0);
	assert_int_equal(e.info.lost_batches, 0);
	assert_int_equal(e.count, 4);
	assert_string_equal(e.line[0], "5 t1 GO_NAME g=4");
	assert_string_equal(e.line[1], "6 t1 GO_PARK reason='chan receive' obj=7");
	assert_string_equal(e.line[2], "6 t1 GO_START g=3 seq=0");
	assert_string_equal(e.line[3], "7 t1 g3 MARK category=x text=y");
	assert_int_equal(e.event[0].nargs, 2);
	assert_int_equal(e.event[0].arg[1], 0);
	events_free(&e);
}

/** Lines that say nothing, or of an id that is none. */
static void bad_event_lines(void **state)
{
	static const uint8_t records[] = {GTRACE_DEADLOCK, 1, GTRACE_MARK, 1, 1, 'x', 1, 'y'};
	char path[512];
	struct maker m;

	(void)state;
	strcpy(path, temp_path("lines.gtrace"));
	maker_open(&m, path);
	maker_text(&m, GTRACE__HEADER,
	           "clock=os\ntick_shift=0\nevent=65579 DEADLOCK a:u\nevent=43x DEADLOCK a:u\n"
	           "event=0 X a:u\nevent=43 DEADLOCK a\nevent=43\nevent=41 MARK category:u text:u\n"
	           "event=41 N\x1b[2J category:bytes\nevent=41 MARK c\x01:bytes\n"
	           "event=41 MARK category:bytes text:bytes more:u\nevent=43 OTHER a:u\n");
	maker_chunk(&m, GTRACE__BATCH, 1, 1, records, sizeof(records));
	gtrace__file_close(&m.file);
	struct events e = events_read(path);

	assert_int_equal(e.count, 2);
	assert_string_equal(e.line[0], "1 t1 DEADLOCK");
	assert_string_equal(e.line[1], "2 t1 MARK category=x text=y");
	events_free(&e);
}

/** An event that not even the header knows: the rest of that batch is lost, and no more. */
static void unlisted_event(void **state)
{
	char path[512];
	struct maker m;
	static const uint8_t bad[] = {GTRACE_DEADLOCK, 1, 99, 5, GTRACE_DEADLOCK, 1};
	static const uint8_t good[] = {GTRACE_MAIN_END, 1};

	(void)state;
	strcpy(path, temp_path("unlisted.gtrace"));
	maker_open(&m, path);
	maker_text(&m, GTRACE__HEADER, "clock=os\ntick_shift=0\n");
	maker_chunk(&m, GTRACE__BATCH, 1, 1, bad, sizeof(bad));
	maker_chunk(&m, GTRACE__BATCH, 1, 2, good, sizeof(good));
	gtrace__file_close(&m.file);
	struct events e = events_read(path);

	assert_int_equal(e.count, 3);
	assert_int_equal(e.event[1].id, GTRACE_GAP);
	assert_int_equal(e.event[2].id, GTRACE_MAIN_END);
	assert_int_equal(e.info.lost_batches, 1);
	events_free(&e);
}

/** Lengths of columns that come to at most all of the noise behind them.  Returns: their sum. */
static size_t lying_columns(uint32_t lengths[GTRACE__COLUMN_COUNT], uint64_t *seed, size_t noise)
{
	size_t sum = 0;

	for (unsigned c = 0; c < GTRACE__COLUMN_COUNT; c++)
		sum += lengths[c] = (uint32_t)(random_next(seed) % (noise / GTRACE__COLUMN_COUNT + 1));
	return sum;
}

/** Batches of records that lie about their lengths, each decompressing well. */
static void lying_records(void **state)
{
	struct {
		uint32_t lengths[GTRACE__COLUMN_COUNT];
		uint8_t noise[200];
	} lie;
	uint8_t *noise = lie.noise;
	uint64_t seed = 5;
	char path[512];

	(void)state;
	strcpy(path, temp_path("lies.gtrace"));
	for (int i = 0; i < 2000; i++) {
		struct maker m;

		for (size_t k = 0; k < sizeof(lie.noise); k++) {
			uint64_t v = random_next(&seed);

			noise[k] = v % 3 ? (uint8_t)(v >> 8) % 48 : (uint8_t)(v >> 8);
		}
		maker_open(&m, path);
		for (uint64_t t = 1; t <= 4; t++)
			maker_chunk(&m, GTRACE__BATCH, t, 1 + t % 2, noise + t, sizeof(lie.noise) - 8);
		for (uint64_t t = 5; t <= 7; t++) {
			size_t len = lying_columns(lie.lengths, &seed, sizeof(lie.noise));

			maker_chunk(&m, GTRACE__PACKED, t, 1, &lie, sizeof(lie.lengths) + len);
		}
		gtrace__file_close(&m.file);
		struct events e = events_read(path);

		assert_int_equal(e.result, 0);
		events_free(&e);
	}
}

/* ── losses in the middle ── */

static void lost_batch(void **state)
{
	static const uint8_t one[] = {GTRACE_DEADLOCK, 1};
	char path[512];
	size_t len;
	struct maker m;

	(void)state;
	strcpy(path, temp_path("lost.gtrace"));
	for (int bad_header = 0; bad_header < 2; bad_header++) {
		maker_open(&m, path);
		maker_text(&m, GTRACE__HEADER, "clock=os\ntick_shift=0\n");
		for (uint64_t seq = 1; seq <= 5; seq++)
			maker_chunk(&m, GTRACE__BATCH, 1, seq, one, sizeof(one));
		maker_text(&m, GTRACE__END, "end=exit\ncode=0\nbatches=7\n");
		gtrace__file_close(&m.file);
		uint8_t *bytes = file_read(path, &len);

		// Chunk 3 holds batch 3.
		bytes[m.offset[3] + (bad_header ? 20 : GTRACE__SKIP_BYTES + GTRACE__CHUNK_BYTES + 4)] ^= 1;
		file_write(path, bytes, len);
		free(bytes);
		struct events e = events_read(path);

		assert_int_equal(e.result, 0);
		assert_int_equal(e.count, 5);
		assert_int_equal(e.event[2].id, GTRACE_GAP);
		assert_int_equal(e.event[2].arg[0], 1);
		assert_int_equal(e.event[2].arg[1], 1);
		assert_int_equal(e.info.lost_batches, 3); // the end record tells of two more
		assert_false(e.info.truncated);
		events_free(&e);
	}
}

/** Five batches of one event each, and the end. */
static uint8_t *five_batches(struct maker *m, const char *path, size_t *len)
{
	static const uint8_t one[] = {GTRACE_DEADLOCK, 1};

	maker_open(m, path);
	maker_text(m, GTRACE__HEADER, "clock=os\ntick_shift=0\nid=5\n");
	for (uint64_t seq = 1; seq <= 5; seq++)
		maker_chunk(m, GTRACE__BATCH, 1, seq, one, sizeof(one));
	maker_text(m, GTRACE__END, "end=exit\ncode=0\nbatches=5\n");
	gtrace__file_close(&m->file);
	return file_read(path, len);
}

/** Bytes are missing inside a batch: the next one stands before that batch's end, and is found. */
static void missing_bytes(void **state)
{
	char path[512];
	struct maker m;
	size_t len;

	(void)state;
	strcpy(path, temp_path("missing.gtrace"));
	for (size_t n = 1; n < 20; n++) {
		uint8_t *bytes = five_batches(&m, path, &len);
		size_t at = m.offset[4] - n; // of chunk 3

		memmove(bytes + at, bytes + at + n, len - at - n);
		file_write(path, bytes, len - n);
		free(bytes);
		struct events e = events_read(path);

		assert_int_equal(e.count, 5);
		assert_int_equal(e.event[2].id, GTRACE_GAP);
		assert_int_equal(e.info.lost_batches, 1);
		assert_int_equal(e.info.end, GTRACE_END_EXIT);
		events_free(&e);
	}
}

/** Cut inside its last chunk, a trace says which stream lost what. */
static void cut_chunk(void **state)
{
	char path[512];
	struct maker m;
	size_t len;

	(void)state;
	strcpy(path, temp_path("cut.gtrace"));
	uint8_t *bytes = five_batches(&m, path, &len);

	file_write(path, bytes, m.offset[6] - 1);
	free(bytes);
	struct events e = events_read(path);

	assert_int_equal(e.count, 5);
	assert_int_equal(e.event[4].id, GTRACE_GAP);
	assert_int_equal(e.event[4].thread, 1);
	assert_int_equal(e.event[4].arg[1], 1);
	assert_int_equal(e.event[4].arg[2], 1);
	assert_true(e.info.truncated);
	events_free(&e);
}

/** What is damaged in the file but still in the sidecar is not lost. */
static void mended_by_sidecar(void **state)
{
	static const uint8_t one[] = {GTRACE_DEADLOCK, 1};
	static uint8_t side[GTRACE__SIDE_BYTES + GTRACE__SLOT_BYTES];
	struct gtrace__side *page = (struct gtrace__side *)side;
	struct gtrace__slot *slot = (struct gtrace__slot *)(side + GTRACE__SIDE_BYTES);
	char path[512];
	char live[520];
	struct maker m;
	size_t len;

	(void)state;
	strcpy(path, temp_path("mended.gtrace"));
	snprintf(live, sizeof(live), "%s.live", path);
	uint8_t *bytes = five_batches(&m, path, &len);

	memcpy(page->magic, GTRACE__SIDE_MAGIC, 8);
	page->major = GTRACE_FORMAT_MAJOR;
	page->header_bytes = GTRACE__SIDE_BYTES;
	page->id = 5;
	page->slot_bytes = GTRACE__SLOT_BYTES;
	page->slot_header_bytes = GTRACE__SLOT_HEADER;
	page->slot_count = 1;
	slot->magic = GTRACE__SLOT_MAGIC;
	slot->state = GTRACE__SLOT_FULL;
	slot->used = sizeof(one);
	slot->thread = 1;
	slot->seq = 3;
	memcpy(slot + 1, one, sizeof(one));
	file_write(live, side, sizeof(side));
	bytes[m.offset[4] - 3] ^= 1; // the checksum of batch 3
	file_write(path, bytes, len);
	struct events e = events_read(path);

	assert_int_equal(e.count, 5);
	assert_int_equal(events_count(&e, GTRACE_GAP), 0);
	assert_int_equal(e.info.lost_batches, 0);
	events_free(&e);
	file_write(path, bytes, m.offset[4] - 3); // cut there
	e = events_read(path);
	assert_int_equal(e.count, 3);
	assert_int_equal(events_count(&e, GTRACE_GAP), 0);
	events_free(&e);
	free(bytes);
}

/** The same number of a site means other things in other generations: another program was loaded.
 */
static void sites_of_generations(void **state)
{
	static const uint8_t first[] = {GTRACE_SITE, 0, 8,          12, 3,  1, 'f', 1,
	                                'g',         0, GTRACE_USE, 9,  14, 3, 0, // time 9
	                                GTRACE_USE,  9, 0,          3,  0};       // time 18
	static const uint8_t second[] = {GTRACE_SITE, 5, 8,          13, 3,  1, 'h', 1,
	                                 'i',         0, GTRACE_USE, 5,  14, 3, 0}; // time 10
	char path[512];
	struct maker m;

	(void)state;
	strcpy(path, temp_path("generations.gtrace"));
	maker_open(&m, path);
	maker_text(&m, GTRACE__HEADER, "clock=os\ntick_shift=0\n");
	maker_chunk(&m, GTRACE__BATCH, 1, 1, first, sizeof(first));
	maker_chunk(&m, GTRACE__BATCH, 2, 1, second, sizeof(second));
	gtrace__file_close(&m.file);
	struct events e = events_read(path);

	assert_int_equal(e.count, 3);
	assert_non_null(strstr(e.line[0], "t1 USE obj=7 op='chan send' site=f:12:g:'chan send':"));
	assert_non_null(strstr(e.line[1], "t2 USE obj=7 op='chan send' site=h:13:i:'chan send':"));
	assert_non_null(strstr(e.line[2], "t1 USE obj=7 op='chan send' site=f:12:g:'chan send':"));
	events_free(&e);
}

/** Behind a gap goroutines are taken as they come: reading goes on in the order of time. */
static void moves_behind_a_gap(void **state)
{
	const char *path = temp_path("behind.gtrace");

	(void)state;
	assemble(path, "0  t1 GO_NEW g=1\n"
	               "10 t1 GO_START g=1\n"
	               "20 t1 GAP batches=1 events=100\n"
	               "30 t2 GO_START g=5 seq=1\n" // born in the gap
	               "40 t2 GO_WAKE g=1 seq=6\n"  // parked there, and four moves are missing
	               "50 t2 GO_PARK reason=sleep\n"
	               "60 t1 GO_START g=1 seq=7\n"
	               "70 t1 GO_END\n"
	               "80 t1 THREAD_END\n"
	               "90 t2 THREAD_END\n"
	               "end exit 0\n");
	struct events e = events_read(path);
	int64_t last = 0;

	assert_int_equal(e.info.broken, 0);
	assert_int_equal(events_count(&e, GTRACE_GAP), 1);
	for (size_t i = 0; i < e.count; i++) {
		if (e.event[i].id == GTRACE_GO_WAKE || e.event[i].arg[0] == 1)
			assert_true(e.event[i].time_ns >= last);
		last = e.event[i].time_ns > last ? e.event[i].time_ns : last;
	}
	events_free(&e);
}

/** A site defined in a lost batch is known from another thread's. */
static void names_survive(void **state)
{
	static const uint8_t define[] = {GTRACE_SITE, 0, 8, 12, 3, 1, 'f', 1, 'g', 1, 'c'};
	static const uint8_t use[] = {GTRACE_USE, 5, 1, 3, 8};
	static const uint8_t late[] = {
		GTRACE_DEADLOCK, 9, GTRACE_SITE, 0, 8, 12, 3, 1, 'f', 1, 'g', 1, 'c'};
	char path[512];
	struct maker m;
	struct gtrace_reader *r;
	struct gtrace_error err;
	struct gtrace_event ev;
	uint64_t site = 0;

	(void)state;
	strcpy(path, temp_path("names.gtrace"));
	maker_open(&m, path);
	maker_text(&m, GTRACE__HEADER, "clock=os\ntick_shift=0\n");
	maker_chunk(&m, GTRACE__BATCH, 1, 2, use, sizeof(use)); // batch 1, which had `define`, is gone
	maker_chunk(&m, GTRACE__BATCH, 2, 1, late, sizeof(late));
	maker_chunk(&m, GTRACE__BATCH, 3, 1, define, sizeof(define));
	gtrace__file_close(&m.file);
	assert_int_equal(gtrace_reader_open(&r, path, &err), 0);
	while (gtrace_reader_next(r, &ev, &err) == 1) {
		if (ev.id == GTRACE_USE)
			site = ev.arg[2];
	}
	assert_string_equal(gtrace_reader_site(r, site)->func, "g");
	assert_int_equal(gtrace_reader_site(r, site)->line, 12);
	gtrace_reader_close(r);
}

/* ── not a trace ── */

static void strangers(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int code;
		const char *text;
	} rows[] = {
		{"", 0, GTRACE_ENOTTRACE, "cannot read '%s': the file is empty"},
		{"hello, world, this is no trace", 30, GTRACE_ENOTTRACE,
	     "cannot read '%s': not a trace, bad magic at byte 0"},
		{"x", 1, GTRACE_ENOTTRACE, "cannot read '%s': not a trace, bad magic at byte 0"},
		{"\x57\x2a\x4d\x18\x80\0\0\0GTRC", 12, GTRACE_EDAMAGED,
	     "cannot read '%s': the file ends inside its first chunk, at byte 12"},
	};
	struct events e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char path[512];
		char want[600];

		strcpy(path, temp_path("stranger"));
		file_write(path, rows[i].bytes, rows[i].len);
		e = events_read(path);
		snprintf(want, sizeof(want), "%.*s%s%s", (int)(strstr(rows[i].text, "%s") - rows[i].text),
		         rows[i].text, path, strstr(rows[i].text, "%s") + 2);
		assert_int_equal(e.result, rows[i].code);
		assert_string_equal(e.error.text, want);
	}
	e = events_read("/nonexistent");
	assert_int_equal(e.result, -ENOENT);
	assert_string_equal(e.error.text, "cannot read '/nonexistent': No such file or directory");
	e = events_read(P_tmpdir);
	assert_int_equal(e.result, -EISDIR);
	assert_string_equal(e.error.text, "cannot read '" P_tmpdir "': it is a directory");
}

/** A stream is spooled, damaged or not. */
static void standard_input(void **state)
{
	size_t len;
	uint8_t *bytes = small_trace(&len);
	int fds[2];
	int saved = dup(STDIN_FILENO);

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], bytes, len), len);
	close(fds[1]);
	dup2(fds[0], STDIN_FILENO);
	close(fds[0]);
	struct events e = events_read("-");

	dup2(saved, STDIN_FILENO);
	close(saved);
	assert_int_equal(e.result, 0);
	assert_int_equal(events_count(&e, GTRACE_GAP), 2);
	events_free(&e);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(every_flip),
		cmocka_unit_test(random_flips),
		cmocka_unit_test(versions),
		cmocka_unit_test(later_minor),
		cmocka_unit_test(unlisted_event),
		cmocka_unit_test(lying_records),
		cmocka_unit_test(earlier_minor),
		cmocka_unit_test(bad_event_lines),
		cmocka_unit_test(lost_batch),
		cmocka_unit_test(moves_behind_a_gap),
		cmocka_unit_test(missing_bytes),
		cmocka_unit_test(cut_chunk),
		cmocka_unit_test(mended_by_sidecar),
		cmocka_unit_test(sites_of_generations),
		cmocka_unit_test(names_survive),
		cmocka_unit_test(strangers),
		cmocka_unit_test(standard_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
