/* SPDX-License-Identifier: MIT */
/**
 * san.h: tells AddressSanitizer and ThreadSanitizer of stack switches; nothing in other builds.
 */
#ifndef GOR_SAN_H
#define GOR_SAN_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__ 1
#endif
#endif

/**
 * LeakSanitizer reads all that the kernel calls readable, and would fault on a MADV_GUARD_INSTALL
 * page.
 */
#if defined(__SANITIZE_ADDRESS__)
#define SAN_GUARD_BY_MPROTECT 1
#else
#define SAN_GUARD_BY_MPROTECT 0
#endif

/** ThreadSanitizer spins for its own locks: in a copy of the process, for those of threads that are
 * not there. */
#if defined(__SANITIZE_THREAD__)
#define SAN_SPINS 1
#else
#define SAN_SPINS 0
#endif

/** A sanitizer's own memory holds stale copies of the program's pointers. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SAN_KEEPS_COPIES 1
#else
#define SAN_KEEPS_COPIES 0
#endif

/** What the sanitizers keep of one context. */
struct san {
	void *fake;      // ASan: fake stack while switched out
	void *fiber;     // TSan
	const void *low; // ASan: the stack of a thread's own context
	size_t bytes;
};

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>

static inline void san_leave(struct san *from, const struct san *to, const void *low, size_t bytes,
                             int dies)
{
	(void)to;
	__sanitizer_start_switch_fiber(dies ? NULL : &from->fake, low, bytes);
}

static inline void san_arrive(struct san *me, struct san *thread)
{
	(void)thread;
	__sanitizer_finish_switch_fiber(me->fake, NULL, NULL);
}

/** The first time on a new stack; from is the context left, whose stack's bounds become known. */
static inline void san_first(struct san *from)
{
	const void *low;
	size_t bytes;

	__sanitizer_finish_switch_fiber(NULL, &low, &bytes);
	if (from) {
		from->low = low;
		from->bytes = bytes;
	}
}

static inline void san_new(struct san *s, const void *low, size_t bytes)
{
	s->fake = NULL;
	__asan_unpoison_memory_region(low, bytes);
}

static inline void san_free(struct san *s)
{
	(void)s;
}
static inline void san_thread(struct san *s)
{
	(void)s;
}

static inline void san_region(const void *low, size_t bytes)
{
	__lsan_register_root_region(low, bytes);
}

static inline void san_region_gone(const void *low, size_t bytes)
{
	__lsan_unregister_root_region(low, bytes);
}

#elif defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>

static inline void san_leave(struct san *from, const struct san *to, const void *low, size_t bytes,
                             int dies)
{
	(void)from, (void)low, (void)bytes, (void)dies;
	__tsan_switch_to_fiber(to->fiber, 0);
}

static inline void san_arrive(struct san *me, struct san *thread)
{
	(void)me, (void)thread;
}
static inline void san_first(struct san *from)
{
	(void)from;
}

static inline void san_new(struct san *s, const void *low, size_t bytes)
{
	(void)low, (void)bytes;
	s->fiber = __tsan_create_fiber(0);
}

static inline void san_free(struct san *s)
{
	__tsan_destroy_fiber(s->fiber);
	s->fiber = NULL;
}

static inline void san_thread(struct san *s)
{
	s->fiber = __tsan_get_current_fiber();
}
static inline void san_region(const void *low, size_t bytes)
{
	(void)low, (void)bytes;
}
static inline void san_region_gone(const void *low, size_t bytes)
{
	(void)low, (void)bytes;
}

#else

static inline void san_leave(struct san *from, const struct san *to, const void *low, size_t bytes,
                             int dies)
{
	(void)from, (void)to, (void)low, (void)bytes, (void)dies;
}

static inline void san_arrive(struct san *me, struct san *thread)
{
	(void)me, (void)thread;
}
static inline void san_first(struct san *from)
{
	(void)from;
}
static inline void san_new(struct san *s, const void *low, size_t bytes)
{
	(void)s, (void)low, (void)bytes;
}
static inline void san_free(struct san *s)
{
	(void)s;
}
static inline void san_thread(struct san *s)
{
	(void)s;
}
static inline void san_region(const void *low, size_t bytes)
{
	(void)low, (void)bytes;
}
static inline void san_region_gone(const void *low, size_t bytes)
{
	(void)low, (void)bytes;
}

#endif

#endif
