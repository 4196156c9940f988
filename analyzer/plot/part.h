/* SPDX-License-Identifier: MIT */
/** part.h: draw a part of a run. */
#ifndef PLOT_PART_H
#define PLOT_PART_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "interval/pack.h"

/**
 * Let the plots of this connection see a part of the run, and nothing else.
 *
 * until_ns may lie behind the run's end, and becomes that; 0 stands for it.
 * Returns: 0; -EINVAL if nothing of the run lies in the part, or another negative errno, both after
 *          talk().
 */
int part_open(sqlite3 *db, int64_t since_ns, int64_t *until_ns);

/**
 * Make of an interval what lies in the part: its times are since the part's beginning then, and it
 * is open if it goes on behind the end.  False: nothing of it does.
 */
bool part_cut(struct interval *row, int64_t from_ns, int64_t to_ns);

#endif
