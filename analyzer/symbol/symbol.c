/* SPDX-License-Identifier: MIT */
/** symbol.c: symbols by elfutils' libdwfl, offline. */
#include "symbol/symbol.h"

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db.h"

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

static int symbol_place(Dwfl *dwfl, sqlite3 *db, sqlite3_stmt *place, uint64_t pc)
{
	Dwfl_Module *mod = dwfl_addrmodule(dwfl, pc);
	int number = 0;

	if (!mod || !module_is_right(db, mod))
		return SQLITE_OK;
	const char *func = dwfl_module_addrname(mod, pc);
	Dwfl_Line *line = dwfl_module_getsrc(mod, pc);
	const char *file = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;

	if (!func && !file)
		return SQLITE_OK;
	return DB_ROW(place, db_int((int64_t)pc), db_text(file ? line_file(line, file) : NULL),
	              file ? db_int(number) : db_text(NULL), db_text(func));
}

int symbol_fill(sqlite3 *db)
{
	sqlite3_stmt *pcs = NULL, *place = NULL;
	Dwfl *dwfl = NULL;
	int err = db_prepare(db, "sql/symbol.sql", "pcs", &pcs);

	if (err == SQLITE_OK)
		err = db_prepare(db, "sql/symbol.sql", "place", &place);
	while (err == SQLITE_OK && (err = sqlite3_step(pcs)) == SQLITE_ROW) {
		err = SQLITE_OK;
		if (!dwfl) {
			dwfl = dwfl_begin(&symbol_callbacks);
			if (!dwfl)
				break; // no symbols, then
			err = symbol_modules(dwfl, db);
		}
		if (err == SQLITE_OK)
			err = symbol_place(dwfl, db, place, (uint64_t)sqlite3_column_int64(pcs, 0));
	}
	sqlite3_finalize(pcs);
	sqlite3_finalize(place);
	if (dwfl)
		dwfl_end(dwfl);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}
