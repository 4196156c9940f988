/* SPDX-License-Identifier: MIT */
/**
 * tables.c: call sites and stacks, kept once each for the life of the reader.
 *
 * A site's number in the records is derived from its address, so a definition that was lost may
 * turn up in another thread's batch, even a later one.  A site that is used before it is defined
 * gets its number at once and its words when they come.
 */
#include "reader/tables.h"

#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define ARENA_BYTES 32768

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t cap;
	max_align_t data[];
};

static void *arena_get(struct tables *t, size_t bytes)
{
	struct arena_block *b = t->arena;

	bytes = (bytes + 15) & ~(size_t)15;
	if (!b || b->cap - b->used < bytes) {
		size_t cap = bytes > ARENA_BYTES ? bytes : ARENA_BYTES;

		b = malloc(sizeof(*b) + cap);
		if (!b)
			return NULL;
		b->next = t->arena;
		b->used = 0;
		b->cap = cap;
		t->arena = b;
	}
	void *p = (char *)b->data + b->used;

	b->used += bytes;
	return p;
}

static const char *arena_text(struct tables *t, const char *text, size_t len)
{
	char *p = arena_get(t, len + 1);

	if (!p)
		return NULL;
	memcpy(p, text, len);
	p[len] = '\0';
	return p;
}

static bool text_is(const char *text, const char *words, size_t len)
{
	return !strncmp(text, words, len) && !text[len];
}

static bool site_is(const struct gtrace_site_info *s, const struct site_words *w)
{
	return s->line == (uint32_t)w->line && s->op == (uint32_t)w->op &&
	       text_is(s->file, w->file, w->file_len) && text_is(s->func, w->func, w->func_len) &&
	       text_is(s->text, w->text, w->text_len);
}

static uint64_t hash_text(uint64_t h, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001B3u;
	return gtrace__hash(gtrace__hash_key(), h ^ len);
}

static uint64_t site_hash(const struct site_words *w)
{
	uint64_t h = gtrace__hash_key() ^ w->line << 8 ^ w->op;

	h = hash_text(h, w->file, w->file_len);
	h = hash_text(h, w->func, w->func_len);
	return hash_text(h, w->text, w->text_len);
}

/** A new number; its words are empty. */
static uint32_t site_add(struct tables *t)
{
	if (t->site_count == t->site_cap) {
		uint32_t cap = t->site_cap ? 2 * t->site_cap : 64;
		struct site_row **sites = realloc(t->sites, cap * sizeof(*sites));

		if (!sites)
			return 0;
		t->sites = sites;
		t->site_cap = cap;
	}
	struct site_row *row = arena_get(t, sizeof(*row));

	if (!row)
		return 0;
	*row = (struct site_row){.info = {"", "", "", 0, 0}};
	t->sites[t->site_count++] = row;
	return t->site_count;
}

static int site_fill(struct tables *t, struct site_row *row, const struct site_words *w)
{
	struct gtrace_site_info info = {
		.file = arena_text(t, w->file, w->file_len),
		.func = arena_text(t, w->func, w->func_len),
		.text = arena_text(t, w->text, w->text_len),
		.line = (uint32_t)w->line,
		.op = (uint32_t)w->op,
	};

	if (!info.file || !info.func || !info.text)
		return -ENOMEM;
	row->info = info;
	row->defined = true;
	return 0;
}

uint32_t gtrace__site_define(struct tables *t, uint64_t raw, const struct site_words *words)
{
	uint64_t hash = site_hash(words);
	uint32_t number = gtrace__map_get(&t->site_by_raw, raw);
	struct site_row *row = number ? t->sites[number - 1] : NULL;
	uint32_t same;

	if (row && row->defined && site_is(&row->info, words))
		return number;
	while ((same = gtrace__map_get(&t->site_by_hash, hash)) &&
	       !site_is(&t->sites[same - 1]->info, words))
		hash++;
	if (row && !row->defined) {
		if (same) {
			row->info = t->sites[same - 1]->info; // its number is already out
			row->defined = true;
			return gtrace__map_set(&t->site_by_raw, raw, same) ? 0 : same;
		}
		if (site_fill(t, row, words))
			return 0;
		return gtrace__map_set(&t->site_by_hash, hash, number) ? 0 : number;
	}
	if (!same) {
		same = site_add(t);
		if (!same || site_fill(t, t->sites[same - 1], words) ||
		    gtrace__map_set(&t->site_by_hash, hash, same))
			return 0;
	}
	return gtrace__map_set(&t->site_by_raw, raw, same) ? 0 : same;
}

uint32_t gtrace__site_number(struct tables *t, uint64_t raw)
{
	uint32_t number = gtrace__map_get(&t->site_by_raw, raw);

	if (!number) {
		number = site_add(t);
		if (number && gtrace__map_set(&t->site_by_raw, raw, number))
			number = 0;
	}
	return number;
}

int gtrace__stack_define(struct tables *t, const uint8_t *pcs, size_t len, uint32_t *number)
{
	uint64_t frame[STACK_FRAMES_MAX];
	const uint8_t *end = pcs + len;
	uint64_t pc = 0;
	uint32_t n = 0;

	*number = 0;
	for (uint64_t v; n < STACK_FRAMES_MAX && (pcs = gtrace__varint(pcs, end, &v));) {
		pc += (uint64_t)gtrace__unzigzag(v);
		frame[n++] = pc;
	}
	uint64_t hash = XXH64(frame, n * sizeof(*frame), gtrace__hash_key());

	for (uint32_t same; (same = gtrace__map_get(&t->stack_by_hash, hash)); hash++) {
		const struct stack_row *row = &t->stacks[same - 1];

		if (row->count == n && !memcmp(row->pcs, frame, n * sizeof(*frame))) {
			*number = same;
			return 0;
		}
	}
	if (t->stack_count == t->stack_cap) {
		uint32_t cap = t->stack_cap ? 2 * t->stack_cap : 64;
		struct stack_row *stacks = realloc(t->stacks, cap * sizeof(*stacks));

		if (!stacks)
			return -ENOMEM;
		t->stacks = stacks;
		t->stack_cap = cap;
	}
	uint64_t *copy = arena_get(t, n * sizeof(*frame) + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, frame, n * sizeof(*frame));
	t->stacks[t->stack_count++] = (struct stack_row){copy, n};
	*number = t->stack_count;
	return gtrace__map_set(&t->stack_by_hash, hash, t->stack_count);
}

void gtrace__tables_release(struct tables *t)
{
	for (struct arena_block *next, *b = t->arena; b; b = next) {
		next = b->next;
		free(b);
	}
	free(t->sites);
	free(t->stacks);
	gtrace__map_release(&t->site_by_raw);
	gtrace__map_release(&t->site_by_hash);
	gtrace__map_release(&t->stack_by_hash);
	memset(t, 0, sizeof(*t));
}
