/* SPDX-License-Identifier: MIT */
/** profile.h: see profile.c, and module.h. */
#ifndef GOR_INSPECT_PROFILE_H
#define GOR_INSPECT_PROFILE_H

#include "module.h"

struct pprof *inspect_pprof_begin(const struct module_profile *profile);
void inspect_pprof_sample(struct pprof *p, const struct module_sample *sample);
int inspect_pprof_end(struct pprof *p, char **bytes, size_t *len);

#endif
