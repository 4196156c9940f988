/* SPDX-License-Identifier: MIT */
/**
 * gor_unity.h: tests of Unity (ThrowTheSwitch) that fail if a goroutine outlives them.
 *
 *	void setUp(void) { gor_unity_setup(); }
 *	void tearDown(void) { gor_unity_teardown(); }
 *
 * For any framework in whose teardown TEST_FAIL_MESSAGE(text) fails the test.
 */
#ifndef GOR_UNITY_H
#define GOR_UNITY_H

#include <gor_leak_note.h>
#include <stdio.h>
#include <unity.h>

static inline void gor_unity_setup(void)
{
	gor_leak_note_begin();
}

static inline void gor_unity_teardown(void)
{
	static char kept[4096]; // TEST_FAIL_MESSAGE does not return
	char *text = gor_leak_note_end();

	if (!text)
		return;
	snprintf(kept, sizeof kept, "%s", text);
	free(text);
	TEST_FAIL_MESSAGE(kept);
}

#endif
