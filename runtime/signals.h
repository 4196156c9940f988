/* SPDX-License-Identifier: MIT */
/** signals.h: see signals.c. */
#ifndef GOR_SIGNALS_H
#define GOR_SIGNALS_H

#include <signal.h>

#include "scheduler.h"

#define SAMPLE_SIGNAL SIGURG

void gor__signals_install(void);
bool gor__signals_sampling(void);
bool gor__signals_sample(void);
int gor__signal_number(const char *text);
const char *gor__signal_name(int signo, char *text, size_t room);
void *gor__signals_thread(void);
void gor__signals_thread_end(void *stack);

#endif
