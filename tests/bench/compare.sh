#!/bin/sh
# SPDX-License-Identifier: MIT
# compare.sh BUILD [runtime|recorder|analyzer] [ROW...]: the benchmarks side by side, as a table of text.
#
# runtime   ours and Go's in turn, recording off; for echo also a loop around epoll_wait().
# recorder  ours without and with recording, and Go's with runtime/trace, in turn; after that the
#           cost of single events, and of reading them.
#
# analyzer  is analyzer.sh, whose only row is a number of events.
#
# Every run is a process of its own.  The Go columns are there if `go` is.  BENCH_RUNS (7) and
# BENCH_PROCS ("1 2") change how often and on how many processors.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bin=$1/tests/bench
gtrace=$1/analyzer/gtrace
kind=${2:-runtime}
[ $# -lt 2 ] || shift
shift
runs=${BENCH_RUNS:-7}
procs=${BENCH_PROCS:-1 2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

case $kind in
runtime) sides='ours' go_side=go ;;
recorder) sides='off on' go_side=traced ;;
analyzer) rmdir "$work" && exec sh "$here/analyzer.sh" "${gtrace%/analyzer/gtrace}" "$@" ;;
*)
	printf 'compare.sh: no benchmarks of "%s", but of: runtime recorder analyzer\n' "$kind" >&2
	exit 2
	;;
esac
if command -v go >/dev/null; then
	version=$(go version | cut -d' ' -f3)
	(cd "$here/go" && GOFLAGS=-buildvcs=false GOTOOLCHAIN=local go build -o "$work/bench_go" .)
	sides="$sides $go_side"
else
	version='none found'
fi

# rows: those with a figure; for the recorder only those that have a target there.
rows()
{
	awk -v kind="$kind" '!/^#/ && NF && (kind == "runtime" || $5 != "-") && !seen[$2]++ { print $2 }' \
		"$here/targets.txt"
}

# run_echo SIDE PROCS ROW: the server of that side under the same load.
run_echo()
{
	case $1 in
	ours | off) set -- "$2" "$3" "$bin/bench_echo" serve ;;
	on)
		rm -f "$work"/trace.gtrace*
		set -- "$2" "$3" env GTRACE="$work/trace.gtrace" "$bin/bench_echo" serve
		;;
	raw) set -- "$2" "$3" "$bin/bench_echo" epoll "$2" ;;
	go) set -- "$2" "$3" "$work/bench_go" echo ;;
	traced) return ;; # the server is killed, and Go's tracer does not survive that
	esac
	p=$1
	shift
	GTRACE='' GOR_MAXPROCS=$p GOMAXPROCS=$p "$bin/bench_echo" load "$@"
}

# run_side SIDE PROCS ROW: prints lines `figure value`.
run_side()
{
	case $3 in
	echo*)
		run_echo "$@"
		return
		;;
	esac
	case $1 in
	ours | off) GTRACE='' GOR_MAXPROCS=$2 "$bin/bench_runtime" "$3" ;;
	on)
		rm -f "$work/trace.gtrace"
		GTRACE=$work/trace.gtrace GOR_MAXPROCS=$2 "$bin/bench_runtime" "$3"
		;;
	go) GOMAXPROCS=$2 "$work/bench_go" "$3" ;;
	traced) BENCH_TRACE=$work/trace GOMAXPROCS=$2 "$work/bench_go" "$3" ;;
	raw) ;; # is there for echo only
	esac
}

# file_size PROCS ROW: of the trace that is there, if one is.
file_size()
{
	[ -e "$work/trace.gtrace" ] && [ -x "$gtrace" ] || return 0
	"$gtrace" info "$work/trace.gtrace" | awk -F= -v figure="on $1 $2_bytes" '
		{ value[$1] = $2 }
		END { # as a reader hands them out: a switch is two, though one record
			print figure, value["file_bytes"] / value["events_read"]
		}' >>"$work/results"
}

# measure ROW...: appends lines `side procs figure value` to the file of results.
measure()
{
	for row in "$@"; do
		for p in $procs; do
			i=0
			while [ $((i += 1)) -le "$runs" ]; do
				for side in $sides; do
					run_side "$side" "$p" "$row" >"$work/out" ||
						printf 'compare.sh: %s failed: %s on %s\n' "$row" "$side" "$p" >&2
					sed "s/^/$side $p /" "$work/out" >>"$work/results"
				done
				[ "$i" -gt 1 ] || file_size "$p" "$row"
			done
			[ ! -t 2 ] || printf 'measured: %s on %s\n' "$row" "$p" >&2
		done
	done
}

printf 'machine: %s x %s, Linux %s, load %s; Go: %s; n = %s\n' "$(nproc)" \
	"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(uname -r)" \
	"$(cut -d' ' -f1 /proc/loadavg)" "$version" "$runs"
: >"$work/results"
all=
# shellcheck disable=SC2046 # a list of words
[ $# -gt 0 ] || { all=1 && set -- $(rows); }
case "$kind $*" in
'runtime '*echo*) sides="$sides raw" ;;
esac
measure "$@"
awk -v kind="$kind" -v sides="$sides" -f "$here/table.awk" "$here/targets.txt" "$work/results"
[ "$kind" = runtime ] || [ -z "$all" ] || {
	"$bin/bench_recorder"
	"$bin/bench_reader"
}
