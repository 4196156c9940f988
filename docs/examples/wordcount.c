/* SPDX-License-Identifier: MIT */
/* wordcount.c: count words in files; a pipeline of a walker, four readers and a merger. */
#define _DEFAULT_SOURCE
#include <fts.h>
#include <gor.h>
#include <string.h>
#include "tally.h"

struct pipeline {
	char **dirs;
	gor_chan(char *) files;
	gor_chan(struct tally *) counted;
	gor_waitgroup readers;
};

static void walk(void *arg)
{
	struct pipeline *p = arg;
	FTS *tree = fts_open(p->dirs, FTS_PHYSICAL | FTS_NOCHDIR, NULL);

	for (FTSENT *e; tree && (e = fts_read(tree));)
		if (e->fts_info == FTS_F)
			gor_send(p->files, strdup(e->fts_path)); // the reader frees it
	fts_close(tree);
	gor_close(p->files);
	gor_wg_wait(&p->readers);
	gor_close(p->counted);
}

static void read_files(void *arg)
{
	struct pipeline *p = arg;

	for (char *path; gor_recv(p->files, &path) == 1;)
		gor_send(p->counted, tally_file(path)); // which frees path; the merger frees the tally
}

static int app(int argc, char **argv)
{
	struct pipeline p = {.dirs = argv + 1};
	struct tally *total = tally_new();

	if (argc < 2 || !total || gor_make(p.files, 16) < 0 || gor_make(p.counted, 16) < 0)
		return 2;
	for (int i = 0; i < 4; i++)
		gor_wg_go(&p.readers, read_files, &p);
	gor_go(walk, &p);
	for (struct tally *one; gor_recv(p.counted, &one) == 1;)
		tally_merge(total, one);
	tally_finish(total, 10);
	gor_free(p.files);
	gor_free(p.counted);
	return 0;
}

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}
