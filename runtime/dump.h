/* SPDX-License-Identifier: MIT */
/** dump.h: see dump.c. */
#ifndef GOR_DUMP_H
#define GOR_DUMP_H

struct g;
struct out;

int gor__dump_write(int fd);
void gor__dump_block(struct out *out, const struct g *g, const struct g *current);

#endif
