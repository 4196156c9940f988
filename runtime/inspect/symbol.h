/* SPDX-License-Identifier: MIT */
/** symbol.h: see symbol.c, and module.h. */
#ifndef GOR_INSPECT_SYMBOL_H
#define GOR_INSPECT_SYMBOL_H

#include "module.h"

unsigned inspect_places(uint64_t pc, struct module_place place[MODULE_INLINED_MAX]);
const char *inspect_source(const void *at, const char *file);

#endif
