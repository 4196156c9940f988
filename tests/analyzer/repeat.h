/* SPDX-License-Identifier: MIT */
/** repeat.h: long text traces, shortly. */
#ifndef TESTS_REPEAT_H
#define TESTS_REPEAT_H

#include <stddef.h>

/**
 * A text trace in which the lines between "# repeat COUNT NS" and "# end" come COUNT times, each
 * time NS later.  The caller frees it; NULL: not written like that.
 */
char *repeat_expand(const char *text, size_t len, size_t *out_len);

#endif
