/* SPDX-License-Identifier: MIT */
/** html_write.c: text, numbers and places as HTML. */
#include "report/html_write.h"

#include <inttypes.h>
#include <string.h>

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

void html_text(FILE *out, const char *text)
{
	while (*text) {
		const char *entity = html_entity(*text);
		size_t n = gnuplot_char(text);

		if (entity)
			fputs(entity, out);
		else if (n)
			fwrite(text, 1, n, out);
		else
			fputs("\uFFFD", out);
		text += n ? n : 1;
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
		html_text(out, p->func);
		fputs("() ", out);
	}
	if (*p->file) {
		fputs("<span class=\"place\">", out);
		html_text(out, p->file);
		if (p->line > 0)
			fprintf(out, ":%" PRId64, p->line);
		fputs("</span>", out);
	}
	if (*p->text) {
		fputs(" <code>", out);
		html_text(out, p->text);
		fputs("</code>", out);
	}
}
