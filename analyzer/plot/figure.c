/* SPDX-License-Identifier: MIT */
/** figure.c: what all plots share: the run's length, lost stretches, findings. */
#include "plot/figure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plot/gnuplot.h"
#include "plot/query.h"

enum {
	FIGURE_SLIM = FIGURE_COLUMNS, // a gap is drawn at least so wide; nearer marks are one
	FIGURE_CHARS = 86,            // so many characters are as wide as the plot
	FIGURE_TEXT_CHARS = 100,
	FIGURE_NAMED = 4, // findings told in one note
};

int figure_run(struct figure_run *run, sqlite3 *db)
{
	sqlite3_stmt *stmt = query_open(db, "sql/plot/run.sql");

	*run = (struct figure_run){.end_ns = 1};
	if (!stmt)
		return -EIO;
	int err;

	while ((err = query_step(stmt)) == 1) {
		snprintf(run->title, sizeof run->title, "%s", query_text(stmt, 0));
		run->end_ns = sqlite3_column_int64(stmt, 1);
		run->trace = sqlite3_column_int64(stmt, 2);
	}
	if (run->end_ns < 1)
		run->end_ns = 1;
	sqlite3_finalize(stmt);
	return err;
}

/** Put a gap in; those that touch, or come when the table is full, join the one before. */
static void figure_gap(struct figure *f, int64_t from_ns, int64_t to_ns)
{
	int64_t slim_ns = f->end_ns / FIGURE_SLIM;
	struct figure_gap *last = f->gaps ? &f->gap[f->gaps - 1] : NULL;

	if (from_ns < 0)
		from_ns = 0;
	if (from_ns > f->end_ns - slim_ns)
		from_ns = f->end_ns - slim_ns;
	if (to_ns < from_ns + slim_ns)
		to_ns = from_ns + slim_ns;
	if (to_ns > f->end_ns)
		to_ns = f->end_ns;
	if (last && (from_ns <= last->to_ns + slim_ns || f->gaps == FIGURE_BANDS_MAX)) {
		if (to_ns > last->to_ns)
			last->to_ns = to_ns;
		return;
	}
	f->gap[f->gaps++] = (struct figure_gap){.from_ns = from_ns, .to_ns = to_ns};
}

static int figure_gaps(struct figure *f, sqlite3 *db)
{
	sqlite3_stmt *stmt = query_open(db, "sql/plot/gaps.sql");
	int err = stmt ? 1 : -EIO;

	while (err == 1) {
		err = query_step(stmt);
		if (err == 1)
			figure_gap(f, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1));
	}
	sqlite3_finalize(stmt);
	return err;
}

/** Where a note ends that begins at ns. */
static int64_t figure_note_end(const struct figure *f, int64_t ns, const char *text)
{
	return ns + (int64_t)((double)f->end_ns * (double)(strlen(text) + 2) / FIGURE_CHARS);
}

/** Put a note at ns, or as far to the left as it needs; false if another one is in the way. */
static bool figure_note_place(const struct figure *f, size_t before, struct figure_note *note)
{
	const struct figure_note *last = before ? &f->note[before - 1] : NULL;
	int64_t over = figure_note_end(f, note->ns, note->text) - f->end_ns;

	if (over > 0)
		note->ns = note->ns > over ? note->ns - over : 0;
	return !last || note->ns >= figure_note_end(f, last->ns, last->text);
}

/** Name a finding in a note of its own or, where there is no room, in the one before. */
static void figure_note(struct figure *f, int64_t ns, int64_t id, const char *kind)
{
	struct figure_note note = {.ns = ns, .count = 1};

	snprintf(note.text, sizeof note.text, "#%lld %s", (long long)id, kind);
	if (figure_note_place(f, f->notes, &note) && f->notes < FIGURE_NOTES_MAX) {
		f->note[f->notes++] = note;
		return;
	}
	struct figure_note *last = &f->note[f->notes - 1];
	size_t len = strlen(last->text);

	note = *last;
	bool same = strstr(last->text, kind) != NULL;

	if (++note.count < FIGURE_NAMED)
		snprintf(note.text + len, sizeof note.text - len, ", #%lld%s%s", (long long)id,
		         same ? "" : " ", same ? "" : kind);
	else if (note.count == FIGURE_NAMED)
		snprintf(note.text + len, sizeof note.text - len, " ...");
	if (figure_note_place(f, f->notes - 1, &note))
		*last = note;
}

static void figure_mark(struct figure *f, int64_t ns, int64_t id, const char *kind)
{
	if (ns < 0)
		ns = 0;
	if (ns > f->end_ns)
		ns = f->end_ns;
	if (!f->marks ||
	    (ns - f->mark[f->marks - 1] > f->end_ns / FIGURE_SLIM && f->marks < FIGURE_MARKS_MAX))
		f->mark[f->marks++] = ns;
	figure_note(f, ns, id, kind);
}

static int figure_marks(struct figure *f, sqlite3 *db)
{
	sqlite3_stmt *stmt = query_open(db, "sql/plot/marks.sql");
	int err = stmt ? 1 : -EIO;

	while (err == 1) {
		err = query_step(stmt);
		if (err == 1)
			figure_mark(f, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
			            query_text(stmt, 2));
	}
	sqlite3_finalize(stmt);
	return err;
}

int figure_init(struct figure *f, sqlite3 *db, const char *name)
{
	*f = (struct figure){.name = name};
	f->data.file = open_memstream(&f->data.text, &f->data.size);
	f->vars.file = open_memstream(&f->vars.text, &f->vars.size);
	if (!f->data.file || !f->vars.file)
		return -ENOMEM;
	struct figure_run run;
	int err = figure_run(&run, db);

	memcpy(f->title, run.title, sizeof f->title);
	f->end_ns = run.end_ns;
	if (!err)
		err = figure_gaps(f, db);
	if (!err)
		err = figure_marks(f, db);
	return err;
}

int figure_add(struct figure *f, int kind, const char *label)
{
	if (f->lines == FIGURE_LINES_MAX)
		return -ENOSPC;
	struct figure_line *line = &f->line[f->lines];

	line->series = series_new(f->end_ns, FIGURE_COLUMNS);
	if (!line->series)
		return -ENOMEM;
	line->kind = kind;
	snprintf(line->label, sizeof line->label, "%s", label);
	f->lines++;
	return 0;
}

void figure_release(struct figure *f)
{
	for (size_t i = 0; i < f->lines; i++)
		series_free(f->line[i].series);
	f->lines = 0;
	if (f->data.file)
		fclose(f->data.file);
	if (f->vars.file)
		fclose(f->vars.file);
	free(f->data.text);
	free(f->vars.text);
}

size_t figure_site(char *label, size_t size, const char *func, const char *file, int line,
                   const char *text)
{
	const char *base = strrchr(file, '/');
	size_t n = (size_t)snprintf(label, size, "%.60s", func);

	if (*file && n < size)
		n += (size_t)snprintf(label + n, size - n, "%s%.60s:%d", n ? " " : "",
		                      base && base[1] ? base + 1 : file, line);
	if (*text && n < size)
		n += (size_t)snprintf(label + n, size - n, " (%.30s)", text);
	return n < size ? n : size - 1;
}

size_t figure_time(char *text, size_t size, double ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {"h", 3600e9}};
	size_t i = 0;

	while (i + 1 < sizeof units / sizeof units[0] && ns >= units[i + 1].ns)
		i++;
	double n = ns / units[i].ns;

	return (size_t)snprintf(text, size, n < 100 ? "%.3g %s" : "%.0f %s", n, units[i].name);
}

size_t figure_count(char *text, size_t size, double n)
{
	static const char units[] = {'k', 'M', 'G', 'T'};
	size_t i = 0;

	if (n < 999.5)
		return (size_t)snprintf(text, size, "%.3g", n);
	for (n /= 1000; n >= 999.5 && i + 1 < sizeof units; i++)
		n /= 1000;
	return (size_t)snprintf(text, size, "%.3g%c", n, units[i]);
}

void figure_array(struct figure *f, const char *array, size_t count)
{
	// gnuplot has no empty arrays: one that stands for it has an element nobody looks at
	fprintf(f->vars.file, "array %s[%zu]\n", array, count ? count : 1);
}

void figure_put_text(struct figure *f, const char *array, size_t i, const char *text)
{
	fprintf(f->vars.file, "%s[%zu] = ", array, i);
	gnuplot_quote(f->vars.file, text, FIGURE_TEXT_CHARS);
	putc('\n', f->vars.file);
}

void figure_put(struct figure *f, const char *array, size_t i, double number)
{
	fprintf(f->vars.file, "%s[%zu] = %.9g\n", array, i, number);
}

void figure_block(struct figure *f, const char *text)
{
	fputs("# ", f->data.file);
	gnuplot_comment(f->data.file, text);
}
