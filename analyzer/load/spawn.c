/* SPDX-License-Identifier: MIT */
/**
 * spawn.c: what became of the goroutines of each place that spawns, summed up.
 *
 * A goroutine counts when its row is written, since only then all is known of it.
 */
#include "load/loader.h"

enum { SITE_MAIN = -1 }; // goroutine 1, which nobody spawned

struct spawn { // key: site; 1 if it is main
	struct map_head head;
	uint64_t older, started, ended;
	uint64_t lives;                          // that are known from birth to end,
	int64_t lives_ns;                        // and how long they were
	int64_t longest_ns, lived_ns, waited_ns; // of all, as far as the trace has them
	int64_t first_ns, last_ns;               // births
	uint32_t depth_min, depth_max;           // of those born
};

static void spawn_born(struct spawn *s, const struct goroutine *gr)
{
	bool first = !s->started++;

	if (first || gr->born_ns < s->first_ns)
		s->first_ns = gr->born_ns;
	if (first || gr->born_ns > s->last_ns)
		s->last_ns = gr->born_ns;
	if (first || gr->depth < s->depth_min)
		s->depth_min = gr->depth;
	if (gr->depth > s->depth_max)
		s->depth_max = gr->depth;
}

void loader_spawned(struct loader *l, const struct goroutine *gr, int64_t ended_ns)
{
	l->spawns.slot_bytes = sizeof(struct spawn);
	struct spawn *s = map_put(&l->spawns, gr->born_site, !gr->born_site && gr->head.a == 1);
	int64_t ns = (ended_ns < 0 ? l->duration_ns : ended_ns) - gr->born_ns;

	if (!s) {
		l->no_memory = true;
		return;
	}
	if (gr->older)
		s->older++;
	else
		spawn_born(s, gr);
	s->lived_ns += ns;
	s->waited_ns += gr->waited_ns;
	if (ended_ns < 0)
		return;
	s->ended++;
	s->longest_ns = ns > s->longest_ns ? ns : s->longest_ns;
	s->lives += !gr->older;
	s->lives_ns += gr->older ? 0 : ns;
}

void loader_spawns_end(struct loader *l)
{
	for (const struct spawn *s = map_next(&l->spawns, NULL); s; s = map_next(&l->spawns, s)) {
		const struct db_value none = db_text(NULL);
		bool born = s->started > 0;

		ROWS_PUT(&l->rows, ROWS_SPAWN, db_int(s->head.b ? SITE_MAIN : (int64_t)s->head.a),
		         db_int((int64_t)s->older), db_int((int64_t)s->started), db_int((int64_t)s->ended),
		         db_int((int64_t)s->lives), db_int(s->lives_ns), db_int(s->longest_ns),
		         db_int(s->lived_ns), db_int(s->waited_ns), born ? db_int(s->first_ns) : none,
		         born ? db_int(s->last_ns) : none, born ? db_int(s->depth_min) : none,
		         born ? db_int(s->depth_max) : none);
	}
	map_release(&l->spawns);
}
