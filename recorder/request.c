/* SPDX-License-Identifier: MIT */
/**
 * request.c: have another process dump, by a word in its sidecar.
 *
 * No signal, no socket: whoever may write the file may ask, and the writer thread that sleeps on
 * the page's futex is woken across processes.  The page is another program's: nothing in it is
 * trusted.
 */
#define _GNU_SOURCE
#include "format.h"

#include <gtrace.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLICE_NS 50000000 // how often is looked whether the process is there

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/** Map a sidecar's page.  NULL: *err is a negative errno. */
static struct gtrace__side *page_map(const char *sidecar, int *err)
{
	int fd = open(sidecar, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	void *map = MAP_FAILED;
	struct stat st;

	*err = -ENOTSUP;
	if (fd < 0 || fstat(fd, &st) < 0)
		*err = -errno;
	else if (S_ISREG(st.st_mode) && st.st_size >= GTRACE__SIDE_BYTES) {
		map = mmap(NULL, GTRACE__SIDE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		*err = map == MAP_FAILED ? -errno : -ENOTSUP;
	}
	if (fd >= 0)
		close(fd);
	if (map == MAP_FAILED)
		return NULL;
	struct gtrace__side *page = map;

	if (!memcmp(page->magic, GTRACE__SIDE_MAGIC, sizeof(page->magic)) &&
	    page->major == GTRACE_FORMAT_MAJOR && page->header_bytes >= sizeof(*page) && page->ring)
		return page;
	munmap(map, GTRACE__SIDE_BYTES);
	return NULL;
}

/** Until as many are answered.  Returns: 0, -ETIMEDOUT or -ESRCH. */
static int answer_wait(struct gtrace__side *page, uint32_t asked, int64_t pid, int64_t until)
{
	for (;;) {
		uint32_t seen = atomic_load_explicit(&page->answer, memory_order_acquire);
		int64_t left = until - now_ns();

		if ((int32_t)(seen - asked) >= 0)
			return 0;
		if (left <= 0)
			return -ETIMEDOUT;
		if (pid > 0 && kill((pid_t)pid, 0) < 0 && errno == ESRCH)
			return -ESRCH;
		struct timespec slice = {0, left < SLICE_NS ? (long)left : SLICE_NS};

		syscall(SYS_futex, &page->answer, FUTEX_WAIT, seen, &slice, NULL, 0);
	}
}

int gtrace_dump_request(const char *sidecar, int64_t pid, int64_t timeout_ns, char *path,
                        size_t path_bytes)
{
	int64_t until = now_ns() + timeout_ns;
	int err;
	struct gtrace__side *page = page_map(sidecar, &err);

	if (!page)
		return err;
	uint32_t asked = atomic_fetch_add_explicit(&page->request, 1, memory_order_acq_rel) + 1;

	atomic_fetch_add_explicit(&page->wake, 1, memory_order_seq_cst);
	syscall(SYS_futex, &page->wake, FUTEX_WAKE, 1, NULL, NULL, 0);
	err = answer_wait(page, asked, pid, until);
	if (!err && page->answer_error)
		err = page->answer_error < 0 && page->answer_error > -4096 ? page->answer_error : -EIO;
	if (!err && path_bytes)
		snprintf(path, path_bytes, "%.*s", GTRACE__ANSWER_MAX, page->answer_path);
	munmap(page, GTRACE__SIDE_BYTES);
	return err;
}
