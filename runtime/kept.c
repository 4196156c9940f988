/* SPDX-License-Identifier: MIT */
/**
 * kept.c: addresses that the kernel keeps for the program, and gives back one day.
 *
 *   epoll sets        the word that belongs to a descriptor: /proc/self/fdinfo tells
 *   timers            the word of the signal: /proc/self/timers tells, where there is one
 *   pipes, and        what was written and not read yet, if it can only come back to us.  Nobody
 * tells: pairs of sockets  with a word's worth of it, not all is known io_uring          the word
 * of what is under way: not all is known
 */
#define _GNU_SOURCE
#include "kept.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_BYTES 256

struct kept {
	void (*each)(void *arg, uint64_t word);
	void *arg;
};

/**
 * Give out the number in hexadecimal behind mark, and behind the slash there if there is one, of
 * each line of a file.
 */
static void kept_lines(const struct kept *k, const char *path, const char *mark)
{
	char line[LINE_BYTES];
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof line, f)) {
		const char *at = strstr(line, mark), *slash = at ? strchr(at, '/') : NULL;
		if (at)
			k->each(k->arg, strtoull(slash ? slash + 1 : at + strlen(mark), NULL, 16));
	}
	if (f)
		fclose(f);
}

/** A word or more that was written and not read. */
static bool kept_unread(int fd)
{
	int bytes = 0;

	return ioctl(fd, FIONREAD, &bytes) == 0 && bytes >= (int)sizeof(uint64_t);
}

/** Do we hold the other end, too?  Of a pipe, both have the same name. */
static bool kept_both_ends(const char *name, int dir)
{
	bool reads = false, writes = false;
	DIR *d = opendir("/proc/self/fd");

	for (struct dirent *e; d && (e = readdir(d));) {
		char other[64];
		ssize_t n = readlinkat(dir, e->d_name, other, sizeof other - 1);
		if (n <= 0)
			continue;
		other[n] = 0;
		if (strcmp(other, name) != 0)
			continue;
		int flags = fcntl(atoi(e->d_name), F_GETFL);
		reads |= flags >= 0 && (flags & O_ACCMODE) != O_WRONLY;
		writes |= flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
	}
	if (d)
		closedir(d);
	return reads && writes;
}

static bool kept_local(int fd)
{
	int domain = 0;
	socklen_t len = sizeof domain;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

/** Of one descriptor, called name.  Returns: is that all it keeps? */
static bool kept_fd(const struct kept *k, int fd, const char *name, int dir)
{
	char path[64];

	if (strcmp(name, "anon_inode:[eventpoll]") == 0) {
		snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
		kept_lines(k, path, "data:");
		return true;
	}
	if (strcmp(name, "anon_inode:[io_uring]") == 0)
		return false;
	if (strncmp(name, "pipe:", 5) == 0)
		return !kept_unread(fd) || !kept_both_ends(name, dir);
	if (strncmp(name, "socket:", 7) == 0)
		return !kept_local(fd) || !kept_unread(fd);
	return true;
}

bool gor__kept(void (*each)(void *arg, uint64_t word), void *arg)
{
	struct kept k = {each, arg};
	DIR *d = opendir("/proc/self/fd");
	bool all = d != NULL;

	for (struct dirent *e; d && (e = readdir(d));) {
		char name[64];
		ssize_t n = readlinkat(dirfd(d), e->d_name, name, sizeof name - 1);
		if (n <= 0)
			continue;
		name[n] = 0;
		all &= kept_fd(&k, atoi(e->d_name), name, dirfd(d));
	}
	if (d)
		closedir(d);
	kept_lines(&k, "/proc/self/timers", "signal: ");
	return all;
}
