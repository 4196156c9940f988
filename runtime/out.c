/* SPDX-License-Identifier: MIT */
/** out.c: text to a descriptor, whatever kind it is: all of it, or an error. */
#include "out.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/** Write what is there.  Returns: 0, or the negative errno of the first write that failed. */
int gor__out_flush(struct out *out)
{
	for (const char *p = out->bytes; out->len > 0 && !out->err;) {
		ssize_t n = write(out->fd, p, out->len);
		if (n >= 0) {
			p += n;
			out->len -= (size_t)n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) { // it is in non-blocking mode
			poll(&(struct pollfd){.fd = out->fd, .events = POLLOUT}, 1, -1);
		} else if (errno != EINTR) {
			out->err = -errno;
		}
	}
	out->len = 0;
	return out->err;
}

void gor__out_put(struct out *out, const char *bytes, size_t len)
{
	while (len > 0) {
		size_t room = sizeof out->bytes - out->len, n = len < room ? len : room;
		memcpy(out->bytes + out->len, bytes, n);
		out->len += n;
		bytes += n;
		len -= n;
		if (out->len == sizeof out->bytes)
			gor__out_flush(out);
	}
}

/** As printf(); a line longer than 1023 bytes is cut. */
void gor__out_say(struct out *out, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	int len = vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (len > 0)
		gor__out_put(out, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}
