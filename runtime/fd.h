/* SPDX-License-Identifier: MIT */
/** fd.h: descriptors that are the runtime's own. */
#ifndef GOR_FD_H
#define GOR_FD_H

#include <fcntl.h>
#include <unistd.h>

/**
 * fd under another number, if it has one of the three that a program takes for its streams: who was
 * started without these may put something in its place later.  -1: there is none left, errno.
 */
static inline int fd_own(int fd)
{
	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	int own = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	close(fd);
	return own;
}

#endif
