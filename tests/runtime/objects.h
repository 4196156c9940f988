/* SPDX-License-Identifier: MIT */
/** objects.h: what a recording says of the search of memory at its end. */
#ifndef TESTS_OBJECTS_H
#define TESTS_OBJECTS_H

#include <stdint.h>

/** Where the search found an object, by REACH. */
enum { UNTOLD = -1, NOWHERE, IN_DATA, IN_MEMORY, IN_GOROUTINE };

/** Record a run of app into a file that is removed again, and read what it says of objects. */
void objects_record(void (*app)(void), int procs);

/** Of the object that the program gave that name: fails if it is not so; what: begins with. */
void objects_expect(const char *name, int64_t where, const char *what);

#endif
