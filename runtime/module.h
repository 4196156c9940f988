/* SPDX-License-Identifier: MIT */
/**
 * module.h: the border between libgor and libgor_inspect, which it loads when somebody looks into
 * the program, so that a program nobody looks into does not pay for the libraries that takes.
 *
 * Both are of one build: no compatibility is kept, and the version is compared.
 */
#ifndef GOR_MODULE_H
#define GOR_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gor_site;

#define MODULE_SYMBOL "gor_inspect_module"

/** A place in the program; strings are the module's, for good.  NULL, 0: not known. */
struct module_place {
	const char *func;
	const char *file;
	int line;
	uint64_t offset; // of the address in func
};

#define MODULE_INLINED_MAX 8
#define MODULE_STACK (2u << 20) // of a thread that calls it: libdw takes a lot for a table of lines

/** A goroutine as it was a moment ago; strings are there as long as the program. */
struct module_goroutine {
	uint64_t id, parent;
	const char *state; // "running", "runnable", "chan receive" ...
	bool waits;
	const struct gor_site *site, *born; // where it last waited, and its birth; NULL: none
	const char *name;                   // until the row's function returns
};

struct module_numbers {
	uint64_t goroutines;
	unsigned procs, threads;
	char recording[4200]; // the trace that is being written; empty: none
};

#define MODULE_CPU_FRAMES 60

/** A sample of the CPU profile. */
struct module_cpu {
	_Atomic uint32_t frames; // 0: it was never finished
	char name[36];           // of the goroutine
	uint64_t g;              // 0: the scheduler's own, or another thread
	uint64_t pc[MODULE_CPU_FRAMES];
};

/** What libgor lends the module.  Any thread of the module's own. */
struct module_host {
	int (*profile)(const char *name, int fd, int debug); // gor_profile_write
	int (*each)(const char *name, int fd);               // debug 0, and a sample for each goroutine
	void (*goroutines)(void (*row)(void *arg, const struct module_goroutine *g), void *arg);
	void (*numbers)(struct module_numbers *n);
	int (*trace_start)(const char *options); // gor_trace_start
	void (*trace_stop)(void);
	int (*cpu_start)(void); // 0; -EBUSY: somebody else profiles, or the signal is the program's
	void (*cpu_stop)(void (*row)(void *arg, const struct module_cpu *sample), void *arg);
};

struct pprof;

/** A frame of a stack that is shown. */
struct frame {
	const char *func, *file; // never NULL
	int line;
	bool inlined;    // into the next one, or all that is known is a call site
	uint64_t pc;     // in the call; 0: not known
	uint64_t offset; // of pc in func
};

/** What a profile for `go tool pprof` is of. */
struct module_profile {
	const char *count, *count_unit; // the first number of each sample
	const char *ns;                 // the second one, in nanoseconds; NULL: there is none
	const char *shown;              // the one that is shown unless asked for the other
	const char *comment;
	int64_t time_ns;
};

struct module_label {
	const char *key, *text; // "": none
};

struct module_sample {
	int64_t count, ns;
	uint64_t goid;             // of the one goroutine; 0: of several
	const struct frame *frame; // innermost first
	unsigned frames, labels;
	const struct module_label *label;
};

/** What the module gives. */
struct module {
	const char *version; // GOR_VERSION of its build
	/**
	 * The functions an address is in, innermost first: those inlined there, then the one that has
	 * the code.  Returns: how many, at most MODULE_INLINED_MAX; 0 nothing is known.  Any thread.
	 */
	unsigned (*places)(uint64_t pc, struct module_place place[MODULE_INLINED_MAX]);
	/**
	 * The absolute path of a source file that was given to the compiler as `file`, of the program
	 * or library that has the address `at`.  Returns: file, if that is not known.
	 */
	const char *(*source)(const void *at, const char *file);
	/**
	 * Answer HTTP on a listening socket from here on, by threads of the module's own.  name: a host
	 * name that a request may be for besides localhost; or "".  Returns: 0, or -errno, and the
	 * socket is still the caller's.
	 */
	int (*serve)(const struct module_host *host, int fd, const char *name);
	/** The same on one connection, which is the module's from here on. */
	void (*answer)(const struct module_host *host, int fd);
	/** Answer gops's requests on a listening socket, by a thread.  As serve(). */
	int (*gops)(const struct module_host *host, int fd);
	/**
	 * Make a profile: begin, its samples, end, which frees it and gives its bytes, to be freed by
	 * the caller.  begin returns NULL if there is no memory; end 0 or -ENOMEM.
	 */
	struct pprof *(*pprof_begin)(const struct module_profile *profile);
	void (*pprof_sample)(struct pprof *p, const struct module_sample *sample);
	int (*pprof_end)(struct pprof *p, char **bytes, size_t *len);
};

/** The module, loaded if it was not; NULL: it cannot be, and one line on stderr said why. */
const struct module *gor__module(void);

#endif
