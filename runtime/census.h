/* SPDX-License-Identifier: MIT */
/** census.h: see census.c, and module.h. */
#ifndef GOR_CENSUS_H
#define GOR_CENSUS_H

#include "module.h"

void gor__census(void (*row)(void *arg, const struct module_goroutine *g), void *arg);
void gor__numbers(struct module_numbers *n);

#endif
