/* SPDX-License-Identifier: MIT */
/** objects.h: what the goroutines of a running program wait for, as it tells at debug=3. */
#ifndef LIVE_OBJECTS_H
#define LIVE_OBJECTS_H

#include <stdbool.h>

/** The verbs chans and locks: print the channels, or all else, that somebody waits for or holds.
 * Returns: an exit code. */
int live_objects(const char *pid, bool channels);

#endif
