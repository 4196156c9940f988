/* SPDX-License-Identifier: MIT */
/** finding.c: the findings one by one, and the kinds, for the reports that machines read. */
#include "report/finding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assets.h"
#include "db.h"

void finding_cwd(char cwd[FINDING_PATH_BYTES])
{
	if (!getcwd(cwd, FINDING_PATH_BYTES))
		cwd[0] = '\0';
}

const char *finding_relative(const char *cwd, const char *file)
{
	size_t n = strlen(cwd);

	if (n > 1 && strncmp(file, cwd, n) == 0 && file[n] == '/')
		file += n + strspn(file + n, "/");
	while (strncmp(file, "./", 2) == 0)
		file += 1 + strspn(file + 1, "/");
	return file;
}

int findings_open(struct findings *all, sqlite3 *db)
{
	finding_cwd(all->cwd);
	return db_prepare(db, "sql/report/shown.sql", "findings", &all->st);
}

static struct finding_place finding_place(const struct findings *all, int column)
{
	return (struct finding_place){
		.file = finding_relative(all->cwd, db_column(all->st, column)),
		.line = sqlite3_column_int64(all->st, column + 1),
		.func = db_column(all->st, column + 2),
		.text = db_column(all->st, column + 3),
	};
}

int findings_next(struct findings *all, struct finding *f)
{
	sqlite3_stmt *st = all->st;
	int got = sqlite3_step(st);

	if (got != SQLITE_ROW)
		return got;
	*f = (struct finding){
		.id = sqlite3_column_int64(st, 0),
		.kind = db_column(st, 1),
		.certainty = db_column(st, 2),
		.severity = db_column(st, 3),
		.title = db_column(st, 4),
		.why = db_column(st, 5),
		.hint = db_column(st, 6),
		.count = sqlite3_column_int64(st, 7),
		.since_ns = sqlite3_column_type(st, 8) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, 8),
		.at = finding_place(all, 9),
		.born = finding_place(all, 13),
		.objects = db_column(st, 17),
		.goroutines = db_column(st, 18),
		.fingerprint = db_column(st, 19),
		.counts = sqlite3_column_int(st, 20),
		.known = sqlite3_column_int(st, 21),
	};
	return got;
}

void findings_close(struct findings *all)
{
	sqlite3_finalize(all->st);
}

const struct finding_place *finding_where(const struct finding *f)
{
	return *f->at.file ? &f->at : &f->born;
}

const char *finding_level(const struct finding *f)
{
	if (f->counts)
		return "error";
	return f->known || strcmp(f->severity, "info") == 0 ? "note" : "warning";
}

char *finding_kinds(void)
{
	static const char folder[] = "sql/detect/";
	const size_t skip = sizeof folder - 1;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	const char *comma = "";

	if (!f)
		return NULL;
	fputc('[', f);
	for (const struct asset *a = assets; a->name; a++) {
		if (strncmp(a->name, folder, skip) != 0)
			continue;
		fprintf(f, "%s\"%.*s\"", comma, (int)strcspn(a->name + skip, "."), a->name + skip);
		comma = ",";
	}
	fputc(']', f);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}
