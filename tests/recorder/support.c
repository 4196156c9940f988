/* SPDX-License-Identifier: MIT */
/** support.c: what the recorder's tests share. */
#define _GNU_SOURCE
#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	char dir[64];
	pid_t pid;
	char paths[16][512];
	unsigned next;
} temp;

static void temp_remove(void)
{
	DIR *d = temp.pid == getpid() ? opendir(temp.dir) : NULL;

	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d) {
		closedir(d);
		rmdir(temp.dir);
	}
}

const char *temp_path(const char *name)
{
	if (!temp.dir[0]) {
		strcpy(temp.dir, P_tmpdir "/gtrace-test.XXXXXX");
		assert_non_null(mkdtemp(temp.dir));
		temp.pid = getpid();
		atexit(temp_remove);
	}
	char *path = temp.paths[temp.next++ % 16];

	assert_true(strlen(temp.dir) + strlen(name) + 2 < sizeof(temp.paths[0]));
	stpcpy(stpcpy(stpcpy(path, temp.dir), "/"), name);
	return path;
}

uint8_t *file_read(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	struct stat st;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	uint8_t *bytes = malloc((size_t)st.st_size + 1);

	assert_non_null(bytes);
	*len = fread(bytes, 1, (size_t)st.st_size, f);
	assert_int_equal(*len, st.st_size);
	fclose(f);
	return bytes;
}

void file_write(const char *path, const void *bytes, size_t len)
{
	unlink(path); // some file systems flush what was cut to nothing and written anew
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

bool file_exists(const char *path)
{
	return !access(path, F_OK);
}

uint64_t random_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9E3779B97F4A7C15u);

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

struct events events_read(const char *path)
{
	static char line[65536];
	struct events e = {0};
	struct gtrace_reader *r;
	struct gtrace_event ev;
	size_t cap = 0;

	e.result = gtrace_reader_open(&r, path, &e.error);
	if (e.result)
		return e;
	while ((e.result = gtrace_reader_next(r, &ev, &e.error)) == 1) {
		if (e.count == cap) {
			cap = cap ? 2 * cap : 64;
			e.event = realloc(e.event, cap * sizeof(*e.event));
			e.line = realloc(e.line, cap * sizeof(*e.line));
		}
		gtrace_event_print(r, &ev, line, sizeof(line));
		ev.desc = gtrace_event_desc(ev.id); // the file's own would go with the reader
		e.event[e.count] = ev;
		e.line[e.count++] = strdup(line);
	}
	e.info = *gtrace_reader_info(r);
	gtrace_reader_close(r);
	return e;
}

void events_free(struct events *e)
{
	for (size_t i = 0; i < e->count; i++)
		free(e->line[i]);
	free(e->line);
	free(e->event);
	memset(e, 0, sizeof(*e));
}

size_t events_count(const struct events *e, unsigned id)
{
	size_t n = 0;

	for (size_t i = 0; i < e->count; i++)
		n += e->event[i].id == id;
	return n;
}

void assemble(const char *path, const char *text)
{
	struct gtrace_error err = {0};

	if (gtrace_text_assemble(text, strlen(text), path, &err))
		fail_msg("%s", err.text);
}

struct gtrace_options options_for(const char *path)
{
	struct gtrace_options opt;

	gtrace_options_init(&opt);
	snprintf(opt.path, sizeof(opt.path), "%s", path);
	return opt;
}

struct gtrace_rec *record(const struct gtrace_options *opt)
{
	struct gtrace_error err = {0};
	struct gtrace_rec *rec;

	if (gtrace_rec_open(&rec, opt, NULL, NULL, &err))
		fail_msg("%s", err.text);
	return rec;
}
