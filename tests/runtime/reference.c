/* SPDX-License-Identifier: MIT */
/**
 * reference.c: see reference.h.
 *
 * The search is depth first over the machine's steps whose answers are those that were seen; states
 * that led nowhere are remembered.
 */
#include "reference.h"
#include "check.h"
#include "machine.h"
#include <string.h>

void reference_run(const struct program *p, unsigned faults, uint64_t *random, struct outcome *out)
{
	struct machine m = {.p = p, .out = out, .faults = faults};
	struct step choice[STEPS_MAX];
	struct state st;
	int n;

	memset(out, 0, sizeof *out);
	machine_begin(&m, &st);
	while ((n = machine_steps(&m, &st, choice)) > 0)
		machine_step(&m, &st, choice[check_random(random) % (unsigned)n]);
	for (int g = 0; g < GOROUTINES; g++)
		for (int k = 0; k < OPS; k++)
			if (out->at[g][k].progress < DONE)
				out->at[g][k].value = UNTOUCHED;
}

/* ── the search ───────────────────────────────────────────────────────────────────────────────────
 */

enum { TABLE = 1 << 16, TABLE_FULL = TABLE / 4 * 3 };

/* States that were looked at; a slot is in use if its number is that of this search. */
static struct {
	struct state slot[TABLE];
	uint32_t number[TABLE], search;
	uint32_t count;
} seen;

/* False: it is there already. */
static bool remember(const struct state *st)
{
	const unsigned char *bytes = (const unsigned char *)st;
	uint64_t hash = UINT64_C(0xcbf29ce484222325); // FNV-1a

	for (size_t i = 0; i < sizeof *st; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	uint32_t at = (uint32_t)(hash ^ hash >> 32) % TABLE;
	for (; seen.number[at] == seen.search; at = (at + 1) % TABLE)
		if (memcmp(&seen.slot[at], st, sizeof *st) == 0)
			return false;
	seen.number[at] = seen.search;
	seen.slot[at] = *st;
	seen.count++;
	return true;
}

/* Is this how the goroutines were seen in the end? */
static bool is_the_end(const struct machine *m, const struct state *st)
{
	bool stuck = false, cut = m->cut;

	for (int g = 0; g < m->p->goroutines; g++) {
		int pc = st->pc[g];
		uint8_t last = pc < m->p->len[g] ? m->want->at[g][pc].progress : NOT_BEGUN;
		stuck |= st->status[g] == BLOCKED;
		if (pc < m->done[g])
			return false;
		if (!cut && (pc != m->done[g] || st->status[g] == READY ||
		             (last == PANICKED && st->status[g] != OVER) ||
		             (last == BEGUN && !machine_waits_for_good(m, st, g))))
			return false;
	}
	if (!cut && st->armed)
		return false;
	switch (m->want->ending) {
	case QUIET:
		return true;
	case ASLEEP:
		return stuck;
	case NOBODY:
		return !stuck;
	case RETURNED:
		return st->status[0] == OVER && st->pc[0] == m->p->len[0] &&
		       (!st->pc[0] || m->p->ops[0][st->pc[0] - 1].call != EXIT);
	default:
		return st->panicked;
	}
}

static bool explore(const struct machine *m, const struct state *st)
{
	struct step choice[STEPS_MAX];

	if (is_the_end(m, st))
		return true;
	if (seen.count >= TABLE_FULL || !remember(st))
		return false;
	int n = machine_steps(m, st, choice);
	for (int i = 0; i < n; i++) {
		struct state next = *st;
		if (machine_step(m, &next, choice[i]) && explore(m, &next))
			return true;
	}
	return false;
}

/* How much was seen of each goroutine, and what must come before what. */
static void read_outcome(struct machine *m)
{
	const struct program *p = m->p;

	for (int g = 0; g < p->goroutines; g++)
		while (m->done[g] < p->len[g] && m->want->at[g][m->done[g]].progress == DONE)
			m->done[g]++;
	for (int g = 0; g < p->goroutines; g++)
		for (int k = 0; k < p->len[g]; k++)
			for (int h = 0; h < p->goroutines; h++)
				for (int i = 0; i < m->done[h]; i++)
					if (m->want->at[h][i].returned < m->want->at[g][k].invoked)
						m->need[g][k][h] = (uint8_t)(i + 1);
}

enum verdict reference_judge(const struct program *p, const struct outcome *want,
                             unsigned long *states)
{
	struct machine m = {.p = p, .want = want};
	struct state st;

	m.cut = want->ending == RETURNED || want->ending == PANIC;
	read_outcome(&m);
	machine_begin(&m, &st);
	seen.search++;
	seen.count = 0;
	bool found = explore(&m, &st);
	*states += seen.count;
	return found ? POSSIBLE : seen.count >= TABLE_FULL ? TOO_LARGE : IMPOSSIBLE;
}
