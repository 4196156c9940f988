/* SPDX-License-Identifier: MIT */
/** text.c: assemble a trace from text. */
#include "text/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static int text_parse(struct text *t, const char *text, size_t len)
{
	const char *end = text + len;

	for (const char *p = text; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *stop = newline ? newline : end;

		t->line++;
		t->line_offset = (size_t)(p - text);
		int err = gtrace__text_line(t, p, stop);

		if (err)
			return err;
		p = newline ? newline + 1 : end;
	}
	return 0;
}

static int write_error(struct text *t, int code)
{
	return gtrace__error(t->err, code, UINT64_MAX, "cannot write '%.200s': %s", t->out_path,
	                     strerror(-code));
}

static int text_output(struct text *t)
{
	struct gtrace__file file;
	int fd = open(t->out_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int err = fd < 0 ? -errno : 0;

	if (err)
		return gtrace__error(t->err, err, UINT64_MAX, "cannot create '%.200s': %s", t->out_path,
		                     strerror(-err));
	err = gtrace__file_open(&file, fd, 1);
	if (!err)
		err = gtrace__text_write(t, &file);
	gtrace__file_close(&file);
	return err ? write_error(t, err) : 0;
}

int gtrace_text_assemble(const char *text, size_t len, const char *out_path,
                         struct gtrace_error *err)
{
	struct text t = {.out_path = out_path, .err = err};
	int code = -ENOMEM;

	// A value is kept plain, and once more as a word of a list: twice the text is enough for all.
	t.heap = malloc(2 * len + 1);
	t.header = malloc(2 * len + 1);
	t.pcs_cap = len + TEXT_FRAMES_MAX;
	t.pcs = malloc(t.pcs_cap * sizeof(*t.pcs));
	if (t.heap && t.header && t.pcs)
		code = text_parse(&t, text, len);
	if (code == -ENOMEM)
		write_error(&t, code);
	if (!code)
		code = text_output(&t);
	for (uint64_t i = 0; i < t.site_count; i++)
		free(t.sites[i]);
	gtrace__map_release(&t.site_by_hash);
	free(t.sites);
	free(t.events);
	free(t.header);
	free(t.heap);
	free(t.pcs);
	return code;
}
