#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What builds on other machines rely on: fingerprints, baselines, suppressions, filters, rules, diff.
# usage: ci.sh GTRACE ASSEMBLE SOURCE
set -u
gtrace=$1 assemble=$2 source=$3
work=$(mktemp -d ci.XXXXXX) || exit 99
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
# shellcheck source=tests/analyzer/expect.sh
. "$source/tests/analyzer/expect.sh"
traces=$source/tests/traces

# prints FILE.gtrace: the fingerprints of its findings, in order
prints() {
	"$gtrace" analyze --no-plots --fail-on never --format json "$1.gtrace" >/dev/null || exit 99
	"$gtrace" sql "$1.report/trace.db" "SELECT f.kind, s.fingerprint FROM finding f
		JOIN finding_status s USING (trace_id, kind, part) ORDER BY f.id"
}

# same NAME WHAT: the trace edited.txt has the fingerprints of the trace NAME
same() {
	"$assemble" edited.txt edited.gtrace || exit 99
	prints edited >edited.prints
	cmp -s "$1.prints" edited.prints && return
	fail "fingerprints of $1: $2"
	diff "$1.prints" edited.prints
}

# fingerprints: every trace, its lines moved, its files elsewhere, its clock slower
for trace in "$traces"/*.txt; do
	name=$(basename "$trace" .txt)
	"$assemble" "$trace" "$name.gtrace" || exit 99
	prints "$name" >"$name.prints"
	awk '{
		out = ""
		while (match($0, /\.c'"'"'?:[0-9]+:/)) { # the line of a site
			n = substr($0, RSTART, RLENGTH)
			sub(/:$/, "", n)
			at = match(n, /[0-9]+$/)
			out = out substr($0, 1, index($0, n) - 1) substr(n, 1, at - 1) (substr(n, at) + 100) ":"
			$0 = substr($0, index($0, n) + length(n) + 1)
		}
		print out $0
	}' "$trace" >edited.txt
	cmp -s "$trace" edited.txt && fail "no line of $name moved"
	same "$name" 'moved lines'
	sed "s|site='\{0,1\}\([a-z_]*\.c\)'\{0,1\}:|site=/home/me/src/\1:|g" "$trace" >edited.txt
	same "$name" 'files elsewhere'
	sed 's/^\([0-9]*\)\([ 	]\)/\1000\2/' "$trace" >edited.txt # times and waits a thousand times as long
	case $name in
	hidden_spin* | spin_short | foreign_* | idle_* | exit_reach | leak_per_request) ;; # their times decide
	*) same "$name" 'a slower clock' ;;
	esac
done
# two goroutines of a cycle that changed their numbers
sed 's/g=2/g=@/; s/g=3/g=2/; s/g=@/g=3/; s/holder=2/holder=@/; s/holder=3/holder=2/; s/holder=@/holder=3/
	s/obj=1 /obj=@ /; s/obj=2 /obj=1 /; s/obj=@ /obj=2 /' "$traces/lock_abba.txt" >edited.txt
same lock_abba 'other numbers'
# one more goroutine of the same leak; another function, another channel: others
[ "$(cat ./*.prints | grep -v '^kind' | grep -c .)" -gt 20 ] || fail 'too few fingerprints'
sed 's/worker/other/' "$traces/leak_first_answer.txt" >edited.txt
"$assemble" edited.txt edited.gtrace
prints edited >edited.prints
cmp -s leak_first_answer.prints edited.prints && fail 'another function has the same fingerprint'
sed "s/'chan make':c /'chan make':d /" "$traces/leak_first_answer.txt" >edited.txt
"$assemble" edited.txt edited.gtrace
prints edited >edited.prints
cmp -s leak_first_answer.prints edited.prints && fail 'another channel has the same fingerprint'

exit $failed
