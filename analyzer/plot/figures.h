/* SPDX-License-Identifier: MIT */
/** figures.h: what each plot shows; one function a plot. */
#ifndef PLOT_FIGURES_H
#define PLOT_FIGURES_H

#include "plot/figure.h"

/** Read the lines of the plot out of the database.  Returns: 0, or a negative errno after talk().
 */
int figure_goroutines(struct figure *f, sqlite3 *db);
int figure_sites(struct figure *f, sqlite3 *db);
int figure_threads(struct figure *f, sqlite3 *db);
int figure_latency(struct figure *f, sqlite3 *db);
int figure_blocking(struct figure *f, sqlite3 *db);
int figure_heat(struct figure *f, sqlite3 *db);
int figure_channels(struct figure *f, sqlite3 *db);
int figure_lifetimes(struct figure *f, sqlite3 *db);

#endif
