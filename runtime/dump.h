/* SPDX-License-Identifier: MIT */
/** dump.h: see dump.c. */
#ifndef GOR_DUMP_H
#define GOR_DUMP_H

int gor__dump_write(int fd);

#endif
