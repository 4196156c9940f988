/* SPDX-License-Identifier: MIT */
/* heap.c: blocks of a heap that somebody else is at, made by hand in the form of the C library's.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "heap.h"

#define ARENA (64u << 20)
#define SIZE 0x40000u
#define FIRST 0x100u // of the first chunk
#define CHUNK 0x80u
#define CHUNKS ((SIZE - FIRST) / CHUNK)
#define USED 1u // what a chunk says of the one before

static char *arena;
static struct heap heap;
static uint64_t *torn; // what is found in its place is nothing, so many times
static int times;

/* All that is read is here. */
size_t __wrap_gor__peek(void *to, uint64_t from, size_t bytes);
size_t __wrap_gor__peek(void *to, uint64_t from, size_t bytes)
{
	uint64_t at = (uint64_t)(uintptr_t)torn;

	memcpy(to, (const void *)(uintptr_t)from, bytes); // NOLINT: an address
	if (times > 0 && at >= from && at + sizeof *torn <= from + bytes) {
		memset((char *)to + (at - from), 0, sizeof *torn);
		times--;
	}
	return bytes;
}

static uint64_t *size_of(unsigned i)
{
	return (uint64_t *)(void *)(arena + FIRST + i * CHUNK + 8);
}

static void says_its_size(uint64_t size)
{
	uint64_t info[4] = {(uint64_t)(uintptr_t)arena + 0x30, 0, size, size};

	memcpy(arena, info, sizeof info);
}

static int set_up(void **state)
{
	static uint64_t found[HEAP_BYTES / 8];
	static char buffer[HEAP_WINDOW];
	char *all = mmap(NULL, 2 * ARENA, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)state;
	assert_true(all != MAP_FAILED);
	arena = all + (-(uintptr_t)all & (ARENA - 1));
	says_its_size(SIZE);
	for (unsigned i = 0; i < CHUNKS; i++)
		*size_of(i) = CHUNK | USED;
	memset(found, 0, sizeof found);
	torn = size_of(CHUNKS / 3);
	times = 3;
	gor__heap_init(&heap, found, buffer);
	uint64_t low = (uint64_t)(uintptr_t)arena;
	gor__heap_find(&heap, low, low + ARENA, false);
	assert_int_equal(heap.count, 1);
	assert_int_equal(heap.regions[0].first, low + FIRST);
	return 0;
}

/* The next that has changed are chunks [from, to). */
static void check_changed(unsigned from, unsigned to)
{
	uint64_t first = (uint64_t)(uintptr_t)arena + FIRST, at[2];

	assert_true(gor__heap_changed(&heap, &at[0], &at[1]));
	assert_int_equal(at[0], first + (uint64_t)from * CHUNK);
	assert_int_equal(at[1] & ~UINT64_C(15), (first + (uint64_t)to * CHUNK) & ~UINT64_C(15));
}

static void check_no_more(void)
{
	uint64_t at[2];

	assert_false(gor__heap_changed(&heap, &at[0], &at[1]));
	assert_false(gor__heap_changed(&heap, &at[0], &at[1]));
}

static void nothing_changed(void **state)
{
	(void)state;
	check_no_more();
}

/* Two that were free become one that is used, behind it one is split. */
static void blocks_changed(void **state)
{
	(void)state;
	*size_of(10) += CHUNK;
	*size_of(11) = 0; // of the program now
	*size_of(20) = CHUNK / 2 | USED;
	*(uint64_t *)(void *)((char *)size_of(20) + CHUNK / 2) = CHUNK / 2 | USED;
	uint64_t first = (uint64_t)(uintptr_t)arena + FIRST, from, to;
	for (unsigned half = 2; half-- > 0;) {
		assert_true(gor__heap_changed(&heap, &from, &to));
		assert_int_equal(from, first + 20 * CHUNK + half * CHUNK / 2);
		assert_int_equal(to, from + CHUNK / 2 + 8);
	}
	check_changed(10, 12);
	check_no_more();
}

/* A chunk's size was read while it was none: a moment later it is one again. */
static void torn_for_a_moment(void **state)
{
	(void)state;
	torn = size_of(CHUNKS / 2);
	times = 3;
	check_no_more();
	assert_int_equal(times, 0);
}

/* What comes before it is known all the same. */
static void torn_for_good(void **state)
{
	(void)state;
	torn = size_of(CHUNKS / 2);
	times = 1 << 20;
	*size_of(10) += CHUNK;
	check_changed(CHUNKS / 2, CHUNKS);
	check_changed(10, 12);
	check_no_more();
}

/* Its last block is used now, and behind it is memory that was not the heap's. */
static void grown(void **state)
{
	(void)state;
	*size_of(CHUNKS - 1) = (uint64_t)2 * CHUNK | USED;
	*size_of(CHUNKS + 1) = CHUNK | USED;
	*size_of(CHUNKS + 2) = CHUNK | USED;
	says_its_size(SIZE + 3 * CHUNK);
	check_changed(CHUNKS + 1, CHUNKS + 2);
	check_changed(CHUNKS - 1, CHUNKS + 1);
	check_no_more();
}

/* Its end was given back. */
static void shrunk(void **state)
{
	(void)state;
	*size_of(CHUNKS / 2) = 0;
	says_its_size(FIRST + CHUNKS / 2 * CHUNK);
	check_no_more();
}

/* A heap that is none any more is all memory. */
static void gone(void **state)
{
	(void)state;
	memset(arena, 0, 2 * FIRST);
	check_changed(0, CHUNKS);
	check_no_more();
}

/* More blocks to look at than there is room for, even if that comes late. */
static void overflown(void **state)
{
	(void)state;
	*size_of(10) += CHUNK;
	check_changed(10, 12);
	heap.overflow = true;
	check_changed(0, CHUNKS);
	check_no_more();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_changed, set_up),
		cmocka_unit_test_setup(blocks_changed, set_up),
		cmocka_unit_test_setup(torn_for_a_moment, set_up),
		cmocka_unit_test_setup(torn_for_good, set_up),
		cmocka_unit_test_setup(grown, set_up),
		cmocka_unit_test_setup(shrunk, set_up),
		cmocka_unit_test_setup(gone, set_up),
		cmocka_unit_test_setup(overflown, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
