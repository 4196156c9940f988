/* SPDX-License-Identifier: MIT */
/** outfile.c: write to a temporary name, rename when whole. */
#include "plot/outfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "talk.h"

int outfile_open(struct outfile *out, const char *dir, const char *name)
{
	int n = snprintf(out->path, sizeof out->path, "%s/%s", dir, name);
	int m = snprintf(out->temp, sizeof out->temp, "%s/.%s.XXXXXX", dir, name);
	int err = 0;

	out->file = NULL;
	if (n < 0 || m < 0 || (size_t)n >= sizeof out->path || (size_t)m >= sizeof out->temp) {
		talk("cannot write '%s': %s", name, strerror(ENAMETOOLONG));
		return -ENAMETOOLONG;
	}
	int fd = mkstemp(out->temp);

	if (fd >= 0) {
		mode_t mask = umask(0); // mkstemp makes it private; a report is not

		umask(mask);
		fchmod(fd, 0666 & ~mask);
		out->file = fdopen(fd, "w");
	}
	if (!out->file) {
		err = -errno;
		talk("cannot write '%s': %s", out->path, strerror(-err));
		if (fd >= 0) {
			close(fd);
			unlink(out->temp);
		}
	}
	return err;
}

int outfile_close(struct outfile *out, int err)
{
	if (!out->file)
		return err;
	int wrong = 0;

	if (fflush(out->file) || ferror(out->file))
		wrong = errno ? errno : EIO;
	if (fclose(out->file) && !wrong)
		wrong = errno;
	out->file = NULL;
	if (!err && !wrong && rename(out->temp, out->path) < 0)
		wrong = errno;
	if (err || wrong)
		unlink(out->temp);
	if (!err && wrong) {
		talk("cannot write '%s': %s", out->path, strerror(wrong));
		err = -wrong;
	}
	return err;
}
