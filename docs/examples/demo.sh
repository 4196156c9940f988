#!/bin/sh
# SPDX-License-Identifier: MIT
# demo.sh BUILD OUT: record every example, analyze it, say what was found and where the plots are.
#
# Ends with 1 if a verdict is not the one that the example is there for.
set -u
build=$1
out=$2
gtrace=$build/analyzer/gtrace
examples=$build/docs/examples
wrong=0

# record NAME [ARG...]: run it to its end
record()
{
	name=$1
	shift
	GTRACE=$out/$name.gtrace "$examples/$name" "$@" >"$out/$name.out" 2>&1
	printf '  it ended with status %s; it printed:\n' $?
	head -n 4 "$out/$name.out" | sed 's/^/  | /'
}

# record_killed NAME TICKS: it would never end, so kill it in a way that it cannot notice, once it has
# computed for so many hundredths of a second; how soon that is depends on what else the machine does
record_killed()
{
	GTRACE=$out/$1.gtrace "$examples/$1" >"$out/$1.out" 2>&1 &
	pid=$!
	computed=0 looks=0
	while [ "$computed" -lt "$2" ] && [ $looks -lt 600 ]; do
		sleep 0.1
		looks=$((looks + 1))
		# user and system time, behind the name, which may hold anything
		computed=$(sed 's/.*)//' "/proc/$pid/stat" | awk '{ print $12 + $13 }')
	done
	kill -KILL $pid
	wait $pid 2>/dev/null
	printf '  it hung and was killed with SIGKILL after %s0 ms of computing\n' "$computed"
}

# judge NAME WORD...: analyze; the report has to hold all words, or be clean if there are none
judge()
{
	name=$1
	shift
	"$gtrace" analyze "$out/$name.gtrace" -o "$out/$name.report" >"$out/$name.txt"
	status=$?
	sed 's/^/  /' "$out/$name.txt"
	find "$out/$name.report/plots" -name '*.svg' | sort | sed 's/^/  plot    /'
	verdict=as\ expected
	[ $status = $(($# > 0)) ] || verdict=WRONG
	for word in "$@"; do
		grep -qF "\"$word\"" "$out/$name.report/report.json" || verdict="WRONG: no $word"
	done
	[ "$verdict" = 'as expected' ] || wrong=$((wrong + 1))
	printf '  status  %s, %s\n' $status "$verdict"
}

title()
{
	printf '\n== %s: %s\n' "$1" "$2"
	rm -rf "$out/$1.gtrace" "$out/$1.gtrace.live" "$out/$1.report"
}

[ -x "$gtrace" ] || { printf 'demo: no %s\n' "$gtrace" >&2; exit 1; }
mkdir -p "$out"

title hidden_deadlock 'main waits for ever, and a goroutine that loops hides it'
record_killed hidden_deadlock 200
judge hidden_deadlock hidden-deadlock spin

title leak 'the first answer wins, the other senders stay'
record leak
judge leak leak

title broadcast 'closing a channel tells everyone'
record broadcast
judge broadcast

title sieve 'primes through a chain of goroutines'
record sieve
judge sieve

title wordcount 'the words of these sources, counted in a pipeline'
record wordcount recorder runtime analyzer
judge wordcount

title toyloop 'a loop of callbacks that is not libgor, with a request forgotten'
record toyloop
judge toyloop leak

printf '\n%s of 6 verdicts wrong; reports: %s/*.report/report.html\n' $wrong "$out"
[ $wrong = 0 ]
