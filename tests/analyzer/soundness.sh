#!/bin/sh
# SPDX-License-Identifier: MIT
# soundness.sh BUILD SOURCE SAMPLES: record programs with and without a bug, under several schedules, and
# see that whoever is called proven dead at some moment of them never runs again (soundness.c).  SAMPLES
# 0: at every moment.  Of the bug somebody has to be called so, or the whole says nothing.
set -eu
build=$1 source=$2 samples=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
examples=$build/docs/examples
mkdir "$work/words"
cp "$source"/docs/examples/*.c "$work/words"

# record NAME GOR_DEBUG PROGRAM [ARG...]
record()
{
	name=$1 debug=$2
	shift 2
	GOR_DEBUG=$debug GTRACE=$work/$name.gtrace "$@" >/dev/null 2>&1 || true
}

for seed in 1 2 3; do
	for policy in natural random pct:3; do
		debug=seed=$seed,policy=$policy
		tag=$seed-$policy
		record "sieve-$tag" "$debug" "$examples/sieve" 60
		record "broadcast-$tag" "$debug" "$examples/broadcast"
		record "words-$tag" "$debug" "$examples/wordcount" "$work/words"
		record "locks-$tag" "$debug" "$build/tests/examples/two_locks" fixed
		record "bug-$tag" "$debug" "$build/tests/examples/two_locks" sure
	done
done
for procs in 1 2 8; do
	GOR_MAXPROCS=$procs record "sieve-p$procs" '' "$examples/sieve" 60
	GOR_MAXPROCS=$procs record "words-p$procs" '' "$examples/wordcount" "$work/words"
done
for twin in "$build"/tests/corpus/*_fixed; do
	[ -x "$twin" ] || continue
	for seed in 1 2; do
		record "$(basename "$twin")-$seed" "seed=$seed,vtime=1" timeout 5 "$twin"
	done
done
"$build/tests/analyzer/test_analyzer_soundness" "$samples" "$work"/*.gtrace | tee "$work/said"
grep -q ' 0 ran again$' "$work/said"
! grep -q ', 0 proven' "$work/said"
