#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A flight recorder for long: memory and disk stay what they were, and a dump at the end finds what went
# wrong at the beginning.
# usage: ring-soak.sh BUILD [SECONDS [RING]]        600, 64M
set -u
build=$(cd "$1" && pwd) || exit 2
seconds=${2:-600} ring=${3:-64M}
work=$(mktemp -d "${TMPDIR:-/tmp}/ring-soak.XXXXXX") || exit 2
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 2

GTRACE=out=x.gtrace,ring=$ring "$build/tests/examples/old_trouble" locks wait >ready &
pid=$!
until [ -s ready ]; do
	kill -0 $pid || exit 1
	sleep 0.1
done

resident() { awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"; }
disk() { du -ck x.gtrace x.gtrace.live | awk 'END { print $1 }'; }

step=$((seconds / 20))
[ $step -gt 0 ] || step=1
passed=0 first_rss='' first_disk='' worst=0
printf '%8s %10s %10s\n' seconds 'RSS KiB' 'disk KiB'
while [ $passed -lt "$seconds" ]; do
	sleep $step
	passed=$((passed + step))
	rss=$(resident) && used=$(disk) || exit 1
	printf '%8d %10d %10d\n' $passed "$rss" "$used"
	# The first round fills the ring; from the second look on nothing may grow.
	[ $passed -eq $step ] && continue
	: "${first_rss:=$rss}" "${first_disk:=$used}"
	[ $((rss - first_rss)) -gt $worst ] && worst=$((rss - first_rss))
	# A file system may need a block more to say that others have been written.
	if [ $((used - first_disk)) -gt 64 ] || [ $((rss - first_rss)) -gt 1024 ]; then
		echo "FAILED: it grows"
		exit 1
	fi
done
gtrace=$build/analyzer/gtrace
dump=$("$gtrace" record $pid --dump) || exit 1
kill -0 $pid || { echo 'FAILED: the program is gone'; exit 1; }
"$gtrace" analyze --no-plots "$dump" >report
[ $? -eq 1 ] && grep -q 'LOCK DEADLOCK' report && grep -q 'since 0 ns' report || {
	echo 'FAILED: the deadlock was not found'
	cat report
	exit 1
}
kill -9 $pid
wait $pid 2>/dev/null
pid=
"$gtrace" analyze --no-plots x.gtrace >left
[ $? -eq 1 ] && grep -q 'LOCK DEADLOCK' left || {
	echo 'FAILED: SIGKILL left nothing to find it in'
	cat left
	exit 1
}
sed -n 2,7p report
echo "passed: RSS grew by $worst KiB at most"
