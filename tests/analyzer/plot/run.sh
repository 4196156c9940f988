#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh GTRACE CHILD: the exit codes and files of `gtrace run`, with programs that record and that do not.
set -u
gtrace=$1
child=$2
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
unset GTRACE
[ -x "$gtrace" ] && [ -x "$child" ] || exit 1
bad=0

# expect CODE WORDS... -- ARGS...: gtrace ARGS exits with CODE, and stderr has each of the words
expect()
{
	code=$1
	shift
	words=
	while [ "$1" != -- ]; do
		words="$words$1
"
		shift
	done
	shift
	"$gtrace" "$@" >out 2>err
	got=$?
	[ $got = "$code" ] || fail "gtrace $*: exit $got, not $code"
	while IFS= read -r word; do
		[ -z "$word" ] || grep -qF -- "$word" err || fail "gtrace $*: stderr lacks '$word'"
	done <<-EOF
		$words
	EOF
}

fail()
{
	printf '%s\n' "$1"
	sed 's/^/  stderr: /' err
	bad=1
}

# there FILE...: they exist
there()
{
	for file; do
		[ -e "$file" ] || fail "no $file"
	done
}

# programs that record nothing: their own code
expect 0 'recorded nothing' -- run true
expect 3 'recorded nothing' -- run -- sh -c 'exit 3'
expect 143 'recorded nothing' -- run sh -c 'kill -TERM $$'

# programs that cannot be run: as a shell
expect 127 "cannot run './missing'" -- run ./missing
expect 127 "cannot run 'no-such-program-anywhere'" -- run no-such-program-anywhere
: >plain
expect 126 "cannot run './plain'" -- run ./plain
expect 126 "cannot run './'" -- run ./

# usage, and a folder that is not there
expect 2 'usage: gtrace run' -- run
expect 2 '' -- run -o
expect 3 "cannot write the trace 'missing/x.gtrace'" -- run -o missing/x.gtrace "$child" clean 0

# recorded: 1 only if the program itself ended with 0
expect 0 'gtrace: wrote clean.gtrace (' 'KiB)' -- run -o clean.gtrace "$child" clean 0
there clean.gtrace clean.report/trace.db clean.report/report.html clean.report/report.json
expect 1 'gtrace: wrote leak.gtrace (' -- run -o leak.gtrace "$child" leak 0
grep -qi leak out || fail 'the report does not name the leak'
expect 5 'gtrace: wrote leak5.gtrace (' -- run -o leak5.gtrace -- "$child" leak 5
expect 4 'gtrace: wrote clean4.gtrace (' -- run -o clean4.gtrace "$child" clean 4
expect 0 'gtrace: wrote never.gtrace (' -- run --fail-on never -o never.gtrace "$child" leak 0

# nothing is overwritten, and the report is about the new file
expect 1 'gtrace: wrote clean.gtrace.1 (' -- run -o clean.gtrace "$child" leak 0
there clean.gtrace.1

# names: the default; GTRACE; -o before GTRACE; characters that mean something in GTRACE
mkdir default && cd default || exit 1
expect 0 'gtrace: wrote child.' -- run "$child" clean 0
there child.*.gtrace
cd ..
export GTRACE='stacks=4,out=%e-env.gtrace'
expect 0 'gtrace: wrote child-env.gtrace (' -- run "$child" clean 0
GTRACE=bare.gtrace
expect 0 'gtrace: wrote bare.gtrace (' -- run "$child" clean 0
GTRACE=level=all
expect 0 'gtrace: wrote child.' -- run "$child" clean 0
GTRACE=out=not.gtrace
expect 0 'gtrace: wrote yes.gtrace (' -- run -o yes.gtrace "$child" clean 0
unset GTRACE
[ -x "$gtrace" ] && [ -x "$child" ] || exit 1
[ ! -e not.gtrace ] || fail '-o did not win over GTRACE'
mkdir 'odd, 100%p dir=x'
expect 0 'gtrace: wrote odd, 100%p dir=x/a,b %e.gtrace (' -- \
	run -o 'odd, 100%p dir=x/a,b %e.gtrace' "$child" clean 0
expect 3 'a quote in its name' -- run -o "it's.gtrace" "$child" clean 0

# a signal to gtrace reaches the program, whose end it waits for
mkfifo ready block
for pair in TERM:143 HUP:129; do
	"$gtrace" run sh -c 'echo >ready; exec cat block' >out 2>err &
	read -r _ <ready
	kill -${pair%:*} $!
	wait $!
	got=$?
	[ $got = ${pair#*:} ] || fail "SIG${pair%:*}: exit $got"
done
exit $bad
