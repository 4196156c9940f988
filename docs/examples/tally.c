/* SPDX-License-Identifier: MIT */
/* tally.c: words and their counts, in the C library's search tree. */
#define _GNU_SOURCE
#include <ctype.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tally.h"

struct word {
	char text[32]; // first: by_text() sees nothing else
	long count;
};

struct tally {
	long files, lines, words;
	void *tree;
};

/** The most frequent words met so far, the most frequent first. */
struct ranking {
	const struct word **best;
	int count, max;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void tally_add(struct tally *t, const struct word *w)
{
	struct word *copy = malloc(sizeof *copy);
	struct word **at;

	if (!copy)
		return;
	*copy = (struct word){.count = 0};
	memcpy(copy->text, w->text, sizeof copy->text);
	at = tsearch(copy, &t->tree, by_text);
	if (at)
		(*at)->count += w->count;
	if (!at || *at != copy)
		free(copy);
}

static void tally_free(struct tally *t)
{
	tdestroy(t->tree, free);
	free(t);
}

struct tally *tally_new(void)
{
	return calloc(1, sizeof(struct tally));
}

struct tally *tally_file(char *path)
{
	struct tally *t = tally_new();
	FILE *f = t ? fopen(path, "r") : NULL;
	struct word w = {.count = 1};
	size_t n = 0;

	for (int c = 0; f && c != EOF;) {
		c = getc(f);
		t->lines += c == '\n';
		if (isalpha(c)) {
			if (n + 1 < sizeof w.text)
				w.text[n++] = (char)tolower(c);
		} else if (n > 0) {
			t->words++;
			tally_add(t, &w);
			memset(w.text, 0, sizeof w.text);
			n = 0;
		}
	}
	if (f) {
		t->files = 1;
		fclose(f);
	}
	free(path);
	return t;
}

static void merge_word(const void *node, VISIT order, void *into)
{
	if (order == postorder || order == leaf)
		tally_add(into, *(struct word *const *)node);
}

void tally_merge(struct tally *into, struct tally *from)
{
	if (!from)
		return;
	into->files += from->files;
	into->lines += from->lines;
	into->words += from->words;
	twalk_r(from->tree, merge_word, into);
	tally_free(from);
}

static void rank_word(const void *node, VISIT order, void *arg)
{
	const struct word *w = *(struct word *const *)node;
	struct ranking *r = arg;
	int at;

	if (order != postorder && order != leaf)
		return;
	if (r->count < r->max)
		r->count++;
	else if (r->max == 0 || r->best[r->max - 1]->count >= w->count)
		return;
	for (at = r->count - 1; at > 0 && r->best[at - 1]->count < w->count; at--)
		r->best[at] = r->best[at - 1];
	r->best[at] = w;
}

void tally_finish(struct tally *t, int top)
{
	struct ranking r = {calloc((size_t)top, sizeof *r.best), 0, top};

	if (r.best)
		twalk_r(t->tree, rank_word, &r);
	printf("%ld files, %ld lines, %ld words\n", t->files, t->lines, t->words);
	for (int i = 0; i < r.count; i++)
		printf("%8ld %s\n", r.best[i]->count, r.best[i]->text);
	free(r.best);
	tally_free(t);
}
