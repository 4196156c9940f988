/* SPDX-License-Identifier: MIT */
/** fuzz.c: what the fuzz targets share. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <gtrace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define ZSTD_MAGIC 0xFD2FB528u
#define ZSTD_SINGLE_4 0xA0 // one segment, four bytes of content size, no checksum
#define ZSTD_BLOCK_MAX 131072
#define LINE_BYTES 65536

void fuzz_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

static int memory_fd(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	FUZZ_CHECK(fd >= 0);
	return fd;
}

const char *fuzz_file(const void *bytes, size_t len)
{
	static char path[64];
	int fd = memory_fd();

	FUZZ_CHECK(!ftruncate(fd, 0));
	FUZZ_CHECK(pwrite(fd, bytes, len, 0) == (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

uint8_t *fuzz_file_read(size_t *len)
{
	struct stat st;

	FUZZ_CHECK(!fstat(memory_fd(), &st));
	*len = (size_t)st.st_size;
	uint8_t *bytes = malloc(*len + 1);

	FUZZ_CHECK(bytes && pread(memory_fd(), bytes, *len, 0) == (ssize_t)*len);
	return bytes;
}

/* ── files ── */

static void append(struct fuzz_trace *t, const void *bytes, size_t len)
{
	if (t->cap - t->len < len) {
		t->cap = 2 * t->cap + len;
		t->bytes = realloc(t->bytes, t->cap);
		FUZZ_CHECK(t->bytes);
	}
	if (len)
		memcpy(t->bytes + t->len, bytes, len);
	t->len += len;
}

static void append_number(struct fuzz_trace *t, uint64_t v, size_t bytes)
{
	append(t, &v, bytes);
}

/** A zstd frame that holds its payload as it is. */
static void append_frame(struct fuzz_trace *t, const uint8_t *payload, size_t len)
{
	size_t done = 0;

	append_number(t, ZSTD_MAGIC, 4);
	append_number(t, ZSTD_SINGLE_4, 1);
	append_number(t, len, 4);
	do {
		size_t n = len - done < ZSTD_BLOCK_MAX ? len - done : ZSTD_BLOCK_MAX;

		append_number(t, n << 3 | (done + n == len), 3);
		append(t, payload + done, n);
		done += n;
	} while (done < len);
}

void fuzz_chunk(struct fuzz_trace *t, struct gtrace__chunk chunk, const void *payload, size_t len)
{
	size_t at = t->len;

	memcpy(chunk.magic, GTRACE__CHUNK_MAGIC, 4);
	chunk.major = GTRACE_FORMAT_MAJOR;
	chunk.header_bytes = GTRACE__CHUNK_BYTES;
	chunk.raw_bytes = len;
	append_number(t, GTRACE__SKIPPABLE, 4);
	append_number(t, GTRACE__CHUNK_BYTES, 4);
	append(t, &chunk, sizeof(chunk));
	append_frame(t, payload, len);
	chunk.frame_bytes = t->len - at - GTRACE__SKIP_BYTES - GTRACE__CHUNK_BYTES;
	chunk.checksum = XXH64(&chunk, sizeof(chunk) - 8, 0);
	memcpy(t->bytes + at + GTRACE__SKIP_BYTES, &chunk, sizeof(chunk));
}

void fuzz_seal(uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at + GTRACE__SKIP_BYTES + 12 <= len; at++) {
		const uint8_t *head = bytes + at + GTRACE__SKIP_BYTES;
		uint16_t n;

		if (memcmp(head, GTRACE__CHUNK_MAGIC, 4))
			continue;
		memcpy(&n, head + offsetof(struct gtrace__chunk, header_bytes), 2);
		if (n < 24 || at + GTRACE__SKIP_BYTES + n > len)
			continue;
		uint64_t sum = XXH64(head, n - 8u, 0);

		memcpy(bytes + at + GTRACE__SKIP_BYTES + n - 8, &sum, 8);
	}
}

/* ── reading ── */

static void event_use(const struct gtrace_reader *r, const struct gtrace_event *ev)
{
	FUZZ_CHECK(ev->desc && ev->nargs == ev->desc->nargs && ev->nargs <= GTRACE_ARGS_MAX);
	FUZZ_CHECK(ev->thread && ev->id != GTRACE_SITE && ev->id != GTRACE_STACK_DEF);
	FUZZ_CHECK(ev->time_ns <= 4000000000000000000 && ev->time_ns >= -4000000000000000000);
	for (int i = 0; i < ev->nargs; i++) {
		const uint64_t *pcs;

		if (!strcmp(ev->desc->kind[i], "bytes")) // all of it can be read
			FUZZ_CHECK(!ev->arg[i] || XXH64(ev->bytes[i], ev->arg[i], 0) != 1);
		else if (!strcmp(ev->desc->kind[i], "site"))
			FUZZ_CHECK(gtrace_reader_site(r, ev->arg[i])->file);
		else if (ev->id == GTRACE_STACK)
			FUZZ_CHECK(gtrace_reader_stack(r, ev->arg[i], &pcs) <= 1024);
	}
}

struct fuzz_read fuzz_read_all(const char *path)
{
	static char line[LINE_BYTES];
	struct gtrace_reader *r = NULL;
	struct gtrace_error err = {0};
	struct gtrace_event ev;
	struct fuzz_read out = {0};

	out.result = gtrace_reader_open(&r, path, &err);
	FUZZ_CHECK(out.result <= 0 && !r == (out.result < 0) && !*err.text == !out.result);
	if (!r)
		return out;
	while ((out.result = gtrace_reader_next(r, &ev, &err)) == 1) {
		event_use(r, &ev);
		size_t n = gtrace_event_print(r, &ev, line, sizeof(line));

		FUZZ_CHECK(n < sizeof(line) && !line[n]);
		out.hash = XXH64(line, n, out.hash);
		out.events++;
	}
	FUZZ_CHECK(!out.result && gtrace_reader_info(r)->events == out.events);
	out.lost_batches = gtrace_reader_info(r)->lost_batches;
	gtrace_reader_close(r);
	return out;
}

uint64_t fuzz_number(struct fuzz_input *in, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes && in->p < in->end; i++)
		v |= (uint64_t)*in->p++ << 8 * i;
	return v;
}
