/* SPDX-License-Identifier: MIT */
/** schedule.h: long traces of goroutines that run on threads at random, written by the recorder. */
#ifndef RECORDER_SCHEDULE_H
#define RECORDER_SCHEDULE_H

#include <stdint.h>

struct schedule_options {
	uint64_t events;     // about as many
	unsigned streams;    // 1 to 64
	unsigned goroutines; // alive at once
	uint64_t skew_ticks; // clocks of the streams differ by less than this
	uint64_t seed;
	uint64_t ring_bytes;   // 0: all is kept
	uint64_t rotate_bytes; // 0: one file
	unsigned short_lived;  // of 100 steps, as many end a goroutine and begin another
};

/** What was written. */
struct schedule_written {
	uint64_t events;     // as a reader hands them out, tables not counted
	uint64_t goroutines; // that ever were
};

/** Write one.  Returns: 0, or a negative code. */
int schedule_record(const char *path, const struct schedule_options *opt,
                    struct schedule_written *written);

#endif
