/* SPDX-License-Identifier: MIT */
/**
 * pprof.c: stacks -> the profile format of `go tool pprof`.
 *
 * One text that is no valid UTF-8 makes readers refuse the whole profile: clean_text() sees to it,
 * in a database of somebody else's too.
 */
#include "pprof.h"

#include <errno.h>
#include <string.h>

#include <gtrace.h>

#include "clean.h"
#include "db.h"
#include "export/export.h"
#include "export/stack.h"
#include "plain.h"

enum { SHOWN_MAX = 4 * CLEAN_MAX };

struct export_pprof {
	struct pprof *profile; // NULL before the run's row
	const struct stack_profile *kind;
};

/* A text as it may stand in a profile: pprof prints it as it is. */
static const char *pprof_plain(char shown[SHOWN_MAX], const char *text)
{
	char clean[CLEAN_MAX];

	clean_text(clean, text, strlen(text));
	plain_copy(shown, SHOWN_MAX, clean);
	return shown;
}

static void pprof_add_label(const struct export_pprof *p, const char *key, const char *text)
{
	char shown[SHOWN_MAX];

	pprof_label(p->profile, key, pprof_plain(shown, text));
}

static void pprof_add_frame(const struct export_pprof *p, const struct stack_frame *frame)
{
	char func[SHOWN_MAX], file[SHOWN_MAX];
	const struct pprof_line line = {pprof_plain(func, frame->func), pprof_plain(file, frame->file),
	                                frame->line};

	pprof_frame(p->profile, 0, &line, 1);
}

static int pprof_row(void *arg, sqlite3_stmt *st)
{
	const struct export_pprof *p = arg;
	char born[CLEAN_MAX];
	struct stack s;

	stack_read(&s, st);
	pprof_sample(p->profile, s.count, s.ns);
	for (int i = 0; i < s.frames; i++)
		pprof_add_frame(p, &s.frame[i]);
	pprof_add_label(p, p->kind->state, s.state);
	snprintf(born, sizeof born, "%s at %s:%lld", s.born.func, s.born.file, (long long)s.born.line);
	pprof_add_label(p, "created_by", *s.born.func ? born : "");
	pprof_add_label(p, "name", s.name);
	pprof_add_label(p, "verdict", s.verdict);
	return SQLITE_OK;
}

/* What the row says of all of it. */
static int pprof_run_row(void *arg, sqlite3_stmt *st)
{
	struct export_pprof *p = arg;
	const struct stack_profile *k = p->kind;
	const char *program = db_column(st, 2);
	char comment[CLEAN_MAX], shown[SHOWN_MAX], file[SHOWN_MAX];

	snprintf(comment, sizeof comment, "gtrace %s, GOR_MAXPROCS %lld, %s", GTRACE_VERSION,
	         (long long)sqlite3_column_int64(st, 4), db_column(st, 3));
	p->profile =
		pprof_new(&(struct pprof_run){.kind = {{k->count, k->count_unit}, {k->ns, "nanoseconds"}},
	                                  .shown = k->shown,
	                                  .comment = pprof_plain(shown, comment),
	                                  .time_ns = sqlite3_column_int64(st, 0),
	                                  .duration_ns = sqlite3_column_int64(st, 1)});
	if (!p->profile)
		return SQLITE_NOMEM;
	pprof_plain(file, *program ? program : db_column(st, 3));
	pprof_mapping(p->profile, &(struct pprof_mapping){.file = file, .build_id = ""});
	return SQLITE_OK;
}

int export_pprof(sqlite3 *db, FILE *out, const char *profile)
{
	struct export_pprof p = {.kind = stack_profile(profile)};

	if (!p.kind)
		return SQLITE_NOTFOUND;
	int err = db_each(db, "sql/export/stacks.sql", "run", pprof_run_row, &p);

	if (err == SQLITE_OK && !p.profile)
		err = SQLITE_NOTFOUND; // there is no run in it
	if (err == SQLITE_OK)
		err = db_each(db, "sql/export/stacks.sql", p.kind->name, pprof_row, &p);
	if (err == SQLITE_OK) {
		int written = pprof_finish(p.profile, out);
		err = written == -ENOMEM ? SQLITE_NOMEM : written < 0 ? SQLITE_FULL : SQLITE_OK;
	}
	pprof_free(p.profile);
	return err;
}
