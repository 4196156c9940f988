/* SPDX-License-Identifier: MIT */
/* legal.c: see legal.h. */
#include "legal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNBORN, RUNNABLE, RUNNING, WAITING, ENDED };

static void complain(struct legal *l, const struct gtrace_reader *r, const struct gtrace_event *ev,
                     const char *why)
{
	char line[300];

	if (l->illegal++ > 0)
		return;
	gtrace_event_print(r, ev, line, sizeof line);
	snprintf(l->first, sizeof l->first, "%s: %s", why, line);
}

static uint8_t *state_of(struct legal *l, uint64_t g)
{
	if (g >= l->room) {
		uint64_t room = (g + 1) * 2;
		uint8_t *state = g < 1 << 28 ? realloc(l->state, room) : NULL;

		if (!state)
			abort();
		memset(state + l->room, UNBORN, room - l->room);
		l->state = state;
		l->room = room;
	}
	return &l->state[g];
}

static void move(struct legal *l, const struct gtrace_reader *r, const struct gtrace_event *ev,
                 uint64_t g, int from, int to)
{
	uint8_t *state = state_of(l, g);

	if (g == 0)
		complain(l, r, ev, "no goroutine");
	else if (*state != from)
		complain(l, r, ev, *state == UNBORN ? "goroutine unknown" : "goroutine in another state");
	*state = (uint8_t)to;
}

/* A mark "alive N" is what gor_num_goroutine() said in a quiet moment. */
static void compare_count(struct legal *l, const struct gtrace_reader *r,
                          const struct gtrace_event *ev)
{
	char text[32];

	if (ev->arg[0] != 5 || memcmp(ev->bytes[0], "alive", 5) != 0)
		return;
	snprintf(text, sizeof text, "%.*s", (int)ev->arg[1], ev->bytes[1]);
	l->marks++;
	if (strtoull(text, NULL, 10) != l->started - l->ended)
		complain(l, r, ev, "the count disagrees");
}

void legal_event(struct legal *l, const struct gtrace_reader *r, const struct gtrace_event *ev)
{
	switch (ev->id) {
	case GTRACE_GO_NEW:
		move(l, r, ev, ev->arg[0], UNBORN, RUNNABLE);
		l->started++;
		break;
	case GTRACE_GO_START:
		move(l, r, ev, ev->arg[0], RUNNABLE, RUNNING);
		break;
	case GTRACE_GO_PARK:
		move(l, r, ev, ev->g, RUNNING, WAITING);
		break;
	case GTRACE_GO_YIELD:
		move(l, r, ev, ev->g, RUNNING, RUNNABLE);
		break;
	case GTRACE_GO_END:
		move(l, r, ev, ev->g, RUNNING, ENDED);
		l->ended++;
		break;
	case GTRACE_GO_WAKE:
	case GTRACE_GO_WAKE_BY:
		move(l, r, ev, ev->arg[0], WAITING, RUNNABLE);
		break;
	case GTRACE_MARK:
		compare_count(l, r, ev);
		break;
	case GTRACE_GAP:
		complain(l, r, ev, "events are missing");
		break;
	default:
		break;
	}
}

void legal_release(struct legal *l)
{
	free(l->state);
}
