/* SPDX-License-Identifier: MIT */
/**
 * run.c: the main of a fuzz target without libFuzzer.
 *
 * With names, it runs those files through the target: a corpus as a test.  Without, it runs
 * standard input: once, or as often as AFL says where its compiler made this (afl-clang-fast,
 * persistent).
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define INPUT_MAX (4u << 20)

#ifndef __AFL_LOOP
static int runs;
#define __AFL_LOOP(n) (!runs++)
#endif

/** A copy of its own, so that a sanitizer sees a byte too far. */
static void run(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	FUZZ_CHECK(copy);
	for (size_t i = 0; i < len; i++)
		copy[i] = bytes[i];
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static uint8_t input[INPUT_MAX];

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		return 1;
	}
	size_t len = fread(input, 1, sizeof(input), f);

	fclose(f);
	run(input, len);
	return 0;
}

int main(int argc, char **argv)
{
	int bad = 0;

	for (int i = 1; i < argc; i++)
		bad |= run_file(argv[i]);
	if (argc > 1)
		return bad;
	while (__AFL_LOOP(10000)) {
		ssize_t len = 0;

		for (ssize_t n; (n = read(STDIN_FILENO, input + len, sizeof(input) - (size_t)len)) > 0;)
			len += n;
		run(input, (size_t)len);
	}
	return 0;
}
