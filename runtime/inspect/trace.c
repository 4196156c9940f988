/* SPDX-License-Identifier: MIT */
/**
 * trace.c: the page trace: a recording of the next seconds.
 *
 * It goes to a file in a folder of its own below $TMPDIR, since the recorder makes a second file
 * beside it, and is sent when it is complete.  There is one recording at a time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/http.h"

#define TRACE_SECONDS_MAX 86400

/** Of the parameter, 1 if it is none, as Go does. */
static double trace_seconds(const struct request *r)
{
	const char *text = request_value(r, "seconds");
	char *end = NULL;
	double seconds = text ? strtod(text, &end) : 1;

	return end && (*end || end == text || !(seconds > 0)) ? 1
	       : seconds > TRACE_SECONDS_MAX                  ? TRACE_SECONDS_MAX
	                                                      : seconds;
}

/** Record to path meanwhile.  Returns: 0, or -errno; -EPIPE: nobody waits for it any more. */
static int trace_record(const struct request *r, const char *path, double seconds)
{
	char options[256];

	snprintf(options, sizeof options, "out='%s'", path);
	int err = r->host->trace_start(options);
	if (err)
		return err;
	bool wanted = request_wait(r, (int64_t)(seconds * 1e9));
	r->host->trace_stop();
	return wanted ? 0 : -EPIPE;
}

static enum MHD_Result trace_failed(const struct request *r, int err)
{
	return reply_error(r, MHD_HTTP_INTERNAL_SERVER_ERROR, "Could not enable tracing: %s",
	                   err == -EBUSY ? "tracing is already enabled" : strerror(-err));
}

enum MHD_Result page_trace(const struct request *r)
{
	const char *tmp = secure_getenv("TMPDIR");
	char folder[200], path[240];

	if ((size_t)snprintf(folder, sizeof folder, "%s/gor-trace.XXXXXX",
	                     tmp && *tmp == '/' && !strpbrk(tmp, "'%") ? tmp : "/tmp") >=
	        sizeof folder ||
	    !mkdtemp(folder))
		return trace_failed(r, -errno);
	snprintf(path, sizeof path, "%s/trace.gtrace", folder);
	int err = trace_record(r, path, trace_seconds(r));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && !err)
		err = -errno;
	unlink(path);
	rmdir(folder);
	if (!err)
		return reply_file(r, fd, "trace");
	if (fd >= 0)
		close(fd);
	return err == -EPIPE ? MHD_NO : trace_failed(r, err);
}
