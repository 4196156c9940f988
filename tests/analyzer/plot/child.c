/* SPDX-License-Identifier: MIT */
/** child.c: a program that records itself: child clean|leak EXITCODE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gtrace.h>

static const struct gtrace_site site_go = {
	.file = "child.c", .func = "app", .text = "worker", .line = 5, .op = GTRACE_op_GO};
static const struct gtrace_site site_send = {
	.file = "child.c", .func = "worker", .text = "c", .line = 9, .op = GTRACE_op_CHAN_SEND};

static void say(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

/** Goroutine 1 starts 2, which sends on a nil channel and so waits for ever. */
static void leak(struct gtrace_stream *s)
{
	uint64_t go = gtrace_site_number(s, &site_go);
	uint64_t send = gtrace_site_number(s, &site_send);

	GTRACE_EMIT(s, GO_NEW, 2, go, 0);
	GTRACE_EMIT(s, GO_YIELD, go);
	s->g = 0;
	GTRACE_EMIT(s, GO_START, 2, 0);
	s->g = 2;
	GTRACE_EMIT(s, GO_PARK, GTRACE_reason_CHAN_SEND_NIL, 0, send, 0);
	s->g = 0;
	GTRACE_EMIT(s, GO_START, 1, 0);
	s->g = 1;
}

int main(int argc, char **argv)
{
	const char *env = getenv("GTRACE");
	struct gtrace_options opt;
	struct gtrace_error err;
	struct gtrace_rec *rec;

	if (argc != 3 || !env)
		return 99;
	gtrace_options_init(&opt);
	if (gtrace_options_parse(&opt, env, say, NULL) != 0)
		return 98;
	if (gtrace_rec_open(&rec, &opt, NULL, NULL, &err) < 0) {
		say(NULL, err.text);
		return 97;
	}
	struct gtrace_stream *s = gtrace_stream_new(rec, GTRACE_thread_kind_WORKER, 1);

	if (!s)
		return 96;
	GTRACE_EMIT(s, GO_NEW, 1, 0, 0);
	GTRACE_EMIT(s, GO_START, 1, 0);
	s->g = 1;
	if (strcmp(argv[1], "leak") == 0)
		leak(s);
	GTRACE_EMIT(s, MAIN_END);
	GTRACE_EMIT(s, GO_END);
	s->g = 0;
	gtrace_stream_end(s);
	int code = atoi(argv[2]);

	gtrace_rec_close(rec, GTRACE_END_EXIT, code);
	gtrace_rec_free(rec);
	return code;
}
