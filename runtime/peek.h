/* SPDX-License-Identifier: MIT */
/** peek.h: reading memory of this process that may go away meanwhile. */
#ifndef GOR_PEEK_H
#define GOR_PEEK_H

#include <stddef.h>
#include <stdint.h>

/** Copy up to bytes from an address.  Returns: how many could be read, from the first on. */
size_t gor__peek(void *to, uint64_t from, size_t bytes);

#endif
