/* SPDX-License-Identifier: MIT */
/** map.c: the hash table against a plain array, through many puts and removals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "map.h"

enum { KEYS = 512, STEPS = 200000 };

struct entry {
	struct map_head head;
	uint64_t value;
};

static void test_against_array(void **state)
{
	struct map m = {.slot_bytes = sizeof(struct entry)};
	uint64_t model[KEYS] = {0}, x = 1;
	size_t count = 0;

	(void)state;
	for (int i = 0; i < STEPS; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		uint64_t key = x >> 55;
		struct entry *e = map_find(&m, key, key / 3);
		assert_int_equal(e ? e->value : 0, model[key]);
		if (x >> 40 & 1) {
			e = map_put(&m, key, key / 3);
			count += model[key] == 0;
			e->value = model[key] = (uint64_t)i + 1;
		} else if (e) {
			map_remove(&m, e);
			model[key] = 0;
			count--;
		}
		assert_int_equal(m.count, count);
	}
	size_t seen = 0;

	for (struct entry *e = map_next(&m, NULL); e; e = map_next(&m, e)) {
		assert_int_equal(e->value, model[e->head.a]);
		seen++;
	}
	assert_int_equal(seen, count);
	map_clear(&m);
	assert_null(map_next(&m, NULL));
	map_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_array)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
