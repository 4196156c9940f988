/* SPDX-License-Identifier: MIT */
/**
 * live.h: programs that run, asked by the socket of their agent.
 *
 *   find.c    process number -> socket
 *   ask.c     a request over it
 *   stats.c   what its JSON says
 *   save.c    an answer -> a file
 *   process.c what /proc says of a process
 *   note.c    what its file says
 */
#ifndef LIVE_H
#define LIVE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIVE_VERSION_BYTES 32
#define LIVE_TIMEOUT_NS INT64_C(10000000000)
#define LIVE_TRACE_TIMEOUT_NS INT64_C(60000000000) // and for as long as it records

/** Codes beside errno's. */
enum {
	LIVE_ENOAGENT = -5101, // a process, but no socket of it
	LIVE_ESTALE = -5102,   // a socket, but nobody behind it
	LIVE_EBADANSWER = -5103,
};

/** A word of the command line.  0: it is no process number. */
int64_t live_pid(const char *text);

/** Is it the caller's to look at?  0; -ESRCH, -EPERM. */
int live_allowed(int64_t pid);

/** Connect to its agent.  Returns: the socket, or a negative code. */
int live_connect(int64_t pid);

/** Remove the sockets of processes that are gone. */
void live_sweep(void);

struct live_answer {
	int status;
	char *body; // a zero byte follows the last one; the caller's to free
	size_t len;
};

/** GET path.  Returns: 0, or a negative code; -EREMOTEIO: the status is not 200. */
int live_get(int64_t pid, const char *path, int64_t timeout_ns, struct live_answer *answer);

/** Say why that failed.  Returns: an exit code. */
int live_complain(int64_t pid, int err, const struct live_answer *answer);

/** live_get() that complains.  Returns: an exit code, CMD_CLEAN with *answer filled. */
int live_ask(int64_t pid, const char *path, int64_t timeout_ns, struct live_answer *answer);

/** Have it record for that long.  Returns: an exit code, CMD_CLEAN with the trace in *answer. */
int live_trace(int64_t pid, int64_t during_ns, struct live_answer *answer);

struct live_stats {
	int64_t pid;
	char version[LIVE_VERSION_BYTES], program[PATH_MAX], recording[PATH_MAX]; // "": none
	int64_t goroutines, blocked, threads, procs, cpus, elapsed_ns, cpu_ns, rss_bytes;
};

/** Of one process.  Returns: as live_get(). */
int live_stats(int64_t pid, int64_t timeout_ns, struct live_stats *stats);

struct live_process {
	int64_t pid, ppid, threads, cpu_ns, elapsed_ns, rss_bytes;
	char name[64];       // hostile
	char path[PATH_MAX]; // of its program; "": not to be told
};

/** Of /proc.  False: there is no such process. */
bool live_process(int64_t pid, struct live_process *p);

/**
 * Is libgor in it, or among its shared libraries?  Then there are goroutines, even without an
 * agent. version: of the one in it, "" if that is not known.
 */
bool live_has_libgor(int64_t pid, char version[LIVE_VERSION_BYTES]);

/** The version of the libgor in a program's file.  0; -ENOENT: it has none; -ENOEXEC: no program.
 */
int live_note(int fd, char *version, size_t room);

/** Call row for each process that the caller may look at, by number. */
void live_each(void (*row)(void *arg, int64_t pid), void *arg);

#endif
