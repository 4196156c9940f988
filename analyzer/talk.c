/* SPDX-License-Identifier: MIT */
/** talk.c: messages on stderr, safe for a terminal. */
#include "talk.h"

#include <stdarg.h>
#include <stdio.h>

static void talk_line(const char *prefix, const char *fmt, va_list ap)
{
	char line[1024];

	vsnprintf(line, sizeof line, fmt, ap);
	flockfile(stderr);
	fputs(prefix, stderr);
	for (const unsigned char *p = (const unsigned char *)line; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			fprintf(stderr, "\\x%02x", *p);
		else
			fputc(*p, stderr);
	}
	fputc('\n', stderr);
	funlockfile(stderr);
}

void talk(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	talk_line("gtrace: ", fmt, ap);
	va_end(ap);
}

void talk_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	talk_line("gtrace: warning: ", fmt, ap);
	va_end(ap);
}
