/* SPDX-License-Identifier: MIT */
/* profile_decode.h: a profile's text, and reading one as `go tool pprof` does. */
#ifndef PROFILE_DECODE_H
#define PROFILE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a profile says.  The caller's, to be freed; *len, if not NULL: its bytes. */
char *written(const char *name, int debug, size_t *len);

#define DECODED_MAX 512

struct decoded_sample {
	int64_t value[2];
	int values;
	char stack[512];  // "inner at file.c:12;outer at file.c:15"
	char labels[512]; // "state=select;created_by=..."
};

struct decoded {
	int64_t time_ns, period;
	char kind[2][2][32]; // type and unit
	char shown[32];
	char program[256];
	struct decoded_sample sample[DECODED_MAX];
	int samples;
};

/** Any error of form ends the test. */
void profile_decode(struct decoded *d, const unsigned char *bytes, size_t len);

/** The one whose stack begins so and whose labels have that; NULL: none. */
const struct decoded_sample *decoded_find(const struct decoded *d, const char *stack,
                                          const char *label);

#endif
