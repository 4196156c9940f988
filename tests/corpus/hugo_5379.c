/* SPDX-License-Identifier: MIT */
/*
 * hugo_5379.c: initialising a page's content holds its mutex, renders a shortcode, which re-enters
 * and locks the same mutex; the renderers queue behind it.
 *
 * expect: lock-deadlock proven
 */
#include "corpus.h"

struct page {
	gor_mutex content_init;
	gor_once setup;
	bool ready;
	int depth; // of shortcodes that ask for the page's own content
	int words;
};

static struct page page = {.depth = 1};

static int content(struct page *p);

static int render_shortcode(struct page *p)
{
	if (p->depth-- > 0 && !FIXED)
		return content(p); // {{ .Page.Content }}
	return 12;
}

static int content(struct page *p)
{
	gor_mutex_lock(&p->content_init);
	if (!p->ready) {
		p->words = 100 + render_shortcode(p);
		p->ready = true;
	}
	gor_mutex_unlock(&p->content_init);
	return p->words;
}

static void read_front_matter(void)
{
	page.words = 0;
}

static void renderer(ints pages)
{
	while (gor_recv(pages, NULL)) {
		gor_once_do(&page.setup, read_front_matter);
		content(&page);
	}
}

static void render(void *arg)
{
	renderer(*(ints *)arg);
}

static int app(void)
{
	enum { RENDERERS = 3, PAGES = 6 };
	gor_waitgroup running = {0};
	ints pages;

	gor_make(pages, PAGES);
	for (int i = 0; i < RENDERERS; i++)
		gor_wg_go(&running, render, &pages);
	for (int i = 0; i < PAGES; i++)
		gor_send(pages, i);
	gor_close(pages);
	gor_wg_wait(&running);
	gor_free(pages);
	return 0;
}
