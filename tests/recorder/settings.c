/* SPDX-License-Identifier: MIT */
/** settings.c: the grammar of GTRACE and GOR_DEBUG, as a table of inputs and outputs. */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct gtrace_setting table[] = {
	{"deadlock", "fatal|report|off", "fatal", "what to do"},
	{"busy", "duration", "1s", "warn about a hog"},
	{"stack", "size", "256K", "reserve"},
	{"seed", "int", "", "a number"},
	{"http", "string", "", "an address"},
	{"agent", "bool", "1", "an agent"},
	{NULL, NULL, NULL, NULL},
};

static char out[4096];

static void item(void *arg, const char *key, const char *value)
{
	size_t len = strlen(out);

	(void)arg;
	snprintf(out + len, sizeof(out) - len, "[%s=%s]", key, value);
}

static void warn(void *arg, const char *line)
{
	size_t len = strlen(out);

	(void)arg;
	snprintf(out + len, sizeof(out) - len, "{%s}", line);
}

static void parses(void **state)
{
	static const struct {
		const char *value;
		bool bare;
		const char *want;
	} rows[] = {
		{"", false, ""},
		{"busy=10ms", false, "[busy=10ms]"},
		{"busy=10ms,seed=-3,agent=0", false, "[busy=10ms][seed=-3][agent=0]"},
		{",,busy=1.5s,", false, "[busy=1.5s]"},
		{"http='a,b=c',seed=1", false, "[http=a,b=c][seed=1]"},
		{"http=x'y,z'w", false, "[http=xy,zw]"},
		{"http='open", false, "[http=open]"},
		{"http=", false, "[http=]"},
		{"http=a=b", false, "[http=a=b]"},
		{"run.gtrace,seed=4", true, "[=run.gtrace][seed=4]"},
		{"'a,b.gtrace'", true, "[=a,b.gtrace]"},
		{"seed=4,run", true, "[seed=4]{T: unknown key 'run', did you mean 'busy'?}"},
		{"seeed=4", false, "{T: unknown key 'seeed', did you mean 'seed'?}"},
		{"dedlock=off,stakc=1M", false,
	     "{T: unknown key 'dedlock', did you mean 'deadlock'?}"
	     "{T: unknown key 'stakc', did you mean 'stack'?}"},
		{"deadlock=never", false, "{T: bad value 'never' for 'deadlock' (fatal|report|off)}"},
		{"deadlock=fatal|report", false,
	     "{T: bad value 'fatal|report' for 'deadlock' (fatal|report|off)}"},
		{"busy=fast", false, "{T: bad value 'fast' for 'busy' (duration)}"},
		{"stack=1Q", false, "{T: bad value '1Q' for 'stack' (size)}"},
		{"seed=1x", false, "{T: bad value '1x' for 'seed' (int)}"},
		{"seed=", false, "{T: bad value '' for 'seed' (int)}"},
		{"agent=yes", false, "{T: bad value 'yes' for 'agent' (bool)}"},
		{"seed", false, "{T: 'seed' needs a value (int)}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		out[0] = '\0';
		assert_int_equal(
			gtrace_settings_parse("T", rows[i].value, table, rows[i].bare, item, warn, NULL), 0);
		assert_string_equal(out, rows[i].want);
	}
}

static void helps(void **state)
{
	(void)state;
	out[0] = '\0';
	assert_int_equal(gtrace_settings_parse("T", "help=1", table, false, item, warn, NULL), 1);
	for (int i = 0; table[i].key; i++)
		assert_non_null(strstr(out, table[i].help));
	assert_non_null(strstr(out, "busy=duration (default 1s): warn about a hog"));
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} rows[] = {
		{"0", 0},           {"17", 17},           {"5ns", 5},           {"100us", 100000},
		{"10ms", 10000000}, {"1.5s", 1500000000}, {"2m", 120000000000}, {"1h", 3600000000000},
		{"", -1},           {"ms", -1},           {"-1s", -1},          {"1 s", -1},
		{"1d", -1},         {"0x10", -1},         {"1e30s", -1},        {" 1s", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t ns = -1;
		int err = gtrace_parse_duration(rows[i].text, &ns);

		assert_int_equal(err, rows[i].ns < 0 ? -EINVAL : 0);
		assert_int_equal(ns, rows[i].ns);
	}
}

static void sizes(void **state)
{
	uint64_t v = 0;

	(void)state;
	assert_int_equal(gtrace_parse_size("64K", &v), 0);
	assert_int_equal(v, 65536);
	assert_int_equal(gtrace_parse_size("16m", &v), 0);
	assert_int_equal(v, 16 << 20);
	assert_int_equal(gtrace_parse_size("1G", &v), 0);
	assert_int_equal(v, 1 << 30);
	assert_int_equal(gtrace_parse_size("12", &v), 0);
	assert_int_equal(v, 12);
	assert_int_equal(gtrace_parse_size("", &v), -EINVAL);
	assert_int_equal(gtrace_parse_size("-1", &v), -EINVAL);
	assert_int_equal(gtrace_parse_size("1KB", &v), -EINVAL);
	assert_int_equal(gtrace_parse_size("99999999999999999999", &v), -ERANGE);
	assert_int_equal(gtrace_parse_size("18446744073709551615K", &v), -ERANGE);
	assert_int_equal(v, 12);
}

static void options(void **state)
{
	struct gtrace_options opt;

	(void)state;
	out[0] = '\0';
	gtrace_options_init(&opt);
	assert_int_equal(opt.level, GTRACE_LEVEL_SYNC);
	assert_int_equal(
		gtrace_options_parse(&opt, "a.gtrace,level=sched,stacks=4,overflow=drop,zstd=3,buffer=1M",
	                         warn, NULL),
		0);
	assert_string_equal(opt.path, "a.gtrace");
	assert_int_equal(opt.level, GTRACE_LEVEL_SCHED);
	assert_int_equal(opt.stack_frames, 4);
	assert_true(opt.drop);
	assert_int_equal(opt.zstd_level, 3);
	assert_int_equal(opt.buffer_bytes, 1 << 20);
	assert_string_equal(out, "");

	gtrace_options_init(&opt);
	assert_int_equal(gtrace_options_parse(&opt, "1,level=all", warn, NULL), 0);
	assert_string_equal(opt.path, "%e.%p.gtrace");
	assert_int_equal(opt.level, GTRACE_LEVEL_ALL);

	gtrace_options_init(&opt);
	assert_int_equal(gtrace_options_parse(&opt, "out='x,y',zstd=99", warn, NULL), 0);
	assert_string_equal(opt.path, "x,y");
	assert_int_equal(opt.zstd_level, 19);
	assert_string_equal(out, "{GTRACE: 'zstd' is from 0 to 19}");

	gtrace_options_init(&opt);
	assert_int_equal(gtrace_options_parse(&opt, "", warn, NULL), -EINVAL);
	assert_int_equal(gtrace_options_parse(&opt, "help=1", warn, NULL), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses), cmocka_unit_test(helps),   cmocka_unit_test(durations),
		cmocka_unit_test(sizes),  cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
