/* SPDX-License-Identifier: MIT */
/** save.h: an answer to a file. */
#ifndef LIVE_SAVE_H
#define LIVE_SAVE_H

#include "live/live.h"

/** Write it to a new file, or to stdout if that is "-", and print the file's name.  Never
 * overwrites. Returns: an exit code. */
int live_save(const char *path, const struct live_answer *answer);

#endif
