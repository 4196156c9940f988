/* SPDX-License-Identifier: MIT */
/** reply.c: what goes back: text, bytes, files; and the parameters of a request. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "inspect/http.h"

#define TEXT "text/plain; charset=utf-8"
#define BYTES "application/octet-stream"

const char *request_value(const struct request *r, const char *key)
{
	return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, key);
}

int64_t request_number(const struct request *r, const char *key, int64_t fallback)
{
	const char *text = request_value(r, key);
	char *end;

	if (!text || !*text)
		return fallback;
	errno = 0;
	long long n = strtoll(text, &end, 10);
	return *end || errno ? fallback : n;
}

static int64_t clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

bool request_wait(const struct request *r, int64_t ns)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct pollfd gone = {.fd = info ? info->connect_fd : -1, .events = POLLRDHUP};
	int64_t until = clock_now() + ns;

	for (;;) {
		int64_t left = until - clock_now();
		if (left <= 0)
			return true;
		struct timespec t = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
		if (ppoll(&gone, 1, &t, NULL) > 0)
			return false;
	}
}

/** Queue it with what all answers have; it may be NULL, for want of memory. */
static enum MHD_Result reply_queue(const struct request *r, unsigned status, const char *type,
                                   struct MHD_Response *response)
{
	if (!response)
		return MHD_NO; // closes the connection
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	enum MHD_Result queued = MHD_queue_response(r->connection, status, response);
	MHD_destroy_response(response);
	return queued;
}

/** A line of text. */
static struct MHD_Response *reply_text(const char *fmt, va_list args)
{
	char *text = NULL;
	int len = vasprintf(&text, fmt, args);

	if (len < 0)
		return NULL;
	text[len++] = '\n'; // in place of the end
	return MHD_create_response_from_buffer((size_t)len, text, MHD_RESPMEM_MUST_FREE);
}

enum MHD_Result reply_line(const struct request *r, unsigned status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	struct MHD_Response *response = reply_text(fmt, args);
	va_end(args);
	return reply_queue(r, status, TEXT, response);
}

enum MHD_Result reply_error(const struct request *r, unsigned status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	struct MHD_Response *response = reply_text(fmt, args);
	va_end(args);
	if (response)
		MHD_add_response_header(response, "X-Go-Pprof", "1");
	return reply_queue(r, status, TEXT, response);
}

enum MHD_Result reply_bytes(const struct request *r, const char *type, const char *bytes,
                            size_t len)
{
	return reply_queue(r, MHD_HTTP_OK, type,
	                   MHD_create_response_from_buffer(len, (void *)(uintptr_t)bytes,
	                                                   MHD_RESPMEM_MUST_COPY));
}

enum MHD_Result reply_file(const struct request *r, int fd, const char *attachment)
{
	struct stat st;
	char saved[128];

	if (fstat(fd, &st) != 0) {
		close(fd);
		return MHD_NO;
	}
	struct MHD_Response *response = MHD_create_response_from_fd((uint64_t)st.st_size, fd);
	if (!response)
		close(fd);
	if (response && attachment) {
		snprintf(saved, sizeof saved, "attachment; filename=\"%s\"", attachment);
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION, saved);
	}
	return reply_queue(r, MHD_HTTP_OK, attachment ? BYTES : TEXT, response);
}

enum MHD_Result reply_moved(const struct request *r, const char *to)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);

	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, to);
	return reply_queue(r, MHD_HTTP_MOVED_PERMANENTLY, TEXT, response);
}

int reply_temporary(void)
{
	return memfd_create("gor-inspect", MFD_CLOEXEC);
}
