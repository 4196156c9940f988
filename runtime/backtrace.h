/* SPDX-License-Identifier: MIT */
/** backtrace.h: program counters from frame pointers. */
#ifndef GOR_BACKTRACE_H
#define GOR_BACKTRACE_H

#include "g.h"

#include <gtrace.h>

/** Of frames from fp on, which lie in a stack from low to high: after the n that are in pc. */
unsigned gor__frames(uint64_t fp, const void *low, const void *high, uint64_t *pc, unsigned n,
                     unsigned most);

/** Of a context that is switched out, whose saved registers and stack lie from sp to high. */
unsigned gor__frames_parked(const void *sp, const void *high, uint64_t *pc, unsigned most);

/** To a stream: the stack of a goroutine that is switched out and will not run meanwhile. */
uint64_t gor__backtrace_number(struct gtrace_stream *stream, const struct g *g);

#endif
