/* SPDX-License-Identifier: MIT */
/** assemble.c: for scripts: assemble TEXT TRACE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gtrace.h>

#include "repeat.h"

int main(int argc, char **argv)
{
	struct gtrace_error err;
	char *text = NULL;
	size_t cap = 0;
	FILE *f = argc == 3 ? fopen(argv[1], "r") : NULL;

	if (!f)
		return 2;
	ssize_t n = getdelim(&text, &cap, '\0', f);

	fclose(f);
	size_t len = 0;
	char *whole = n < 0 ? NULL : repeat_expand(text, (size_t)n, &len);
	int code = whole ? gtrace_text_assemble(whole, len, argv[2], &err) : -1;

	if (whole && code < 0)
		fprintf(stderr, "%s\n", err.text);
	free(whole);
	free(text);
	return code < 0;
}
