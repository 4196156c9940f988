/* SPDX-License-Identifier: MIT */
/**
 * agent.c: the unix socket by which gtrace looks into a program that was not told to be looked at.
 *
 * It is $XDG_RUNTIME_DIR/gtrace/PID.sock, else /tmp/gtrace-UID/PID.sock: no port is open, and only
 * the program's own user, and root, get in.  The folder must be the user's own and nobody else's to
 * use; in /tmp somebody else may have been first, and then there is no agent.
 *
 * One thread sleeps in accept(2) from the first gor_run to the end of the process.  The first
 * connection has it load the module, which answers HTTP on it as on gor_debug_serve()'s port, by
 * threads of its own.  Rejected: the monitor or the poller in place of that thread.  Neither sleeps
 * in epoll_wait() when nothing is to be waited for, and the second not when all workers are stuck,
 * which is when somebody comes to look.
 *
 *   A1  Whoever makes the socket's file or removes it has the lock; after `ended` nobody makes it.
 *   A2  A forked child has no descriptor of it (serve.c) and leaves the file alone: it is its
 *       parent's.  The lock may be held for ever there.
 *
 * Who ends by a signal or _exit leaves the file; gtrace removes those of processes that are gone.
 */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "fd.h"
#include "scheduler.h"
#include "serve.h"

#define STACK_BYTES (256u << 10) // dlopen() runs on it; one page of it is touched before
#define WAITING_MAX 16
#define RETRY_NS 100000000

static struct {
	pthread_mutex_t lock;
	pid_t pid;             // lock: whose file it is, 0 nobody's
	bool ended;            // lock
	struct sockaddr_un at; // lock
} agent = {.lock = PTHREAD_MUTEX_INITIALIZER};

/** A folder that is ours alone. */
static bool agent_folder(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return false;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       (st.st_mode & 0777) == 0700;
}

/** A socket of that name in folder, on file; -1: it cannot be had. */
static int agent_bind(const char *folder)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	size_t room = sizeof at.sun_path;

	if ((size_t)snprintf(at.sun_path, room, "%s/%d.sock", folder, (int)getpid()) >= room ||
	    !agent_folder(folder))
		return -1;
	int fd = fd_own(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	if (fd < 0)
		return -1;
	unlink(at.sun_path); // of one that had this number before
	// The folder keeps others out until the mode is set; the mode keeps them out if it is opened.
	if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || chmod(at.sun_path, 0600) != 0 ||
	    listen(fd, WAITING_MAX) != 0) {
		close(fd);
		return -1;
	}
	agent.at = at;
	agent.pid = getpid();
	return fd;
}

static int agent_listen(const char *runtime)
{
	char folder[4096];
	int fd = -1;

	if (runtime && *runtime == '/' &&
	    (size_t)snprintf(folder, sizeof folder, "%s/gtrace", runtime) < sizeof folder)
		fd = agent_bind(folder);
	if (fd < 0) {
		snprintf(folder, sizeof folder, "/tmp/gtrace-%u", (unsigned)geteuid());
		fd = agent_bind(folder);
	}
	return fd;
}

/** The file goes with a clean end. */
void gor__agent_end(void)
{
	if (gor__forked()) // keeps A2
		return;
	pthread_mutex_lock(&agent.lock);
	agent.ended = true;
	if (agent.pid)
		unlink(agent.at.sun_path);
	agent.pid = 0;
	pthread_mutex_unlock(&agent.lock);
}

static bool agent_allowed(int fd)
{
	struct ucred peer;
	socklen_t bytes = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

static void *agent_main(void *arg)
{
	int listening = -1;

	(void)arg;
	pthread_setname_np(pthread_self(), "gor agent");
	pthread_mutex_lock(&agent.lock);
	if (!agent.ended) // keeps A1
		listening = gor__serve_listen(agent_listen, secure_getenv("XDG_RUNTIME_DIR"));
	pthread_mutex_unlock(&agent.lock);
	if (listening < 0)
		return NULL;
	for (;;) {
		int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0) // no descriptors, say: it may pass
			nanosleep(&(struct timespec){.tv_nsec = RETRY_NS}, NULL);
		const struct module *module = fd >= 0 && agent_allowed(fd) ? gor__module() : NULL;
		if (module)
			module->answer(&gor__module_host, fd);
		else if (fd >= 0)
			close(fd);
	}
}

/** At the first start of a run.  Without it the program does as well. */
void gor__agent_start(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;

	if (atexit(gor__agent_end) != 0 || pthread_attr_init(&attr) != 0)
		return;
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); // inherited
	(void)!pthread_create(&thread, &attr, agent_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
}
