/* SPDX-License-Identifier: MIT */
/* legal.h: whether the events of a trace could have happened, told without the reader's own tables.
 */
#ifndef LEGAL_H
#define LEGAL_H

#include <gtrace.h>

struct legal {
	uint8_t *state; // by goroutine id; enum in legal.c
	uint64_t room;
	uint64_t started, ended, marks, illegal;
	char first[400]; // the first illegal event, and why
};

/** Take the next event. */
void legal_event(struct legal *l, const struct gtrace_reader *r, const struct gtrace_event *ev);

void legal_release(struct legal *l);

#endif
