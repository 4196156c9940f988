/* SPDX-License-Identifier: MIT */
/** assets.h: the files of sql/, plots/ and report/ that are compiled into the program. */
#ifndef ASSETS_H
#define ASSETS_H

#include <stddef.h>

struct asset {
	const char *name; // relative to analyzer/: sql/schema.sql
	const char *data; // a zero byte follows the last one
	size_t size;
};

/** All of them by name, in order; the last one's name is NULL. */
extern const struct asset assets[];

/** The asset of a name, or NULL. */
const struct asset *asset_find(const char *name);

#endif
