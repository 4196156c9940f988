#!/bin/sh
# SPDX-License-Identifier: MIT
# peers.sh BUILD [EVENTS]: what others take to read as many events (1,000,000) as they have of their own kind.
#
# `go tool trace -pprof=sync` makes a profile of a trace that Go's own tracer wrote of the row `sieve`;
# babeltrace2 prints one in CTF, of events with three fields each, to nowhere.  Ours reads a trace of
# bench_mix: `dump` prints it, `analyze` finds and reports.  Each is the median of BENCH_RUNS (3).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
events=${2:-1000000}
runs=${BENCH_RUNS:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work"

# measure WHAT EVENTS COMMAND...
measure()
{
	what=$1 count=$2
	shift 2
	: >took.txt
	i=0
	while [ $((i += 1)) -le "$runs" ]; do
		python3 -B "$here/timed.py" "$@" >>took.txt || { printf '%s failed\n' "$what"; return; }
	done
	sort -g took.txt | awk -v what="$what" -v count="$count" -v runs="$runs" '
		NR == int((runs + 1) / 2) {
			printf "%-36s %9d events %8.2f s %8.2f s CPU %8.1f MB %8.2f M events/s\n",
				what, count, $1, $2, $3, count / $1 / 1e6
		}'
}

printf 'machine: %s x %s, load %s; n = %s\n' "$(nproc)" \
	"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(cut -d' ' -f1 /proc/loadavg)" "$runs"
GTRACE=mix.gtrace "$build/tests/bench/bench_mix" "$events"
ours=$("$build/analyzer/gtrace" info mix.gtrace | sed -n 's/^events=//p')
measure 'gtrace dump' "$ours" "$build/analyzer/gtrace" dump mix.gtrace
measure 'gtrace analyze, with plots' "$ours" "$build/analyzer/gtrace" analyze --fresh -o report --fail-on never mix.gtrace
if command -v go >/dev/null; then
	(cd "$here/go" && GOFLAGS=-buildvcs=false GOTOOLCHAIN=local go build -o "$work/bench_go" .)
	BENCH_TRACE=$work/go.trace GOMAXPROCS=2 ./bench_go sieve >/dev/null
	theirs=$(HOME=$work go tool trace -d go.trace | wc -l)
	HOME=$work measure 'go tool trace -pprof=sync' "$theirs" go tool trace -pprof=sync go.trace
fi
if command -v babeltrace2 >/dev/null; then
	python3 -B "$here/ctf.py" ctf "$events"
	measure 'babeltrace2' "$events" babeltrace2 ctf
fi
