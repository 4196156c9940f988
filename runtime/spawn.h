/* SPDX-License-Identifier: MIT */
/** spawn.h: see spawn.c. */
#ifndef GOR_SPAWN_H
#define GOR_SPAWN_H

#include "scheduler.h"

struct spawn {
	void (*fn)(void *);
	void *arg;
	const void *value; // copied, and arg points to the copy, if value_bytes > 0
	size_t value_bytes;
	gor_waitgroup *wg; // counted down at its end, or NULL
	const struct gor_site *site;
	const char *name;   // or NULL
	size_t stack_bytes; // 0: the usual
};

struct g *gor__spawn(struct m *m, const struct spawn *spawn);
void gor__spawn_init(struct g *g, struct sched *s, uint64_t id, const struct spawn *spawn);
void gor__spawn_emit(struct m *m, struct g *g);

/* once.c */
void gor__once_unwind(struct g *g);

/* the lowest frames of goroutines: by name, what ends a stack that is shown */
void gor__spawn_main(void *arg);
void gor__run_main(void *arg); // run.c

#endif
