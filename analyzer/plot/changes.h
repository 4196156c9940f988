/* SPDX-License-Identifier: MIT */
/** changes.h: changes of counts, put in as they come and taken out in order of time. */
#ifndef PLOT_CHANGES_H
#define PLOT_CHANGES_H

#include <stdint.h>

/** The count number `what` changed by `step` at `ns`. */
struct change {
	int64_t ns;
	uint32_t what;
	int32_t step;
};

struct changes;

/** Returns: NULL if there is no memory. */
struct changes *changes_new(void);

/**
 * Put one in.  It takes 8 bytes if `what` is less than 127 and `step` 1 or -1, else 16; what is
 * more than some megabytes goes to a temporary file.
 *
 * Returns: 0; -ENOMEM; or another negative errno after talk().
 */
int changes_add(struct changes *c, int64_t ns, uint32_t what, int32_t step);

/** Likewise for something that lasts from..to, or on and on if to is less than 0. */
int changes_add_stretch(struct changes *c, int64_t from_ns, int64_t to_ns, uint32_t what);

/**
 * Go to the first one in time.  From then on, none can be put in.  May be called again.
 *
 * Returns: 0 or a negative errno.
 */
int changes_sort(struct changes *c);

/**
 * Take the next one out; those of one time come as they were put in.
 *
 * Returns: 1; 0 no more; -ENOMEM; or another negative errno after talk().
 */
int changes_next(struct changes *c, struct change *out);

void changes_free(struct changes *c);

#endif
