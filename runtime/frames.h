/* SPDX-License-Identifier: MIT */
/** frames.h: what of a goroutine's stack is shown; see frames.c. */
#ifndef GOR_FRAMES_H
#define GOR_FRAMES_H

#include "module.h"
#include "snapshot.h"

#define FRAMES_SHOWN 96u

/**
 * The frames of a row, innermost first, at most FRAMES_SHOWN.  module NULL: only call sites are
 * known.  all: the runtime's own as well.
 */
unsigned gor__frames_shown(const struct snapshot *s, const struct snapshot_row *row,
                           const struct module *module, bool all, struct frame *frame);

#endif
