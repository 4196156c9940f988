/* SPDX-License-Identifier: MIT */
/**
 * large.c: a long trace, whole, under clocks that are off, and with a third of its batches damaged.
 *
 * A million events; as many as the second argument says, if there is one:
 *
 *     build/release/tests/recorder/test_recorder_large . 10000000
 *
 * What is damaged costs the batches it touches.  Every other one has all its events, and a GAP says
 * where in which stream how many are missing.
 */
#include "support.h"

#include "format.h"
#include "record.h"
#include "schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define STREAMS 4
#define SKEW_TICKS 1250000 // 10 ms at least

static uint64_t events_wanted = 1000000;

static struct schedule_written make(const char *path, uint64_t skew_ticks)
{
	struct schedule_options opt = {.events = events_wanted,
	                               .streams = STREAMS,
	                               .goroutines = 500,
	                               .short_lived = 3,
	                               .seed = 7,
	                               .skew_ticks = skew_ticks};
	struct schedule_written written;

	assert_int_equal(schedule_record(path, &opt, &written), 0);
	return written;
}

/* ── in order ── */

/** Which states goroutines are in, by their numbers. */
struct states {
	uint8_t *of;
	uint64_t context[STREAMS + 1];
	uint64_t ids;
};

static void move(struct states *s, uint64_t g, uint8_t from, uint8_t to)
{
	if (g > s->ids || s->of[g] != from)
		fail_msg("goroutine %llu is not %s", (unsigned long long)g, gtrace_name("state", from));
	s->of[g] = to;
}

/** The event must be legal where it stands. */
static void replay(struct states *s, const struct gtrace_event *ev)
{
	uint64_t *context = &s->context[ev->thread];

	assert_int_equal(ev->g, *context);
	switch (ev->id) {
	case GTRACE_GO_NEW:
		move(s, ev->arg[0], GTRACE_state_NONE, GTRACE_state_RUNNABLE);
		break;
	case GTRACE_GO_START:
		move(s, ev->arg[0], GTRACE_state_RUNNABLE, GTRACE_state_RUNNING);
		*context = ev->arg[0];
		break;
	case GTRACE_GO_WAKE:
		move(s, ev->arg[0], GTRACE_state_WAITING, GTRACE_state_RUNNABLE);
		break;
	case GTRACE_GO_PARK:
	case GTRACE_GO_YIELD:
	case GTRACE_GO_END:
		move(s, *context, GTRACE_state_RUNNING,
		     ev->id == GTRACE_GO_PARK    ? GTRACE_state_WAITING
		     : ev->id == GTRACE_GO_YIELD ? GTRACE_state_RUNNABLE
		                                 : GTRACE_state_ENDED);
		*context = 0;
		break;
	default:
		break;
	}
}

static void legal(const char *path, struct schedule_written written, bool skewed)
{
	struct states states = {.of = calloc(written.goroutines + 1, 1), .ids = written.goroutines};
	struct gtrace_reader *r;
	struct gtrace_error err;
	struct gtrace_event ev;

	assert_int_equal(gtrace_reader_open(&r, path, &err), 0);
	while (gtrace_reader_next(r, &ev, &err) == 1)
		replay(&states, &ev);
	const struct gtrace_info *info = gtrace_reader_info(r);

	assert_int_equal(info->events, written.events);
	assert_int_equal(info->broken, 0);
	assert_int_equal(info->lost_batches, 0);
	assert_true(info->inversions > 0 || !skewed);
	gtrace_reader_close(r);
	free(states.of);
}

static void whole(void **state)
{
	const char *path = temp_path("whole.gtrace");

	(void)state;
	legal(path, make(path, 0), false);
}

static void skewed(void **state)
{
	const char *path = temp_path("skewed.gtrace");

	(void)state;
	legal(path, make(path, SKEW_TICKS), true);
}

/* ── damaged ── */

/** A chunk of the file, and what is read of it. */
struct part {
	struct gtrace__chunk head;
	uint64_t offset;
	uint64_t want; // events handed out
	uint64_t got;
	bool damaged;
	bool header_damaged;
};

struct parts {
	struct part *part;
	size_t count;
};

static struct parts parts_find(const uint8_t *bytes, size_t len)
{
	struct parts p = {0};

	for (size_t at = 0; at < len; p.count++) {
		p.part = realloc(p.part, (p.count + 1) * sizeof(*p.part));
		p.part[p.count] = (struct part){.offset = at};
		struct gtrace__chunk *head = &p.part[p.count].head;

		memcpy(head, bytes + at + GTRACE__SKIP_BYTES, sizeof(*head));
		at += GTRACE__SKIP_BYTES + GTRACE__CHUNK_BYTES + head->frame_bytes;
	}
	return p;
}

static struct part *part_at(struct parts *p, uint64_t offset)
{
	size_t low = 0;

	for (size_t n = p->count; n > 1;) {
		size_t half = n / 2;

		low += p->part[low + half].offset <= offset ? half : 0;
		n -= half;
	}
	assert_int_equal(p->part[low].offset, offset);
	return &p->part[low];
}

/** Damage some batch in one of several ways. */
static void part_damage(struct part *p, uint8_t *bytes, uint64_t *seed)
{
	uint8_t *head = bytes + p->offset;
	uint8_t *frame = head + GTRACE__SKIP_BYTES + GTRACE__CHUNK_BYTES;
	size_t at = (size_t)(random_next(seed) % p->head.frame_bytes);
	size_t rest = (size_t)p->head.frame_bytes - at;

	p->damaged = true;
	switch (random_next(seed) % 4) {
	case 0: // its content checksum sees every bit
		frame[at] ^= (uint8_t)(1u << random_next(seed) % 8);
		break;
	case 1:
		memset(frame + at, 0xA5, rest < 1000 ? rest : 1000);
		break;
	case 2:
		p->header_damaged = true;
		head[random_next(seed) % (GTRACE__SKIP_BYTES + GTRACE__CHUNK_BYTES)] ^= 0x10;
		break;
	default:
		p->header_damaged = true;
		memset(head, 0, GTRACE__SKIP_BYTES + GTRACE__CHUNK_BYTES + 100);
		break;
	}
}

/** How far each stream was read, and what its gaps say. */
struct progress {
	uint64_t seq[STREAMS + 1];     // of the batch that the last event was of
	uint64_t skipped[STREAMS + 1]; // batches that GAPs behind it said are missing
	uint64_t batches;              // of all gaps
	uint64_t records;
};

static void event_account(struct parts *p, struct progress *at, const struct gtrace_event *ev)
{
	if (ev->id == GTRACE_GAP) {
		assert_int_equal(ev->arg[0], ev->thread);
		at->skipped[ev->thread] += ev->arg[1];
		at->batches += ev->arg[1];
		at->records += ev->arg[2];
		return;
	}
	struct part *part = part_at(p, ev->offset);

	assert_false(part->damaged);
	if (part->head.seq != at->seq[ev->thread]) // no batch is passed over without a word
		assert_int_equal(part->head.seq, at->seq[ev->thread] + at->skipped[ev->thread] + 1);
	at->seq[ev->thread] = part->head.seq;
	at->skipped[ev->thread] = 0;
	part->got++;
}

static struct progress account(struct parts *p, const char *path)
{
	struct progress at = {0};
	struct gtrace_reader *r;
	struct gtrace_error err;
	struct gtrace_event ev;
	int n;

	for (size_t i = 0; i < p->count; i++)
		p->part[i].got = 0;
	assert_int_equal(gtrace_reader_open(&r, path, &err), 0);
	while ((n = gtrace_reader_next(r, &ev, &err)) == 1)
		event_account(p, &at, &ev);
	assert_int_equal(n, 0);
	gtrace_reader_close(r);
	return at;
}

/** Of the last batches of a stream nobody can say whether there were any. */
static bool last_of_stream(const struct parts *p, const struct part *part)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct part *other = &p->part[i];

		if (other->head.kind == GTRACE__PACKED && other->head.thread == part->head.thread &&
		    other->head.seq > part->head.seq && !other->damaged)
			return false;
	}
	return true;
}

static void damaged(void **state)
{
	char path[512];
	uint64_t seed = 3;
	uint64_t batches = 0;
	uint64_t records = 0;
	size_t len;

	(void)state;
	strcpy(path, temp_path("damaged.gtrace"));
	make(path, 0);
	uint8_t *bytes = file_read(path, &len);
	struct parts parts = parts_find(bytes, len);
	struct progress at = account(&parts, path);

	assert_int_equal(at.batches, 0);
	assert_true(parts.count > 30);
	for (size_t i = 0; i < parts.count; i++) {
		parts.part[i].want = parts.part[i].got;
		if (parts.part[i].head.kind == GTRACE__PACKED && random_next(&seed) % 3 == 0)
			part_damage(&parts.part[i], bytes, &seed);
	}
	for (size_t i = 0; i < parts.count; i++) {
		const struct part *p = &parts.part[i];

		batches += p->damaged && !(p->header_damaged && last_of_stream(&parts, p));
		records += p->damaged && !p->header_damaged ? p->head.events : 0;
	}
	file_write(path, bytes, len);
	at = account(&parts, path);
	assert_true(batches > 5);
	assert_int_equal(at.batches, batches);
	assert_int_equal(at.records, records);
	for (size_t i = 0; i < parts.count; i++) {
		if (!parts.part[i].damaged)
			assert_int_equal(parts.part[i].got, parts.part[i].want);
	}
	free(parts.part);
	free(bytes);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(skewed),
		cmocka_unit_test(damaged),
	};

	if (argc > 2)
		events_wanted = strtoull(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
