/* SPDX-License-Identifier: MIT */
/** html_graph.h: who waits for whom in a finding, as a drawing. */
#ifndef REPORT_HTML_GRAPH_H
#define REPORT_HTML_GRAPH_H

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>

/**
 * Write the SVG of finding `id`, from the temporary table wait_node and what it was made of.
 *
 * *left_out becomes the number of goroutines there was no room for.
 * Returns: an SQLite code.
 */
int html_graph(sqlite3 *db, FILE *out, int64_t id, int64_t *left_out);

#endif
