#!/bin/sh
# SPDX-License-Identifier: MIT
# profile.sh SHAPES TOOL: what tools of Go's users make of a program's profiles; 77 if TOOL is not there.
set -u
shapes=$1 tool=$2
command -v "$tool" >/dev/null || {
	echo "no $tool"
	exit 77
}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

fail()
{
	printf '%s\n' "$*"
	cat out
	exit 1
}

# has WORDS...: some line has them
has()
{
	grep -q -- "$*" out || fail "no line with '$*'"
}

case $tool in
panicparse)
	"$shapes" 2 >dump || exit 1
	panicparse dump >out 2>&1 || fail 'panicparse fails'
	for depth in 0 1 2 3 4 5; do # deeper ones are cut before they come to it
		for kind in 0 1 2 3 4; do
			has " shape_$depth$kind(...)"
		done
	done
	[ "$(awk '/^[0-9]*: / { n += $1 } END { print n }' out)" = 51 ] || fail 'not 51 goroutines'
	has ': chan receive \[locked\] '
	has ': sync.Mutex.Lock '
	has ': sync.WaitGroup.Wait '
	has ': sleep '
	has ': select '
	has 'Created by .app_shapes in goroutine 1 @ profile_shapes.c:'
	;;
go)
	"$shapes" 0 >profile || exit 1
	go tool pprof -top -nodecount=1000 profile >out 2>&1 || fail 'go tool pprof -top fails'
	has '^Type: goroutine$'
	has '100% of 51 total'
	has '^ *50 .* 50 .* waits$'
	has ' shape_00$'
	go tool pprof -traces profile >out 2>&1 || fail 'go tool pprof -traces fails'
	has 'created_by:  app_shapes at '
	has 'state:  sync.Mutex.Lock'
	go tool pprof -raw -sample_index=wait profile >out 2>&1 || fail 'go tool pprof -raw fails'
	has 'goroutine/count\[dflt\] wait/nanoseconds'
	go tool pprof -top -tagfocus=state=select profile >out 2>&1 || fail 'go tool pprof -tagfocus fails'
	has 'Showing nodes accounting for 10,'
	;;
esac
