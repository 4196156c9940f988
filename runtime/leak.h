/* SPDX-License-Identifier: MIT */
/** leak.h: what births and ends tell the leak tests; see leak.c. */
#ifndef GOR_LEAK_H
#define GOR_LEAK_H

#include "scheduler.h"

extern __thread struct gor_leak_scope *gor__leak_thread;

void gor__leak_born(struct gor_leak_scope *scope) __attribute__((cold));
void gor__leak_ended(const struct g *g) __attribute__((cold));
void gor__leak_linger(struct g *g);

#endif
