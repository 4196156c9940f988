/* SPDX-License-Identifier: MIT */
/**
 * frames.c: the part of a stack that is the program's, with functions and lines.
 *
 * Of a goroutine that has called the runtime, the frame of the call's own function is the innermost
 * one to be shown, at the line that the call site names: a return address may belong to the next
 * statement, and without debug information there are no lines at all.  If the function has no
 * frame, because it was inlined and nothing says so, the site makes one, and what called the
 * runtime follows.
 */
#include "frames.h"

#include <string.h>

static bool frames_begins(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/** Is a file one of the runtime's, as this one is?  The compiler has called all of them alike. */
static bool frames_is_own_file(const char *file)
{
	size_t dir = strlen(__FILE__) - strlen("frames.c");

	return strncmp(file, __FILE__, dir) == 0 && !strchr(file + dir, '/');
}

/** A function of the runtime: by name, and if there is debug information by its file. */
static bool frames_is_own(const struct frame *f)
{
	return frames_begins(f->func, "gor_") || frames_is_own_file(f->file);
}

/** The lowest frame of the runtime: nothing of the program is below. */
static bool frames_is_end(const struct frame *f)
{
	return strcmp(f->func, "gor__spawn_main") == 0 || strcmp(f->func, "gor__run_main") == 0;
}

/** Is a symbol the function that its own code calls func?  f.constprop.0 is f, and so is ns::f. */
static bool frames_is(const char *symbol, const char *func)
{
	size_t len = strcspn(symbol, "."), want = strlen(func);

	return len >= want && strncmp(symbol + len - want, func, want) == 0 &&
	       (len == want || symbol[len - want - 1] == ':');
}

static const char *frames_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/** The frame is at the call site. */
static void frames_at_site(struct frame *f, const struct gor_site *site)
{
	// the compiler was given a relative path: the debug information has the whole one
	if (f->file[0] != '/' || strcmp(frames_name(f->file), frames_name(site->file)) != 0)
		f->file = site->file;
	f->line = (int)site->line;
}

/** All of the row's.  Returns: how many, leaving room for one more. */
static unsigned frames_read(const struct snapshot *s, const struct snapshot_row *row,
                            const struct module *module, struct frame *frame)
{
	struct module_place place[MODULE_INLINED_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < row->frames && n + MODULE_INLINED_MAX < FRAMES_SHOWN; i++) {
		uint64_t pc = s->pc[row->frame + i];
		unsigned here = module->places(pc, place);
		if (here == 0 && i > 0 && row->state == SNAPSHOT_RUNS)
			break; // snapshot.c, N3
		if (here == 0)
			frame[n++] = (struct frame){.func = "??", .file = "??", .pc = pc, .inlined = true};
		for (unsigned k = 0; k < here; k++)
			frame[n++] = (struct frame){.func = place[k].func ? place[k].func : "??",
			                            .file = place[k].file ? place[k].file : "??",
			                            .line = place[k].file ? place[k].line : 0,
			                            .pc = pc,
			                            .offset = place[k].offset,
			                            .inlined = k + 1 < here};
	}
	return n;
}

/** Where a goroutine that has not run yet will begin, or the only place that is known. */
static unsigned frames_one(const struct snapshot_row *row, const struct module *module,
                           struct frame *frame)
{
	struct module_place place[MODULE_INLINED_MAX];
	const struct gor_site *at = row->site;
	uint64_t fn = (uint64_t)(uintptr_t)row->fn;

	if (at) {
		*frame = (struct frame){
			.func = at->func, .file = at->file, .line = (int)at->line, .inlined = true};
		return 1;
	}
	unsigned n = module && fn ? module->places(fn, place) : 0;
	const char *func = n ? place[n - 1].func : NULL, *file = n ? place[n - 1].file : NULL;
	*frame = (struct frame){.func = func                 ? func
	                                : row->born->text[0] ? row->born->text
	                                                     : "??",
	                        .file = file ? file : "??",
	                        .line = file ? place[n - 1].line : 0,
	                        .pc = func ? fn : 0,
	                        .inlined = !func};
	return 1;
}

/** The first frame of the program's own, after those of the runtime; n: there is none. */
static unsigned frames_first(const struct frame *frame, unsigned n)
{
	unsigned i = 0;

	while (i < n && frames_is_own(&frame[i]))
		i++;
	return i;
}

unsigned gor__frames_shown(const struct snapshot *s, const struct snapshot_row *row,
                           const struct module *module, bool all, struct frame *frame)
{
	unsigned n = module ? frames_read(s, row, module, frame) : 0, first = 0, end = 0;
	const struct gor_site *site = row->state == SNAPSHOT_RUNS ? NULL : row->site;

	if (n == 0)
		return frames_one(row, module, frame);
	if (all)
		return n;
	while (site && first < n && !frames_is(frame[first].func, site->func))
		first++;
	bool made = site && first == n;
	if (!site || made)
		first = frames_first(frame, n);
	if (first == n || (made && first == 0)) // no names to go by
		return frames_one(row, module, frame);
	for (end = first; end < n && !frames_is_end(&frame[end]);)
		end++;
	memmove(frame + made, frame + first, (end - first) * sizeof *frame);
	if (made)
		frames_one(row, NULL, frame);
	else if (site)
		frames_at_site(&frame[0], site);
	return end - first + made;
}
