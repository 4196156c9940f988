/* SPDX-License-Identifier: MIT */
/* broadcast.c: closing a channel tells every goroutine that waits on it, at once. */
#include <gor.h>
#include <stdio.h>

typedef gor_chan(int) ints;

struct worker {
	ints work;
	ints quit;
	gor_waitgroup *running;
	int number;
};

static void worker(struct worker *w)
{
	enum { WORK, QUIT } got;
	int jobs = 0;

	for (;;) {
		got = gor_select([WORK] = gor_on_recv(w->work, NULL), [QUIT] = gor_on_recv(w->quit, NULL));
		if (got == QUIT)
			break;
		gor_sleep(GOR_MILLISECOND); // the job
		jobs++;
	}
	printf("worker %d did %d of the jobs\n", w->number, jobs);
	gor_wg_done(w->running);
}

static int app(int argc, char **argv)
{
	enum { WORKERS = 3, JOBS = 12 };
	gor_waitgroup running = {0};
	ints work, quit;

	(void)argc;
	(void)argv;
	if (gor_make(work, 0) < 0 || gor_make(quit, 0) < 0)
		return 1;
	gor_wg_add(&running, WORKERS);
	for (int i = 0; i < WORKERS; i++)
		gor_go_copy(worker, ((struct worker){work, quit, &running, i}));
	for (int i = 0; i < JOBS; i++)
		gor_send(work, i);
	gor_close(quit); // nothing is ever sent on it
	gor_wg_wait(&running);
	printf("all %d workers have stopped\n", WORKERS);
	gor_free(work);
	gor_free(quit);
	return 0;
}

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}
