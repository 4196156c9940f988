/* SPDX-License-Identifier: MIT */
/** text_plot.h: the number of goroutines over time, in letters. */
#ifndef REPORT_TEXT_PLOT_H
#define REPORT_TEXT_PLOT_H

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>

struct text_plot {
	int64_t end_ns;
	int64_t peak, peak_ns;
	int64_t left; // alive at the end
};

/** Three rows, as wide as the report; nothing if there never were two goroutines at once.  Returns:
 * an SQLite code. */
int text_plot(sqlite3 *db, FILE *out, const struct text_plot *plot);

#endif
