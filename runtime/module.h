/* SPDX-License-Identifier: MIT */
/**
 * module.h: the border between libgor and libgor_inspect, which it loads when somebody looks into
 * the program, so that a program nobody looks into does not pay for the libraries that takes.
 *
 * Both are of one build: no compatibility is kept, and the version is compared.
 */
#ifndef GOR_MODULE_H
#define GOR_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#define MODULE_SYMBOL "gor_inspect_module"

/** A place in the program; strings are the module's, for good.  NULL, 0: not known. */
struct module_place {
	const char *func;
	const char *file;
	int line;
	uint64_t offset; // of the address in func
};

#define MODULE_INLINED_MAX 8

/** What the module gives. */
struct module {
	const char *version; // GOR_VERSION of its build
	/**
	 * The functions an address is in, innermost first: those inlined there, then the one that has
	 * the code.  Returns: how many, at most MODULE_INLINED_MAX; 0 nothing is known.  Any thread.
	 */
	unsigned (*places)(uint64_t pc, struct module_place place[MODULE_INLINED_MAX]);
};

/** The module, loaded if it was not; NULL: it cannot be, and one line on stderr said why. */
const struct module *gor__module(void);

#endif
