/* SPDX-License-Identifier: MIT */
/** repeat.c: see repeat.h. */
#include "repeat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The lines from p to end, each NS later; their times are plain numbers. */
static void repeat_lines(FILE *f, const char *p, const char *end, long long later)
{
	while (p < end) {
		char *rest;
		long long ns = strtoll(p, &rest, 10);
		const char *next = memchr(rest, '\n', (size_t)(end - rest));
		next = next ? next + 1 : end;
		fprintf(f, "%lld%.*s", ns + later, (int)(next - rest), rest);
		p = next;
	}
}

char *repeat_expand(const char *text, size_t len, size_t *out_len)
{
	static const char begin[] = "# repeat ", over[] = "# end\n";
	const char *stop = text + len;
	char *out = NULL;
	FILE *f = open_memstream(&out, out_len);

	while (text < stop) {
		const char *from = memmem(text, (size_t)(stop - text), begin, sizeof begin - 1);
		long long count = 0, ns = 0;
		fwrite(text, 1, (size_t)((from ? from : stop) - text), f);
		if (!from)
			break;
		const char *lines = strchr(from, '\n') + 1, *end = strstr(lines, over);
		if (sscanf(from + sizeof begin - 1, "%lld %lld", &count, &ns) != 2 || !end) {
			fclose(f);
			free(out);
			return NULL;
		}
		for (long long i = 0; i < count; i++)
			repeat_lines(f, lines, end, i * ns);
		text = end + sizeof over - 1;
	}
	fclose(f);
	return out;
}
