/* SPDX-License-Identifier: MIT */
/** support.h: what the recorder's tests share. */
#ifndef RECORDER_SUPPORT_H
#define RECORDER_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gtrace.h>

/** A name in this test's own folder, which is removed at exit.  A ring of them: use it soon. */
const char *temp_path(const char *name);

/** Whole files.  The caller frees. */
uint8_t *file_read(const char *path, size_t *len);
void file_write(const char *path, const void *bytes, size_t len);
bool file_exists(const char *path);

/** A small generator of numbers; the same seed, the same numbers. */
uint64_t random_next(uint64_t *state);

/** A whole trace, read. */
struct events {
	struct gtrace_event *event;
	char **line; // as printed
	size_t count;
	struct gtrace_info info; // at the end; without the texts
	int result;              // of the last gtrace_reader_next, or of the open
	struct gtrace_error error;
};

/** Read all of it.  Events' texts are in their lines only. */
struct events events_read(const char *path);
void events_free(struct events *e);

/** How many events have that id. */
size_t events_count(const struct events *e, unsigned id);

/** Assemble lines or fail the test. */
void assemble(const char *path, const char *text);

/** Default options for a file. */
struct gtrace_options options_for(const char *path);

/** Open a recording or fail the test. */
struct gtrace_rec *record(const struct gtrace_options *opt);

#endif
