/* SPDX-License-Identifier: MIT */
/**
 * fuzz.h: what the fuzz targets share.
 *
 * A target is one file with LLVMFuzzerTestOneInput().  With clang it is linked to libFuzzer; with
 * any compiler to run.c, which runs files through it, or AFL's inputs.
 *
 * Checksums must not stand between the fuzzer and the code behind them: targets put them right, and
 * payloads are zstd frames of raw blocks without a checksum, which are as good as any to the
 * reader.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "format.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/** Stop with a word if a thing that must hold does not. */
#define FUZZ_CHECK(x) ((x) ? (void)0 : fuzz_fail(#x, __FILE__, __LINE__))
_Noreturn void fuzz_fail(const char *what, const char *file, int line);

/** The name of a file in memory that holds these bytes; there is one. */
const char *fuzz_file(const void *bytes, size_t len);

/** What is in it now.  The caller frees. */
uint8_t *fuzz_file_read(size_t *len);

/** A file to be made. */
struct fuzz_trace {
	uint8_t *bytes;
	size_t len;
	size_t cap;
};

/** Append a chunk, its lengths and checksum put right. */
void fuzz_chunk(struct fuzz_trace *t, struct gtrace__chunk chunk, const void *payload, size_t len);

/** Put the checksum of every chunk header right. */
void fuzz_seal(uint8_t *bytes, size_t len);

/** What reading a file came to. */
struct fuzz_read {
	int result; // of the open, or of the last event
	uint64_t events;
	uint64_t lost_batches;
	uint64_t hash; // of the printed lines
};

/** Read a trace to its end, use all that events hold, and check what holds for all. */
struct fuzz_read fuzz_read_all(const char *path);

/** The input as it is consumed; zeros behind its end. */
struct fuzz_input {
	const uint8_t *p;
	const uint8_t *end;
};

uint64_t fuzz_number(struct fuzz_input *in, unsigned bytes);

#endif
