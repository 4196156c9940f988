/* SPDX-License-Identifier: MIT */
/* plain.c: no test framework: the program fails if a goroutine is left at its end. */
#include "work.h"
#include <gor.h>

int main(int argc, char **argv)
{
	gor_verify_main();
	return gor_run(argc > 1 ? take_answer : go_away, argc, argv) != 42;
}
