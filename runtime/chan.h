/* SPDX-License-Identifier: MIT */
/** chan.h: the inside of a channel, for chan.c and select.c. */
#ifndef GOR_CHAN_H
#define GOR_CHAN_H

#include "wait.h"

struct gor_hchan {
	struct lock lock;
	bool closed; // lock
	uint32_t elem_bytes;
	size_t cap;
	_Atomic size_t len;        // written under lock
	size_t head;               // lock: slot of the oldest value
	struct waitq recvq, sendq; // lock
	uint64_t id;               // in traces
	uint64_t last_send_g;      // lock: whose use of it the trace has
	uint64_t last_recv_g;      // lock
	_Alignas(16) char slots[];
};

/** What gor__chan_try_*() did. */
enum chan_try {
	CHAN_DONE, // a value passed
	CHAN_CLOSED,
	CHAN_BLOCKS,
};

/* Under c->lock.  *wake: a goroutine to make ready after the unlock, or NULL. */
enum chan_try gor__chan_try_send(struct m *m, struct gor_hchan *c, const void *value,
                                 const struct gor_site *site, struct g **wake);
enum chan_try gor__chan_try_recv(struct m *m, struct gor_hchan *c, void *out,
                                 const struct gor_site *site, struct g **wake);
struct g **gor__chan_close(struct gor_hchan *c, struct g **end, unsigned *count);
void gor__chan_init(struct gor_hchan *c, size_t elem_bytes, size_t cap);
void gor__chan_wake(struct m *m, uint64_t id, struct g *g);
void gor__chan_zero(const struct gor_hchan *c, void *out);
void gor__park_forever(struct m *m, unsigned reason, const struct gor_site *site)
	__attribute__((noreturn));

#endif
