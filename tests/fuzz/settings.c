/* SPDX-License-Identifier: MIT */
/** settings.c: any value of GTRACE or of a variable like it. */
#include "fuzz.h"

#include <gtrace.h>

#include <stdlib.h>
#include <string.h>

static const struct gtrace_setting table[] = {
	{"out", "string", "", "the file"},
	{"level", "sched|sync|all", "sync", "how much"},
	{"ring", "size", "0", "bytes to keep"},
	{"slice", "duration", "10ms", "of time"},
	{"count", "int", "1", "of things"},
	{"flag", "bool", "0", "or not"},
	{NULL, NULL, NULL, NULL},
};

static void item(void *arg, const char *key, const char *value)
{
	const struct gtrace_setting *t = table;

	FUZZ_CHECK(strlen(key) + strlen(value) <= *(size_t *)arg);
	while (t->key && strcmp(t->key, key))
		t++;
	FUZZ_CHECK(t->key || !*key);
}

static void warn(void *arg, const char *line)
{
	(void)arg;
	FUZZ_CHECK(strlen(line) < 512);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *value = malloc(len + 1);
	struct gtrace_options opt;
	int64_t ns;
	uint64_t bytes;

	FUZZ_CHECK(value);
	if (len)
		memcpy(value, data, len);
	value[len] = '\0';
	gtrace_settings_parse("GTRACE", value, table, true, item, warn, &len);
	gtrace_options_init(&opt);
	int code = gtrace_options_parse(&opt, value, warn, NULL);

	FUZZ_CHECK(code <= 1 && memchr(opt.path, 0, sizeof(opt.path)));
	FUZZ_CHECK(gtrace_parse_duration(value, &ns) || ns >= 0);
	gtrace_parse_size(value, &bytes);
	free(value);
	return 0;
}
