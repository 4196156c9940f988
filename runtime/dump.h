/* SPDX-License-Identifier: MIT */
/** dump.h: see dump.c. */
#ifndef GOR_DUMP_H
#define GOR_DUMP_H

#include "snapshot.h"

struct module;
struct out;

const char *gor__dump_status(const struct snapshot_row *row);

/** All goroutines, as a panic prints them; debug 3: and what they wait for. */
void gor__dump_rows(struct out *out, struct snapshot *s, const struct module *module, int debug);

#endif
