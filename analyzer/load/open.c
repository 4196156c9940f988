/* SPDX-License-Identifier: MIT */
/** open.c: TRACE|DB of the command line -> a database. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "detect/detect.h"
#include "act/table.h"
#include "interval/table.h"
#include "load/load.h"

/* Does the file begin as SQLite's do? */
static bool file_is_db(const char *path)
{
	char head[16] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head);

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)sizeof head && memcmp(head, "SQLite format 3", 16) == 0;
}

static int open_failed(struct gtrace_error *err, const char *path, const char *why)
{
	err->code = GTRACE_EDAMAGED;
	err->offset = UINT64_MAX;
	snprintf(err->text, sizeof err->text, "cannot read '%s': %s", path, why);
	return err->code;
}

static int open_db(sqlite3 **db, const char *path, struct gtrace_error *err)
{
	if (sqlite3_open_v2(path, db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
	    interval_register(*db) != SQLITE_OK || act_register(*db) != SQLITE_OK ||
	    sqlite3_exec(*db, "SELECT 1 FROM trace", NULL, NULL, NULL) != SQLITE_OK)
		return open_failed(err, path, sqlite3_errmsg(*db));
	return 0;
}

static int open_trace(sqlite3 **db, const char *path, struct gtrace_error *err)
{
	if (sqlite3_open("", db) != SQLITE_OK) // a temporary file, gone when closed
		return open_failed(err, path, sqlite3_errmsg(*db));
	int code = load_trace(*db, path, NULL, err);

	if (code < 0)
		return code;
	if (detect_all(*db, NULL) != SQLITE_OK)
		return open_failed(err, path, sqlite3_errmsg(*db));
	return 0;
}

int load_open(sqlite3 **db, const char *path, struct gtrace_error *err)
{
	*db = NULL;
	int code = strcmp(path, "-") != 0 && file_is_db(path) ? open_db(db, path, err)
	                                                      : open_trace(db, path, err);

	if (code < 0) {
		sqlite3_close(*db);
		*db = NULL;
	}
	return code;
}
