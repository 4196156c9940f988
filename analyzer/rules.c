/* SPDX-License-Identifier: MIT */
/** rules.c: detectors of the user's, besides the built-in ones. */
#include "rules.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "db.h"
#include "talk.h"
#include "triage/lines.h"

static int rules_is_one(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 4 && strcmp(d->d_name + n - 4, ".sql") == 0;
}

static int rules_file(sqlite3 *db, const char *dir, const char *name)
{
	char path[PATH_MAX], *text, *why = NULL;
	size_t len;
	int code = 0;

	if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) {
		talk("cannot read '%s/%s': %s", dir, name, strerror(ENAMETOOLONG));
		return CMD_INPUT;
	}
	text = lines_read(path, &len);
	if (!text)
		return CMD_INPUT;
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK) {
		talk("cannot run '%s': %s", path, why ? why : sqlite3_errmsg(db));
		code = CMD_USAGE;
	} else if (!sqlite3_get_autocommit(db)) {
		talk("cannot run '%s': it begins a transaction and does not end it", path);
		code = CMD_USAGE;
	}
	sqlite3_free(why);
	free(text);
	return code;
}

int rules_run(sqlite3 *db, const char *dir)
{
	struct dirent **names = NULL;
	int count = scandir(dir, &names, rules_is_one, alphasort), code = 0;

	if (count < 0) {
		talk("cannot read '%s': %s", dir, strerror(errno));
		return CMD_INPUT;
	}
	if (count == 0)
		talk_warn("no file in '%s' ends in .sql", dir);
	for (int i = 0; i < count; i++) {
		if (!code)
			code = rules_file(db, dir, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	if (!code && db_run_asset(db, "sql/finding_rank.sql") != SQLITE_OK) {
		talk("after the rules of '%s': %s", dir, sqlite3_errmsg(db));
		code = CMD_USAGE;
	}
	return code;
}
