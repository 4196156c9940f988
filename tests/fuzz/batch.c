/* SPDX-License-Identifier: MIT */
/**
 * batch.c: batches of any records, in streams of any order.
 *
 * The input is the header's text, a zero byte, and batches:
 *
 *     thread, seq, g, lost, generation: 1 byte each   first_ticks, length: 2 each   records
 *
 * It becomes a sound file: what the fuzzer changes are records, and how they are put together.
 */
#include "fuzz.h"

#include <gtrace.h>

#include <stdlib.h>
#include <string.h>

#define THREADS 7

static void batch_put(struct fuzz_trace *t, struct fuzz_input *in)
{
	struct gtrace__chunk chunk = {.kind = GTRACE__BATCH};

	chunk.thread = fuzz_number(in, 1) % THREADS + 1;
	chunk.seq = fuzz_number(in, 1);
	chunk.g = fuzz_number(in, 1);
	chunk.lost_events = chunk.lost_batches = fuzz_number(in, 1);
	chunk.generation = (uint32_t)fuzz_number(in, 1);
	chunk.first_ticks = fuzz_number(in, 2);
	chunk.clock = (struct gtrace__clock){chunk.first_ticks, chunk.first_ticks << 12, 0};
	size_t len = fuzz_number(in, 2);

	if (len > (size_t)(in->end - in->p))
		len = (size_t)(in->end - in->p);
	chunk.events = len / 4;
	fuzz_chunk(t, chunk, in->p, len);
	in->p += len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, data + len};
	struct fuzz_trace t = {0};
	size_t header = strnlen((const char *)data, len);

	fuzz_chunk(&t, (struct gtrace__chunk){.kind = GTRACE__HEADER}, data, header);
	in.p += header + (header < len);
	while (in.p < in.end)
		batch_put(&t, &in);
	struct fuzz_read once = fuzz_read_all(fuzz_file(t.bytes, t.len));
	struct fuzz_read twice = fuzz_read_all(fuzz_file(t.bytes, t.len));

	FUZZ_CHECK(!once.result && once.hash == twice.hash && once.events == twice.events);
	free(t.bytes);
	return 0;
}
