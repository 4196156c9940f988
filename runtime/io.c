/* SPDX-License-Identifier: MIT */
/**
 * io.c: read, write, accept, wait and close by a goroutine.
 *
 * Each tries its system call first, outside the runtime: if that blocks after all, as a read from
 * disk may, the monitor hands the p over.  On EAGAIN it waits (poll.c) and tries again.
 *
 * Nothing is remembered of a descriptor for the try, since its number may be another's by now: a
 * socket is told in each call not to block, and says itself if it is none; what is none is asked
 * for its mode each time.
 *
 * errno is read in functions that are not inlined and do not switch: a thread's errno has one
 * address, which compilers keep, and a goroutine may go on elsewhere.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "poll.h"

#define NO_INLINE __attribute__((noinline))

enum io_mode { IO_MAY_BLOCK, IO_WAITS_NOT };

/** How reads and writes of what is no socket behave: never block, or may: a terminal's mode is
 * shared with the shell, and left alone.  Or -errno. */
static int io_mode(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if (flags & O_NONBLOCK)
		return IO_WAITS_NOT;
	if (isatty(fd))
		return IO_MAY_BLOCK;
	return fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 ? IO_WAITS_NOT : -errno;
}

/** What poll(2) says of fd now: events, 0, or -errno. */
static NO_INLINE int io_poll(int fd, int events)
{
	struct pollfd p = {.fd = fd, .events = (short)events};
	int n;

	do
		n = poll(&p, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == 0 ? 0 : p.revents & POLLNVAL ? -EBADF : p.revents;
}

static NO_INLINE ssize_t io_read_other(int fd, void *buf, size_t bytes)
{
	int mode = io_mode(fd);
	ssize_t n;

	if (mode < 0)
		return mode;
	if (mode == IO_MAY_BLOCK && bytes && io_poll(fd, POLLIN) == 0)
		return -EAGAIN;
	do
		n = read(fd, buf, bytes);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static NO_INLINE ssize_t io_read(int fd, void *buf, size_t bytes)
{
	ssize_t n;

	if (!bytes) // recv() would say EAGAIN, read() does not
		return io_read_other(fd, buf, 0);
	do
		n = recv(fd, buf, bytes, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	return errno == ENOTSOCK ? io_read_other(fd, buf, bytes) : -errno;
}

static NO_INLINE ssize_t io_write_other(int fd, const void *buf, size_t bytes)
{
	int mode = io_mode(fd);
	ssize_t n;

	if (mode < 0)
		return mode;
	do
		n = write(fd, buf, bytes);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static NO_INLINE ssize_t io_write(int fd, const void *buf, size_t bytes)
{
	ssize_t n;

	do
		n = send(fd, buf, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	return errno == ENOTSOCK ? io_write_other(fd, buf, bytes) : -errno;
}

static NO_INLINE int io_accept(int fd)
{
	int mode = io_mode(fd), conn;

	if (mode < 0)
		return mode;
	do // one that has been given up already is no error of this socket
		conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (conn < 0 && (errno == EINTR || errno == ECONNABORTED));
	return conn < 0 ? -errno : conn;
}

static NO_INLINE int io_close(int fd)
{
	return close(fd) == 0 || errno == EINTR ? 0 : -errno; // closed all the same, says Linux
}

/* ── waiting ──────────────────────────────────────────────────────────────────────────────────────
 */

/** One call of a goroutine on a descriptor. */
struct io {
	int fd;
	unsigned want; // POLL_READ, POLL_WRITE
	int64_t deadline;
	const struct gor_site *site;
	struct poll_note note;
	uint32_t life; // of the descriptor when the call began
	bool began;
};

/** Before each try.  0; -EBADF: fd was closed since the call began; -ECANCELED: the run is over. */
static int io_begin(struct io *io)
{
	struct m *m = gor__enter_if();

	if (!m)
		return -ECANCELED;
	m->cur->site = io->site;
	gor__poll_note(m, io->fd, &io->note);
	gor__leave();
	if (!io->began)
		io->life = io->note.life;
	io->began = true;
	return io->life == io->note.life ? 0 : -EBADF;
}

/** The try said EAGAIN.  0: try again; or the error to return. */
static int io_wait(struct io *io)
{
	if (io->deadline == GOR_NOW)
		return -EAGAIN;
	struct m *m = gor__enter_if();
	if (!m)
		return -ECANCELED;
	int err = gor__poll_wait(m, io->fd, io->want, &io->note, io->deadline, io->site);
	gor__leave();
	return err;
}

ssize_t gor_read_at(int fd, void *buf, size_t bytes, int64_t deadline, const struct gor_site *site)
{
	struct io io = {.fd = fd, .want = POLL_READ, .deadline = deadline, .site = site};
	int err;

	do {
		err = io_begin(&io);
		if (err)
			return err;
		bool dry = deadline != GOR_NOW && bytes && gor__poll_is_dry(&io.note);
		ssize_t n = dry ? -EAGAIN : io_read(fd, buf, bytes);
		if (n != -EAGAIN) {
			if (n > 0 && (size_t)n < bytes)
				gor__poll_set_dry(&io.note);
			return n;
		}
		err = io_wait(&io);
	} while (!err);
	return err;
}

ssize_t gor_write_at(int fd, const void *buf, size_t bytes, int64_t deadline,
                     const struct gor_site *site)
{
	struct io io = {.fd = fd, .want = POLL_WRITE, .deadline = deadline, .site = site};
	size_t done = 0;
	ssize_t n;

	do {
		n = io_begin(&io);
		if (n < 0)
			break;
		n = io_write(fd, (const char *)buf + done, bytes - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == -EAGAIN)
			n = io_wait(&io);
		else if (n == 0)
			break; // nothing to write, or nothing can be
	} while (n >= 0 && done < bytes);
	return n < 0 && !done ? n : (ssize_t)done;
}

int gor_accept_at(int fd, int64_t deadline, const struct gor_site *site)
{
	struct io io = {.fd = fd, .want = POLL_READ, .deadline = deadline, .site = site};
	int err;

	do {
		int conn = io_begin(&io);
		if (!conn)
			conn = io_accept(fd);
		struct m *m = conn >= 0 ? gor__enter_if() : NULL;
		if (m) {
			gor__poll_fresh(m, conn, site);
			gor__leave();
		}
		if (conn != -EAGAIN)
			return conn;
		err = io_wait(&io);
	} while (!err);
	return err;
}

int gor_wait_fd_at(int fd, int events, int64_t deadline, const struct gor_site *site)
{
	unsigned want =
		(events & (POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND | POLLRDHUP) ? POLL_READ : 0) |
		(events & (POLLOUT | POLLWRNORM | POLLWRBAND) ? POLL_WRITE : 0);
	struct io io = {.fd = fd, .want = want, .deadline = deadline, .site = site};
	int err;

	if (!want) // for an error or a hang-up, which are edges of both kinds
		io.want = POLL_READ;
	do {
		int seen = io_begin(&io);
		if (!seen)
			seen = io_poll(fd, events);
		if (seen)
			return seen;
		err = io_wait(&io);
	} while (!err);
	return err;
}

int gor_close_fd_at(int fd, const struct gor_site *site)
{
	struct m *m = gor__enter_if();

	if (m) {
		m->cur->site = site;
		gor__poll_forget(m, fd, site);
		gor__leave();
	}
	return io_close(fd);
}
