/* SPDX-License-Identifier: MIT */
/** poll.h: waiting for descriptors; see poll.c. */
#ifndef GOR_POLL_H
#define GOR_POLL_H

#include "sync.h"

#define POLL_READ 1u // what may be waited for
#define POLL_WRITE 2u

struct watch;

/** What was known of a descriptor before a system call was tried on it. */
struct poll_note {
	struct watch *watch; // NULL: nobody has waited for it yet
	uint32_t life;
	uint32_t edges[2]; // to read, to write
};

struct poller *gor__poller_new(void);
void gor__poller_end(struct poller *po);

/* for io.c: around a system call on fd */
void gor__poll_note(struct m *m, int fd, struct poll_note *note);
bool gor__poll_is_dry(const struct poll_note *note);
void gor__poll_set_dry(const struct poll_note *note);
int gor__poll_wait(struct m *m, int fd, unsigned want, const struct poll_note *note,
                   int64_t deadline, const struct gor_site *site);
void gor__poll_fresh(struct m *m, int fd, const struct gor_site *site);
void gor__poll_forget(struct m *m, int fd, const struct gor_site *site);

/* for the scheduler */
bool gor__poll(struct m *m);
void gor__poll_sleep(struct sched *s, const _Atomic uint32_t *word, int64_t until_ns,
                     struct woken *woken);
void gor__poll_interrupt(struct sched *s);
void gor__poll_ready(struct m *m, const struct woken *woken);
bool gor__poll_late(struct m *m, int64_t now);
int64_t gor__poll_unseen_ns(struct sched *s, int64_t now);

/** Does any goroutine wait for a descriptor? */
static inline bool gor__poll_waits(const struct sched *s)
{
	return atomic_load_explicit(&s->fd_waits, memory_order_acquire) != 0;
}

#endif
