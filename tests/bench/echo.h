/* SPDX-License-Identifier: MIT */
/* echo.h: the parts of bench_echo; see echo.c. */
#ifndef ECHO_H
#define ECHO_H

enum { ECHO_BYTES = 64 };

/** Serve by a loop around epoll_wait() in each of so many threads, with nothing of ours. */
int echo_epoll(int threads);

/** Start the server `argv`, do a row of work on it, print its figures, end the server. */
int echo_load(const char *row, char **argv);

#endif
