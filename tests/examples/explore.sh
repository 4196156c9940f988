#!/bin/sh
# SPDX-License-Identifier: MIT
# explore.sh: gtrace run --explore: what it finds, that it can be repeated, and what it says of
# programs that do something else.  Wants GTRACE_PROGRAM and TESTS_BUILD.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
program=$TESTS_BUILD/two_locks
failed=0

fail()
{
	printf 'FAILED: %s\n' "$*"
	cat out err
	failed=1
}

# explore STATUS [OPTION...] -- [WORD...]: runs it; out and err are what it printed.
explore()
{
	want=$1
	shift
	"$GTRACE_PROGRAM" run "$@" >out 2>err
	got=$?
	[ $got -eq "$want" ] || fail "run $*: status $got, not $want"
}

has()
{
	grep -q -- "$1" out err || fail "nothing says '$1'"
}

# A deadlock that needs one goroutine to lose the processor between two calls.
explore 1 --explore 24 -- "$program"
has 'lock-deadlock, proven: two goroutines wait for each other'
has '24 runs, '
[ -f two_locks.explore/1.gtrace ] || fail 'no trace was kept'
[ ! -f two_locks.explore/run.gtrace ] || fail 'a run that shows nothing was kept'
debug=$(sed -n 's/^    repeat by   GOR_DEBUG=\([^ ]*\) .*two_locks$/\1/p' out | head -n 1)
for _ in 1 2 3; do
	GOR_DEBUG=$debug "$program" >/dev/null 2>&1
	[ $? -eq 2 ] || fail "GOR_DEBUG=$debug does not repeat it"
done
case $debug in
*policy=random:[0-9],* | *policy=random:[0-9] | *policy=pct:[12]* | *policy=natural*) ;;
*) fail "$debug is not short" ;;
esac

# Its twin.
explore 0 --explore 24 -- "$program" fixed
has '24 runs, 0 kinds of trouble'
[ ! -d two_locks.explore.1 ] || fail 'a folder was left of nothing'

# A run that does not end.
explore 1 --explore 1 --timeout 6s -o kept -- "$program" hang
has 'hidden-deadlock'
[ -f kept/1.gtrace ] || fail 'no trace was kept in the folder asked for'

# A failure that no finding explains.
explore 1 --explore 2 --fail-on never -- "$program" fails
has 'ended with a failure and no finding, status'

# What cannot be.
explore 2 --explore 0 -- "$program"
has "is no number of runs"
explore 2 --explore 5 --seed 1 -- "$program"
explore 2 --seed x -- "$program"
explore 127 --explore 5 -- ./nothing-here
has 'cannot run'
explore 3 --explore 5 -- true
has 'recorded nothing'

# One seed.
explore 0 --seed 3 -o one.gtrace -- "$program" fixed
"$GTRACE_PROGRAM" info one.gtrace >out 2>err
has '^seed=3$'
exit $failed
