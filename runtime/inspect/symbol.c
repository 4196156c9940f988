/* SPDX-License-Identifier: MIT */
/**
 * symbol.c: functions and lines of this process, by elfutils' libdwfl.
 *
 * One Dwfl for the process, under a lock, since libdwfl has none; what was loaded since is looked
 * for when an address lies in no module that is known.  What was found is kept: a million
 * goroutines have the same few frames.
 */
#define _GNU_SOURCE
#include "inspect/symbol.h"

#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** An address, and where it is, or of a call site its file; the strings are there for good. */
struct symbol_known {
	uint64_t pc; // 0: free
	unsigned count;
	struct module_place place[MODULE_INLINED_MAX];
};

static struct {
	pthread_mutex_t lock;
	Dwfl *dwfl; // lock
	char *debug_path;
	struct symbol_known *known; // lock: by a hash of pc
	size_t count, room;         // lock
	Dwfl_Callbacks callbacks;
} symbols = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.callbacks =
		{
			.find_elf = dwfl_linux_proc_find_elf,
			.find_debuginfo = dwfl_standard_find_debuginfo,
			.debuginfo_path = &symbols.debug_path,
		},
};

static Dwfl_Module *symbol_module(Dwarf_Addr pc)
{
	if (!symbols.dwfl)
		symbols.dwfl = dwfl_begin(&symbols.callbacks);
	else if (dwfl_addrmodule(symbols.dwfl, pc))
		return dwfl_addrmodule(symbols.dwfl, pc);
	if (!symbols.dwfl)
		return NULL;
	dwfl_report_begin_add(symbols.dwfl);
	dwfl_linux_proc_report(symbols.dwfl, getpid());
	dwfl_report_end(symbols.dwfl, NULL, NULL);
	return dwfl_addrmodule(symbols.dwfl, pc);
}

/** A function's entry in the debug information. */
static const char *symbol_name(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	const char *linked = dwarf_formstring(
		dwarf_attr_integrate(die, DW_AT_linkage_name, &attr)); // C++: to be demangled by who likes

	return linked ? linked : dwarf_diename(die);
}

static bool symbol_is_function(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_subprogram;
}

/** Where the function of an inlined scope was called. */
static void symbol_call(Dwarf_Die *cu, Dwarf_Die *die, struct module_place *at)
{
	Dwarf_Attribute attr;
	Dwarf_Word file = 0, line = 0;
	Dwarf_Files *files;

	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attr), &file) == 0 &&
	    dwarf_getsrcfiles(cu, &files, NULL) == 0)
		at->file = dwarf_filesrc(files, file, NULL, NULL);
	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attr), &line) == 0)
		at->line = (int)line;
}

/** From the debug information; 0: there is none. */
static unsigned symbol_scopes(Dwfl_Module *mod, Dwarf_Addr pc, struct module_place *place)
{
	Dwarf_Addr bias;
	Dwarf_Die *cu = dwfl_module_addrdie(mod, pc, &bias), *scopes = NULL;
	Dwfl_Line *line = cu ? dwfl_module_getsrc(mod, pc) : NULL;
	unsigned n = 0;

	if (!line)
		return 0;
	place[0].file = dwfl_lineinfo(line, NULL, &place[0].line, NULL, NULL, NULL);
	// From the innermost one outwards; dwarf_getscopes() goes on where an inlined function is
	// written.
	Dwarf_Die *inner = NULL;
	int count =
		dwarf_getscopes(cu, pc - bias, &inner) > 0 ? dwarf_getscopes_die(&inner[0], &scopes) : 0;
	free(inner);
	for (int i = 0; i < count && n < MODULE_INLINED_MAX; i++) {
		if (!symbol_is_function(&scopes[i]))
			continue;
		place[n++].func = symbol_name(&scopes[i]);
		if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram)
			break;
		if (n < MODULE_INLINED_MAX)
			symbol_call(cu, &scopes[i], &place[n]);
	}
	free(scopes);
	return n;
}

/** Cut off a demangled name's list of parameters: f(int)(...) would confuse who reads dumps. */
static void symbol_cut(char *name)
{
	char *end = strrchr(name, ')');
	int depth = 0;

	for (char *c = end; c && c > name; c--) {
		depth += (*c == ')') - (*c == '(');
		if (depth == 0) {
			*c = 0;
			return;
		}
	}
}

typedef char *symbol_demangle(const char *, char *, size_t *, int *);

/** The C++ library's function for that: the program's, or else the system's.  NULL: there is none.
 */
static symbol_demangle *symbol_demangler(void)
{
	static symbol_demangle *demangler; // symbols.lock
	static bool looked;                // likewise
	void *found, *library;

	if (looked)
		return demangler;
	looked = true;
	found = dlsym(RTLD_DEFAULT, "__cxa_demangle");
	if (!found && (library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL)))
		found = dlsym(library, "__cxa_demangle");
	memcpy(&demangler, &found, sizeof demangler); // ISO C has no cast from one to the other
	return demangler;
}

/** A C++ function as one writes it.  The text is kept for good. */
static const char *symbol_written(const char *name)
{
	symbol_demangle *demangle = name && strncmp(name, "_Z", 2) == 0 ? symbol_demangler() : NULL;
	int status = -1;
	char *written = demangle ? demangle(name, NULL, NULL, &status) : NULL;

	if (!written || status != 0)
		return name;
	symbol_cut(written);
	return written;
}

static unsigned symbol_places(uint64_t pc, struct module_place place[MODULE_INLINED_MAX])
{
	GElf_Off offset = 0;
	GElf_Sym sym;
	unsigned n = 0;

	Dwfl_Module *mod = symbol_module(pc);
	if (mod) {
		n = symbol_scopes(mod, pc, place);
		const char *name = dwfl_module_addrinfo(mod, pc, &offset, &sym, NULL, NULL, NULL);
		if (n == 0 && name) {
			place[0].func = name;
			n = 1;
		}
		for (unsigned i = 0; i < n; i++)
			place[i].func = symbol_written(place[i].func);
		if (n)
			place[n - 1].offset = offset;
	}
	return n;
}

/* ── what was found before ────────────────────────────────────────────────────────────────────────
 */

static struct symbol_known *symbol_slot(struct symbol_known *known, size_t room, uint64_t pc)
{
	size_t i = (size_t)(pc * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (room - 1);

	while (known[i].pc && known[i].pc != pc)
		i = (i + 1) & (room - 1);
	return &known[i];
}

/** The slot of pc; its pc is 0 if it is new.  NULL: no memory for one more. */
static struct symbol_known *symbol_find(uint64_t pc)
{
	if (2 * symbols.count >= symbols.room) {
		size_t room = symbols.room ? 2 * symbols.room : 256;
		struct symbol_known *more = calloc(room, sizeof *more);
		if (!more)
			return NULL;
		for (size_t i = 0; i < symbols.room; i++)
			if (symbols.known[i].pc)
				*symbol_slot(more, room, symbols.known[i].pc) = symbols.known[i];
		free(symbols.known);
		symbols.known = more;
		symbols.room = room;
	}
	return symbol_slot(symbols.known, symbols.room, pc);
}

unsigned inspect_places(uint64_t pc, struct module_place place[MODULE_INLINED_MAX])
{
	unsigned n = 0;

	memset(place, 0, MODULE_INLINED_MAX * sizeof *place);
	pthread_mutex_lock(&symbols.lock);
	struct symbol_known *known = pc ? symbol_find(pc) : NULL;
	if (known && known->pc) {
		memcpy(place, known->place, sizeof known->place);
		n = known->count;
	} else if (pc) {
		n = symbol_places(pc, place);
		if (known && n) {
			known->pc = pc;
			known->count = n;
			memcpy(known->place, place, sizeof known->place);
			symbols.count++;
		}
	}
	pthread_mutex_unlock(&symbols.lock);
	return n;
}

/** What the compiler was given in that directory; NULL: nothing, or two files. */
static char *symbol_source(uint64_t at, const char *file)
{
	Dwfl_Module *mod = symbol_module(at);
	Dwarf_Attribute attr;
	Dwarf_Addr bias;
	const char *dir = NULL;
	char *path = NULL;

	for (Dwarf_Die *cu = NULL; mod && (cu = dwfl_module_nextcu(mod, cu, &bias));) {
		const char *name = dwarf_diename(cu),
				   *in = dwarf_formstring(dwarf_attr(cu, DW_AT_comp_dir, &attr));
		if (!name || !in || strcmp(name, file) != 0)
			continue;
		if (dir && strcmp(dir, in) != 0)
			return NULL;
		dir = in;
	}
	return dir && *dir == '/' && asprintf(&path, "%s/%s", dir, file) > 0 ? path : NULL;
}

const char *inspect_source(const void *at, const char *file)
{
	uint64_t key = (uint64_t)(uintptr_t)at;
	const char *path = NULL;

	pthread_mutex_lock(&symbols.lock);
	struct symbol_known *known = symbol_find(key);
	if (known && known->pc) {
		path = known->place[0].file;
	} else if (known) {
		*known = (struct symbol_known){.pc = key};
		known->place[0].file = path = symbol_source(key, file);
		symbols.count++;
	}
	pthread_mutex_unlock(&symbols.lock);
	return path ? path : file;
}
