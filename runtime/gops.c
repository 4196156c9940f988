/* SPDX-License-Identifier: MIT */
/**
 * gops.c: GOR_DEBUG=gops=1: a port for the unmodified gops, and the file by which it is found.
 *
 * The file is $GOPS_CONFIG_DIR/PID, else gops/PID in $XDG_CONFIG_HOME or ~/.config, and holds the
 * port in decimal.  inspect/gops.c answers.
 */
#define _GNU_SOURCE
#include "gops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net.h"
#include "scheduler.h"
#include "serve.h"

static struct {
	pid_t pid; // whose file it is, 0 nobody's
	char file[4096];
} gops;

/** The folder, made if it is not there.  False: it cannot be had. */
static bool gops_folder(char *path, size_t room)
{
	const char *own = secure_getenv("GOPS_CONFIG_DIR"), *config = secure_getenv("XDG_CONFIG_HOME"),
			   *home = secure_getenv("HOME");
	int n = own && *own         ? snprintf(path, room, "%s", own)
	        : config && *config ? snprintf(path, room, "%s/gops", config)
	        : home && *home     ? snprintf(path, room, "%s/.config/gops", home)
	                            : -1;

	if (n < 0 || (size_t)n >= room)
		return false;
	for (char *p = path + 1; *p; p++) { // those above it
		if (*p != '/')
			continue;
		*p = 0;
		(void)mkdir(path, 0777);
		*p = '/';
	}
	return mkdir(path, 0777) == 0 || errno == EEXIST;
}

void gor__gops_end(void)
{
	if (gops.pid == getpid())
		unlink(gops.file);
	gops.pid = 0;
}

/** 0, or -errno. */
static int gops_write(int port)
{
	char folder[3900];

	if (!gops_folder(folder, sizeof folder))
		return -errno;
	snprintf(gops.file, sizeof gops.file, "%s/%d", folder, (int)getpid());
	int fd = open(gops.file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0777);
	if (fd < 0)
		return -errno;
	int err = dprintf(fd, "%d", port) > 0 ? 0 : -EIO;
	close(fd);
	gops.pid = getpid();
	atexit(gor__gops_end);
	return err;
}

void gor__gops_start(void)
{
	int fd = gor__serve_listen(gor__listen_near, "127.0.0.1:0");
	const struct module *module = fd < 0 ? NULL : gor__module();
	int err = fd < 0 ? fd : module ? 0 : -ENOSYS;

	if (!err)
		err = module->gops(&gor__module_host, fd);
	if (!err)
		err = gops_write(gor_port(fd));
	if (err)
		gor__say("gor: cannot listen for gops: %s\n", strerror(-err));
}
