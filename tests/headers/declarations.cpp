/* SPDX-License-Identifier: MIT */
/* declarations.cpp: gor.h alone, from C++: all but the macros of typed channels. */
#include <gor.h>

namespace
{

void worker(void *)
{
}

void once_only()
{
}

int call(void *arg)
{
	return arg != nullptr;
}

int app(int, char **)
{
	gor_mutex mu = {};
	gor_rwmutex rw = {};
	gor_cond cond = {};
	gor_once once = {};
	gor_sem sem = {};
	gor_waitgroup wg = {};
	gor_timer timer;
	gor_opt opt = {"w", 1 << 20};

	gor_wg_add(&wg, 1);
	gor_wg_done(&wg);
	gor_wg_go(&wg, worker, nullptr);
	gor_wg_wait(&wg);
	gor_mutex_lock(&mu);
	gor_cond_signal(&cond);
	gor_mutex_unlock(&mu);
	gor_rwmutex_rlock(&rw);
	gor_rwmutex_runlock(&rw);
	gor_once_do(&once, once_only);
	gor_sem_release(&sem, 1);
	gor_sem_acquire(&sem, 1);
	if (gor_timer_start(&timer, GOR_HOUR) != 0 || !gor_timer_stop(&timer))
		return 1;
	gor_ctx *ctx = gor_ctx_with_timeout(gor_ctx_background(), GOR_HOUR);
	gor_ctx_cancel(ctx);
	int err = gor_ctx_err(ctx);
	gor_ctx_free(ctx);
	gor_yield();
	gor_sleep(GOR_MICROSECOND);
	if (gor_go(worker, nullptr) == 0 || gor_go_opt(worker, nullptr, &opt) == 0)
		return 2;
	return err < 0 && gor_blocking(call, ctx) == 1 ? 0 : 3;
}

} // namespace

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}
