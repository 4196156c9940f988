/* SPDX-License-Identifier: MIT */
/* cmocka.c: two tests with cmocka; the second one leaks a goroutine. */
#include <gor_cmocka.h>
#include "work.h"

static void takes_answer(void **state)
{
	(void)state;
	assert_int_equal(gor_run(take_answer, 0, NULL), 42);
}

static void goes_away(void **state)
{
	(void)state;
	assert_int_equal(gor_run(go_away, 0, NULL), 42);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_no_leaks(takes_answer),
		cmocka_unit_test_no_leaks(goes_away),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
