#!/bin/sh
# SPDX-License-Identifier: MIT
# stuck.sh GTRACE STUCK COUNT: a deadlock of many goroutines, each with an object of its own, is told as quickly as one
# of few; what took a step for each two of them would never come to an end.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
GTRACE=$dir/stuck.gtrace "$2" "$3" >"$dir/out" 2>&1 && code=0 || code=$?
[ "$code" = 2 ] || { cat "$dir/out" && exit 1; }
"$1" analyze -q --no-plots "$dir/stuck.gtrace" >"$dir/report" && exit 1
grep -q "GLOBAL DEADLOCK *all $(($3 + 1)) goroutines" "$dir/report" || { head -n 40 "$dir/report" && exit 1; }
grep -q 'certainty *proven' "$dir/report" || { head -n 40 "$dir/report" && exit 1; }
