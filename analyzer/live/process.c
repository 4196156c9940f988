/* SPDX-License-Identifier: MIT */
/** process.c: what /proc says of processes. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "live/live.h"

bool live_process(int64_t pid, struct live_process *p)
{
	char path[64], text[1024];
	unsigned long long user = 0, system = 0, began = 0;
	long long pages = 0;
	struct timespec now;
	long tick = sysconf(_SC_CLK_TCK);

	*p = (struct live_process){.pid = pid};
	snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
	FILE *in = fopen(path, "re");
	size_t len = in ? fread(text, 1, sizeof text - 1, in) : 0;
	if (in)
		fclose(in);
	text[len] = 0;
	char *open = strchr(text, '('), *close = strrchr(text, ')'); // any name may be in between
	if (!open || !close)
		return false;
	snprintf(p->name, sizeof p->name, "%.*s", (int)(close - open - 1), open + 1);
	if (sscanf(close,
	           ") %*c %" SCNd64 " %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d "
	           "%" SCNd64 " %*d %llu %*u %lld",
	           &p->ppid, &user, &system, &p->threads, &began, &pages) != 6)
		return false;
	clock_gettime(CLOCK_BOOTTIME, &now);
	p->cpu_ns = (int64_t)(user + system) * (1000000000 / tick);
	p->elapsed_ns =
		now.tv_sec * INT64_C(1000000000) + now.tv_nsec - (int64_t)began * (1000000000 / tick);
	p->rss_bytes = pages * sysconf(_SC_PAGESIZE);
	snprintf(path, sizeof path, "/proc/%" PRId64 "/exe", pid);
	ssize_t n = readlink(path, p->path, sizeof p->path - 1);
	p->path[n < 0 ? 0 : n] = 0;
	return true;
}

bool live_has_libgor(int64_t pid, char version[LIVE_VERSION_BYTES])
{
	char path[64], line[PATH_MAX + 128];

	*version = 0;
	snprintf(path, sizeof path, "/proc/%" PRId64 "/exe", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool has = fd >= 0 && live_note(fd, version, LIVE_VERSION_BYTES) == 0;
	if (fd >= 0)
		close(fd);
	snprintf(path, sizeof path, "/proc/%" PRId64 "/maps", pid);
	FILE *in = has ? NULL : fopen(path, "re");
	while (in && !has && fgets(line, sizeof line, in)) {
		const char *name = strrchr(line, '/');
		has = name && strncmp(name, "/libgor.so", 10) == 0;
	}
	if (in)
		fclose(in);
	return has;
}

static int process_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

void live_each(void (*row)(void *arg, int64_t pid), void *arg)
{
	DIR *dir = opendir("/proc");
	int64_t *pids = NULL;
	size_t count = 0;

	for (const struct dirent *e; dir && (e = readdir(dir));) {
		int64_t pid = live_pid(e->d_name);
		if (!pid || live_allowed(pid) != 0)
			continue;
		int64_t *more = array_more(pids, count, sizeof *pids);
		if (!more)
			break;
		pids = more;
		pids[count++] = pid;
	}
	if (dir)
		closedir(dir);
	if (count)
		qsort(pids, count, sizeof *pids, process_compare);
	for (size_t i = 0; i < count; i++)
		row(arg, pids[i]);
	free(pids);
}
