/* SPDX-License-Identifier: MIT */
/* fault_calls.c: see faults.h. */
#include "faults.h"
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/types.h>

struct epoll_event;

const char *const fault_names[FAULT_FUNCTION_COUNT] = {
#define X(name) #name,
	FAULT_FUNCTIONS(X)
#undef X
};

struct fault_plan *fault_plan;

static bool fails(enum fault_function function)
{
	struct fault_plan *plan = fault_plan;

	if (!plan || plan->function != function || !atomic_load(&plan->on))
		return false;
	unsigned call = atomic_fetch_add(&plan->calls, 1) + 1;
	if (call < plan->first || call - plan->first > plan->more)
		return false;
	if (plan->step && (call - plan->first) % plan->step)
		return false;
	atomic_fetch_add(&plan->failed, 1);
	return true;
}

/* WRAP(returned when it fails, its errno, type, name, parameters, arguments) */
#define WRAP(failed, err, type, name, params, ...) \
	type __real_##name params; \
	type __wrap_##name params; \
	type __wrap_##name params \
	{ \
		if (!fails(FAULT_##name)) \
			return __real_##name(__VA_ARGS__); \
		errno = err; \
		return failed; \
	}

WRAP(NULL, ENOMEM, void *, malloc, (size_t n), n)
WRAP(NULL, ENOMEM, void *, calloc, (size_t n, size_t each), n, each)
WRAP(NULL, ENOMEM, void *, realloc, (void *p, size_t n), p, n)
WRAP(NULL, ENOMEM, void *, aligned_alloc, (size_t align, size_t n), align, n)
WRAP(MAP_FAILED, ENOMEM, void *, mmap, (void *p, size_t n, int prot, int flags, int fd, off_t at),
     p, n, prot, flags, fd, at)
WRAP(-1, ENOMEM, int, madvise, (void *p, size_t n, int advice), p, n, advice)
WRAP(-1, ENOMEM, int, mprotect, (void *p, size_t n, int prot), p, n, prot)
WRAP(EAGAIN, EAGAIN, int, pthread_create,
     (pthread_t * t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg), t, attr, fn, arg)
WRAP(-1, EMFILE, int, epoll_create1, (int flags), flags)
WRAP(-1, ENOSPC, int, epoll_ctl, (int ep, int op, int fd, struct epoll_event *ev), ep, op, fd, ev)
WRAP(-1, EMFILE, int, eventfd, (unsigned count, int flags), count, flags)
