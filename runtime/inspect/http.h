/* SPDX-License-Identifier: MIT */
/** http.h: requests and their answers, within the module; see http.c. */
#ifndef GOR_INSPECT_HTTP_H
#define GOR_INSPECT_HTTP_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "module.h"

struct request {
	struct MHD_Connection *connection;
	const struct module_host *host;
	const char *path; // "/debug/pprof/goroutine"
	const char *name; // of the page: "goroutine"
};

/** A page's path, or a folder's for all that is in it, and who answers. */
struct page {
	const char *path;
	enum MHD_Result (*answer)(const struct request *r);
};

extern const struct page inspect_pages[]; // the last path is NULL

int inspect_serve(const struct module_host *host, int fd, const char *name);
void inspect_answer(const struct module_host *host, int fd);
int inspect_gops(const struct module_host *host, int fd); // gops.c

/* ── reply.c ── */

/** A parameter of the request; NULL: it is not there. */
const char *request_value(const struct request *r, const char *key);
int64_t request_number(const struct request *r, const char *key, int64_t fallback);

/** Wait; false: who asked is gone. */
bool request_wait(const struct request *r, int64_t ns);

/** Text, with a newline put behind it. */
enum MHD_Result reply_line(const struct request *r, unsigned status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Go's way to say that a profile cannot be had. */
enum MHD_Result reply_error(const struct request *r, unsigned status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Bytes, which are copied. */
enum MHD_Result reply_bytes(const struct request *r, const char *type, const char *bytes,
                            size_t len);

/** A file's content; fd is closed.  attachment: the name to save it by; NULL: text to be shown. */
enum MHD_Result reply_file(const struct request *r, int fd, const char *attachment);

enum MHD_Result reply_moved(const struct request *r, const char *to);

/** A file without a name, to be filled and sent; -1: there is none to be had. */
int reply_temporary(void);

/* ── the pages ── */
enum MHD_Result page_index(const struct request *r);
enum MHD_Result page_cmdline(const struct request *r);
enum MHD_Result page_symbol(const struct request *r);
enum MHD_Result page_profile(const struct request *r);
enum MHD_Result page_no_heap(const struct request *r);
enum MHD_Result page_trace(const struct request *r);
enum MHD_Result page_cpu(const struct request *r);
enum MHD_Result page_stats(const struct request *r);
enum MHD_Result page_sites(const struct request *r);

/* Of the next ns, in which wait() waits; it returns false if nobody wants it any more, which is
 * -EPIPE then. */

/** A CPU profile, to fd.  Returns: 0, -EBUSY, or another -errno. */
int cpu_collect(const struct module_host *host, bool (*wait)(const void *arg, int64_t ns),
                const void *arg, int64_t ns, int fd);

/** A trace.  Returns: a descriptor of it, -EBUSY, or another -errno. */
int trace_collect(const struct module_host *host, bool (*wait)(const void *arg, int64_t ns),
                  const void *arg, int64_t ns);

/** What the last search for leaks found. */
uint64_t profile_leaks_last(void);

/** How many records a profile has now. */
uint64_t profile_count(const struct module_host *host, const char *name);

#endif
