/* SPDX-License-Identifier: MIT */
/** figures.h: what each plot shows; one function a plot. */
#ifndef PLOT_FIGURES_H
#define PLOT_FIGURES_H

#include "plot/figure.h"
#include "plot/pass.h"

/** What they want to know of all goroutines and intervals. */
extern const struct pass_reader bands_reader, sites_reader, lanes_reader, latency_reader,
	channels_reader, lifetimes_reader;

/**
 * Fill the figure out of the database, and of what its reader has read.
 *
 * Returns: 0, or a negative errno, which is said unless it is -ENOMEM.
 */
int figure_goroutines(struct figure *f, sqlite3 *db, void *bands);
int figure_sites(struct figure *f, sqlite3 *db, void *sites);
int figure_threads(struct figure *f, sqlite3 *db, void *lanes);
int figure_latency(struct figure *f, sqlite3 *db, void *latency);
int figure_blocking(struct figure *f, sqlite3 *db, void *nothing);
int figure_heat(struct figure *f, sqlite3 *db, void *lanes);
int figure_channels(struct figure *f, sqlite3 *db, void *channels);
int figure_lifetimes(struct figure *f, sqlite3 *db, void *lifetimes);

#endif
