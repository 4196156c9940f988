/* SPDX-License-Identifier: MIT */
/** html_write.c: text, numbers and places as HTML. */
#include "report/html_write.h"

#include <inttypes.h>
#include <string.h>

#include "db.h"
#include "plot/gnuplot.h"

static const char *html_entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\n':
	case '\t':
		return " ";
	default:
		return NULL;
	}
}

/** The character at text; what is none becomes U+FFFD.  Returns: its bytes in text. */
static size_t html_char(FILE *out, const char *text)
{
	const char *entity = html_entity(*text);
	size_t n = gnuplot_char(text);

	if (entity)
		fputs(entity, out);
	else if (n)
		fwrite(text, 1, n, out);
	else
		fputs("\uFFFD", out);
	return n ? n : 1;
}

void html_clip(FILE *out, const char *text, size_t chars_max)
{
	for (size_t chars = 0; *text; chars++) {
		if (chars == chars_max) {
			fputs("\u2026", out);
			break;
		}
		text += html_char(out, text);
	}
}

void html_text(FILE *out, const char *text)
{
	html_clip(out, text, SIZE_MAX);
}

void html_lines(FILE *out, const char *text)
{
	while (*text) {
		if (*text == '\n' || *text == '\t')
			putc(*text++, out);
		else
			text += html_char(out, text);
	}
}

void html_count(FILE *out, int64_t n)
{
	char digits[32];
	int len = snprintf(digits, sizeof digits, "%" PRId64, n);

	for (int i = 0; i < len; i++) {
		int left = len - i;

		putc(digits[i], out);
		if (left > 1 && left % 3 == 1 && digits[i] != '-')
			putc(',', out);
	}
}

void html_time(FILE *out, int64_t ns)
{
	static const struct {
		double ns, below;
		const char *name;
	} units[] = {{1, 1e3, "ns"}, {1e3, 1e6, "us"}, {1e6, 1e9, "ms"}, {1e9, 1e300, "s"}};
	size_t i = 0;

	while ((double)ns >= units[i].below)
		i++;
	fprintf(out, i == 0 ? "%.0f %s" : "%.3f %s", (double)ns / units[i].ns, units[i].name);
}

void html_bytes(FILE *out, int64_t bytes)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	double n = (double)bytes;
	size_t i = 0;

	while (n >= 1024 && i < 4) {
		n /= 1024;
		i++;
	}
	fprintf(out, i == 0 ? "%.0f %s" : "%.1f %s", n, units[i]);
}

void html_place(FILE *out, const struct html_place *p)
{
	if (*p->func) {
		html_clip(out, p->func, HTML_PLACE_CHARS);
		fputs("() ", out);
	}
	if (*p->file) {
		fputs("<span class=\"place\">", out);
		html_clip(out, p->file, HTML_PLACE_CHARS);
		if (p->line > 0)
			fprintf(out, ":%" PRId64, p->line);
		fputs("</span>", out);
	}
	if (*p->text) {
		fputs(" <code>", out);
		html_clip(out, p->text, HTML_PLACE_CHARS);
		fputs("</code>", out);
	}
}

void html_heads(FILE *out, const char *const *names)
{
	for (; *names; names++)
		fprintf(out, "<th scope=\"col\" class=\"number\">%s</th>", *names);
}

static void html_cell_begin(FILE *out, int64_t n)
{
	fprintf(out, "<td class=\"number\" data-sort=\"%" PRId64 "\">", n);
}

void html_cell_count(FILE *out, int64_t n)
{
	html_cell_begin(out, n);
	if (n >= 0)
		html_count(out, n);
	fputs("</td>", out);
}

void html_cell_time(FILE *out, int64_t ns)
{
	html_cell_begin(out, ns);
	if (ns >= 0)
		html_time(out, ns);
	fputs("</td>", out);
}

void html_cell_finding(FILE *out, sqlite3_stmt *st, int id, int kind)
{
	int64_t n = sqlite3_column_int64(st, id);

	fprintf(out, "<td data-sort=\"%" PRId64 "\">", n ? n : INT64_MAX);
	if (n) {
		fputs("<a href=\"#", out);
		html_text(out, db_column(st, kind));
		fprintf(out, "-%" PRId64 "\">#%" PRId64 "</a>", n, n);
	}
	fputs("</td>", out);
}
