/* SPDX-License-Identifier: MIT */
/** profile.h: what profiles for `go tool pprof` have in common; see profile.c. */
#ifndef GOR_PROFILE_H
#define GOR_PROFILE_H

struct module;
struct out;
struct pprof;

/** As gor_profile_write() with debug 0, but goroutines with equal stacks are not one sample. */
int gor__profile_each(const char *name, int fd);

/** ns NULL: samples have one number.  shown: one of the two.  NULL: no memory. */
struct pprof *gor__profile_begin(const struct module *module, const char *count, const char *ns,
                                 const char *shown, unsigned procs);

/** Write it and free it.  Returns: 0, -ENOMEM, or what gor__out_flush() does. */
int gor__profile_end(const struct module *module, struct pprof *p, struct out *out);

#endif
