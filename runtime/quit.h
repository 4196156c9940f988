/* SPDX-License-Identifier: MIT */
/** quit.h: see quit.c. */
#ifndef GOR_QUIT_H
#define GOR_QUIT_H

#include "scheduler.h"

bool gor__quit_start(void);
void gor__quit_dump(int signo);
void gor__quit(uint64_t pc, int code);

#endif
