/* SPDX-License-Identifier: MIT */
/** gzip.h: bytes as a gzip file. */
#ifndef GTRACE_GZIP_H
#define GTRACE_GZIP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** The same bytes give the same file: it has no name and no time in it.  Returns: 0 or a negative
 * errno. */
int gzip_write(FILE *out, const uint8_t *bytes, size_t len);

#endif
