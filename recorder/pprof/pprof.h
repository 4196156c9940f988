/* SPDX-License-Identifier: MIT */
/**
 * pprof.h: making a profile for `go tool pprof`.
 *
 * Of the analyzer's exports and of running programs' profiles alike; no part of libgtrace.  Texts
 * have to be valid UTF-8.  Where memory is short all goes on, and pprof_finish() says so.
 */
#ifndef GTRACE_PPROF_H
#define GTRACE_PPROF_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct pprof;

/** What one of a sample's two numbers is; type NULL: there is no second one. */
struct pprof_kind {
	const char *type, *unit;
};

/** All of the profile. */
struct pprof_run {
	struct pprof_kind kind[2];
	const char *shown;       // the kind that is shown unless asked for the other
	const char *comment;     // or NULL
	const char *drop_frames; // regular expression of functions nobody wants to see, or NULL
	int64_t time_ns, duration_ns;
};

/** The program or a library, as it is mapped. */
struct pprof_mapping {
	uint64_t start, end, offset; // 0: not known
	const char *file;
	const char *build_id; // in hexadecimal; "": none
};

/** A place in a function. */
struct pprof_line {
	const char *func, *file;
	int64_t line; // 0: unknown
};

/** NULL: no memory.  To be given to pprof_free(). */
struct pprof *pprof_new(const struct pprof_run *run);
void pprof_free(struct pprof *p);

/** The first one has to be the program; all before the first location. */
void pprof_mapping(struct pprof *p, const struct pprof_mapping *mapping);

/**
 * A sample, and then what is in it: its frames, innermost first, and its labels.
 *
 * A frame has n lines, those of functions inlined there first; address 0: not known.
 */
void pprof_sample(struct pprof *p, int64_t first, int64_t second);
void pprof_frame(struct pprof *p, uint64_t address, const struct pprof_line *line, unsigned n);
void pprof_label(struct pprof *p, const char *key, const char *text); // "": none
void pprof_number(struct pprof *p, const char *key, int64_t number);  // 0: none

/** Write it, compressed.  Returns: 0, -ENOMEM or another negative errno. */
int pprof_finish(const struct pprof *p, FILE *out);

#endif
