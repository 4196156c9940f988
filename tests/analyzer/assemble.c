/* SPDX-License-Identifier: MIT */
/** assemble.c: for scripts: assemble TEXT TRACE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gtrace.h>

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
	int code = n < 0 ? -1 : gtrace_text_assemble(text, (size_t)n, argv[2], &err);

	if (n >= 0 && code < 0)
		fprintf(stderr, "%s\n", err.text);
	free(text);
	return code < 0;
}
