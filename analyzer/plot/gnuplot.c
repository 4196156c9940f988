/* SPDX-License-Identifier: MIT */
/**
 * gnuplot.c: run gnuplot under a time limit.
 *
 * It gets its own process group, so that killing it also ends what it started, and its standard
 * error is read here, since its last line is the one that says what is wrong.
 */
#define _GNU_SOURCE // pipe2, environ, posix_spawn_file_actions_addchdir_np
#include "plot/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	GNUPLOT_TICK_MS = 10, // how often to look for the end where the kernel has no pidfd
};

/** What gnuplot said last. */
struct gnuplot_words {
	char line[200];
	size_t len;
	bool ended; // a new line begins with the next character
};

size_t gnuplot_char(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;

	if (s[0] < 0x20 || s[0] == 0x7f || (s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0; // too long a form, a surrogate, beyond Unicode
	if (s[0] == 0xc2 && s[1] < 0xa0)
		return 0; // C1 controls
	if (s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe)
		return 0; // U+FFFE and U+FFFF, which XML forbids
	return n;
}

void gnuplot_quote(FILE *out, const char *text, size_t chars_max)
{
	putc('\'', out);
	for (size_t chars = 0; *text; chars++) {
		size_t n = gnuplot_char(text);

		if (chars == chars_max) {
			fputs("...", out);
			break;
		}
		if (*text == '\'')
			fputs("\u2019", out);
		else if (n)
			fwrite(text, 1, n, out);
		else
			putc('?', out);
		text += n ? n : 1;
	}
	putc('\'', out);
}

void gnuplot_comment(FILE *out, const char *text)
{
	while (*text) {
		size_t n = gnuplot_char(text);

		if (n)
			fwrite(text, 1, n, out);
		else
			putc('?', out);
		text += n ? n : 1;
	}
	putc('\n', out);
}

static int64_t gnuplot_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static int gnuplot_spawn(const struct gnuplot_job *job, int err_fd, pid_t *pid)
{
	char *argv[] = {"gnuplot", "-d", (char *)job->script, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, defaults;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, job->out_fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, err_fd, STDERR_FILENO);
	posix_spawn_file_actions_addchdir_np(&files, job->dir);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
	                                    POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	int err = posix_spawnp(pid, "gnuplot", &files, &attr, argv, environ);

	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return -err;
}

/** Keep the last line that is not empty, fit to be shown. */
static void gnuplot_hear(struct gnuplot_words *w, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n') {
			w->ended = true;
			continue;
		}
		if (w->ended && c > ' ') {
			w->len = 0;
			w->ended = false;
		}
		if (!w->ended && w->len < sizeof w->line - 1)
			w->line[w->len++] = c < 0x20 || c > 0x7e ? '?' : (char)c;
	}
	w->line[w->len] = 0;
}

/** Listen until it has ended; returns false if the time is up and it has not. */
static bool gnuplot_wait(pid_t pid, int err_fd, int64_t until_ns, struct gnuplot_words *words)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool late = false, ended = false;

	while (!late && !ended) {
		struct pollfd fds[] = {{.fd = err_fd, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
		siginfo_t end = {0};
		char text[512];
		int64_t left_ms = (until_ns - gnuplot_clock()) / 1000000;

		late = left_ms < 0;
		if (pidfd < 0 && left_ms > GNUPLOT_TICK_MS)
			left_ms = GNUPLOT_TICK_MS;
		if (poll(fds, 2, late ? 0 : (int)left_ms + 1) < 0 && errno != EINTR)
			break;
		ssize_t n = fds[0].revents ? read(err_fd, text, sizeof text) : 0;

		if (n > 0) {
			gnuplot_hear(words, text, (size_t)n);
			if (!late)
				continue;
		}
		if (fds[0].revents && n == 0)
			err_fd = -1; // closed, but perhaps not ended
		ended = !waitid(P_PID, (id_t)pid, &end, WEXITED | WNOHANG | WNOWAIT) && end.si_pid == pid;
	}
	if (pidfd >= 0)
		close(pidfd);
	return ended || !late;
}

static int gnuplot_verdict(int status, const struct gnuplot_words *words, char *why,
                           size_t why_size)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (words->len)
		snprintf(why, why_size, "gnuplot failed: %s", words->line);
	else if (WIFSIGNALED(status))
		snprintf(why, why_size, "gnuplot was killed by signal %d", WTERMSIG(status));
	else
		snprintf(why, why_size, "gnuplot failed with exit status %d", WEXITSTATUS(status));
	return -EIO;
}

int gnuplot_start(struct gnuplot *g, const struct gnuplot_job *job, char *why, size_t why_size)
{
	int fd[2];

	*g = (struct gnuplot){.limit_ns = job->limit_ns};
	if (pipe2(fd, O_CLOEXEC) < 0) {
		int err = -errno;

		snprintf(why, why_size, "cannot make a pipe: %s", strerror(-err));
		return err;
	}
	int err = gnuplot_spawn(job, fd[1], &g->pid);

	g->err_fd = fd[0];

	g->until_ns = gnuplot_clock() + job->limit_ns;
	close(fd[1]);
	if (err == -ENOENT)
		snprintf(why, why_size, "gnuplot is not installed");
	else if (err < 0)
		snprintf(why, why_size, "cannot start gnuplot: %s", strerror(-err));
	if (err < 0)
		close(fd[0]);
	return err;
}

int gnuplot_end(struct gnuplot *g, char *why, size_t why_size)
{
	struct gnuplot_words words = {.ended = true};
	bool in_time = gnuplot_wait(g->pid, g->err_fd, g->until_ns, &words);
	int status = 0;

	if (!in_time)
		kill(-g->pid, SIGKILL);
	while (waitpid(g->pid, &status, 0) < 0 && errno == EINTR)
		;
	int err = gnuplot_verdict(status, &words, why, why_size);

	if (!in_time) {
		snprintf(why, why_size, "gnuplot took longer than %.3g s and was stopped",
		         (double)g->limit_ns / 1e9);
		err = -ETIMEDOUT;
	}
	close(g->err_fd);
	return err;
}

int gnuplot_run(const struct gnuplot_job *job, char *why, size_t why_size)
{
	struct gnuplot g;
	int err = gnuplot_start(&g, job, why, why_size);

	return err ? err : gnuplot_end(&g, why, why_size);
}
