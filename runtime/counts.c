/* SPDX-License-Identifier: MIT */
/** counts.c: goroutines with equal stacks as one, and the text that Go makes of them. */
#include "counts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"
#include "frames.h"
#include "out.h"
#include "profile.h"

#define TAB 8u
#define PLACE_MAX 512

static uint64_t counts_mix(uint64_t key, uint64_t word)
{
	return gor__mix(key ^ word) + UINT64_C(0x9E3779B97F4A7C15);
}

static uint64_t counts_key(const struct snapshot *s, const struct snapshot_row *row,
                           enum counts_by by)
{
	uint64_t key = counts_mix(0, row->frames);

	for (uint32_t i = 0; i < row->frames; i++)
		key = counts_mix(key, s->pc[row->frame + i]);
	key = counts_mix(key, (uint64_t)(uintptr_t)row->site);
	if (!row->site)
		key = counts_mix(key, (uint64_t)(uintptr_t)row->fn);
	if (by == COUNTS_BY_STACK)
		return key;
	key = counts_mix(key, (uint64_t)row->state << 16 | row->reason << 8 | row->leaked);
	key = counts_mix(key, (uint64_t)(uintptr_t)row->born);
	for (const char *name = row->name; *name; name++)
		key = counts_mix(key, (unsigned char)*name);
	if (by == COUNTS_BY_ID)
		key = counts_mix(key, row->id);
	return key;
}

static int counts_order(const void *a, const void *b)
{
	const struct count *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->first < y->first ? -1 : x->first > y->first;
}

int gor__counts(struct counts *c, struct snapshot *s, enum counts_by by)
{
	*c = (struct counts){.by = by};
	for (size_t i = 0; i < s->count; i++)
		s->index[i].key = counts_key(s, &s->rows[s->index[i].row], by);
	if (s->count)
		gor__snapshot_sort(s);
	for (size_t i = 0; i < s->count; i++) {
		if (c->count && c->at[c->count - 1].key == s->index[i].key) {
			c->at[c->count - 1].count++;
			continue;
		}
		struct count *more = gor__snapshot_more(c->at, &c->room, c->count, sizeof *more);
		if (!more) {
			gor__counts_free(c);
			return -ENOMEM;
		}
		c->at = more;
		more[c->count++] = (struct count){.first = i, .count = 1, .key = s->index[i].key};
	}
	if (c->count)
		qsort(c->at, c->count, sizeof *c->at, counts_order);
	return 0;
}

void gor__counts_free(struct counts *c)
{
	gor__snapshot_unmap(c->at, c->room, sizeof *c->at);
	*c = (struct counts){0};
}

/* ── text ─────────────────────────────────────────────────────────────────────────────────────────
 */

/** A cell of a column that is `widest` wide at most, filled up by tabs. */
static void counts_cell(struct out *out, const char *text, size_t widest)
{
	size_t width = (widest + 1 + TAB - 1) / TAB * TAB, len = strlen(text);

	gor__out_put(out, text, len);
	for (; len < width; len = (len / TAB + 1) * TAB)
		gor__out_put(out, "\t", 1);
}

static size_t counts_name(const struct frame *f, char *text, size_t room)
{
	int len = snprintf(text, room, "%s+0x%llx", f->func, (unsigned long long)f->offset);

	return (size_t)len < room ? (size_t)len : room - 1;
}

static size_t counts_address(const struct frame *f, char *text, size_t room)
{
	return (size_t)snprintf(text, room, "0x%llx", (unsigned long long)f->pc);
}

void gor__counts_addresses(struct out *out, const struct snapshot *s,
                           const struct snapshot_row *row)
{
	for (uint32_t k = 0; k < row->frames; k++) // return addresses
		gor__out_say(out, " 0x%llx", (unsigned long long)s->pc[row->frame + k] + 1);
	gor__out_say(out, "\n");
}

void gor__counts_frames(struct out *out, const struct snapshot *s, const struct snapshot_row *row,
                        const struct module *module)
{
	struct frame frame[FRAMES_SHOWN];
	unsigned n = gor__frames_shown(s, row, module, false, frame);
	size_t names = 0, addresses = 0;
	char text[512];

	for (unsigned i = 0; i < n; i++) {
		size_t name = counts_name(&frame[i], text, sizeof text),
			   address = counts_address(&frame[i], text, sizeof text);
		names = name > names ? name : names;
		addresses = address > addresses ? address : addresses;
	}
	for (unsigned i = 0; i < n; i++) {
		gor__out_say(out, "#\t");
		counts_address(&frame[i], text, sizeof text);
		counts_cell(out, text, addresses);
		counts_name(&frame[i], text, sizeof text);
		counts_cell(out, text, names);
		gor__out_say(out, "%s:%d\n", frame[i].file, frame[i].line);
	}
}

void gor__counts_write(struct out *out, const char *name, const struct counts *c,
                       const struct snapshot *s, const struct module *module)
{
	gor__out_say(out, "%s profile: total %zu\n", name, s->count);
	for (size_t i = 0; i < c->count && !out->err; i++) {
		const struct snapshot_row *row = &s->rows[s->index[c->at[i].first].row];
		gor__out_say(out, "%zu @", c->at[i].count);
		gor__counts_addresses(out, s, row);
		gor__counts_frames(out, s, row, module);
		gor__out_say(out, "\n");
	}
}

/* ── for pprof ────────────────────────────────────────────────────────────────────────────────────
 */

static void counts_sample(struct pprof *p, const struct count *c, bool each,
                          const struct snapshot *s, const struct module *module)
{
	const struct snapshot_row *row = &s->rows[s->index[c->first].row];
	struct frame frame[FRAMES_SHOWN];
	char born[PLACE_MAX] = "";
	int64_t ns = 0;

	for (size_t i = c->first; i < c->first + c->count; i++) {
		const struct snapshot_row *one = &s->rows[s->index[i].row];
		if (one->state == SNAPSHOT_WAITS && s->now_ns > one->wait_ns)
			ns += s->now_ns - one->wait_ns;
	}
	if (row->parent)
		snprintf(born, sizeof born, "%s at %s:%u", row->born->func, row->born->file,
		         row->born->line);
	const struct module_label label[] = {{"state", gor__dump_status(row)},
	                                     {"created_by", born},
	                                     {"name", row->name},
	                                     {"verdict", row->leaked ? "leaked" : ""}};
	const struct module_sample sample = {
		.count = (int64_t)c->count,
		.goid = each ? row->id : 0,
		.ns = ns,
		.frame = frame,
		.frames = gor__frames_shown(s, row, module, false, frame),
		.label = label,
		.labels = sizeof label / sizeof *label,
	};
	module->pprof_sample(p, &sample);
}

int gor__counts_pprof(struct out *out, const struct counts *c, const struct snapshot *s,
                      const struct module *module)
{
	struct pprof *p = gor__profile_begin(module, "goroutine", "wait", "goroutine", s->sched->procs);

	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < c->count; i++)
		counts_sample(p, &c->at[i], c->by == COUNTS_BY_ID, s, module);
	return gor__profile_end(module, p, out);
}
