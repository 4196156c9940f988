/* SPDX-License-Identifier: MIT */
/** pages.c: the list of all pages, and the small ones: index, command line, symbols. */
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/http.h"
#include "inspect/symbol.h"
#include "inspect_index.h"

static enum MHD_Result page_to_index(const struct request *r)
{
	return reply_moved(r, "/debug/pprof/");
}

const struct page inspect_pages[] = {
	{"/debug/pprof", page_to_index},        {"/debug/pprof/", page_index},
	{"/debug/pprof/cmdline", page_cmdline}, {"/debug/pprof/symbol", page_symbol},
	{"/debug/pprof/trace", page_trace},     {"/debug/pprof/profile", page_cpu},
	{"/debug/pprof/heap", page_no_heap},    {"/debug/pprof/allocs", page_no_heap},
	{"/debug/gtrace/stats", page_stats},    {"/debug/gtrace/sites", page_sites},
	{"/debug/pprof/*", page_profile},       {NULL, NULL},
};

/** index.html, in which %NAME% is how many records that profile has. */
enum MHD_Result page_index(const struct request *r)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return MHD_NO;
	for (const char *p = index_html; *p;) {
		size_t plain = strcspn(p, "%");
		fwrite(p, 1, plain, out);
		p += plain;
		if (!*p)
			break;
		char name[32];
		size_t n = strcspn(p + 1, "%");
		snprintf(name, sizeof name, "%.*s", (int)n, p + 1);
		fprintf(out, "%" PRIu64, profile_count(r->host, name));
		p += n + 2;
	}
	enum MHD_Result queued = MHD_NO;
	if (fclose(out) == 0)
		queued = reply_bytes(r, "text/html; charset=utf-8", text, len);
	free(text);
	return queued;
}

enum MHD_Result page_cmdline(const struct request *r)
{
	char text[65536];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return reply_error(r, MHD_HTTP_INTERNAL_SERVER_ERROR, "there is no /proc");
	return reply_bytes(r, "text/plain; charset=utf-8", text, n ? (size_t)n - 1 : 0);
}

/** Of "0x1234 0x5678", which is what '+' between them comes to. */
static enum MHD_Result symbol_list(void *arg, enum MHD_ValueKind kind, const char *key,
                                   const char *value)
{
	FILE *out = arg;

	(void)kind, (void)value;
	for (const char *p = key; *p;) {
		char *end;
		uint64_t pc = isxdigit((unsigned char)*p) ? strtoull(p, &end, 0) : 0;
		struct module_place place[MODULE_INLINED_MAX];
		unsigned n = pc ? inspect_places(pc, place) : 0;
		if (n && place[n - 1].func)
			fprintf(out, "%#" PRIx64 " %s\n", pc, place[n - 1].func);
		p += strcspn(p, " +");
		p += strspn(p, " +");
	}
	return MHD_YES;
}

enum MHD_Result page_symbol(const struct request *r)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return MHD_NO;
	fputs("num_symbols: 1\n", out); // not how many: that there are any
	MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, symbol_list, out);
	enum MHD_Result queued = MHD_NO;
	if (fclose(out) == 0)
		queued = reply_bytes(r, "text/plain; charset=utf-8", text, len);
	free(text);
	return queued;
}

enum MHD_Result page_no_heap(const struct request *r)
{
	return reply_error(r, MHD_HTTP_NOT_FOUND,
	                   "%s: libgor does not own malloc, and knows nothing of the heap; heaptrack, "
	                   "jemalloc or tcmalloc do",
	                   r->name);
}
