/* SPDX-License-Identifier: MIT */
/**
 * debugger.c: where a debugger begins to look for goroutines.
 *
 * gor-gdb.py reads the memory of a process or of a core file, with nothing of ours running in it.
 * What it has to know of the layout stands in one table of names and numbers, so that it works on a
 * release build, which has no types in its debug information, and on a stripped one: the table is
 * exported.  It is found by name; rows are found by name as well, so that their order is free and
 * rows may be added.
 *
 * The list of slabs begins here so that the linker takes this file along wherever there are stacks.
 */
#include <gtrace.h>

#include "slab.h"

_Atomic(struct stack_slab *) gor__slabs;

struct row {
	char name[24];
	uint64_t value;
};

static const char *const states[] = {
	[G_NEW] = "new",         [G_RUNNABLE] = "runnable", [G_RUNNING] = "running",
	[G_WAITING] = "waiting", [G_DEAD] = "dead",
};

/* All lists of words, as they come; a debugger wants the one of reasons. */
struct word {
	char list[16];
	uint64_t number;
	const char *text;
};

static const struct word words[] = {
#define NAME(list, number, name, text) {#list, (number), (text)},
#include <gtrace_names.def>
#undef NAME
};

#define ADDRESS(of) (uint64_t)(uintptr_t)(of)
#define FIELD(type, field) #type "." #field, offsetof(struct type, field)

GOR_EXPORT extern const struct row gor_debugger_table[];
__attribute__((used, retain)) const struct row gor_debugger_table[] = {
	{"version", 1},
	{"slabs", ADDRESS(&gor__slabs)},
	{"states", ADDRESS(states)},
	{"words", ADDRESS(words)},
	{"words.count", sizeof words / sizeof *words},
	{FIELD(stack_slab, base)},
	{FIELD(stack_slab, stride)},
	{FIELD(stack_slab, used)},
	{FIELD(stack_slab, next)},
	{"slab.colours", SLAB_COLOURS},
	{"slab.line", SLAB_LINE},
	{"g.bytes", SLAB_G_BYTES},
	{FIELD(g, sp)},
	{FIELD(g, id)},
	{FIELD(g, state)},
	{FIELD(g, reason)},
	{FIELD(g, site)},
	{FIELD(g, born)},
	{FIELD(g, parent)},
	{FIELD(g, fn)},
	{FIELD(g, stack_low)},
	{FIELD(g, stack_high)},
	{FIELD(g, name)},
	{FIELD(gor_site, file)},
	{FIELD(gor_site, func)},
	{FIELD(gor_site, line)},
#if defined(__x86_64__) // what lies where in a saved context: see context_*.S
	{"saved.r15", 8},
	{"saved.r14", 16},
	{"saved.r13", 24},
	{"saved.r12", 32},
	{"saved.rbx", 40},
	{"saved.rbp", 48},
	{"saved.rip", 56},
	{"context.bytes", 64},
#elif defined(__aarch64__)
	{"saved.x29", 0},
	{"saved.pc", 8},
	{"saved.x19", 16},
	{"saved.x20", 24},
	{"saved.x21", 32},
	{"saved.x22", 40},
	{"saved.x23", 48},
	{"saved.x24", 56},
	{"saved.x25", 64},
	{"saved.x26", 72},
	{"saved.x27", 80},
	{"saved.x28", 88},
	{"context.bytes", 176},
#endif
	{"", 0},
};
