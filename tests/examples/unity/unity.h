/* SPDX-License-Identifier: MIT */
/**
 * unity.h: a stand-in for ThrowTheSwitch's, which Debian does not have: only what the example
 * calls.  Like the real one it leaves a test by a jump, and runs tearDown() under one as well.
 */
#ifndef UNITY_H
#define UNITY_H

#include <setjmp.h>
#include <stdio.h>

void setUp(void);
void tearDown(void);

static jmp_buf unity_out;
static int unity_failed;
static const char *unity_name;

#define TEST_FAIL_MESSAGE(text) unity_fail(__FILE__, __LINE__, (text))
#define TEST_ASSERT_EQUAL_INT(want, got) \
	((want) == (got) ? (void)0 : TEST_FAIL_MESSAGE(#got " is not " #want))
#define UNITY_BEGIN() ((void)0)
#define RUN_TEST(test) unity_run((test), #test)
#define UNITY_END() unity_failed

static inline void unity_fail(const char *file, int line, const char *text)
{
	printf("%s:%d:%s:FAIL: %s\n", file, line, unity_name, text);
	longjmp(unity_out, 1);
}

static inline void unity_run(void (*test)(void), const char *name)
{
	volatile int bad = 0;

	unity_name = name;
	if (setjmp(unity_out) == 0) {
		setUp();
		test();
	} else {
		bad = 1;
	}
	if (setjmp(unity_out) == 0)
		tearDown();
	else
		bad = 1;
	unity_failed += bad;
	if (!bad)
		printf("%s:PASS\n", name);
}

#endif
