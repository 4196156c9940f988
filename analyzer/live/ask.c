/* SPDX-License-Identifier: MIT */
/**
 * ask.c: one request over the agent's socket.
 *
 * HTTP/1.0: the other side closes when it has answered, so that there is nothing to take apart but
 * the status and the empty line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "live/live.h"
#include "plain.h"
#include "talk.h"

enum { ASK_BYTES_MIN = 64 << 10 };

static int64_t ask_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/** Until there is something to read.  0, or a negative code. */
static int ask_wait(int fd, int64_t until)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t left = until - ask_now();
	struct timespec t = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};

	if (left <= 0)
		return -ETIMEDOUT;
	int n = ppoll(&p, 1, &t, NULL);
	return n < 0 && errno != EINTR ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static int ask_send(int fd, const char *path)
{
	char line[1024];
	int len = snprintf(line, sizeof line, "GET %s HTTP/1.0\r\n\r\n", path);

	if (len < 0 || (size_t)len >= sizeof line)
		return -ENAMETOOLONG;
	return send(fd, line, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -ECONNRESET;
}

/** All that comes. */
static int ask_receive(int fd, int64_t until, struct live_answer *a)
{
	size_t room = 0;

	for (;;) {
		if (a->len + 1 >= room) {
			room = room ? 2 * room : ASK_BYTES_MIN;
			char *more = realloc(a->body, room);
			if (!more)
				return -ENOMEM;
			a->body = more;
		}
		int err = ask_wait(fd, until);
		if (err)
			return err;
		ssize_t n = recv(fd, a->body + a->len, room - a->len - 1, 0);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		a->len += n > 0 ? (size_t)n : 0;
	}
	a->body[a->len] = 0;
	return 0;
}

/** The headers go. */
static int ask_take_apart(struct live_answer *a)
{
	const char *end = memmem(a->body, a->len, "\r\n\r\n", 4);

	if (!end || sscanf(a->body, "HTTP/1.%*d %d", &a->status) != 1)
		return a->len ? LIVE_EBADANSWER : -ECONNRESET;
	const char *length = strcasestr(a->body, "\r\nContent-Length:");
	size_t head = (size_t)(end + 4 - a->body);
	if (length && length < end && strtoull(length + 17, NULL, 10) != a->len - head)
		return -ECONNRESET; // it ended in the middle
	a->len -= head;
	memmove(a->body, a->body + head, a->len + 1);
	return a->status == 200 ? 0 : -EREMOTEIO;
}

int live_get(int64_t pid, const char *path, int64_t timeout_ns, struct live_answer *a)
{
	int fd = live_connect(pid);
	int err = fd < 0 ? fd : ask_send(fd, path);

	*a = (struct live_answer){0};
	if (!err)
		err = ask_receive(fd, ask_now() + timeout_ns, a);
	if (!err)
		err = ask_take_apart(a);
	if (fd >= 0)
		close(fd);
	if (err && err != -EREMOTEIO) {
		free(a->body);
		a->body = NULL;
		a->len = 0;
	}
	return err;
}

int live_complain(int64_t pid, int err, const struct live_answer *a)
{
	char line[256];

	switch (err) {
	case -ESRCH:
		talk("there is no process %" PRId64, pid);
		break;
	case -EPERM:
	case -EACCES:
		talk("process %" PRId64 " is another user's", pid);
		break;
	case LIVE_ENOAGENT:
		talk("process %" PRId64
		     " has no agent: it runs no goroutines, or with GOR_DEBUG=agent=0, or "
		     "could have no folder of its own for the socket",
		     pid);
		break;
	case LIVE_ESTALE:
		talk("process %" PRId64
		     " has a socket but does not listen: it is ending, or has called exec",
		     pid);
		break;
	case -ETIMEDOUT:
		talk("process %" PRId64 " did not answer in time: it may be stopped", pid);
		break;
	case -EREMOTEIO:
		snprintf(line, sizeof line, "%.*s", (int)strcspn(a->body, "\n"), a->body);
		talk("process %" PRId64 ": %s", pid, line);
		break;
	case -ECONNRESET:
		talk("process %" PRId64 " closed the connection before it had answered: it has ended, may "
		     "not load libgor_inspect, or answers others",
		     pid);
		break;
	default:
		talk("process %" PRId64 " does not answer: %s", pid,
		     err == LIVE_EBADANSWER ? "this is not HTTP" : strerror(-err));
	}
	return CMD_INPUT;
}

int live_ask(int64_t pid, const char *path, int64_t timeout_ns, struct live_answer *a)
{
	int err = live_get(pid, path, timeout_ns, a);

	if (!err)
		return CMD_CLEAN;
	int code = live_complain(pid, err, a);
	free(a->body);
	a->body = NULL;
	return code;
}

int live_trace(int64_t pid, int64_t during_ns, struct live_answer *a)
{
	char path[96];

	snprintf(path, sizeof path, "/debug/pprof/trace?seconds=%.9g", (double)during_ns / 1e9);
	return live_ask(pid, path, during_ns + LIVE_TRACE_TIMEOUT_NS, a);
}
