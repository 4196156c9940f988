/* SPDX-License-Identifier: MIT */
/** goroutine.h: what the reader knows of each goroutine that is alive. */
#ifndef GTRACE_READER_GOROUTINE_H
#define GTRACE_READER_GOROUTINE_H

#include "reader/order.h"

#include <gtrace.h>

#define EPOCH_UNDETERMINED UINT32_MAX

/** state is a GTRACE_state_*; NONE: only waited for. */
struct goroutine {
	uint64_t id; // 0: an empty row
	uint64_t count;
	struct cursor *waiting; // cursors whose head needs this goroutine to move on
	uint32_t epoch;         // order->epoch when this was last seen for certain
	uint8_t state;
};

/** NULL if it is not there.  Good until the next _get or _remove. */
struct goroutine *gtrace__goroutine_find(const struct order *o, uint64_t id);

/** Made if it is not there.  NULL: no memory. */
struct goroutine *gtrace__goroutine_get(struct order *o, uint64_t id);

void gtrace__goroutine_remove(struct order *o, struct goroutine *g);

#endif
