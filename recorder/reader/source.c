/* SPDX-License-Identifier: MIT */
/** source.c: the bytes of a trace.  Read, not mapped: a file that shrinks must not raise SIGBUS. */
#define _GNU_SOURCE
#include "reader/source.h"

#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *spool_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && *dir ? dir : P_tmpdir;
}

static int spool_file(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/gtrace.XXXXXX", spool_dir());
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

static int write_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/** Copy all that can be read to a temporary file without a name.  Returns: its descriptor. */
static int spool(int from, const char *name, struct gtrace_error *err)
{
	char buf[65536];
	int fd = spool_file();
	int code = fd < 0 ? fd : 0;
	ssize_t n = 1;

	while (!code && n) {
		n = read(from, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		code = write_all(fd, buf, (size_t)n);
	}
	if (!code && !n)
		return fd;
	if (code)
		gtrace__error(err, code, UINT64_MAX, "cannot keep '%.100s' in a file in '%.100s': %s", name,
		              spool_dir(), strerror(-code));
	else
		code = gtrace__error(err, -errno, UINT64_MAX, "cannot read '%.200s': %s", name,
		                     strerror(errno));
	if (fd >= 0)
		close(fd);
	return code;
}

int gtrace__source_open(const char *path, uint64_t *bytes, struct gtrace_error *err)
{
	bool std = !strcmp(path, "-");
	const char *name = std ? "standard input" : path;
	struct stat st;
	int fd = std ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	int code = fd < 0 ? -errno : 0;

	if (!code && fstat(fd, &st) < 0)
		code = -errno;
	if (!code && S_ISDIR(st.st_mode))
		code = -EISDIR;
	if (!code && !S_ISREG(st.st_mode)) {
		int spooled = spool(fd, name, err);

		close(fd);
		if (spooled < 0)
			return spooled;
		fd = spooled;
		code = fstat(fd, &st) < 0 ? -errno : 0;
	}
	if (code) {
		if (fd >= 0)
			close(fd);
		return gtrace__error(err, code, UINT64_MAX, "cannot read '%.200s': %s", name,
		                     code == -EISDIR ? "it is a directory" : strerror(-code));
	}
	*bytes = (uint64_t)st.st_size;
	return fd;
}

int64_t gtrace__source_read(int fd, uint64_t offset, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (int64_t)done;
}
