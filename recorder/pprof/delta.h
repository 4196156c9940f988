/* SPDX-License-Identifier: MIT */
/** delta.h: what has changed between two profiles. */
#ifndef GTRACE_PPROF_DELTA_H
#define GTRACE_PPROF_DELTA_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct pprof_bytes {
	const uint8_t *bytes; // as pprof_finish() wrote them
	size_t len;
};

/**
 * Write the later profile less the earlier one, compressed: numbers below 0 are of what is gone.
 *
 * Returns: 0; -EBADMSG: one of them is no profile; -ENOMEM or another negative errno.
 */
int pprof_delta(struct pprof_bytes earlier, struct pprof_bytes later, int64_t duration_ns,
                FILE *out);

#endif
