/* SPDX-License-Identifier: MIT */
/** sidecar.c: a left-over sidecar is used, and not trusted. */
#include "support.h"

#include "format.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS 20000
#define FLIPS 500

static char path[512];
static char side[530];

static void child(void)
{
	struct gtrace_options opt = options_for(path);
	struct gtrace_error err;
	struct gtrace_rec *rec;

	if (gtrace_rec_open(&rec, &opt, NULL, NULL, &err))
		_exit(1);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	for (uint64_t i = 1; i <= EVENTS; i++)
		GTRACE_EMIT(s, USE, i, GTRACE_op_NONE, 0);
	raise(SIGKILL);
}

/** A program that was killed, with its last batch in the sidecar. */
static int killed(void **state)
{
	int status;

	(void)state;
	strcpy(path, temp_path("killed.gtrace"));
	snprintf(side, sizeof(side), "%s.live", path);
	pid_t pid = fork();

	if (!pid)
		child();
	waitpid(pid, &status, 0);
	return !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void complete(void **state)
{
	struct events e = events_read(path);

	(void)state;
	assert_int_equal(events_count(&e, GTRACE_USE), EVENTS);
	assert_true(e.info.sidecar);
	assert_int_equal(e.info.end, GTRACE_END_CUT);
	assert_true(e.info.duration_ns > 0 && e.info.duration_ns < 60000000000);
	for (size_t i = 1; i < e.count; i++)
		assert_int_equal(e.event[i].arg[0], i);
	events_free(&e);
}

/** All events, not kept.  Returns the last result. */
static int read_through(void)
{
	struct gtrace_reader *r;
	struct gtrace_error err;
	struct gtrace_event ev;
	int n = gtrace_reader_open(&r, path, &err);

	if (n)
		return n;
	while ((n = gtrace_reader_next(r, &ev, &err)) == 1)
		;
	gtrace_reader_close(r);
	return n;
}

/** The file's own chunks are believed, whatever the sidecar has become. */
static void damaged_sidecar(void **state)
{
	size_t len;
	uint8_t *bytes = file_read(side, &len);
	uint64_t seed = 11;

	(void)state;
	for (int i = 0; i < FLIPS; i++) {
		uint8_t *copy = malloc(len);
		size_t used = len;

		memcpy(copy, bytes, len);
		if (i % 4 == 0)
			used = random_next(&seed) % len;
		for (int k = 0; k < 8; k++) { // most flips hit the page and the heads of the slots
			size_t head = (random_next(&seed) % (len / GTRACE__SLOT_BYTES)) * GTRACE__SLOT_BYTES;
			size_t at = k % 4 == 0   ? random_next(&seed) % sizeof(struct gtrace__side)
			            : k % 4 == 1 ? random_next(&seed) % len
			                         : GTRACE__SIDE_BYTES + head + random_next(&seed) % 64;

			copy[at % len] ^= (uint8_t)(1u << random_next(&seed) % 8);
		}
		file_write(side, copy, used);
		free(copy);
		assert_int_equal(read_through(), 0);
	}
	file_write(side, bytes, len);
	free(bytes);
}

/** The same batch in both places counts once; a sidecar of another run counts not at all. */
static void not_twice(void **state)
{
	size_t len;
	uint8_t *bytes = file_read(side, &len);
	struct gtrace__side *page = (struct gtrace__side *)bytes;
	struct gtrace__slot *slot = (struct gtrace__slot *)(bytes + GTRACE__SIDE_BYTES);
	uint32_t was = slot->state;

	(void)state;
	slot->state = GTRACE__SLOT_FULL; // written long ago
	file_write(side, bytes, len);
	struct events e = events_read(path);

	assert_int_equal(events_count(&e, GTRACE_USE), EVENTS);
	events_free(&e);
	slot->state = was;
	page->id ^= 1;
	file_write(side, bytes, len);
	e = events_read(path);
	assert_int_equal(e.result, 0);
	assert_true(events_count(&e, GTRACE_USE) < EVENTS);
	assert_false(e.info.sidecar);
	events_free(&e);
	page->id ^= 1;
	page->end_signal = SIGTERM; // it had begun to end
	file_write(side, bytes, len);
	e = events_read(path);
	assert_int_equal(e.info.end, GTRACE_END_SIGNAL);
	assert_int_equal(e.info.end_code, SIGTERM);
	events_free(&e);
	free(bytes);
}

/** A running program's trace can be read meanwhile. */
static void while_running(void **state)
{
	const char *live = temp_path("live.gtrace");
	struct gtrace_options opt = options_for(live);
	struct gtrace_rec *rec = record(&opt);
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	(void)state;
	for (uint64_t i = 1; i <= 60000; i++) {
		GTRACE_EMIT(s, USE, i, GTRACE_op_NONE, 0);
		if (i % 6000)
			continue;
		struct events e = events_read(live);

		assert_int_equal(events_count(&e, GTRACE_USE), i);
		assert_int_equal(e.info.lost_batches, 0);
		events_free(&e);
	}
	gtrace_rec_close(rec, GTRACE_END_EXIT, 0);
	gtrace_rec_free(rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complete),
		cmocka_unit_test(damaged_sidecar),
		cmocka_unit_test(not_twice),
		cmocka_unit_test(while_running),
	};

	return cmocka_run_group_tests(tests, killed, NULL);
}
