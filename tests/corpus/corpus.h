/* SPDX-License-Identifier: MIT */
/* corpus.h: main() of every program of the corpus, and which of the two twins it is. */
#ifndef CORPUS_H
#define CORPUS_H

#include <gor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef FIXED
#undef FIXED
#define FIXED true
#else
#define FIXED false
#endif

typedef gor_chan(int) ints;

/** The program: goroutine 1. */
static int app(void);

/** What was to happen has happened: score.py may end the program now. */
static inline void ready(void)
{
	puts("ready");
	fflush(stdout);
}

static inline int corpus_entry(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return app();
}

int main(int argc, char **argv)
{
	return gor_run(corpus_entry, argc, argv);
}
#endif
