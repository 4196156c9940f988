/* SPDX-License-Identifier: MIT */
/**
 * serve.c: gor_debug_serve(), and what libgor lends to the module that answers.
 *
 * A child of fork() has none of the module's threads, and must not keep the port from the parent,
 * or seem to answer for it: it closes the sockets.  For that nobody forks while there is one that
 * is not kept yet: fork() takes the lock, by handlers that are there before main(), since a fork()
 * that waits for it calls none that is added meanwhile.
 */
#include "serve.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "census.h"
#include "net.h"
#include "profile.h"
#include "sampler.h"
#include "scheduler.h"

#define SOCKETS_MAX 16

static struct {
	pthread_mutex_t lock;        // a socket is made
	_Atomic int fd[SOCKETS_MAX]; // and 1; 0: none
} serve = {.lock = PTHREAD_MUTEX_INITIALIZER};

const struct module_host gor__module_host = {
	.profile = gor_profile_write,
	.each = gor__profile_each,
	.goroutines = gor__census,
	.numbers = gor__numbers,
	.trace_start = gor_trace_start,
	.trace_stop = gor_trace_stop,
	.cpu_start = gor__cpu_start,
	.cpu_stop = gor__cpu_stop,
};

static void serve_fork(void)
{
	pthread_mutex_lock(&serve.lock);
}

static void serve_parent(void)
{
	pthread_mutex_unlock(&serve.lock);
}

static void serve_child(void)
{
	for (unsigned i = 0; i < SOCKETS_MAX; i++) {
		int fd = atomic_exchange(&serve.fd[i], 0);
		if (fd)
			close(fd - 1);
	}
	pthread_mutex_unlock(&serve.lock);
}

__attribute__((constructor)) static void serve_load(void)
{
	pthread_atfork(serve_fork, serve_parent, serve_child);
}

static bool serve_keep(int fd)
{
	for (unsigned i = 0; i < SOCKETS_MAX; i++) {
		int none = 0;
		if (atomic_compare_exchange_strong(&serve.fd[i], &none, fd + 1))
			return true;
	}
	return false;
}

int gor__serve_listen(int (*listen)(const char *where), const char *where)
{
	pthread_mutex_lock(&serve.lock);
	int fd = listen(where);

	if (fd >= 0 && !serve_keep(fd)) {
		close(fd);
		fd = -EMFILE;
	}
	pthread_mutex_unlock(&serve.lock);
	return fd;
}

void gor__serve_close(int fd)
{
	for (unsigned i = 0; i < SOCKETS_MAX; i++) {
		int own = fd + 1;
		atomic_compare_exchange_strong(&serve.fd[i], &own, 0);
	}
	close(fd);
}

/** The host of hostport, if it is a name that requests may then be for. */
static void serve_name(char *name, size_t room, const char *hostport)
{
	const char *colon = strrchr(hostport, ':');

	snprintf(name, room, "%.*s", colon ? (int)(colon - hostport) : 0, hostport);
}

int gor_debug_serve(const char *hostport)
{
	char name[256];

	gor__config_read();
	int fd = hostport ? gor__serve_listen(gor__listen_near, hostport) : -EINVAL;

	if (fd < 0)
		return fd;
	const struct module *module = gor__module();
	int err = module ? 0 : -ENOSYS;
	serve_name(name, sizeof name, hostport);
	if (!err)
		err = module->serve(&gor__module_host, fd, name);
	if (err) {
		gor__serve_close(fd);
		return err;
	}
	int port = gor_port(fd);
	return port < 0 ? 0 : port;
}

void gor__serve_configured(const char *hostport)
{
	int port = gor_debug_serve(hostport);

	if (port < 0)
		gor__say("gor: cannot serve http at '%s': %s\n", hostport, strerror(-port));
}
