/* SPDX-License-Identifier: MIT */
/** objects.h: the channels and locks that goroutines wait for; see objects.c. */
#ifndef GOR_OBJECTS_H
#define GOR_OBJECTS_H

#include "snapshot.h"

struct out;

/** That a goroutine waits for an object. */
struct wanted {
	uint64_t address;
	const struct snapshot_row *row;
	uint8_t reason; // of a select: what that case would do
};

struct objects {
	const struct snapshot *snapshot;
	struct wanted *wanted; // by address
	size_t count, room;
	struct wanted *held; // the first of each lock with a holder, by holder
	size_t held_count, held_room;
};

/** What the rows of s, taken with SNAPSHOT_HOLDERS, wait for.  With no memory: a part of it. */
void gor__objects(struct objects *o, const struct snapshot *s);
void gor__objects_free(struct objects *o);

void gor__objects_of(struct out *out, const struct objects *o, const struct snapshot_row *row);
void gor__objects_write(struct out *out, const struct objects *o);

#endif
