#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What it costs to be looked at: an echo server with 1,000 connections, alone and with a goroutine
# profile every 100 ms by its agent, in turns.  Prints the medians of the requests a second.
# usage: looked-at.sh BUILD [ROUNDS [PATH]]        5, /debug/pprof/goroutine
set -u
build=$(cd "$1" && pwd) || exit 2
here=$(cd "$(dirname "$0")" && pwd)
rounds=${2:-5} page=${3:-/debug/pprof/goroutine}
work=$(mktemp -d "${TMPDIR:-/tmp}/looked-at.XXXXXX") || exit 2
looker=
trap '[ -z "$looker" ] || kill "$looker" 2>/dev/null; rm -rf "$work"' EXIT
export XDG_RUNTIME_DIR="$work"

i=0
: >"$work/answers"
while [ $i -lt "$rounds" ]; do
	"$build/tests/bench/bench_echo" load echo1k "$build/tests/bench/bench_echo" serve >>"$work/alone" || exit 1
	python3 -B "$here/look.py" "$work/gtrace" "$page" >>"$work/answers" &
	looker=$!
	"$build/tests/bench/bench_echo" load echo1k "$build/tests/bench/bench_echo" serve >>"$work/looked" || exit 1
	kill $looker
	wait $looker 2>/dev/null
	looker=
	i=$((i + 1))
done
# median FILE NAME
median() { awk -v name="$2" '$1 == name { print $2 }' "$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

printf '%-24s %12s %12s\n' '' alone 'looked at'
for name in echo1k echo1k_cpu; do
	printf '%-24s %12s %12s\n' $name "$(median "$work/alone" $name)" "$(median "$work/looked" $name)"
done
printf '%s profiles were taken, of %s bytes\n' "$(wc -l <"$work/answers")" "$(tail -n 1 "$work/answers")"
