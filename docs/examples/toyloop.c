/* SPDX-License-Identifier: MIT */
/* toyloop.c: a loop of callbacks, not libgor; gtrace.h records its tasks as goroutines. */
#include <gtrace.h>
#include <stdio.h>
#include <stdlib.h>

struct task {
	void (*step)(struct task *);
	struct task *client;
	uint64_t g; // from 1; a reply comes to an object with the same number
};

static struct task tasks[10], *ready[20];
static unsigned spawned, first, last;
static struct gtrace_stream *s;

static uint64_t spawn(void (*step)(struct task *), struct task *client, uint64_t site)
{
	struct task *t = &tasks[spawned++];

	*t = (struct task){step, client, spawned};
	ready[last++] = t;
	GTRACE_EMIT(s, GO_NEW, t->g, site, (uintptr_t)step);
	return t->g;
}

static void answered(struct task *t)
{
	printf("task %d has its answer\n", (int)t->g);
	GTRACE_EMIT(s, GO_END);
}

static void handle(struct task *t)
{
	struct task *client = t->client;

	if (client->g != 3) { // that one is forgotten, and waits for good
		GTRACE_EMIT(s, USE, client->g, GTRACE_op_CHAN_SEND, GTRACE_SITE(s, CHAN_SEND, "reply"));
		GTRACE_EMIT(s, GO_WAKE, client->g, 0, client->g); // 0: its last move is in this stream
		ready[last++] = client;
	}
	GTRACE_EMIT(s, GO_END);
}

static void ask(struct task *t)
{
	GTRACE_EMIT(s, OBJ_NEW, t->g, GTRACE_object_CHAN, GTRACE_SITE(s, CHAN_MAKE, "reply"), 1);
	GTRACE_EMIT(s, GIVE, spawn(handle, t, GTRACE_SITE(s, GO, "handle")), t->g);
	GTRACE_EMIT(s, GO_PARK, GTRACE_reason_CHAN_RECV, t->g, GTRACE_SITE(s, CHAN_RECV, "reply"), 0);
	t->step = answered;
}

static void start(struct task *t) // goroutine 1 counts as main
{
	for (int i = 0; i < 3; i++)
		spawn(ask, t, GTRACE_SITE(s, GO, "ask"));
	GTRACE_EMIT(s, GO_END);
}

int main(void)
{
	struct gtrace_options opt;
	struct gtrace_rec *rec;

	gtrace_options_init(&opt);
	snprintf(opt.path, sizeof(opt.path), "%s", getenv("GTRACE") ? getenv("GTRACE") : "toy.gtrace");
	if (gtrace_rec_open(&rec, &opt, NULL, NULL, NULL))
		return 1;
	s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);
	for (spawn(start, NULL, GTRACE_SITE(s, GO, "start")); first < last; s->g = 0) {
		struct task *t = ready[first++];

		GTRACE_EMIT(s, GO_START, t->g, 0);
		s->g = t->g; // what is recorded from here on, it does
		t->step(t);
	}
	return gtrace_rec_close(rec, GTRACE_END_EXIT, 0) < 0;
}
