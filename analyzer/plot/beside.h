/* SPDX-License-Identifier: MIT */
/** beside.h: all plots, drawn while something else is done. */
#ifndef PLOT_BESIDE_H
#define PLOT_BESIDE_H

struct plot_beside;

/**
 * Begin plot_all() of the database at that path into dir.  Both strings live until
 * plot_beside_end(). The file must not change until then, whoever has it locked.
 *
 * Returns: NULL if no thread or no memory can be had.  End it by plot_beside_end().
 */
struct plot_beside *plot_beside_begin(const char *path, const char *dir);

/** Wait for it, and free it.  Blocks and returns as plot_all(). */
int plot_beside_end(struct plot_beside *b);

#endif
