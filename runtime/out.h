/* SPDX-License-Identifier: MIT */
/** out.h: text to a descriptor, in large pieces; see out.c. */
#ifndef GOR_OUT_H
#define GOR_OUT_H

#include <stddef.h>

struct out {
	int fd;
	int err; // the negative errno of the first write that failed; nothing is written after it
	size_t len;
	char bytes[2048]; // it may lie on a small stack
};

void gor__out_say(struct out *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void gor__out_put(struct out *out, const char *bytes, size_t len);
int gor__out_flush(struct out *out);

#endif
