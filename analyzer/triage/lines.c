/* SPDX-License-Identifier: MIT */
/** lines.c: a small file, line by line. */
#include "triage/lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "talk.h"

static const char blanks[] = " \t\r";

char *lines_read(const char *path, size_t *len)
{
	FILE *in = fopen(path, "re"), *out = NULL;
	char *text = NULL, piece[65536];
	int err = in ? 0 : errno;
	size_t n;

	if (!err && !(out = open_memstream(&text, len)))
		err = errno;
	while (!err && (n = fread(piece, 1, sizeof piece, in)) > 0)
		fwrite(piece, 1, n, out);
	if (!err && ferror(in))
		err = errno;
	if (in)
		fclose(in);
	if (out && fclose(out) && !err)
		err = ENOMEM;
	if (!err)
		return text;
	talk("cannot read '%s': %s", path, strerror(err));
	free(text);
	return NULL;
}

char *lines_next(char **at)
{
	char *line = *at, *end = line ? line + strcspn(line, "\n") : NULL;

	if (!line || !*line)
		return NULL;
	*at = end + (*end == '\n');
	*end = '\0';
	line += strspn(line, blanks);
	while (end > line && strchr(blanks, end[-1]))
		*--end = '\0';
	return line;
}
