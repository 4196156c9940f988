/* SPDX-License-Identifier: MIT */
/**
 * find.c: the socket of a program's agent.
 *
 * The program puts it into $XDG_RUNTIME_DIR/gtrace or /tmp/gtrace-UID, as it sees these: it may be
 * in a container, with a root folder and a process number of its own.  So both are looked for below
 * /proc/PID/root first, under the number that /proc/PID/status has for the inside.
 *
 * A folder in /tmp could be anybody's, and a socket in it lead to another process than its name
 * says: the kernel tells who listens, and that has to be the one that was asked for.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "live/live.h"

int64_t live_pid(const char *text)
{
	char *end;

	errno = 0;
	long long v = strtoll(text, &end, 10);

	return *end || errno || v < 1 || v > INT_MAX ? 0 : v;
}

/** Whose it is.  False: there is no such process. */
static bool live_owner(int64_t pid, uid_t *uid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof path, "/proc/%" PRId64, pid);
	if (stat(path, &st) != 0)
		return false;
	*uid = st.st_uid;
	return true;
}

int live_allowed(int64_t pid)
{
	uid_t uid;

	if (!live_owner(pid, &uid))
		return -ESRCH;
	return geteuid() == 0 || uid == geteuid() ? 0 : -EPERM;
}

/** A variable of the environment that it was started with.  False: it has none, or may not be read.
 */
static bool live_environment(int64_t pid, const char *name, char *value, size_t room)
{
	char path[64], *item = NULL;
	size_t item_room = 0, len = strlen(name);
	bool found = false;

	snprintf(path, sizeof path, "/proc/%" PRId64 "/environ", pid);
	FILE *in = fopen(path, "re");
	if (!in)
		return false;
	while (!found && getdelim(&item, &item_room, 0, in) > 0)
		found = strncmp(item, name, len) == 0 && item[len] == '=';
	if (found)
		found = (size_t)snprintf(value, room, "%s", item + len + 1) < room;
	free(item);
	fclose(in);
	return found;
}

/** Its number where it is. */
static int64_t live_inside(int64_t pid)
{
	char path[64], line[512];
	int64_t inside = pid;

	snprintf(path, sizeof path, "/proc/%" PRId64 "/status", pid);
	FILE *in = fopen(path, "re");
	while (in && fgets(line, sizeof line, in)) {
		const char *last = strrchr(line, '\t');
		if (strncmp(line, "NSpid:", 6) == 0 && last)
			inside = strtoll(last, NULL, 10);
	}
	if (in)
		fclose(in);
	return inside;
}

/** Connect to folder/NUMBER.sock, however long the folder's name is. */
static int live_connect_in(const char *folder, int64_t number)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return errno == EACCES ? -EPERM : LIVE_ENOAGENT;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = fd < 0 ? -errno : 0;
	snprintf(at.sun_path, sizeof at.sun_path, "/proc/self/fd/%d/%" PRId64 ".sock", dir, number);
	if (!err && connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
		err = errno == ECONNREFUSED ? LIVE_ESTALE : errno == ENOENT ? LIVE_ENOAGENT : -errno;
	close(dir);
	if (err && fd >= 0)
		close(fd);
	return err ? err : fd;
}

/** The one that listens is the one that was asked for. */
static int live_check(int fd, int64_t pid)
{
	struct ucred peer;
	socklen_t bytes = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 && peer.pid == pid)
		return fd;
	close(fd);
	return LIVE_ESTALE;
}

/** Where the nth place to look is.  False: there are no more; an empty folder: not this one. */
static bool live_folder(int64_t pid, uid_t uid, int n, char *folder, size_t room)
{
	char dir[PATH_MAX / 2];
	const char *own = getenv("XDG_RUNTIME_DIR");

	*folder = 0;
	if (n == 0 && live_environment(pid, "XDG_RUNTIME_DIR", dir, sizeof dir) && *dir == '/')
		snprintf(folder, room, "/proc/%" PRId64 "/root%s/gtrace", pid, dir);
	else if (n == 1)
		snprintf(folder, room, "/proc/%" PRId64 "/root/tmp/gtrace-%u", pid, (unsigned)uid);
	else if (n == 2 && own && *own == '/') // where /proc/PID/root is closed
		snprintf(folder, room, "%s/gtrace", own);
	else if (n == 3)
		snprintf(folder, room, "/tmp/gtrace-%u", (unsigned)uid);
	return n <= 3;
}

int live_connect(int64_t pid)
{
	char folder[PATH_MAX];
	uid_t uid = 0;
	int err = live_allowed(pid), best = LIVE_ENOAGENT;

	if (err)
		return err;
	live_owner(pid, &uid);
	int64_t inside = live_inside(pid);
	for (int n = 0; live_folder(pid, uid, n, folder, sizeof folder); n++) {
		if (!*folder)
			continue;
		int fd = live_connect_in(folder, n < 2 ? inside : pid);
		if (fd >= 0)
			fd = live_check(fd, pid);
		if (fd >= 0)
			return fd;
		if (fd != LIVE_ENOAGENT && fd != -EPERM)
			best = fd;
	}
	return best;
}

static void live_sweep_folder(const char *folder)
{
	struct stat st;
	DIR *dir = opendir(folder);

	if (!dir)
		return;
	bool ours = fstat(dirfd(dir), &st) == 0 && st.st_uid == geteuid();
	for (const struct dirent *e; ours && (e = readdir(dir));) {
		char *end;
		long long pid = strtoll(e->d_name, &end, 10);
		if (pid > 0 && pid <= INT_MAX && strcmp(end, ".sock") == 0 && kill((pid_t)pid, 0) != 0 &&
		    errno == ESRCH)
			unlinkat(dirfd(dir), e->d_name, 0);
	}
	closedir(dir);
}

void live_sweep(void)
{
	char folder[PATH_MAX];

	for (int n = 2; live_folder(0, geteuid(), n, folder, sizeof folder); n++)
		if (*folder)
			live_sweep_folder(folder);
}
