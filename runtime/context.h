/* SPDX-License-Identifier: MIT */
/**
 * context.h: the machine part of a switch.
 *
 * A context that does not run is one stack pointer: what the calling convention asks a function to
 * preserve lies on the stack below it.
 */
#ifndef GOR_CONTEXT_H
#define GOR_CONTEXT_H

/**
 * Save the running context in *from and go on with the one at to.  Returns when someone switches
 * back, perhaps on another thread.
 */
void gor__context_switch(void **from, void *to);

/**
 * The stack pointer of a context that will call entry(arg) on the stack that ends at top (16-byte
 * aligned).
 */
void *gor__context_make(void *top, void (*entry)(void *), void *arg);

/* a saved context: its size, and where its frame pointer lies */
#if defined(__x86_64__)
#define CONTEXT_BYTES 64
#define CONTEXT_FP 48
#elif defined(__aarch64__)
#define CONTEXT_BYTES 176
#define CONTEXT_FP 0
#endif

#endif
