/* SPDX-License-Identifier: MIT */
/**
 * stack.c: the stacks that are exported.
 *
 * Of goroutines that waited or ran for long a stack was recorded, and is exported from the call
 * that the program made out to the function that the goroutine began with.  Of all others, and
 * where the program is not there to tell the symbols, those two ends are all that is known.
 */
#include "export/stack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "db.h"

static const struct stack_profile profiles[] = {
	{"goroutine", "goroutine", "count", "wait", "goroutine", "state"},
	{"block", "contentions", "count", "delay", "delay", "reason"},
	{"delay", "starts", "count", "delay", "delay", "after"},
};

const struct stack_profile *stack_profile(const char *name)
{
	for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	}
	return NULL;
}

int stack_open(struct stack_reader *r, sqlite3 *db)
{
	*r = (struct stack_reader){.frames = NULL};
	return db_prepare(db, "sql/export/stacks.sql", "frames", &r->frames);
}

static void stack_clear(struct stack_reader *r)
{
	for (size_t i = 0; i < r->text_count; i++)
		free(r->text[i]);
	r->frame_count = r->text_count = 0;
}

void stack_close(struct stack_reader *r)
{
	stack_clear(r);
	free(r->frame);
	free(r->text);
	sqlite3_finalize(r->frames);
}

static int stack_frame(struct stack_reader *r, struct stack_frame frame)
{
	struct stack_frame *more = array_more(r->frame, r->frame_count, sizeof *more);

	if (!more)
		return SQLITE_NOMEM;
	r->frame = more;
	r->frame[r->frame_count++] = frame;
	return SQLITE_OK;
}

/* A copy that lives as long as the frames; NULL: no memory. */
static const char *stack_text(struct stack_reader *r, const char *text)
{
	char **more = array_more(r->text, r->text_count, sizeof *more);

	if (!more)
		return NULL;
	r->text = more;
	r->text[r->text_count] = strdup(text);
	return r->text[r->text_count] ? r->text[r->text_count++] : NULL;
}

/* The frames of a recorded stack; none if none of them has a symbol. */
static int stack_recorded(struct stack_reader *r, int64_t number)
{
	bool known = false;
	int err = sqlite3_bind_int64(r->frames, 1, number);

	while (err == SQLITE_OK && (err = sqlite3_step(r->frames)) == SQLITE_ROW) {
		const char *func = stack_text(r, db_column(r->frames, 0));
		const char *file = func ? stack_text(r, db_column(r->frames, 1)) : NULL;

		err = file ? stack_frame(r, (struct stack_frame){func, file,
		                                                 sqlite3_column_int64(r->frames, 2)})
		           : SQLITE_NOMEM;
		known = known || sqlite3_column_int(r->frames, 3);
	}
	sqlite3_reset(r->frames);
	if (!known)
		stack_clear(r);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

static const char *stack_file(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Is that the call, whose place the trace has by another way, too? */
static bool stack_is_call(const struct stack_frame *frame, const struct stack_frame *call)
{
	return strcmp(frame->func, call->func) == 0 ||
	       (call->line && frame->line == call->line && *call->file &&
	        strcmp(stack_file(frame->file), stack_file(call->file)) == 0);
}

/* Where the frames end that are not the runtime's: it begins a goroutine in two of its own.  The
 * function that the goroutine is told to begin with is the outermost then, even if a jump to the
 * next one has taken its frame. */
static int stack_outer(struct stack_reader *r, size_t first, const char *entry, const char *outer)
{
	const char *told = *outer ? outer : entry;
	size_t end = r->frame_count;

	for (size_t i = end; i-- > first;) {
		if (strcmp(r->frame[i].func, entry) == 0 || strcmp(r->frame[i].func, outer) == 0) {
			r->frame_count = i + 1;
			told = "";
		}
		if (strcmp(r->frame[i].func, entry) == 0)
			break;
	}
	if (!*told || end < first + 3 || strcmp(r->frame[end - 1].func, "gor__context_entry") != 0)
		return SQLITE_OK;
	r->frame_count = end - 2;
	return stack_frame(r, (struct stack_frame){.func = told, .file = ""});
}

/* What is left of a recorded stack without the runtime's own frames: those further in than the
 * call, and those further out than the function that the goroutine began with. */
static int stack_trim(struct stack_reader *r, struct stack *s, const struct stack_frame *call,
                      const char *entry, const char *outer)
{
	size_t first = 0;

	while (*call->func && first < r->frame_count && !stack_is_call(&r->frame[first], call))
		first++;
	if (first == r->frame_count)
		first = 0;
	else if (*call->func)
		r->frame[first] = *call;
	int err = stack_outer(r, first, entry, outer);

	s->frame = r->frame + first;
	s->frames = r->frame_count - first;
	return err;
}

/* The two ends of a stack are known of every wait. */
static int stack_ends(struct stack_reader *r, struct stack *s, const struct stack_frame *call,
                      const char *entry)
{
	// A function is all that is known of where a goroutine began; its file is a guess, so none.
	bool same = !*entry || strcmp(entry, call->func) == 0;
	int err = *call->func ? stack_frame(r, *call) : SQLITE_OK;

	if (err == SQLITE_OK && !same)
		err = stack_frame(r, (struct stack_frame){.func = entry, .file = ""});
	if (err == SQLITE_OK && !r->frame_count)
		err = stack_frame(r, (struct stack_frame){.func = "?", .file = ""});
	s->frame = r->frame;
	s->frames = r->frame_count;
	return err;
}

int stack_read(struct stack_reader *r, struct stack *s, sqlite3_stmt *st)
{
	struct stack_frame call = {db_column(st, 0), db_column(st, 1), sqlite3_column_int64(st, 2)};
	const char *entry = db_column(st, 3);
	int err = SQLITE_OK;

	*s = (struct stack){
		.born = {db_column(st, 4), db_column(st, 5), sqlite3_column_int64(st, 6)},
		.state = db_column(st, 7),
		.name = db_column(st, 8),
		.verdict = db_column(st, 9),
		.count = sqlite3_column_int64(st, 10),
		.ns = sqlite3_column_int64(st, 11),
	};
	stack_clear(r);
	if (sqlite3_column_type(st, 12) != SQLITE_NULL)
		err = stack_recorded(r, sqlite3_column_int64(st, 12));
	if (err == SQLITE_OK && r->frame_count)
		err = stack_trim(r, s, &call, entry, db_column(st, 13));
	else if (err == SQLITE_OK)
		err = stack_ends(r, s, &call, entry);
	return err;
}
