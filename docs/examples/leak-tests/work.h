/* SPDX-License-Identifier: MIT */
/** work.h: what the tests beside it test: two programs that start a goroutine, for gor_run(). */
#ifndef WORK_H
#define WORK_H

/** Takes an answer from a goroutine. */
int take_answer(int argc, char **argv);

/** Goes away before there is one; the goroutine waits to be asked for ever. */
int go_away(int argc, char **argv);

#endif
