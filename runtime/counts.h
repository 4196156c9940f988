/* SPDX-License-Identifier: MIT */
/** counts.h: goroutines with equal stacks, counted; see counts.c. */
#ifndef GOR_COUNTS_H
#define GOR_COUNTS_H

#include "snapshot.h"

/** Goroutines that are the same for a profile: index[first] to index[first + count - 1]. */
struct count {
	size_t first, count;
	uint64_t key;
};

/** What is the same of those that are counted as one. */
enum counts_by {
	COUNTS_BY_STACK,
	COUNTS_BY_LOOKS, // also state, birth and name
	COUNTS_BY_ID,    // everything
};

struct counts {
	enum counts_by by;
	struct count *at; // most first
	size_t count, room;
};

/**
 * Count the rows of s, whose order changes.  Returns: 0 or -ENOMEM.
 */
int gor__counts(struct counts *c, struct snapshot *s, enum counts_by by);
void gor__counts_free(struct counts *c);

struct out;
struct module;

/** For `go tool pprof`.  Returns: 0, -ENOMEM, or what gor__out_flush() does. */
int gor__counts_pprof(struct out *out, const struct counts *c, const struct snapshot *s,
                      const struct module *module);

/** What follows the @ of a record at Go's debug=1, and its lines with functions. */
void gor__counts_addresses(struct out *out, const struct snapshot *s,
                           const struct snapshot_row *row);
void gor__counts_frames(struct out *out, const struct snapshot *s, const struct snapshot_row *row,
                        const struct module *module);

/** As Go's debug=1. */
void gor__counts_write(struct out *out, const char *name, const struct counts *c,
                       const struct snapshot *s, const struct module *module);

#endif
