/* SPDX-License-Identifier: MIT */
/* unity.c: two tests with Unity; the second one leaks a goroutine. */
#include <gor_unity.h>
#include "work.h"

void setUp(void)
{
	gor_unity_setup();
}

void tearDown(void)
{
	gor_unity_teardown();
}

static void takes_answer(void)
{
	TEST_ASSERT_EQUAL_INT(42, gor_run(take_answer, 0, NULL));
}

static void goes_away(void)
{
	TEST_ASSERT_EQUAL_INT(42, gor_run(go_away, 0, NULL));
}

int main(int argc, char **argv)
{
	(void)argv;
	UNITY_BEGIN();
	RUN_TEST(takes_answer);
	if (argc == 1)
		RUN_TEST(goes_away);
	return UNITY_END();
}
