/* SPDX-License-Identifier: MIT */
/**
 * gor_cmocka.h: tests of cmocka that fail if a goroutine outlives them.
 *
 *	cmocka_unit_test_no_leaks(test)    in the table, where cmocka_unit_test(test) was
 *
 * A test with a setup and a teardown of its own calls these two in them.
 */
#ifndef GOR_CMOCKA_H
#define GOR_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <gor_leak_note.h>

static inline int gor_cmocka_setup(void **state)
{
	(void)state;
	gor_leak_note_begin();
	return 0;
}

/** Returns: 0; or -1, which is the test's failure. */
static inline int gor_cmocka_teardown(void **state)
{
	char *text = gor_leak_note_end();

	(void)state;
	if (!text)
		return 0;
	print_error("%s", text);
	free(text);
	return -1;
}

#define cmocka_unit_test_no_leaks(test) \
	cmocka_unit_test_setup_teardown(test, gor_cmocka_setup, gor_cmocka_teardown)

#endif
