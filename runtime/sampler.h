/* SPDX-License-Identifier: MIT */
/** sampler.h: see sampler.c, and module.h. */
#ifndef GOR_SAMPLER_H
#define GOR_SAMPLER_H

#include "module.h"

int gor__cpu_start(void);
void gor__cpu_stop(void (*row)(void *arg, const struct module_cpu *sample), void *arg);

#endif
