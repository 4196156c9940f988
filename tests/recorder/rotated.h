/* SPDX-License-Identifier: MIT */
/** rotated.h: recordings in several files, and what is in them together. */
#ifndef RECORDER_ROTATED_H
#define RECORDER_ROTATED_H

#include "support.h"

#include <stdatomic.h>

#define STREAMS 16
#define FILES_MAX 500
#ifdef __SANITIZE_THREAD__
#define MANY 60000
#define FILES_MIN 3u // that so many events make
#else
#define MANY 200000
#define FILES_MIN 6u
#endif

/** What the recorder said: how many lines, and the last one. */
extern atomic_int notes;
extern char note[8192];

/** Start one that rotates as often as can be. */
struct gtrace_options rotating(const char *path, unsigned keep);
struct gtrace_rec *rotating_open(const char *path, unsigned keep);

/** Numbered events, hard to compress. */
void emit(struct gtrace_stream *s, uint64_t from, uint64_t to);

struct files {
	char path[FILES_MAX][640]; // oldest first, the newest last
	unsigned count;
};

/** FILE.000001.gtrace ... and FILE.gtrace, of the one that temp_path() made. */
struct files files_of(const char *path);

struct numbers {
	uint64_t first[STREAMS], last[STREAMS]; // of the numbered events; 0: none
};

/** Go on with one more file: no hole, nothing twice. */
struct events numbers_add(struct numbers *n, const char *path);

/** All files of a recording that has ended like that. */
struct numbers numbers_of(const char *path, enum gtrace_end end, unsigned *count);

#endif
