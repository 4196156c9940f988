#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fuzz.sh BUILD [TARGET|all] [SECONDS]: fuzz one target or each in turn; what it learns stays in
# BUILD/corpus.  A finding ends it with status 1; the input is BUILD/TARGET-crash-... then.
set -u
build=$1 target=${2:-all} seconds=${3:-60}
here=$(dirname "$0")

[ "$target" = all ] && target=$(cd "$here/corpus" && echo *)
for t in $target; do
	[ -x "$build/tests/fuzz/fuzz_$t" ] || {
		echo "no fuzz target '$t'; there are: $(cd "$here/corpus" && echo *)" >&2
		exit 2
	}
	mkdir -p "$build/corpus/$t"
	echo "fuzz: $t, $seconds s" >&2
	"$build/tests/fuzz/fuzz_$t" -max_total_time="$seconds" -max_len=8192 -rss_limit_mb=2500 \
		-timeout=20 -print_final_stats=1 -artifact_prefix="$build/$t-" "$build/corpus/$t" "$here/corpus/$t" \
		>"$build/$t.log" 2>&1 || {
		tail -n 40 "$build/$t.log"
		exit 1
	}
	sed -n 's/^stat::number_of_executed_units: */fuzz: inputs tried: /p' "$build/$t.log" >&2
done
