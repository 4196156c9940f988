/* SPDX-License-Identifier: MIT */
/**
 * settings.c: `key=value,key='quoted, value'`, checked against a table.
 *
 * A quote may stand anywhere in a value and holds everything up to the next one; there is no
 * escape.
 */
#include <gtrace.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
	const char *variable;
	const struct gtrace_setting *table;
	void (*item)(void *arg, const char *key, const char *value);
	void (*warn)(void *arg, const char *line);
	void *arg;
};

/** Letters to change to make b of a; words longer than the row count as unlike. */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned row[32];
	size_t n = strlen(b);

	if (n >= sizeof(row) / sizeof(*row) || strlen(a) >= sizeof(row) / sizeof(*row))
		return UINT32_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; a[i]; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < n; j++) {
			unsigned best = diagonal + (a[i] != b[j]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j + 1] + 1 < best)
				best = row[j + 1] + 1;
			diagonal = row[j + 1];
			row[j + 1] = best;
		}
	}
	return row[n];
}

static const char *nearest_key(const struct gtrace_setting *table, const char *key)
{
	const char *best = table->key;
	unsigned best_distance = UINT32_MAX;

	for (const struct gtrace_setting *t = table; t->key; t++) {
		unsigned d = edit_distance(key, t->key);

		if (d < best_distance) {
			best_distance = d;
			best = t->key;
		}
	}
	return best;
}

static bool word_in_list(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list;; p++) {
		size_t n = strcspn(p, "|");

		if (n == len && !memcmp(p, word, n))
			return true;
		p += n;
		if (!*p)
			return false;
	}
}

static bool value_fits(const char *type, const char *value)
{
	if (!strcmp(type, "string"))
		return true;
	if (!strcmp(type, "bool"))
		return word_in_list("0|1", value);
	if (!strcmp(type, "size")) {
		uint64_t bytes;

		return !gtrace_parse_size(value, &bytes);
	}
	if (!strcmp(type, "duration")) {
		int64_t ns;

		return !gtrace_parse_duration(value, &ns);
	}
	if (!strcmp(type, "int")) {
		char *end;

		errno = 0;
		strtoll(value, &end, 10);
		return !errno && end != value && !*end && !isspace((unsigned char)*value);
	}
	return word_in_list(type, value);
}

static void settings_help(const struct settings *s)
{
	char line[256];

	for (const struct gtrace_setting *t = s->table; t->key; t++) {
		snprintf(line, sizeof(line), "%s: %s=%s (default %s): %s", s->variable, t->key, t->type,
		         *t->fallback ? t->fallback : "none", t->help);
		s->warn(s->arg, line);
	}
}

/** One item with its quotes gone; value is NULL if it has no '='. */
static void settings_item(const struct settings *s, const char *key, const char *value)
{
	const struct gtrace_setting *t = s->table;
	char line[512];

	while (t->key && strcmp(t->key, key))
		t++;
	if (!t->key && t != s->table) {
		snprintf(line, sizeof(line), "%s: unknown key '%.100s', did you mean '%s'?", s->variable,
		         key, nearest_key(s->table, key));
		s->warn(s->arg, line);
	} else if (!t->key) {
		snprintf(line, sizeof(line), "%s: unknown key '%.100s'", s->variable, key);
		s->warn(s->arg, line);
	} else if (!value) {
		snprintf(line, sizeof(line), "%s: '%s' needs a value (%s)", s->variable, key, t->type);
		s->warn(s->arg, line);
	} else if (!value_fits(t->type, value)) {
		snprintf(line, sizeof(line), "%s: bad value '%.100s' for '%s' (%s)", s->variable, value,
		         key, t->type);
		s->warn(s->arg, line);
	} else {
		s->item(s->arg, key, value);
	}
}

/** Copy the next item to buf without quotes, noting where its '=' is.  Returns where to go on. */
static const char *next_item(const char *p, char *buf, char **equals)
{
	bool quoted = false;

	*equals = NULL;
	for (; *p && (quoted || *p != ','); p++) {
		if (*p == '\'') {
			quoted = !quoted;
			continue;
		}
		if (*p == '=' && !quoted && !*equals)
			*equals = buf;
		*buf++ = *p;
	}
	*buf = '\0';
	return *p ? p + 1 : p;
}

int gtrace_settings_parse(const char *variable, const char *value,
                          const struct gtrace_setting *table, bool bare,
                          void (*item)(void *arg, const char *key, const char *value),
                          void (*warn)(void *arg, const char *line), void *arg)
{
	struct settings s = {variable, table, item, warn, arg};
	char *buf = malloc(strlen(value) + 1);
	bool help = false;
	bool first = true;

	if (!buf) {
		warn(arg, "no memory to read the settings");
		return 0;
	}
	for (const char *p = value; *p; first = false) {
		char *equals;

		p = next_item(p, buf, &equals);
		if (!*buf)
			continue;
		if (!equals && bare && first) {
			item(arg, "", buf);
			continue;
		}
		if (equals)
			*equals = '\0';
		if (equals && !strcmp(buf, "help"))
			help = strcmp(equals + 1, "0") != 0;
		else
			settings_item(&s, buf, equals ? equals + 1 : NULL);
	}
	free(buf);
	if (help)
		settings_help(&s);
	return help;
}

int gtrace_parse_duration(const char *text, int64_t *ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"", 1},    {"ns", 1},   {"us", 1e3},  {"ms", 1e6},
	             {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
	char *end;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return -EINVAL;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return -EINVAL;
	double v = strtod(text, &end);

	if (end == text)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(end, units[i].unit))
			continue;
		if (v * units[i].ns >= 9.2e18)
			return -EINVAL;
		*ns = (int64_t)(v * units[i].ns + 0.5);
		return 0;
	}
	return -EINVAL;
}

int gtrace_parse_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	char *end;
	unsigned shift = 0;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);

	if (errno)
		return -ERANGE;
	if (*end) {
		const char *unit = strchr(units, toupper((unsigned char)*end));

		if (!unit || end[1])
			return -EINVAL;
		shift = 10 * ((unsigned)(unit - units) + 1);
	}
	if (v > UINT64_MAX >> shift)
		return -ERANGE;
	*bytes = (uint64_t)v << shift;
	return 0;
}
