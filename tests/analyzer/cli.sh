#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The command line of gtrace: what it says, where, and with which exit status.
# usage: cli.sh GTRACE ASSEMBLE SOURCE
set -u
gtrace=$1 assemble=$2 source=$3
work=$(mktemp -d cli.XXXXXX) || exit 99
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
work=$(cd "$work" && pwd)
cd "$work" || exit 99

# shellcheck source=tests/analyzer/expect.sh
. "$source/tests/analyzer/expect.sh"

for name in leak_first_answer leak_first_answer_fixed hidden_spin_given middle_older middle_born; do
	"$assemble" "$source/tests/traces/$name.txt" $name.gtrace || exit 99
done

# help and usage
expect 0 'gtrace analyze' '' "$gtrace"
expect 0 'gtrace analyze' '' "$gtrace" --help
expect 0 '^gtrace [0-9]+\.[0-9]+\.[0-9]+$' '' "$gtrace" --version
expect 0 'usage: gtrace analyze .*' '' "$gtrace" help analyze
for verb in run record analyze diff plot sql dump info goroutine at export; do
	expect 0 "usage: gtrace $verb" '' "$gtrace" $verb --help
done
expect 2 '' "unknown verb 'analyse', did you mean 'analyze'" "$gtrace" analyse
expect 2 '' "unknown verb 'frobnicate'" "$gtrace" frobnicate
expect 2 '' "unknown option '--formt', did you mean '--format'" "$gtrace" analyze --formt=json x
expect 2 '' "format is one of text\|json\|html\|junit\|sarif\|github\|markdown, not 'yaml'" "$gtrace" analyze --format yaml x
expect 2 '' "wants a duration" "$gtrace" analyze --spin soon x
expect 2 '' "option '-o' needs a value" "$gtrace" analyze x -o
expect 2 '' 'usage: gtrace analyze' "$gtrace" analyze
expect 2 '' 'usage: gtrace dump' "$gtrace" dump a b

# record: of another program
expect 2 '' 'usage: gtrace record' "$gtrace" record
expect 2 '' "'self' is not a process number" "$gtrace" record self --dump
expect 2 '' 'say what to do: -d DUR, or --dump' "$gtrace" record $$
expect 3 '' "process $$ has no flight recorder: start it with GTRACE=" "$gtrace" record $$ --dump
expect 3 '' 'there is no process 2147483647' "$gtrace" record 2147483647 --dump

# goroutines that a trace, which begins in the middle, has no birth of
expect 0 '  2 started, 3 ended, peak 5 at 100.0 ms   4 from before' '' "$gtrace" analyze --no-plots middle_older.gtrace
expect 0 '"older":4,"started":2,"ended":3,"peak":5,"alive_at_end":3' '' \
	"$gtrace" analyze --no-plots --format json middle_older.gtrace
expect 0 'born        before 0 ns' '' "$gtrace" goroutine middle_older.gtrace 2
expect 0 'born        200.0 ms' '' "$gtrace" goroutine middle_older.gtrace 6
expect 0 'without 4 born before the trace' '' "$gtrace" plot middle_older.gtrace lifetimes --term dumb
# nor of a channel: the wait for it tells what it is, and how it is called there
expect 0 'jobs pool.c:12' '' "$gtrace" plot middle_older.gtrace channels --term dumb
expect 0 '<code>jobs</code> #1</td>' '' cat middle_older.report/report.html

# a list that was made while all went on: what came behind it tells more
expect 0 '  1 started, 0 ended, peak 5 at .*   4 from before' '' "$gtrace" analyze --no-plots middle_born.gtrace
expect 0 'born        1.0 ms' '' "$gtrace" goroutine middle_born.gtrace 4
expect 0 '0.000000      1.0 ms  waiting, woken by goroutine 3 feed' '' "$gtrace" goroutine middle_born.gtrace 2
expect 0 '0.000000      1.0 ms  runnable' '' "$gtrace" goroutine middle_born.gtrace 5
expect 0 '^chan receive$' '' "$gtrace" sql middle_born.gtrace \
	"SELECT group_concat(op) FROM use WHERE g = 4 OR (g = 3 AND object = 1 AND op = 'chan receive')"

# findings
expect 1 'LEAK  2 goroutines blocked for good in chan send "c"' '' \
	"$gtrace" analyze --no-plots leak_first_answer.gtrace
for file in trace.db report.json report.html; do
	[ -s leak_first_answer.report/$file ] || { echo "FAILED: no $file"; failed=1; }
done
for file in leak_first_answer.report/*.new; do
	[ -e "$file" ] && { echo "FAILED: $file was left behind"; failed=1; }
done
expect 1 '^\{"schema":1,' '' "$gtrace" analyze --no-plots --format json leak_first_answer.gtrace
expect 1 '<html' '' "$gtrace" analyze --no-plots --format html leak_first_answer.gtrace
expect 0 'no problems' '' "$gtrace" analyze --no-plots leak_first_answer_fixed.gtrace
expect 0 'LEAK' '' "$gtrace" analyze --no-plots --fail-on never leak_first_answer.gtrace
expect 0 'LEAK' '' "$gtrace" analyze --no-plots --fail-on proven leak_first_answer.gtrace
expect 1 'LEAK' '' "$gtrace" analyze --no-plots --fail-on suspect leak_first_answer.gtrace
expect 0 'SPIN' '' "$gtrace" analyze --no-plots hidden_spin_given.gtrace
expect 1 'SPIN' '' "$gtrace" analyze --no-plots --fail-on suspect hidden_spin_given.gtrace
expect 0 'no problems' '' "$gtrace" analyze --no-plots --spin 1m hidden_spin_given.gtrace
expect 1 'LEAK' '' "$gtrace" analyze --no-plots -o other leak_first_answer.gtrace
[ -s other/trace.db ] || { echo "FAILED: -o DIR"; failed=1; }
expect 1 'LEAK' '' sh -c '"$1" analyze --no-plots - <leak_first_answer.gtrace' - "$gtrace"
[ -s stdin.report/report.json ] || { echo "FAILED: no report of standard input"; failed=1; }
expect 1 'LEAK' '' sh -c 'cat leak_first_answer.gtrace | "$1" analyze --no-plots -' - "$gtrace"

# results that are there already
again='has the results of this very trace already'
cp leak_first_answer.gtrace again.gtrace
expect 1 'LEAK' '' "$gtrace" analyze --no-plots again.gtrace
expect 1 'LEAK' "$again" "$gtrace" analyze --no-plots again.gtrace
expect 1 'LEAK' '' "$gtrace" analyze --no-plots --quiet again.gtrace
expect 1 '^\{"schema":1,' '' "$gtrace" analyze --no-plots --format json again.gtrace
expect 1 'LEAK' '' "$gtrace" analyze --no-plots --fresh again.gtrace
expect 1 'LEAK' "$again" "$gtrace" analyze --no-plots again.gtrace
expect 0 'LEAK' '' "$gtrace" analyze --no-plots --fail-on never again.gtrace # other options
expect 0 'LEAK' "$again" "$gtrace" analyze --no-plots --fail-on never again.gtrace
expect 1 'LEAK' '' "$gtrace" analyze --no-plots again.gtrace
touch again.gtrace.live # it is being written
expect 1 'LEAK' '' "$gtrace" analyze --no-plots again.gtrace
rm again.gtrace.live
expect 1 'LEAK' '' "$gtrace" analyze --no-plots again.gtrace
rm again.report/report.html
expect 1 'LEAK' '' "$gtrace" analyze --no-plots again.gtrace
echo garbage >again.report/trace.db
expect 1 'LEAK' '' "$gtrace" analyze --no-plots again.gtrace
expect 1 'LEAK' "$again" "$gtrace" analyze --no-plots again.gtrace
touch -r again.gtrace stamp
cp leak_first_answer_fixed.gtrace again.gtrace # another trace
touch -r stamp again.gtrace
expect 0 'no problems' '' "$gtrace" analyze --no-plots again.gtrace
expect 0 'no problems' "$again" "$gtrace" analyze --no-plots again.gtrace
mkfifo pipe
"$gtrace" dump leak_first_answer.gtrace >want
for way in file pipe descriptor fifo; do
	case $way in
	file) "$gtrace" dump - <leak_first_answer.gtrace ;;
	pipe) cat leak_first_answer.gtrace | "$gtrace" dump - ;;
	descriptor) cat leak_first_answer.gtrace | "$gtrace" dump /dev/fd/3 3<&0 </dev/null ;; # as <(...) is
	fifo)
		cat leak_first_answer.gtrace >pipe &
		"$gtrace" dump pipe
		;;
	esac >got
	cmp want got || { echo "FAILED: dump from a $way"; failed=1; }
done
expect 3 '' "cannot keep 'standard input' in a file in '/nowhere': No such file" \
	sh -c 'cat want | TMPDIR=/nowhere "$1" dump -' - "$gtrace"
expect 1 "$(printf '\033')\\[1;31mLEAK" '' "$gtrace" analyze --no-plots --color always leak_first_answer.gtrace

# the other verbs
expect 0 "^[0-9]+ +t1 (g[0-9]+ )?GO_PARK .*chan send" '' "$gtrace" dump leak_first_answer.gtrace
expect 0 '^format=1\.0$' '' "$gtrace" info leak_first_answer.gtrace
expect 0 "^analyzed_by=$("$gtrace" --version | cut -d' ' -f2)\$" '' "$gtrace" info leak_first_answer.gtrace
expect 0 '^count.GO_NEW=4$' '' "$gtrace" info leak_first_answer.gtrace
expect 0 '^ended=by exit, status 0$' '' "$gtrace" info leak_first_answer.gtrace
for end in 'signal 11:by signal 11, Segmentation fault' 'panic 2:by a panic, exit status 2' \
	'deadlock 2:by a deadlock, exit status 2' 'stopped:the program stopped recording and went on' \
	":without a word, and without its sidecar 'e.gtrace.live', which had the rest"; do
	{ echo '100 t1 GO_NEW g=1'; [ -z "${end%%:*}" ] || echo "end ${end%%:*}"; } >e.txt
	"$assemble" e.txt e.gtrace || exit 99
	expect 0 "^ended=${end#*:}\$" '' "$gtrace" info e.gtrace
done
# what is lost: whose, when, how much; twenty lines at most
awk 'BEGIN { for (i = 1; i <= 21; i++)
	printf "%dms t1 GO_NEW g=%d\n%dms t2 GO_NEW g=%d\n%dms t2 GAP batches=%d events=%d\n",
		10 * i, i, 10 * i + 1, 100 + i, 10 * i + 2, i, i % 2 * i
	print "300ms t1 GAP batches=1 events=7" }' >gaps.txt
"$assemble" gaps.txt gaps.gtrace || exit 99
expect 0 '^gap=thread 2, from 11.000 ms to 21.000 ms: 1 batch, 1 event$' '' "$gtrace" info gaps.gtrace
expect 0 '^gap=thread 2, from 21.000 ms to 31.000 ms: 2 batches, nobody knows how many events$' '' \
	"$gtrace" info gaps.gtrace
expect 0 '^gap=\.\.\. and 2 more$' '' "$gtrace" info gaps.gtrace
[ "$(grep -c '^gap=' stdout)" = 21 ] || { echo "FAILED: not 20 gaps and a rest"; failed=1; }
expect 0 '^chan send	2$' '' "$gtrace" sql leak_first_answer.gtrace \
	"SELECT reason, count(*) FROM span WHERE to_ns IS NULL GROUP BY 1"
# a word of a later version is none of this one's
sed "s/USE obj=1 op='chan send'/USE obj=1 op=67/" "$source/tests/traces/hidden_accept.txt" >later.txt
"$assemble" later.txt later.gtrace || exit 99
expect 0 '^1	3	[?]$' '' "$gtrace" sql later.gtrace 'SELECT object, g, op FROM use WHERE first_ns = 5500'
expect 0 '^4$' '' "$gtrace" sql leak_first_answer.report/trace.db 'SELECT count(*) AS n FROM goroutine'
expect 0 '^4$' '' sh -c 'echo "SELECT count(*) AS n FROM goroutine;" | "$1" sql other/trace.db' - "$gtrace"
expect 2 '' 'cannot run the query: no such table: missing' "$gtrace" sql other/trace.db 'SELECT 1 FROM missing'
expect 2 '' 'readonly' "$gtrace" sql other/trace.db 'DELETE FROM goroutine'

# bad input: what, where, exit status 3, and no folder left behind
printf 'hello' >text.gtrace
: >empty.gtrace
mkdir folder.gtrace
for verb in analyze dump info sql; do
	query=
	[ $verb = sql ] && query='SELECT 1'
	expect 3 '' "^gtrace: .*'?text.gtrace" "$gtrace" $verb text.gtrace ${query:+"$query"}
	expect 3 '' "^gtrace: .*'?empty.gtrace" "$gtrace" $verb empty.gtrace ${query:+"$query"}
	expect 3 '' "^gtrace: .*'?folder.gtrace'?.*[Dd]irectory" "$gtrace" $verb folder.gtrace ${query:+"$query"}
	expect 3 '' "^gtrace: .*'?nothing.gtrace'?.*No such file" "$gtrace" $verb nothing.gtrace ${query:+"$query"}
done
for name in text empty folder nothing; do
	[ -e $name.report ] && { echo "FAILED: $name.report was left behind"; failed=1; }
done
if [ "$(id -u)" != 0 ]; then
	cp leak_first_answer.gtrace secret.gtrace
	chmod 0 secret.gtrace
	expect 3 '' "secret.gtrace.*Permission denied" "$gtrace" analyze secret.gtrace
	mkdir locked
	chmod 555 locked
	expect 3 '' "cannot create 'locked/x': Permission denied" "$gtrace" analyze -o locked/x leak_first_answer.gtrace
fi
: >file
expect 3 '' "cannot create 'file': Not a directory" "$gtrace" analyze -o file leak_first_answer.gtrace
expect 3 '' "cannot create 'no/such': No such file" "$gtrace" analyze -o no/such leak_first_answer.gtrace
expect 3 '' 'cannot write to standard output' sh -c '"$1" dump leak_first_answer.gtrace >/dev/full' - "$gtrace"

# plots drawn beside the report are those that are drawn alone
expect 0 'drawn/sites.svg' '' "$gtrace" plot -o drawn leak_first_answer.gtrace
expect 1 LEAK '' "$gtrace" analyze -o beside leak_first_answer.gtrace
for file in drawn/*.tsv drawn/*.gp; do
	cmp "$file" "beside/plots/${file#drawn/}" || { echo "FAILED: $file differs"; failed=1; }
done

# a report without gnuplot is a report
expect 1 'LEAK' 'warning: .*gnuplot' env PATH=/nowhere "$gtrace" analyze leak_first_answer.gtrace

# every detector runs by hand, again and again, and says the same
if command -v sqlite3 >/dev/null; then
	ask='SELECT kind, part, title FROM finding ORDER BY 1, 2'
	sqlite3 other/trace.db "$ask" >before
	for file in "$source"/analyzer/sql/detect/*.sql; do
		expect 0 '' '' sqlite3 -bail other/trace.db ".read $file"
	done
	sqlite3 other/trace.db "$ask" >after
	cmp before after || { echo "FAILED: detectors by hand"; failed=1; }
	# one that runs is where a sample has seen it, from then on
	"$assemble" "$source/tests/traces/hidden_spin.txt" seen.gtrace || exit 99
	"$gtrace" analyze seen.gtrace >/dev/null 2>&1
	sqlite3 seen.report/trace.db "UPDATE busy SET func = 'turn', file = 'wheel.c', line = ts_ns / 1000000000;
		INSERT INTO busy (trace_id, g, ts_ns, thread, run_ns, cpu_ns) VALUES (1, 2, 1200000000, 1, 0, 0)"
	for moment in '0.5s:[?][?]:0' '1.5s:wheel.c:1' '2.000006s:wheel.c:2'; do
		expect 0 "^	${moment#*:}\$" '' "$gtrace" at seen.report/trace.db "${moment%%:*}"
	done
fi
exit $failed
