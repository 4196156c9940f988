/* SPDX-License-Identifier: MIT */
/** scene.h: a small database and a folder of its own, for the tests of plots and of the page. */
#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scene {
	sqlite3 *db;
	char dir[256];
};

/** A trace of that length, without goroutines. */
void scene_open(struct scene *s, int64_t duration_ns, const char *program);

/** Run SQL with its ?1 ?2 ... bound to texts; NULL ends them. */
void scene_sql(struct scene *s, const char *sql, ...);

/** A goroutine born at a site, running from..to; to < 0: waits on a channel from `from` to the end.
 */
void scene_goroutine(struct scene *s, int64_t g, int64_t site, int64_t from_ns, int64_t to_ns);

/** Fill object_wait and site_wait, as loading does: what plots and pages of waits read. */
void scene_sums(struct scene *s);

/** dir/name as text, to be freed; NULL if it is not there. */
char *scene_read(const struct scene *s, const char *name, size_t *size);

bool scene_has(const struct scene *s, const char *name);

/** How often a word occurs in a text. */
size_t scene_count(const char *text, const char *word);

/** Remove the folder, with all in it. */
void scene_close(struct scene *s);

/** Write an executable file. */
void scene_script(const struct scene *s, const char *name, const char *text);

/** A name that tries to break out of everything; what it would run leaves the file PWNED. */
extern const char scene_hostile[];

#endif
