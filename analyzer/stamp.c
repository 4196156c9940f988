/* SPDX-License-Identifier: MIT */
/**
 * stamp.c: what the results in a report's folder were made from, so that they are not made twice.
 *
 * A file in the folder has all that they depend on: the hash of this very program, name, size and
 * hash of the trace, and the options.  It goes before the first of the results changes, and comes
 * after the last: where it is, and says what it would say now, they hold.  Times of files are not
 * looked at: a copy has the same results, and a file that was written within the same tick has not.
 *
 * Nothing is kept of what may change unseen: a pipe, a trace that is still being written, a folder
 * of rules.
 */
#include "stamp.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { PATH_BYTES = 4096 + 64 };

static const char stamp_name[] = "made-from.txt";

/** More text; if it does not fit, there is no stamp. */
__attribute__((format(printf, 2, 3))) static void stamp_add(struct stamp *s, const char *fmt, ...)
{
	size_t len = strlen(s->text);
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(s->text + len, sizeof s->text - len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof s->text - len)
		s->text[0] = '\0';
}

/** Size and hash of a file.  False: it is none, or cannot be read. */
static bool stamp_file(struct stamp *s, const char *what, const char *path)
{
	XXH3_state_t state;
	struct stat st;
	char buf[65536];
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	XXH3_128bits_reset(&state);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		while ((n = read(fd, buf, sizeof buf)) > 0)
			XXH3_128bits_update(&state, buf, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return false;
	XXH128_hash_t hash = XXH3_128bits_digest(&state);

	stamp_add(s, "%s: %s\n  %jd bytes, %016" PRIx64 "%016" PRIx64 "\n", what, path,
	          (intmax_t)st.st_size, hash.high64, hash.low64);
	return true;
}

/** Is a trace still being written, or is a part of it beside it? */
static bool trace_unfinished(const char *trace)
{
	static const char ending[] = ".live";
	size_t len = strlen(trace), cut = sizeof ending - 1;
	char path[PATH_BYTES];

	if (len >= cut && strcmp(trace + len - cut, ending) == 0)
		return true;
	return snprintf(path, sizeof path, "%s%s", trace, ending) >= (int)sizeof path ||
	       access(path, F_OK) == 0;
}

static void stamp_word(struct stamp *s, const char *name, const char *value)
{
	if (value)
		stamp_add(s, "--%s=%s\n", name, value);
}

static void stamp_ns(struct stamp *s, const char *name, int64_t ns)
{
	if (ns)
		stamp_add(s, "--%s=%jdns\n", name, (intmax_t)ns);
}

void stamp_take(struct stamp *s, const char *trace, const struct analyze_args *args)
{
	const struct triage_options *t = &args->triage;

	s->text[0] = '\0';
	if (strcmp(trace, "-") == 0 || args->rules || t->write_baseline || trace_unfinished(trace))
		return;
	if (!stamp_file(s, "program", "/proc/self/exe") || !stamp_file(s, "trace", trace) ||
	    (t->baseline && !stamp_file(s, "baseline", t->baseline)) ||
	    (t->suppress && !stamp_file(s, "suppress", t->suppress))) {
		s->text[0] = '\0';
		return;
	}
	stamp_word(s, "fail-on", t->fail_on);
	stamp_word(s, "until", t->until);
	stamp_word(s, "goroutine", t->goroutine);
	stamp_ns(s, "since", t->since_ns);
	stamp_ns(s, "min-wait", t->min_wait_ns);
	stamp_ns(s, "spin", args->spin_ns);
	stamp_ns(s, "poll", args->poll_ns);
	stamp_ns(s, "starve", args->starve_ns);
	stamp_ns(s, "call", args->call_ns);
	stamp_word(s, "no-plots", args->no_plots ? "1" : NULL);
}

static void stamp_path(char path[PATH_BYTES], const char *dir, const char *name)
{
	snprintf(path, PATH_BYTES, "%s/%s", dir, name);
}

bool stamp_fits(const struct stamp *s, const char *dir)
{
	static const char *const results[] = {"trace.db", "report.json", "report.html"};
	char path[PATH_BYTES], there[STAMP_BYTES];

	stamp_path(path, dir, stamp_name);
	FILE *f = s->text[0] ? fopen(path, "re") : NULL;

	if (!f)
		return false;
	size_t len = fread(there, 1, sizeof there, f);

	fclose(f);
	if (len != strlen(s->text) || memcmp(there, s->text, len) != 0)
		return false;
	for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
		stamp_path(path, dir, results[i]);
		if (access(path, R_OK) < 0)
			return false;
	}
	return true;
}

void stamp_remove(const char *dir)
{
	char path[PATH_BYTES];

	stamp_path(path, dir, stamp_name);
	unlink(path);
}

void stamp_put(const struct stamp *s, const char *dir)
{
	char path[PATH_BYTES];

	stamp_path(path, dir, stamp_name);
	FILE *f = s->text[0] ? fopen(path, "we") : NULL;

	if (!f)
		return;
	fputs(s->text, f);
	if (fclose(f))
		unlink(path); // it is no more than a convenience
}
