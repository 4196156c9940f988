/* SPDX-License-Identifier: MIT */
/** args.h: the arguments of an event as JSON. */
#ifndef EVENT_ARGS_H
#define EVENT_ARGS_H

#include <gtrace.h>
#include <sqlite3ext.h>

/**
 * Append {"reason":"chan send","obj":1,"site":{"file":"a.c",...}}: every argument under its name,
 * in words where there are some; what is not known or none is null.
 */
void event_args(sqlite3_str *out, const struct gtrace_reader *r, const struct gtrace_event *ev);

/** Append a text as JSON. */
void event_text(sqlite3_str *out, const char *text, size_t len);

/** The first argument of a kind, NULL if the event has none or it is 0. */
const uint64_t *event_arg(const struct gtrace_event *ev, const char *kind);

#endif
