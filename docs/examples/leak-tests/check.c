/* SPDX-License-Identifier: MIT */
/* check.c: two tests with Check; the second one leaks a goroutine. */
#include <gor_check.h>
#include "work.h"

START_TEST(takes_answer)
{
	ck_assert_int_eq(gor_run(take_answer, 0, NULL), 42);
}
END_TEST

START_TEST(goes_away)
{
	ck_assert_int_eq(gor_run(go_away, 0, NULL), 42);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("work");
	TCase *tcase = tcase_create("answers");

	(void)argv;
	gor_check_no_leaks(tcase);
	tcase_add_test(tcase, takes_answer);
	if (argc == 1)
		tcase_add_test(tcase, goes_away);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_VERBOSE);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
