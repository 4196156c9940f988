/* SPDX-License-Identifier: MIT */
/**
 * faults.h: calls of the C library that fail when they are told to.
 *
 * The linker sends the runtime's calls of the functions in fault_names to wrappers in faults.c.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdatomic.h>
#include <stdbool.h>

/* One line a function; CMakeLists.txt reads them here. */
#define FAULT_FUNCTIONS(X) \
	X(malloc) \
	X(calloc) \
	X(realloc) \
	X(aligned_alloc) \
	X(mmap) \
	X(madvise) \
	X(mprotect) \
	X(pthread_create) \
	X(epoll_create1) \
	X(epoll_ctl) \
	X(eventfd)

enum fault_function {
#define X(NAME) \
	FAULT_##NAME \
	,
	FAULT_FUNCTIONS(X)
#undef X
		FAULT_FUNCTION_COUNT
};

extern const char *const fault_names[FAULT_FUNCTION_COUNT];

/**
 * Which calls fail: of this function the first-th, counted from 1, and so many after it; of those
 * every step-th, if that is set.
 */
struct fault_plan {
	enum fault_function function;
	unsigned first, more, step;
	_Atomic unsigned calls, failed; // what has happened
	_Atomic bool on;                // calls are counted
};

/** The plan in force, in memory of the test's; NULL: none. */
extern struct fault_plan *fault_plan;

#endif
