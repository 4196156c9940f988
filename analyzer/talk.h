/* SPDX-License-Identifier: MIT */
/** talk.h: what the program says to a person, on stderr: "gtrace: ..." lines. */
#ifndef GTRACE_TALK_H
#define GTRACE_TALK_H

/** An error or a note: one line; control characters are escaped. */
void talk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Likewise, after "warning: ". */
void talk_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** A passing line on a terminal, in place of the one before, until the next message. */
void talk_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Take it away. */
void talk_clear(void);

#endif
