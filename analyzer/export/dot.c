/* SPDX-License-Identifier: MIT */
/** dot.c: the graph of waits at the end, for Graphviz. */
#include "db.h"
#include "export/export.h"

/* Inside double quotes.  A backslash alone would begin an escape of Graphviz's own: \N is the
 * node's name. */
static void dot_text(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(out, "\\\\x%02x", *p);
		else if (p[0] == 0xc2 && p[1] < 0xa0)
			fprintf(out, "\\\\x%02x", *++p);
		else
			fputc(*p, out);
	}
}

static void dot_line(FILE *out, const char *text)
{
	if (!*text)
		return;
	fputs("\\n", out);
	dot_text(out, text);
}

static int dot_goroutine(void *arg, sqlite3_stmt *st)
{
	FILE *out = arg;
	sqlite3_int64 count = sqlite3_column_int64(st, 1);

	fprintf(out, "\tg%lld [shape=box, label=\"", sqlite3_column_int64(st, 0));
	dot_text(out, db_column(st, 2));
	if (count > 1)
		fprintf(out, "\\nand %lld more like it", count - 1);
	dot_line(out, db_column(st, 3));
	dot_line(out, db_column(st, 4));
	// Not by colour alone.
	fputs(sqlite3_column_int(st, 5)   ? "\\nfor good\", color=\"#d55e00\", penwidth=2];\n"
	      : sqlite3_column_int(st, 6) ? "\\nended\", style=dashed];\n"
	                                  : "\"];\n",
	      out);
	return SQLITE_OK;
}

static int dot_object(void *arg, sqlite3_stmt *st)
{
	FILE *out = arg;

	fprintf(out, "\to%lld [shape=ellipse, label=\"", sqlite3_column_int64(st, 0));
	dot_text(out, db_column(st, 1));
	dot_line(out, db_column(st, 2));
	fputs("\"];\n", out);
	return SQLITE_OK;
}

static int dot_wait(void *arg, sqlite3_stmt *st)
{
	FILE *out = arg;

	fprintf(out, "\tg%lld -> o%lld [label=\"", sqlite3_column_int64(st, 0),
	        sqlite3_column_int64(st, 1));
	dot_text(out, db_column(st, 2));
	fputs("\"];\n", out);
	return SQLITE_OK;
}

static int dot_hold(void *arg, sqlite3_stmt *st)
{
	fprintf(arg, "\to%lld -> g%lld [label=\"held by\"];\n", sqlite3_column_int64(st, 0),
	        sqlite3_column_int64(st, 1));
	return SQLITE_OK;
}

static int dot_wake(void *arg, sqlite3_stmt *st)
{
	fprintf(arg, "\to%lld -> g%lld [label=\"up to\", style=dashed];\n", sqlite3_column_int64(st, 0),
	        sqlite3_column_int64(st, 1));
	return SQLITE_OK;
}

int export_dot(sqlite3 *db, FILE *out)
{
	static const struct {
		const char *name;
		int (*row)(void *arg, sqlite3_stmt *st);
	} parts[] = {
		{"nodes", NULL},     {"goroutines", dot_goroutine}, {"objects", dot_object},
		{"waits", dot_wait}, {"holds", dot_hold},           {"wakes", dot_wake},
	};
	int err = db_run_asset(db, "sql/export/dot_node.sql");

	fputs("digraph waits {\n\trankdir=LR;\n\tnode [fontname=\"monospace\"];\n", out);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0] && err == SQLITE_OK; i++)
		err = db_each(db, "sql/export/dot.sql", parts[i].name, parts[i].row, out);
	fputs("}\n", out);
	return err;
}
