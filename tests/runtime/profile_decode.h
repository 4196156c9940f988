/* SPDX-License-Identifier: MIT */
/* profile_decode.h: reading a profile as `go tool pprof` does; see profile_decode.c. */
#ifndef PROFILE_DECODE_H
#define PROFILE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
