/* SPDX-License-Identifier: MIT */
/* drive.c: see drive.h. */
#include "drive.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

struct place {
	char name[64];
	char *before;
};

int drive_set_up(void **state)
{
	struct place *p = calloc(1, sizeof *p);

	strcpy(p->name, "example.XXXXXX"); // in the build directory
	p->before = getcwd(NULL, 0);
	*state = p;
	return p->before && mkdtemp(p->name) ? chdir(p->name) : -1;
}

int drive_tear_down(void **state)
{
	struct place *p = *state;
	int err = chdir(p->before), status = -1;
	pid_t pid = err ? -1 : fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", p->name, NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	free(p->before);
	free(p);
	return status;
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		fail_msg("%s is not set; run me by ctest", name);
	return value;
}

void drive_start(struct drive *d, const char *place, const char *name, const char *const args[2],
                 const char *trace)
{
	char path[4096];
	int out[2];

	snprintf(path, sizeof path, "%s/%s", variable(place), name);
	assert_int_equal(pipe(out), 0);
	d->pid = fork();
	assert_true(d->pid >= 0);
	if (d->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); // a test that fails leaves nobody behind
		if (trace)
			setenv("GTRACE", trace, 1);
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		execl(path, path, args ? args[0] : NULL, args ? args[1] : NULL, NULL);
		_exit(127);
	}
	close(out[1]);
	d->out = out[0];
}

long drive_line(struct drive *d, char *line, size_t room)
{
	size_t n = 0;
	char c;

	while (read(d->out, &c, 1) == 1) {
		if (c == '\n') {
			line[n] = '\0';
			return (long)n;
		}
		if (n + 1 < room)
			line[n++] = c;
	}
	return -1;
}

int drive_wait(struct drive *d)
{
	int status;

	assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
	close(d->out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int drive_analyze(const char *trace, const char *out)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		const char *gtrace = variable("GTRACE_PROGRAM");

		execl(gtrace, gtrace, "analyze", "--no-plots", trace, "-o", out, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int drive_source_line(const char *file, const char *text)
{
	char path[4096], line[400];
	int number = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", variable("EXAMPLES_SOURCE"), file);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		number++;
		if (strstr(line, text)) {
			fclose(f);
			return number;
		}
	}
	fail_msg("%s has no line with '%s'", path, text);
	return 0;
}
