/* SPDX-License-Identifier: MIT */
/**
 * gor_check.h: tests of Check that fail if a goroutine outlives them.
 *
 *	gor_check_no_leaks(tcase);    once for each test case, before its other fixtures
 *
 * Each test of Check is a forked child; whoever starts them must not have called gor_run itself.
 */
#ifndef GOR_CHECK_H
#define GOR_CHECK_H

#include <check.h>
#include <gor_leak_note.h>

static inline void gor_check_setup(void)
{
	gor_leak_note_begin();
}

static inline void gor_check_teardown(void)
{
	char *text = gor_leak_note_end();

	if (text)
		ck_abort_msg("%s", text);
}

static inline void gor_check_no_leaks(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, gor_check_setup, gor_check_teardown);
}

#endif
