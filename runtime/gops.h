/* SPDX-License-Identifier: MIT */
/** gops.h: see gops.c. */
#ifndef GOR_GOPS_H
#define GOR_GOPS_H

void gor__gops_start(void);

/** Before an _exit: the file goes. */
void gor__gops_end(void);

#endif
