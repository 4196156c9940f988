/* SPDX-License-Identifier: MIT */
/* blocks.h: many small programs, put together from blocks. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include <stdbool.h>

enum { BLOCKS_PROGRAMS = 56 };

/** How a program is to be run. */
struct blocks_kind {
	unsigned steps;     // bit i: it may take step i
	const char *policy; // of GOR_DEBUG
	bool vtime;         // its steps take time
};

const struct blocks_kind *blocks_kind(int program);

/** argv[0] points to an int: the program.  For gor_run(). */
int blocks_main(int argc, char **argv);

#endif
