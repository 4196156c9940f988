/* SPDX-License-Identifier: MIT */
/** info.c: the verb info: header, end and totals of a trace. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <gtrace.h>

#include "cmd.h"
#include "gaps.h"
#include "talk.h"

/* The file's own lines, but for its list of events. */
static void info_lines(const char *text)
{
	for (const char *p = text; p && *p;) {
		size_t len = strcspn(p, "\n");
		if (strncmp(p, "event=", 6) != 0) {
			for (size_t i = 0; i < len; i++)
				putchar((unsigned char)p[i] < 0x20 || p[i] == 0x7f ? '?' : p[i]);
			putchar('\n');
		}
		p += len + (p[len] == '\n');
	}
}

/* How the program ended, in words. */
static void info_ended(const struct gtrace_info *in, const char *trace)
{
	switch (in->end) {
	case GTRACE_END_EXIT:
		printf("ended=by exit, status %d\n", in->end_code);
		break;
	case GTRACE_END_DEADLOCK:
		printf("ended=by a deadlock, exit status %d\n", in->end_code);
		break;
	case GTRACE_END_PANIC:
		printf("ended=by a panic, exit status %d\n", in->end_code);
		break;
	case GTRACE_END_SIGNAL:
		printf("ended=by signal %d, %s%s\n", in->end_code, strsignal(in->end_code),
		       in->sidecar ? "; the rest was in the sidecar" : "");
		break;
	case GTRACE_END_STOPPED:
		printf("ended=the program stopped recording and went on\n");
		break;
	case GTRACE_END_DUMP:
		printf("ended=a dump of a flight recorder, which went on\n");
		break;
	case GTRACE_END_ROTATED:
		printf("ended=the recording goes on in the next file\n");
		break;
	case GTRACE_END_CUT:
		if (in->sidecar)
			printf("ended=without a word: killed, or left by _exit or exec, or still running; "
			       "the rest was in the sidecar\n");
		else
			printf("ended=without a word, and without its sidecar '%s.live', which had the rest\n",
			       trace);
		break;
	}
}

/* What the recorder itself had to say; the last time counts. */
static void info_note(char note[256], const struct gtrace_event *ev)
{
	static const char recorder[] = "gtrace";

	if (ev->id == GTRACE_MARK && ev->arg[0] == sizeof recorder - 1 &&
	    memcmp(ev->bytes[0], recorder, sizeof recorder - 1) == 0)
		snprintf(note, 256, "note=%.*s", (int)(ev->arg[1] < 240 ? ev->arg[1] : 240), ev->bytes[1]);
}

/** How many events there were of an id, and what it is. */
struct info_count {
	const struct gtrace_event_desc *desc;
	uint64_t n;
};

static void info_totals(const struct gtrace_info *in, const struct info_count *by_id)
{
	printf("events_read=%" PRIu64 "\nduration_ns=%" PRId64 "\nfile_bytes=%" PRIu64
	       "\nraw_bytes=%" PRIu64 "\nbatches=%" PRIu64 "\nthreads=%u\nlost_batches=%" PRIu64
	       "\nlost_events=%" PRIu64 "\ninversions=%" PRIu64 "\nbroken=%" PRIu64
	       "\nbegin_ns=%" PRId64 "\nsidecar=%d\ntruncated=%d\nunknown_events=%" PRIu64
	       "\nunknown_chunks=%" PRIu64 "\n",
	       in->events, in->duration_ns, in->file_bytes, in->raw_bytes, in->batches, in->threads,
	       in->lost_batches, in->lost_events, in->inversions, in->broken, in->begin_ns, in->sidecar,
	       in->truncated, in->unknown_events, in->unknown_chunks);
	for (unsigned id = 0; id < GTRACE_EVENT_COUNT; id++) {
		if (by_id[id].n)
			printf("count.%s=%" PRIu64 "\n", by_id[id].desc->name, by_id[id].n);
	}
}

static int info_run(void *args, int nwords, char **words)
{
	struct info_count by_id[GTRACE_EVENT_COUNT] = {0};
	struct gaps gaps = {0};
	char note[256] = "";
	struct gtrace_reader *r;
	struct gtrace_error err = {0};
	struct gtrace_event ev;
	int got;

	(void)args;
	(void)nwords;
	if (gtrace_reader_open(&r, words[0], &err) < 0) {
		talk("%s", err.text);
		return CMD_INPUT;
	}
	while ((got = gtrace_reader_next(r, &ev, &err)) > 0) {
		by_id[ev.id].desc = ev.desc;
		by_id[ev.id].n++;
		info_note(note, &ev);
		if (!gaps_event(&gaps, &ev)) {
			talk("no memory");
			got = -1;
			break;
		}
	}
	if (got < 0 && *err.text)
		talk("%s", err.text);
	if (got >= 0) {
		printf("format=%u.%u\nanalyzed_by=%s\n", gtrace_reader_info(r)->format_major,
		       gtrace_reader_info(r)->format_minor, GTRACE_VERSION);
		info_lines(gtrace_reader_info(r)->header);
		info_lines(gtrace_reader_info(r)->end_record);
		info_ended(gtrace_reader_info(r), words[0]);
		info_lines(note);
		info_totals(gtrace_reader_info(r), by_id);
		gaps_print(&gaps, stdout);
	}
	gaps_release(&gaps);
	gtrace_reader_close(r);
	return got < 0 ? CMD_INPUT : CMD_CLEAN;
}

const struct cmd cmd_info = {
	.name = "info",
	.args = "TRACE",
	.brief = "print a trace's header and totals",
	.words_min = 1,
	.words_max = 1,
	.run = info_run,
};
