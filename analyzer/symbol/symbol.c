/* SPDX-License-Identifier: MIT */
/** symbol.c: symbols by elfutils' libdwfl, offline. */
#include "symbol/symbol.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db.h"

enum { PLACES_MAX = 32 }; // of a program counter: functions inlined into each other

static const Dwfl_Callbacks symbol_callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = dwfl_offline_section_address,
};

/* Is this the file the program ran from? */
static bool build_id_fits(Dwfl_Module *mod, const char *hex)
{
	const unsigned char *bits;
	GElf_Addr where;
	Dwarf_Addr bias;
	char text[129] = "";

	if (!*hex)
		return true;                     // nobody knows
	if (!dwfl_module_getelf(mod, &bias)) // it has no build id before that
		return false;
	int n = dwfl_module_build_id(mod, &bits, &where);

	for (int i = 0; i < n && i < 64; i++)
		snprintf(text + 2 * i, 3, "%02x", bits[i]);
	return strcmp(text, hex) == 0;
}

static int symbol_modules(Dwfl *dwfl, sqlite3 *db)
{
	sqlite3_stmt *st;
	int err = db_prepare(db, "sql/symbol.sql", "modules", &st);

	dwfl_report_begin(dwfl);
	while (err == SQLITE_OK && (err = sqlite3_step(st)) == SQLITE_ROW) {
		const char *path = db_column(st, 2);
		err = SQLITE_OK;
		if (path[0] != '/' || access(path, R_OK) < 0)
			continue;
		dwfl_report_elf(dwfl, path, path, -1, (GElf_Addr)sqlite3_column_int64(st, 0), true);
	}
	dwfl_report_end(dwfl, NULL, NULL);
	sqlite3_finalize(st);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

/* The build id the trace has for a module that is there now. */
static bool module_is_right(sqlite3 *db, Dwfl_Module *mod)
{
	sqlite3_stmt *st;
	const char *name = dwfl_module_info(mod, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
	bool right = false;

	if (!name || db_prepare(db, "sql/symbol.sql", "modules", &st) != SQLITE_OK)
		return false;
	while (sqlite3_step(st) == SQLITE_ROW) {
		if (strcmp(db_column(st, 2), name) == 0)
			right = build_id_fits(mod, db_column(st, 3));
	}
	sqlite3_finalize(st);
	return right;
}

/* As it was given to the compiler, if that was relative. */
static const char *line_file(Dwfl_Line *line, const char *file)
{
	const char *dir = dwfl_line_comp_dir(line);
	size_t n = dir ? strlen(dir) : 0;

	if (n && strncmp(file, dir, n) == 0 && file[n] == '/')
		file += n + 1;
	return strncmp(file, "./", 2) == 0 ? file + 2 : file;
}

/** Where a program counter is, innermost function first. */
struct places {
	struct place {
		const char *file, *func;
		int line; // 0: unknown
	} place[PLACES_MAX];
	int count;
};

/* Each call that was inlined: the function it is in has the file and line of the call. */
static void places_inlined(struct places *p, Dwfl_Module *mod, uint64_t pc)
{
	Dwarf_Die *innermost = NULL, *scope = NULL, cu;
	Dwarf_Files *files = NULL;
	Dwarf_Addr bias;
	Dwarf_Die *unit = dwfl_module_addrdie(mod, pc, &bias);
	int n = unit ? dwarf_getscopes(unit, pc - bias, &innermost) : 0;

	// Those around the innermost one as it stands here, not as it was written.
	n = n > 0 ? dwarf_getscopes_die(&innermost[0], &scope) : 0;
	if (n > 0 && dwarf_diecu(&scope[0], &cu, NULL, NULL))
		dwarf_getsrcfiles(&cu, &files, NULL);
	for (int i = 0; i < n && p->count < PLACES_MAX; i++) {
		Dwarf_Attribute attr;
		Dwarf_Word file = 0, line = 0;
		struct place *here = &p->place[p->count - 1];

		if (dwarf_tag(&scope[i]) != DW_TAG_inlined_subroutine)
			continue;
		dwarf_formudata(dwarf_attr(&scope[i], DW_AT_call_file, &attr), &file);
		dwarf_formudata(dwarf_attr(&scope[i], DW_AT_call_line, &attr), &line);
		here[1] = (struct place){
			.func = here->func,
			.file = files && file ? dwarf_filesrc(files, file, NULL, NULL) : NULL,
			.line = (int)line,
		};
		here->func = dwarf_diename(&scope[i]);
		p->count++;
	}
	free(innermost);
	free(scope);
}

static int symbol_place(Dwfl *dwfl, sqlite3 *db, sqlite3_stmt *symbol, uint64_t pc)
{
	Dwfl_Module *mod = dwfl_addrmodule(dwfl, pc);
	struct places p = {.count = 1};
	int err = SQLITE_OK;

	if (!mod || !module_is_right(db, mod))
		return SQLITE_OK;
	Dwfl_Line *line = dwfl_module_getsrc(mod, pc);

	p.place[0].func = dwfl_module_addrname(mod, pc);
	if (line)
		p.place[0].file = dwfl_lineinfo(line, NULL, &p.place[0].line, NULL, NULL, NULL);
	if (!p.place[0].func && !p.place[0].file)
		return SQLITE_OK;
	places_inlined(&p, mod, pc);
	for (int i = 0; i < p.count && err == SQLITE_OK; i++) {
		const struct place *at = &p.place[i];

		err = DB_ROW(symbol, db_int((int64_t)pc), db_int(i),
		             db_text(at->file ? line_file(line, at->file) : NULL),
		             at->file ? db_int(at->line) : db_text(NULL), db_text(at->func));
	}
	return err;
}

int symbol_fill(sqlite3 *db)
{
	sqlite3_stmt *pcs = NULL, *symbol = NULL, *busy = NULL;
	Dwfl *dwfl = NULL;
	int err = db_prepare(db, "sql/symbol.sql", "pcs", &pcs);

	if (err == SQLITE_OK)
		err = db_prepare(db, "sql/symbol.sql", "symbol", &symbol);
	if (err == SQLITE_OK)
		err = db_prepare(db, "sql/symbol.sql", "busy", &busy);
	while (err == SQLITE_OK && (err = sqlite3_step(pcs)) == SQLITE_ROW) {
		err = SQLITE_OK;
		if (!dwfl) {
			dwfl = dwfl_begin(&symbol_callbacks);
			if (!dwfl)
				break; // no symbols, then
			err = symbol_modules(dwfl, db);
		}
		if (err == SQLITE_OK)
			err = symbol_place(dwfl, db, symbol, (uint64_t)sqlite3_column_int64(pcs, 0));
	}
	sqlite3_finalize(pcs);
	sqlite3_finalize(symbol);
	if (dwfl) {
		if (err == SQLITE_DONE)
			err = db_row(busy, 0, NULL);
		dwfl_end(dwfl);
	}
	sqlite3_finalize(busy);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}
