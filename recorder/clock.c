/* SPDX-License-Identifier: MIT */
/**
 * clock.c: the TSC where it is invariant and the kernel itself keeps time by it, else the OS clock.
 *
 * Nothing is calibrated: the trace holds snapshots of all clocks, and the reader converts.  The
 * rate seen since the library was loaded goes along as a hint for traces so short or so cut that
 * they hold one snapshot only.
 */
#include "clock.h"

#include <fcntl.h>
#include <gtrace.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

const char gtrace_site_anchor[8] __attribute__((aligned(8))) = "gtrace";
bool gtrace_clock_os;

static struct {
	pthread_once_t once;
	uint64_t load_tsc; // when the library was loaded
	uint64_t load_ns;
} clock_state = {.once = PTHREAD_ONCE_INIT};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t gtrace_clock_os_ticks(void)
{
	return clock_ns(CLOCK_MONOTONIC) >> GTRACE_TICK_SHIFT;
}

#if defined(__x86_64__)
static uint64_t tsc_read(void)
{
	return __builtin_ia32_rdtsc();
}

/** The kernel keeps time by the TSC: it has found it to be the same on all CPUs. */
static bool kernel_uses_tsc(void)
{
	char name[16] = "";
	int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
	              O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t n = read(fd, name, sizeof(name) - 1);

	close(fd);
	return n >= 4 && !memcmp(name, "tsc\n", 4);
}

static bool tsc_usable(void)
{
	unsigned a = 0, b = 0, c = 0, d = 0;

	if (!__get_cpuid(0x80000007, &a, &b, &c, &d))
		return false;
	return (d >> 8 & 1) && kernel_uses_tsc();
}
#else
static uint64_t tsc_read(void)
{
	return 0;
}

static bool tsc_usable(void)
{
	return false;
}
#endif

__attribute__((constructor)) static void clock_load(void)
{
	clock_state.load_ns = clock_ns(CLOCK_MONOTONIC);
	clock_state.load_tsc = tsc_read();
}

static void clock_choose(void)
{
	if (!gtrace_clock_os && !tsc_usable())
		gtrace_clock_os = true;
}

void gtrace__clock_choose(void)
{
	pthread_once(&clock_state.once, clock_choose);
}

struct gtrace__clock gtrace__clock_now(void)
{
	struct gtrace__clock best = {0};
	uint64_t best_width = UINT64_MAX;

	// An interrupt in between would part the clocks: the narrowest of a few tries is taken.
	for (int i = 0; i < 5 && best_width > 8; i++) {
		uint64_t before = gtrace_ticks();
		uint64_t mono = clock_ns(CLOCK_MONOTONIC);
		uint64_t after = gtrace_ticks();

		if (after - before < best_width) {
			best_width = after - before;
			best.ticks = before + best_width / 2;
			best.mono_ns = mono;
		}
	}
	best.wall_ns = clock_ns(CLOCK_REALTIME);
	return best;
}

uint64_t gtrace__clock_ps_per_tick(void)
{
	if (gtrace_clock_os)
		return 1000 << GTRACE_TICK_SHIFT;
	uint64_t ns = clock_ns(CLOCK_MONOTONIC) - clock_state.load_ns;
	uint64_t tsc = tsc_read() - clock_state.load_tsc;

	if (ns < 20000 || !tsc)
		return 0;
	return (uint64_t)((double)ns * (1000 << GTRACE_TICK_SHIFT) / (double)tsc);
}
