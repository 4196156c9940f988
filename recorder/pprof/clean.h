/* SPDX-License-Identifier: MIT */
/** clean.h: text from elsewhere as valid UTF-8. */
#ifndef GTRACE_CLEAN_H
#define GTRACE_CLEAN_H

#include <stddef.h>

enum { CLEAN_MAX = 4096 };

/**
 * Copy text into out (of CLEAN_MAX bytes) with '?' for every byte that is not part of valid UTF-8,
 * and for zero; what does not fit is cut.  Returns its length; out is terminated.
 */
size_t clean_text(char *out, const char *text, size_t len);

#endif
