/* SPDX-License-Identifier: MIT */
/* ticks.c: on one processor, a busy loop and a blocked read(2) leave a third goroutine its time. */
#include "drive.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void median_tick(void **state)
{
	long median_us, longest_us;
	char line[100];
	struct drive d;

	(void)state;
	setenv("GOR_MAXPROCS", "1", 1);
	drive_start(&d, "TESTS_BUILD", "ticker", NULL, NULL);
	assert_true(drive_line(&d, line, sizeof line) > 0);
	assert_int_equal(sscanf(line, "%ld %ld", &median_us, &longest_us), 2);
	print_message("ticks of 10 ms: median %ld us, longest %ld us\n", median_us, longest_us);
	assert_in_range(median_us, 10000, 50000);
	assert_int_equal(drive_wait(&d), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(median_tick)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
