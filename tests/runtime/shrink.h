/* SPDX-License-Identifier: MIT */
/* shrink.h: from a program that fails to a small one that still does. */
#ifndef SHRINK_H
#define SHRINK_H

#include "program.h"

/**
 * Make p smaller as long as fails(arg, p): without a goroutine, a call, a case, a buffer, with a
 * plainer call in a call's place.  fails decides how often to try a program that does not always.
 */
void shrink(struct program *p, bool (*fails)(void *arg, const struct program *p), void *arg);

#endif
