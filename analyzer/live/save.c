/* SPDX-License-Identifier: MIT */
/** save.c: an answer to a file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "live/save.h"
#include "plain.h"
#include "talk.h"

int live_save(const char *path, const struct live_answer *a)
{
	if (strcmp(path, "-") == 0) {
		fwrite(a->body, 1, a->len, stdout);
		return CMD_CLEAN; // main() looks whether it got out
	}
	FILE *out = fopen(path, "wxe");
	if (!out) {
		talk("cannot write '%s': %s", path, strerror(errno));
		return CMD_INPUT;
	}
	bool written = fwrite(a->body, 1, a->len, out) == a->len;
	if (fclose(out) != 0 || !written) {
		talk("cannot write '%s': %s", path, strerror(errno));
		unlink(path);
		return CMD_INPUT;
	}
	plain_text(stdout, path);
	putchar('\n');
	return CMD_CLEAN;
}
