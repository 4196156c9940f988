/* SPDX-License-Identifier: MIT */
/** backtrace.c: program counters from frame pointers, and the stacks of those that wait. */
#include "backtrace.h"

#define FRAMES_MAX 128

/** A return address from a frame, without the signature that some compilers add to it. */
static uint64_t frame_return(uint64_t address)
{
#if defined(__aarch64__)
	register uint64_t x30 __asm__("x30") = address;

	__asm__("hint #7" : "+r"(x30)); // xpaclri, a nop where there are no signatures
	address = x30;
#endif
	return address;
}

__attribute__((no_sanitize("address", "thread", "undefined"))) unsigned gor__frames(
	uint64_t fp, const void *low, const void *high, uint64_t *pc, unsigned n, unsigned most)
{
	while (n < most && fp >= (uintptr_t)low && fp < (uintptr_t)high && (uintptr_t)high - fp >= 16 &&
	       fp % 8 == 0) { // fp may be any number: nothing is added to it
		const uint64_t *frame = (const uint64_t *)(uintptr_t)fp;
		if (!frame[1])
			break;
		pc[n++] = frame_return(frame[1]) - 1;
		if (frame[0] <= fp)
			break;
		fp = frame[0];
	}
	return n;
}

/** Frames of a context that does not run, whose stack ends at high. */
__attribute__((no_sanitize("address", "thread", "undefined"))) unsigned gor__frames_parked(
	const void *sp, const void *high, uint64_t *pc, unsigned most)
{
	const uint64_t *saved = sp; // see the context_*.S of this machine
#if defined(__x86_64__)
	uint64_t fp = saved[6], at = saved[7];
#elif defined(__aarch64__)
	uint64_t fp = saved[0], at = saved[1];
#endif

	if (most == 0)
		return 0;
	pc[0] = frame_return(at) - 1;
	return gor__frames(fp, saved, high, pc, 1, most);
}

uint64_t gor__backtrace_number(struct gtrace_stream *stream, const struct g *g)
{
	unsigned most = gtrace_rec_stack_frames(stream->rec);
	uint64_t pc[FRAMES_MAX];

	if (most == 0)
		return 0;
	most = most < FRAMES_MAX ? most : FRAMES_MAX;
	return gtrace_stream_stack(stream, pc, gor__frames_parked(g->sp, g->stack_high, pc, most));
}
