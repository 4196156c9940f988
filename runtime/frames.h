/* SPDX-License-Identifier: MIT */
/** frames.h: what of a goroutine's stack is shown; see frames.c. */
#ifndef GOR_FRAMES_H
#define GOR_FRAMES_H

#include "module.h"
#include "snapshot.h"

#define FRAMES_SHOWN 96u

struct frame {
	const char *func, *file; // never NULL
	int line;
	bool inlined;    // into the next one, or all that is known is a call site
	uint64_t pc;     // in the call; 0: not known
	uint64_t offset; // of pc in func
};

/**
 * The frames of a row, innermost first, at most FRAMES_SHOWN.  module NULL: only call sites are
 * known.  all: the runtime's own as well.
 */
unsigned gor__frames_shown(const struct snapshot *s, const struct snapshot_row *row,
                           const struct module *module, bool all, struct frame *frame);

#endif
