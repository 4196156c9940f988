/* SPDX-License-Identifier: MIT */
/** rotate.h: a recording in files of a bounded size. */
#ifndef GTRACE_WRITER_ROTATE_H
#define GTRACE_WRITER_ROTATE_H

#include <stdint.h>

struct gtrace_rec;

/** Part of struct gtrace_rec; the writer thread's own. */
struct rotate {
	uint64_t at;      // bytes of the file at which the next one is begun; 0: never
	unsigned number;  // of the last file that was renamed
	unsigned part;    // which of the recording's files is being written, from 1
	unsigned *kept;   // numbers of older files, a ring of opt.keep
	unsigned kept_at; // where the next one goes
	bool told;        // that a file could not be begun
};

/** Before the recording begins.  Returns: 0 or -ENOMEM. */
int gtrace__rotate_init(struct gtrace_rec *rec);

/** Begin the next file if this one is full; by the writer thread. */
void gtrace__rotate_work(struct gtrace_rec *rec);

void gtrace__rotate_release(struct gtrace_rec *rec);

#endif
