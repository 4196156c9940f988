/* SPDX-License-Identifier: MIT */
/** opt.c: options by table. */
#include "opt.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gtrace.h>

#include "talk.h"

enum { OPT_MAX = 32 }; // options a verb can have

static bool word_is_one_of(const char *word, const char *words)
{
	size_t len = strlen(word);

	for (const char *p = words; *p; p++) {
		size_t n = strcspn(p, "|");
		if (n == len && memcmp(p, word, len) == 0)
			return true;
		p += n;
		if (!*p)
			break;
	}
	return false;
}

static int opt_store(const struct opt *o, void *args, const char *value)
{
	char *field = (char *)args + o->offset;

	switch (o->type) {
	case OPT_TYPE_FLAG:
		*(bool *)field = true;
		return 0;
	case OPT_TYPE_WORD:
		if (!word_is_one_of(value, o->value)) {
			talk("--%s is one of %s, not '%s'", o->name, o->value, value);
			return -EINVAL;
		}
		*(const char **)field = value;
		return 0;
	case OPT_TYPE_TEXT:
		*(const char **)field = value;
		return 0;
	case OPT_TYPE_DURATION:
		if (gtrace_parse_duration(value, (int64_t *)field) < 0) {
			talk("--%s wants a duration such as 10ms or 1s, not '%s'", o->name, value);
			return -EINVAL;
		}
		return 0;
	}
	return -EINVAL;
}

/* Say what getopt_long() did not like. */
static void opt_complain(const struct opt *opts, int got, char **argv)
{
	const char *names[OPT_MAX + 2] = {"help"};
	char word[64];
	size_t n = 1;

	for (const struct opt *o = opts; o && o->name && n < OPT_MAX + 1; o++)
		names[n++] = o->name;
	snprintf(word, sizeof word, "%.*s", (int)strcspn(argv[optind - 1], "="), argv[optind - 1]);
	if (got == ':') {
		talk("option '%s' needs a value", word);
		return;
	}
	if (optopt) {
		talk("unknown option '-%c'", optopt);
		return;
	}
	const char *near = opt_nearest(strncmp(word, "--", 2) == 0 ? word + 2 : word, names);

	if (near)
		talk("unknown option '%s', did you mean '--%s'?", word, near);
	else
		talk("unknown option '%s'", word);
}

int opt_parse(const struct opt *opts, void *args, bool in_order, int argc, char **argv, int *first)
{
	struct option longs[OPT_MAX + 2] = {{"help", no_argument, NULL, 'h'}};
	char letters[2 * OPT_MAX + 8];
	char *l = stpcpy(letters, in_order ? "+:h" : ":h");
	int n = 1;

	for (const struct opt *o = opts; o && o->name && n <= OPT_MAX; o++, n++) {
		bool valued = o->type != OPT_TYPE_FLAG;
		longs[n] = (struct option){o->name, valued, NULL, 256 + n};
		if (!o->letter)
			continue;
		*l++ = o->letter;
		if (valued)
			*l++ = ':';
		*l = '\0';
	}
	optind = 0; // start over
	opterr = 0;
	for (int got; (got = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
		const struct opt *o = NULL;
		if (got == 'h')
			return OPT_HELP;
		if (got > 256)
			o = &opts[got - 257];
		for (const struct opt *p = opts; !o && p && p->name; p++) {
			if (p->letter == got)
				o = p;
		}
		if (!o || got == '?' || got == ':') {
			opt_complain(opts, got, argv);
			return -EINVAL;
		}
		if (opt_store(o, args, optarg) < 0)
			return -EINVAL;
	}
	*first = optind;
	return 0;
}

void opt_print(const struct opt *opts)
{
	if (!opts || !opts->name)
		return;
	printf("\noptions:\n");
	for (const struct opt *o = opts; o->name; o++) {
		char left[96];
		snprintf(left, sizeof left, "%c%c%c --%s%s%s", o->letter ? '-' : ' ',
		         o->letter ? o->letter : ' ', o->letter ? ',' : ' ', o->name, o->value ? " " : "",
		         o->value ? o->value : "");
		if (strlen(left) > 22)
			printf("  %s\n%26s%s\n", left, "", o->help);
		else
			printf("  %-22s  %s\n", left, o->help);
	}
}

/* How many letters to change, add, take away or swap. */
static unsigned word_distance(const char *a, const char *b)
{
	enum { LEN = 24 };
	unsigned d[LEN + 1][LEN + 1];
	size_t n = strnlen(a, LEN), m = strnlen(b, LEN);

	for (size_t i = 0; i <= n; i++) {
		for (size_t j = 0; j <= m; j++) {
			if (!i || !j) {
				d[i][j] = (unsigned)(i + j);
				continue;
			}
			unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[n][m];
}

const char *opt_nearest(const char *typed, const char *const *words)
{
	const char *nearest = NULL;
	unsigned best = (unsigned)strlen(typed) / 3 + 2;

	for (; *words; words++) {
		unsigned d = word_distance(typed, *words);
		if (d < best) {
			best = d;
			nearest = *words;
		}
	}
	return nearest;
}
