/* SPDX-License-Identifier: MIT */
/** load.c: the loop over the events of a trace, and what is known of the trace as a whole. */
#include "load/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act/table.h"
#include "clean.h"
#include "interval/table.h"
#include "load/feed.h"
#include "load/loader.h"
#include "symbol/symbol.h"

enum {
	PROGRESS_EVENTS = 1 << 16, // between looks at the clock
};

static int load_failed(struct gtrace_error *err, int code, const char *what, const char *why)
{
	err->code = code;
	err->offset = UINT64_MAX;
	snprintf(err->text, sizeof err->text, "%s: %s", what, why);
	return code;
}

static void load_words(struct loader *l)
{
	static const struct {
		const char *list;
		unsigned number;
		const char *text;
	} words[] = {
#define NAME(list, number, name, text) {#list, (number), (text)},
#include <gtrace_names.def>
#undef NAME
		{"state", STATE_SYSCALL, "syscall"},
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		ROWS_PUT(&l->rows, ROWS_WORD, db_text(words[i].list), db_int(words[i].number),
		         db_text(words[i].text));
}

/* The reader numbers sites from 1 without holes. */
static void load_sites(struct loader *l)
{
	for (uint64_t i = 1; i <= l->site_last; i++) {
		const struct gtrace_site_info *s = gtrace_reader_site(l->reader, i);
		char file[CLEAN_MAX], func[CLEAN_MAX], text[CLEAN_MAX];
		clean_text(file, s->file, strlen(s->file));
		clean_text(func, s->func, strlen(s->func));
		clean_text(text, s->text, strlen(s->text));
		ROWS_PUT(&l->rows, ROWS_SITE, db_int((int64_t)i), db_text(file), db_int(s->line),
		         db_text(func), db_text(gtrace_name("op", s->op)), db_text(text));
	}
}

/* Lines "module=BASE SIZE BUILD_ID PATH" of the header; "-" stands for no build id. */
static void load_modules(struct loader *l, const char *header)
{
	for (const char *p = header; p && *p;) {
		size_t len = strcspn(p, "\n");
		uint64_t base, size;
		char id[129], path[CLEAN_MAX], line[CLEAN_MAX + 256];
		snprintf(line, sizeof line, "%.*s", (int)(len < CLEAN_MAX ? len : CLEAN_MAX), p);
		int n = 0;
		if (sscanf(line, "module=%lx %lx %128s %n", &base, &size, id, &n) == 3 && n > 0) {
			clean_text(path, line + n, strlen(line + n));
			ROWS_PUT(&l->rows, ROWS_MODULE, db_int((int64_t)base), db_int((int64_t)size),
			         db_text(path), db_text(strcmp(id, "-") == 0 ? NULL : id));
		}
		p += len + (p[len] == '\n');
	}
}

static const char *end_word(enum gtrace_end end)
{
	static const char *const word[] = {
		[GTRACE_END_CUT] = "cut",           [GTRACE_END_EXIT] = "exit",
		[GTRACE_END_DEADLOCK] = "deadlock", [GTRACE_END_PANIC] = "panic",
		[GTRACE_END_SIGNAL] = "signal",     [GTRACE_END_STOPPED] = "stopped",
		[GTRACE_END_DUMP] = "dump",         [GTRACE_END_ROTATED] = "rotated",
	};

	return (unsigned)end < sizeof word / sizeof word[0] ? word[end] : "cut";
}

/* A number of the header; NULL if it has none. */
static struct db_value header_number(const struct gtrace_reader *r, const char *key)
{
	const char *text = gtrace_reader_header(r, key);
	char *end;

	if (!text || !*text)
		return db_text(NULL);
	errno = 0;
	long long v = strtoll(text, &end, 10);

	return *end || errno ? db_text(NULL) : db_int(v);
}

/* The seed is unsigned there, and a signed column holds it. */
static struct db_value header_seed(const struct gtrace_reader *r)
{
	const char *text = gtrace_reader_header(r, "seed");
	char *end;

	if (!text || !*text || *text == '-')
		return header_number(r, "seed");
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);

	return *end || errno ? db_text(NULL) : db_int((int64_t)v);
}

/* What repeats the run; NULL if nothing does.  text has room for CLEAN_MAX. */
static struct db_value header_replay(const struct gtrace_reader *r, char *text)
{
	const char *seed = gtrace_reader_header(r, "seed"), *vtime = gtrace_reader_header(r, "vtime");
	const char *policy = gtrace_reader_header(r, "policy");
	char line[CLEAN_MAX];

	if (!seed || !*seed)
		return db_text(NULL);
	snprintf(line, sizeof line, "seed=%.64s%s%.64s%s", seed, policy ? ",policy=" : "",
	         policy ? policy : "", vtime && strcmp(vtime, "1") == 0 ? ",vtime=1" : "");
	clean_text(text, line, strlen(line));
	return db_text(text);
}

/* Why a dump was taken; NULL if the end record does not say.  text has room for CLEAN_MAX. */
static struct db_value end_reason(const char *record, char *text)
{
	for (const char *p = record; p && *p; p += strcspn(p, "\n"), p += *p == '\n') {
		if (strncmp(p, "reason=", 7) == 0) {
			clean_text(text, p + 7, strcspn(p + 7, "\n"));
			return db_text(text);
		}
	}
	return db_text(NULL);
}

/* A number of the end record; NULL if it has none. */
static struct db_value end_number(const char *record, const char *key)
{
	size_t len = strlen(key);

	for (const char *p = record; p && *p; p += strcspn(p, "\n"), p += *p == '\n') {
		if (strncmp(p, key, len) == 0 && p[len] == '=') {
			char *end;
			errno = 0;
			long long v = strtoll(p + len + 1, &end, 10);
			return errno || v < 0 || (*end && *end != '\n') ? db_text(NULL) : db_int(v);
		}
	}
	return db_text(NULL);
}

/* To the last event, or what the recorder says. */
static int64_t load_duration(const struct loader *l)
{
	const struct gtrace_info *in = gtrace_reader_info(l->reader);

	if (l->cut)
		return l->now_ns;
	if (l->over_ns >= 0)
		return l->over_ns;
	return in->duration_ns > l->now_ns ? in->duration_ns : l->now_ns;
}

static void load_trace_row(struct loader *l, const char *path)
{
	const struct gtrace_info *in = gtrace_reader_info(l->reader);
	const char *program = gtrace_reader_header(l->reader, "program");
	const char *level = gtrace_reader_header(l->reader, "level");
	char file[CLEAN_MAX], clean_program[CLEAN_MAX], clean_level[CLEAN_MAX], replay[CLEAN_MAX];
	char reason[CLEAN_MAX];
	enum gtrace_end end = l->cut ? GTRACE_END_CUT : in->end;

	clean_text(file, path, strlen(path));
	clean_text(clean_program, program, program ? strlen(program) : 0);
	clean_text(clean_level, level, level ? strlen(level) : 0);
	ROWS_PUT(&l->rows, ROWS_TRACE, db_text(file), db_text(program ? clean_program : NULL),
	         header_number(l->reader, "pid"), db_int(in->start_wall_ns), db_int(l->duration_ns),
	         db_int((int64_t)l->events), db_int((int64_t)in->lost_events),
	         db_int((int64_t)in->lost_batches), db_int((int64_t)in->file_bytes),
	         db_text(end_word(end)), end == GTRACE_END_CUT ? db_text(NULL) : db_int(in->end_code),
	         header_seed(l->reader), db_text(level ? clean_level : NULL),
	         header_number(l->reader, "maxprocs"), db_time(l->main_ended_ns), db_text(l->panic),
	         db_int((int64_t)l->older), db_int((int64_t)l->started), db_int((int64_t)l->ended),
	         db_int((int64_t)l->peak), db_int(l->peak_ns), db_time(l->last_wake_ns),
	         db_int((int64_t)in->broken), db_int(in->sidecar), db_int(l->partial),
	         header_replay(l->reader, replay), in->begin_ns ? db_int(in->begin_ns) : db_text(NULL),
	         end_reason(in->end_record, reason), end_number(in->end_record, "writer_cpu_ns"),
	         end_number(in->end_record, "stalls"), end_number(in->end_record, "stall_ns"),
	         end_number(in->end_record, "batches"), db_time(l->panic ? l->panic_ns : -1),
	         db_id(l->panic_g), db_id(l->panic_site));
}

/* A word of the header; NULL if it has none.  text has room for CLEAN_MAX. */
static struct db_value header_text(const struct gtrace_reader *r, const char *key, char *text)
{
	const char *value = gtrace_reader_header(r, key);

	if (!value || !*value)
		return db_text(NULL);
	clean_text(text, value, strlen(value));
	return db_text(text);
}

/* How fine the clock is; NULL if the header does not say. */
static struct db_value header_tick(const struct gtrace_reader *r)
{
	const char *shift = gtrace_reader_header(r, "tick_shift");
	const char *clock = gtrace_reader_header(r, "clock");
	const char *ps = gtrace_reader_header(r, "ps_per_tick");
	int64_t tick = ps ? strtoll(ps, NULL, 10) : 0;

	if (clock && strcmp(clock, "os") == 0)
		tick = INT64_C(1000) << ((shift ? strtoul(shift, NULL, 10) : 0) & 31);
	return tick > 0 && tick <= INT64_C(10000000000000) ? db_int(tick) : db_text(NULL);
}

/* By what the trace was made, and where. */
static void load_origin(struct loader *l)
{
	const struct gtrace_reader *r = l->reader;
	const struct gtrace_info *in = gtrace_reader_info(r);
	char argv[CLEAN_MAX], clock[CLEAN_MAX], version[CLEAN_MAX], runtime[CLEAN_MAX], format[32];

	snprintf(format, sizeof format, "%u.%u", in->format_major, in->format_minor);
	ROWS_PUT(&l->rows, ROWS_ORIGIN, header_text(r, "argv", argv), header_text(r, "clock", clock),
	         header_tick(r), header_number(r, "cpus"), header_text(r, "version", version),
	         header_text(r, "runtime", runtime), db_text(format));
}

static void load_event(struct loader *l, const struct feed_event *e)
{
	const struct gtrace_event *ev = &e->ev;

	l->now_ns = ev->time_ns > 0 ? ev->time_ns : 0;
	l->site_op = e->site_op;
	l->events += ev->id != GTRACE_GAP;
	loader_thread_seen(l, ev);
	if (!loader_goroutine_event(l, ev) && !loader_object_event(l, ev))
		loader_thread_event(l, ev);
}

/* How far reading is; the file is read nearly from its beginning to its end. */
static void load_progress(const struct loader *l, struct progress *progress, uint64_t offset)
{
	progress_show(progress, "reading",
	              &(struct progress_at){.unit = "events",
	                                    .count = l->events,
	                                    .done = offset,
	                                    .total = gtrace_reader_info(l->reader)->file_bytes,
	                                    .bytes = true});
}

static int load_events(struct loader *l, const struct load_options *opt, struct gtrace_error *err)
{
	const struct feed_event *e;
	struct feed feed;
	int got;

	feed_open(&feed, l->reader, opt ? opt->events : 0);
	while ((got = feed_next(&feed, &e, err)) > 0) {
		load_event(l, e);
		if (opt && opt->progress && l->events % PROGRESS_EVENTS == 0)
			load_progress(l, opt->progress, e->ev.offset);
		if (l->rows.err != SQLITE_OK || l->no_memory) {
			got = 0; // load_trace() says what it was
			break;
		}
		if (opt && opt->stop && *opt->stop)
			feed_stop(&feed);
	}
	feed_close(&feed);
	l->partial = feed.end == FEED_STOPPED;
	l->cut = feed.end == FEED_CUT;
	l->no_memory |= feed.no_memory;
	l->site_last = feed.site_last;
	return got;
}

/* Everything is one transaction, the schema too. */
static int load_begin(struct loader *l, sqlite3 *db)
{
	int err = db_run_asset(db, "sql/pragmas.sql");

	if (err == SQLITE_OK)
		err = interval_register(db);
	if (err == SQLITE_OK)
		err = act_register(db);
	if (err == SQLITE_OK)
		err = rows_open(&l->rows, db);
	if (err == SQLITE_OK)
		err = db_run_asset(db, "sql/schema.sql");
	if (err == SQLITE_OK)
		err = db_run_asset(db, "sql/views.sql");
	l->rows.err = err;
	return err;
}

/* The tables of what is packed, now that all of it is. */
static void load_interval(struct loader *l, const struct load_options *opt)
{
	bool plain = opt && l->intervals <= opt->plain;

	if (l->rows.db && rows_flush(&l->rows) == SQLITE_OK)
		l->rows.err =
			db_run_asset(l->rows.db, plain ? "sql/packed_plain.sql" : "sql/packed_virtual.sql");
}

int load_trace(sqlite3 *db, const char *path, const struct load_options *opt,
               struct gtrace_error *err)
{
	struct loader l = {
		.goroutines.slot_bytes = sizeof(struct goroutine),
		.threads.slot_bytes = sizeof(struct thread),
		.last_wake_ns = -1,
		.over_ns = -1,
		.main_ended_ns = -1,
	};
	int code = gtrace_reader_open(&l.reader, path, err);

	if (code < 0)
		return code;
	l.middle = gtrace_reader_info(l.reader)->begin_ns != 0;
	loader_objects_init(&l);
	loader_waits_init(&l);
	if (load_begin(&l, db) == SQLITE_OK) {
		load_words(&l);
		load_modules(&l, gtrace_reader_info(l.reader)->header);
		code = load_events(&l, opt, err);
	}
	l.duration_ns = load_duration(&l);
	loader_goroutines_end(&l);
	loader_longest_end(&l);
	loader_waits_end(&l);
	loader_objects_end(&l);
	loader_threads_end(&l);
	loader_stacks_end(&l);
	load_sites(&l);
	load_trace_row(&l, path);
	load_origin(&l);
	load_interval(&l, opt);
	rows_close(&l.rows);
	if (code == 0 && l.no_memory)
		code = load_failed(err, -ENOMEM, path, "out of memory");
	else if (code == 0 && sqlite3_errcode(db) != SQLITE_OK && l.rows.err != SQLITE_OK)
		code = load_failed(err, -EIO, "cannot fill the database", sqlite3_errmsg(db));
	else if (code == 0 && symbol_fill(db) != SQLITE_OK)
		code = load_failed(err, -EIO, "cannot fill the database", sqlite3_errmsg(db));
	free(l.panic);
	gtrace_reader_close(l.reader);
	return code;
}
