/* SPDX-License-Identifier: MIT */
/**
 * gor_leak_note.h: what the adapters for test frameworks share, and one for another framework
 * needs.
 *
 * A framework fails a test by a jump or an exception, which no goroutine may do.  So a leak is
 * noted while the test runs, and told at its end, on the thread of the framework.
 */
#ifndef GOR_LEAK_NOTE_H
#define GOR_LEAK_NOTE_H

#include <gor.h>
#include <stdlib.h>
#include <string.h>

static gor_leak_mark gor_leak_note_mark_;
static char *gor_leak_note_text_;

static inline void gor_leak_note_(const char *text)
{
	size_t bytes = strlen(text) + 1;

	if (gor_leak_note_text_) // the first tells enough
		return;
	gor_leak_note_text_ = (char *)malloc(bytes);
	if (!gor_leak_note_text_)
		abort();
	memcpy(gor_leak_note_text_, text, bytes);
}

/** Before each test. */
static inline void gor_leak_note_begin(void)
{
	gor_leak_on_fail(gor_leak_note_);
	gor_leak_note_mark_ = gor_leak_begin();
}

/** After it.  Returns: NULL; or what has leaked, to be given to free(). */
static inline char *gor_leak_note_end(void)
{
	gor_leak_check(&gor_leak_note_mark_);
	char *text = gor_leak_note_text_;
	gor_leak_note_text_ = NULL;
	return text;
}

#endif
