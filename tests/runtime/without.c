/* SPDX-License-Identifier: MIT */
/**
 * without.c: run a program as on an older kernel.
 *
 *	without membarrier,guards PROGRAM [ARG...]
 *
 * The named things fail as if the kernel had never heard of them: the system call membarrier(2),
 * and madvise(2) with MADV_GUARD_INSTALL.  A seccomp filter does it, so it holds for children too.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define FAIL(err) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (err))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int filter(struct sock_filter *code, size_t bytes)
{
	struct sock_fprog prog = {.len = (unsigned short)(bytes / sizeof *code), .filter = code};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static int without_membarrier(void)
{
	struct sock_filter code[] = {LOAD(nr), UNLESS(SYS_membarrier, 1), FAIL(ENOSYS), ALLOW};

	return filter(code, sizeof code);
}

static int without_guards(void)
{
	struct sock_filter code[] = {LOAD(nr),      UNLESS(SYS_madvise, 3),
	                             LOAD(args[2]), UNLESS(MADV_GUARD_INSTALL, 1),
	                             FAIL(EINVAL),  ALLOW};

	return filter(code, sizeof code);
}

static const struct {
	const char *name;
	int (*take)(void);
} things[] = {{"membarrier", without_membarrier}, {"guards", without_guards}};

static int take(const char *name)
{
	for (size_t i = 0; i < sizeof things / sizeof *things; i++)
		if (strcmp(things[i].name, name) == 0)
			return things[i].take();
	errno = EINVAL;
	return -1;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		perror("without: no_new_privs");
		return 77;
	}
	for (char *name = strtok(argv[1], ","); name; name = strtok(NULL, ","))
		if (take(name) != 0) {
			fprintf(stderr, "without: %s: %s\n", name, strerror(errno));
			return 77; // no test can be made here
		}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
