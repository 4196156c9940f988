/* SPDX-License-Identifier: MIT */
/**
 * faults.c: linked into a program, has one of its calls fail, those of its libraries included.
 *
 *	FAULT=KIND:N    the Nth call of that kind, from 1, fails; 0: none does
 *	FAULT=KIND:N+   and all after it
 *	KIND            malloc (calloc and realloc as well), thread, write (also fsync)
 *	FAULT_COUNT=F   how many such calls there were is written there at exit
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum fault { FAULT_NONE, FAULT_MALLOC, FAULT_THREAD, FAULT_WRITE };

static struct {
	enum fault kind;
	uint64_t first; // the first-th call fails
	bool lasting;   // and all after it
	_Atomic uint64_t calls;
} plan;

/* A sanitizer that is not yet initialized calls as well: nothing of it in here. */
#define PLAIN no_sanitize("address"), no_sanitize("thread"), no_sanitize("undefined")
#define SHIM __attribute__((visibility("default"), PLAIN))

__attribute__((PLAIN)) static bool fails(enum fault kind, int err)
{
	if (plan.kind != kind)
		return false;
	uint64_t n = atomic_fetch_add(&plan.calls, 1) + 1;

	if (!plan.first || n < plan.first || (n > plan.first && !plan.lasting))
		return false;
	errno = err;
	return true;
}

__attribute__((PLAIN)) static void *next(const char *name)
{
	void *fn = dlsym(RTLD_NEXT, name);

	if (!fn)
		abort();
	return fn;
}

SHIM void *malloc(size_t bytes)
{
	static void *(*real)(size_t);

	if (!real)
		real = (void *(*)(size_t))next("malloc");
	return fails(FAULT_MALLOC, ENOMEM) ? NULL : real(bytes);
}

SHIM void *calloc(size_t n, size_t bytes)
{
	static void *(*real)(size_t, size_t);

	if (!real)
		real = (void *(*)(size_t, size_t))next("calloc");
	return fails(FAULT_MALLOC, ENOMEM) ? NULL : real(n, bytes);
}

SHIM void *realloc(void *p, size_t bytes)
{
	static void *(*real)(void *, size_t);

	if (!real)
		real = (void *(*)(void *, size_t))next("realloc");
	return fails(FAULT_MALLOC, ENOMEM) ? NULL : real(p, bytes);
}

SHIM ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
	static ssize_t (*real)(int, const void *, size_t, off64_t);

	if (!real)
		real = (ssize_t(*)(int, const void *, size_t, off64_t))next("pwrite64");
	return fails(FAULT_WRITE, EIO) ? -1 : real(fd, bytes, len, offset);
}

SHIM ssize_t write(int fd, const void *bytes, size_t len)
{
	static ssize_t (*real)(int, const void *, size_t);

	if (!real)
		real = (ssize_t(*)(int, const void *, size_t))next("write");
	return fails(FAULT_WRITE, EIO) ? -1 : real(fd, bytes, len);
}

SHIM int fsync(int fd)
{
	static int (*real)(int);

	if (!real)
		real = (int (*)(int))next("fsync");
	return fails(FAULT_WRITE, EIO) ? -1 : real(fd);
}

int __real_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg);

int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	return fails(FAULT_THREAD, EAGAIN) ? EAGAIN : __real_pthread_create(id, attr, fn, arg);
}

static void faults_count(void)
{
	const char *path = getenv("FAULT_COUNT");
	uint64_t calls = atomic_load(&plan.calls);

	plan.kind = FAULT_NONE;
	FILE *f = path ? fopen(path, "w") : NULL;
	if (f) {
		fprintf(f, "%llu\n", (unsigned long long)calls);
		fclose(f);
	}
}

__attribute__((constructor)) static void faults_load(void)
{
	static const char *const kinds[] = {"", "malloc", "thread", "write"};
	const char *text = getenv("FAULT"), *colon = text ? strchr(text, ':') : NULL;

	if (!colon)
		return;
	atexit(faults_count);
	char *end;
	plan.first = strtoull(colon + 1, &end, 10);
	plan.lasting = *end == '+';
	for (int i = FAULT_MALLOC; i <= FAULT_WRITE; i++) {
		if (strncmp(text, kinds[i], (size_t)(colon - text)) == 0)
			plan.kind = i; // last: from here on they count
	}
}
