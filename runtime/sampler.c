/* SPDX-License-Identifier: MIT */
/**
 * sampler.c: where the program spends its CPU time: a hundred looks a second of it.
 *
 * A timer of the process's CPU clock sends SIGPROF, which the kernel has the thread take that runs
 * at that moment (Linux 6.4; before, mostly the first one).  The handler puts the program counter,
 * the goroutine's frames and its number into the next slot of memory that was mapped before.
 *
 *   S1  Taking a slot is one atomic addition; nobody else writes to it.  `frames` is set last.
 *   S2  The handler stays installed: a signal that is still on its way when the timer is gone must
 *       not meet the default action, which ends the process.  It does nothing while not `on`.
 *   S3  The memory goes when nobody is in the handler: `inside` is counted before `on` is read.
 */
#define _GNU_SOURCE
#include "sampler.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

#include "backtrace.h"
#include "scheduler.h"

#define HZ 100
#define SAMPLES_MAX 65536u

static struct {
	pthread_mutex_t lock; // one profile at a time
	_Atomic bool on;
	_Atomic uint32_t inside; // threads in the handler
	_Atomic uint32_t taken;  // slots; more than room: lost
	uint32_t room;
	struct module_cpu *slots;
	timer_t timer;
} sampler = {.lock = PTHREAD_MUTEX_INITIALIZER};

#if defined(__x86_64__)
static uint64_t context_pc(const ucontext_t *uc)
{
	return (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
}
static uint64_t context_fp(const ucontext_t *uc)
{
	return (uint64_t)uc->uc_mcontext.gregs[REG_RBP];
}
#elif defined(__aarch64__)
static uint64_t context_pc(const ucontext_t *uc)
{
	return uc->uc_mcontext.pc;
}
static uint64_t context_fp(const ucontext_t *uc)
{
	return uc->uc_mcontext.regs[29];
}
#endif

__attribute__((no_sanitize("address", "thread", "undefined"))) static void sampler_take(
	const ucontext_t *uc)
{
	uint32_t n = atomic_fetch_add_explicit(&sampler.taken, 1, memory_order_relaxed);

	if (n >= sampler.room)
		return;
	struct module_cpu *slot = &sampler.slots[n];
	struct m *m = gor__self();
	const struct g *g = m ? m->cur : NULL;
	uint32_t frames = 1;

	slot->pc[0] = context_pc(uc);
	slot->g = g ? g->id : 0;
	if (g) {
		for (unsigned i = 0; i + 1 < sizeof slot->name && g->name[i]; i++)
			slot->name[i] = g->name[i];
		frames = gor__frames(context_fp(uc), g->stack_low, g->stack_high, slot->pc, 1,
		                     MODULE_CPU_FRAMES);
	}
	atomic_store_explicit(&slot->frames, frames, memory_order_release); // keeps S1
}

static void on_sample_cpu(int signo, siginfo_t *info, void *context)
{
	(void)signo, (void)info;
	atomic_fetch_add(&sampler.inside, 1); // keeps S3
	if (atomic_load(&sampler.on))
		sampler_take(context);
	atomic_fetch_sub(&sampler.inside, 1);
}

/** Only if the program has left the signal alone. */
static int sampler_signal(void)
{
	struct sigaction old, act = {.sa_flags = SA_RESTART | SA_ONSTACK | SA_SIGINFO};

	act.sa_sigaction = on_sample_cpu;
	sigemptyset(&act.sa_mask);
	if (sigaction(SIGPROF, NULL, &old) != 0)
		return -errno;
	if ((old.sa_flags & SA_SIGINFO) && old.sa_sigaction == on_sample_cpu)
		return 0;
	if ((old.sa_flags & SA_SIGINFO) || old.sa_handler != SIG_DFL)
		return -EBUSY;
	return sigaction(SIGPROF, &act, NULL) == 0 ? 0 : -errno;
}

static int sampler_begin(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF};
	struct itimerspec every = {.it_interval.tv_nsec = 1000000000 / HZ,
	                           .it_value.tv_nsec = 1000000000 / HZ};
	int err = sampler_signal();

	if (err)
		return err;
	void *memory = mmap(NULL, SAMPLES_MAX * sizeof *sampler.slots, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	sampler.slots = memory;
	sampler.room = SAMPLES_MAX;
	atomic_store(&sampler.taken, 0);
	atomic_store(&sampler.on, true);
	if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &sampler.timer) == 0) {
		timer_settime(sampler.timer, 0, &every, NULL);
		return 0;
	}
	err = -errno;
	atomic_store(&sampler.on, false);
	munmap(memory, SAMPLES_MAX * sizeof *sampler.slots);
	return err;
}

int gor__cpu_start(void)
{
	if (pthread_mutex_trylock(&sampler.lock) != 0)
		return -EBUSY;
	int err = sampler_begin();
	if (err)
		pthread_mutex_unlock(&sampler.lock);
	return err;
}

void gor__cpu_stop(void (*row)(void *arg, const struct module_cpu *sample), void *arg)
{
	unsigned round = 0;

	timer_delete(sampler.timer);
	atomic_store(&sampler.on, false);
	while (atomic_load(&sampler.inside))
		gor__backoff(&round);
	uint32_t taken = atomic_load(&sampler.taken);
	for (uint32_t i = 0; i < taken && i < sampler.room; i++)
		row(arg, &sampler.slots[i]);
	munmap(sampler.slots, SAMPLES_MAX * sizeof *sampler.slots);
	pthread_mutex_unlock(&sampler.lock);
}
