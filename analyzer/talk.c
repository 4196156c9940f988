/* SPDX-License-Identifier: MIT */
/** talk.c: messages on stderr, safe for a terminal. */
#include "talk.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static struct {
	bool status; // the cursor is on a line of talk_status()
} talk_state;

static const char status_away[] = "\r\033[K";

static void talk_line(const char *prefix, const char *fmt, va_list ap)
{
	char line[1024];

	vsnprintf(line, sizeof line, fmt, ap);
	flockfile(stderr);
	talk_clear();
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

void talk_status(const char *fmt, ...)
{
	va_list ap;

	flockfile(stderr);
	fputs(status_away, stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fflush(stderr);
	talk_state.status = true;
	funlockfile(stderr);
}

void talk_clear(void)
{
	flockfile(stderr);
	if (talk_state.status)
		fputs(status_away, stderr);
	fflush(stderr);
	talk_state.status = false;
	funlockfile(stderr);
}
