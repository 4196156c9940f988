/* SPDX-License-Identifier: MIT */
/** search.h: looking for addresses in all of memory; see search.c. */
#ifndef GOR_SEARCH_H
#define GOR_SEARCH_H

#include "heap.h"
#include "scheduler.h"

#define PLACES_MAX 65536u

enum where { NOWHERE, IN_DATA, IN_MEMORY, IN_GOROUTINE, IN_REGISTERS }; // the `where` of REACH

/** What is looked for: a word that points into [low, low + bytes). */
struct place {
	uint64_t low;
	uint32_t bytes;
	uint8_t where; // it was found
	char what[51];
};

struct places {
	struct place *at; // by low, once they are sorted
	uint32_t count;
};

struct search {
	struct sched *sched;
	uint64_t own_low, own_high; // of the searching thread's stack, if nothing on it counts
	char *arena;                // holds all of its memory, so that it can be left out
	size_t arena_bytes;
	char *chunk;
	char *maps;
	char *cache;                // copies of pages with blocks
	uint64_t *cached;           // which pages they are of
	struct places pointed;      // somebody points at them
	struct places lying;        // they lie in memory that somebody can use
	uint64_t low, span;         // of the places pointed at
	uint64_t all_low, all_span; // of those and the heap's blocks
	struct heap heap;
	const struct gtrace_keyframe *list; // what this belongs to; NULL: no list of goroutines
	uint64_t looked;                    // bytes, since the recorder was last let go on
	uint64_t left;                      // bytes that may still be read
	bool whole;                         // everything was looked at
	enum where where;                   // what is looked at now lies there
	char what[51];
};

/** more: bytes for the caller, at *memory. */
bool gor__search_begin(struct search *s, struct sched *sched, size_t more, void **memory);
void gor__search_end(struct search *s);
void gor__search_hide_thread(struct search *s); // nothing on the calling thread's stack counts

/**
 * By the recorder's thread: nothing on its stack is the program's, but it has had many an address
 * in its hands.  Until the recording ends: gor__search_put_back().
 */
void gor__search_leave_out(void);
void gor__search_put_back(void);

/** By the thread that dumps, likewise and for good: so much of its stack below that frame. */
void gor__search_leave_out_below(const void *frame, size_t bytes);

/** Before gor__search_memory(). */
void gor__search_add(struct search *s, struct places *to, uint64_t low, uint32_t bytes);
bool gor__search_heap(struct search *s); // before a place is added: find the blocks

/** All memory that is nobody's own.  Returns: could it be listed? */
bool gor__search_memory(struct search *s);

/** From now on what is looked at lies there. */
void gor__search_at(struct search *s, enum where where, const char *what);
void gor__search_word(struct search *s, uint64_t word);
void gor__search_lie(struct search *s, uint64_t address); // somebody can use what lies there
void gor__search_rest(struct search *s, uint64_t bytes);  // after that many, or a goroutine
void gor__search_range(struct search *s, uint64_t from, uint64_t to);
void gor__search_mapped(struct search *s, uint64_t from, uint64_t to); // which stays mapped
void gor__search_blocks(struct search *s);                             // that were met so far

/** Blocks that have changed meanwhile are looked at as plain memory. */
void gor__search_changed(struct search *s);

/** The place that begins at low; NULL: it is none. */
struct place *gor__search_place(const struct places *p, uint64_t low);

#endif
