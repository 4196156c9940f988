#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The verbs that show a part of a trace: goroutine, at, dump with filters, sql with the table event, export;
# and the extension for the stock sqlite3.
# usage: explore.sh GTRACE ASSEMBLE SOURCE BUILD [EXTENSION]
set -u
gtrace=$1 assemble=$2 source=$3 build=$4 extension=${5:-}
work=$(mktemp -d explore.XXXXXX) || exit 99
trap 'rm -rf "$work"' EXIT
work=$(cd "$work" && pwd)
cd "$work" || exit 99

failed=0
# shellcheck source=tests/analyzer/expect.sh
. "$source/tests/analyzer/expect.sh"

for name in lock_abba hostile_names leak_first_answer hidden_spin; do
	"$assemble" "$source/tests/traces/$name.txt" $name.gtrace || exit 99
done
expect 1 DEADLOCK '' "$gtrace" analyze --no-plots lock_abba.gtrace

# same WANT COMMAND...: this on standard output, and nothing else
same() {
	printf '%s\n' "$1" >want
	shift
	"$@" >got 2>stderr </dev/null || fail "$*: exit status $?"
	cmp -s want got || { fail "$*"; diff want got | head -n 20; }
	[ ! -s stderr ] || { fail "$*"; head -n 3 stderr; }
}

# goroutine: whence it came, what it did, who woke it
for what in lock_abba.gtrace lock_abba.report/trace.db; do
	same 'goroutine 3 ba()
  born        4.1 us
  ended       not before the end of the trace, 6.3 us
  spawned by  goroutine 1 (main), main.c:72 app()
    and that  no goroutine, main.c:3 main()
  ready       1.4 us in 1 stretch
  running     300 ns in 1 stretch
  waiting     500 ns in 1 stretch
  holds       mutex "index" taken at store.c:31, since 5.7 us
  finding     1 LOCK-DEADLOCK  two goroutines wait for each other'"'"'s locks
  finding     2 HIDDEN-DEADLOCK  main waits for good in sync.WaitGroup.Wait "wg", hidden by what still goes on

         from (ms)         for
          0.004100      1.4 us  runnable
          0.005500      300 ns  running on thread 1
          0.005800      500 ns  sync.Mutex.Lock "cache" at store.c:34 ba(), still so at the end' \
		"$gtrace" goroutine $what 3
done
expect 0 'chan receive "c" at .*, woken by goroutine ' '' \
	"$gtrace" goroutine leak_first_answer.gtrace g1
expect 0 '^          0.005800 ' '' "$gtrace" goroutine --since 5900ns lock_abba.gtrace 3
grep -q '0\.005500' stdout && fail 'goroutine --since'
expect 0 '^          0.005500 ' '' "$gtrace" goroutine --until 5700ns lock_abba.gtrace 3
grep -q '0\.005800' stdout && fail 'goroutine --until'
expect 3 '' 'there is no goroutine 9: the trace has 4 of them, from 1 to 4' "$gtrace" goroutine lock_abba.gtrace 9
for word in x '' g 0 1x 99999999999999999999; do
	expect 2 '' 'is not the number of a goroutine' "$gtrace" goroutine lock_abba.gtrace "$word"
done
expect 2 '' 'usage: gtrace goroutine' "$gtrace" goroutine lock_abba.gtrace
expect 3 '' 'nothing.gtrace.*No such file' "$gtrace" goroutine nothing.gtrace 1

# at: as Go's dumps
same 'goroutine 1 [sync.WaitGroup.Wait]:
app(...)
	main.c:77

goroutine 2 [runnable]:
ab(...)
	??:0
created by app in goroutine 1
	main.c:71

goroutine 3 [running]:
ba(...)
	??:0
created by app in goroutine 1
	main.c:72

goroutine 4 [runnable]:
tick(...)
	??:0
created by app in goroutine 1
	main.c:70
' "$gtrace" at lock_abba.gtrace 5500
expect 0 '^goroutine 2 \[sync.Mutex.Lock\]:$' '' "$gtrace" at lock_abba.report/trace.db 6.3us
expect 0 '^goroutine 1 \[chan receive, 1 minutes\]:$' '' sh -c \
	'printf "0 t1 GO_NEW g=1\n0 t1 GO_START g=1\n1s t1 GO_PARK reason=\"chan receive\" obj=1\n119s t1 THREAD_IDLE\n" |
		tr \" "\047" >m.txt && "$2" m.txt m.gtrace && "$1" at m.gtrace 119s' - "$gtrace" "$assemble"
expect 0 '' 'no goroutine is alive then' "$gtrace" at lock_abba.gtrace 1ns
expect 2 '' 'the trace ends at 6300 ns' "$gtrace" at lock_abba.gtrace 1s
expect 2 '' "'soon' is not a time" "$gtrace" at lock_abba.gtrace soon
expect 2 '' "'-5' is not a time" "$gtrace" at -- lock_abba.gtrace -5
printf '0 t1 GO_NEW g=1\n0 t1 GO_START g=1\n1us t1 GAP batches=1 events=3\n9us t1 GO_PARK reason=sleep\n' >g.txt
"$assemble" g.txt g.gtrace || exit 99
expect 0 'goroutine 1' 'warning: events of thread 1 are missing from 0 ns to 9.0 us' "$gtrace" at g.gtrace 5us

# What the runtime itself printed when it gave up is what the trace says of that moment; but it has whole stacks.
if [ -x "$build/tests/corpus/etcd_6708.buggy" ]; then
	for name in etcd_6708 hugo_5379; do
		tries=0
		until rm -f own.gtrace && GTRACE=own.gtrace "$build/tests/corpus/$name.buggy" >own 2>&1
			grep -q 'all goroutines are asleep' own || [ $tries = 20 ]; do
			tries=$((tries + 1))
		done
		awk '/^goroutine / { on = 1; n = 0 } /^created by / { n = 0 } on && (!NF || n++ < 3) { sub(/ [+]0x.*/, ""); print }' \
			own >want
		"$gtrace" at own.gtrace "$("$gtrace" sql own.gtrace 'SELECT duration_ns FROM trace' | sed 1d)" >whole
		awk '/^goroutine / { print; left = 2; next } /^created by/ { left = 2 } /^$/ { print } left-- > 0' whole >got
		[ "$(wc -l <whole)" -gt "$(wc -l <want)" ] || fail "no callers at the end of $name"
		cmp -s want got && [ -s want ] || { fail "at the end of $name"; diff want got | head -n 20; }
	done
fi

# dump: some events
same '5500 t1 GO_START g=3 seq=1
5600 t1 g3 OBJ_NEW obj=2 type=mutex site=store.c:31:ba:'"'mutex lock'"':&index' \
	"$gtrace" dump --goroutine 3 --since 5500ns --until 5600ns lock_abba.gtrace
"$gtrace" dump lock_abba.gtrace >all
"$gtrace" dump -e GO_PARK,go_start lock_abba.gtrace >got
grep -E ' GO_(PARK|START) ' all | cmp - got || fail 'dump --event'
"$gtrace" dump --object 2 lock_abba.gtrace >got
grep -E ' obj=2 ' all | cmp - got || fail 'dump --object'
expect 0 'GAP' '' "$gtrace" dump -g 77 g.gtrace
expect 0 '' '' "$gtrace" dump -e GO_END g.gtrace
expect 2 '' "unknown event 'GO_PRK', did you mean 'GO_PARK'" "$gtrace" dump -e GO_PRK g.gtrace
for word in x -1 0 '' 1x; do
	expect 2 '' "goroutine wants a number, not '$word'" "$gtrace" dump --goroutine="$word" g.gtrace
	expect 2 '' "object wants a number, not '$word'" "$gtrace" dump --object="$word" g.gtrace
done
{
	printf '0 t1 GO_NEW g=1\n0 t1 GO_NEW g=2\n0 t1 GO_START g=1\n1us t1 GO_PARKED g=2\n1us t1 STACK pcs=0x10,0x20\n'
	printf '1us t1 GO_PARKED g=1\n1us t1 STACK pcs=0x30\n'
} >s.txt
"$assemble" s.txt s.gtrace || exit 99
expect 0 'pcs=0x10,0x20' '' "$gtrace" dump -g 2 s.gtrace
grep -q 'pcs=0x30' stdout && fail "another goroutine's stack"
for name in hostile_names lock_abba; do
	"$gtrace" dump --format json $name.gtrace >json
	[ "$(wc -l <json)" = "$("$gtrace" dump $name.gtrace | wc -l)" ] || fail "dump --format json $name: lines"
	LC_ALL=C grep -q "$(printf '[\001-\011\013-\037\177]')" json && fail "dump --format json $name: a control character"
	{
		echo 'CREATE TEMP TABLE j(x);'
		sed "s/'/''/g; s/.*/INSERT INTO j VALUES('&');/" json
		echo 'SELECT count(*), sum(json_valid(x)) FROM j;'
	} >j.sql
	"$gtrace" sql $name.gtrace <j.sql >got
	tail -n 1 got | grep -Eq '^([0-9]+)	\1$' || fail "dump --format json $name: not JSON"
done

# sql: the table event is what dump prints
for what in lock_abba.gtrace lock_abba.report/trace.db; do
	"$gtrace" sql $what 'SELECT text FROM event' | sed 1d | cmp - all || fail "event of $what"
done
expect 0 '^4	sleep	main.c:50$' '' "$gtrace" sql lock_abba.gtrace \
	"SELECT e.g, e.args ->> 'reason', s.file || ':' || s.line FROM event e JOIN site s ON s.site = e.site
	WHERE e.event = 'GO_PARK' AND e.file = s.file AND e.line = s.line AND e.func = s.func AND e.g = 4"
expect 0 '^1	3$' '' "$gtrace" sql g.gtrace "SELECT args ->> 'batches', args ->> 'events' FROM event WHERE event = 'GAP'"
expect 0 '^5$' '' "$gtrace" sql lock_abba.gtrace "SELECT count(*) FROM (SELECT 1 FROM event LIMIT 5)"
expect 0 '^1$' '' "$gtrace" sql lock_abba.gtrace "SELECT count(*) FROM event('g.gtrace') WHERE event = 'GAP'"
mv lock_abba.gtrace moved.gtrace
expect 2 '^1$' "cannot read 'lock_abba.gtrace': No such file" "$gtrace" sql lock_abba.report/trace.db 'SELECT 1 FROM event'
expect 0 '^4$' '' "$gtrace" sql lock_abba.report/trace.db 'SELECT count(*) FROM goroutine'
expect 2 '^1$' 'standard input: name a file' sh -c '"$1" sql - "SELECT 1 FROM event" <moved.gtrace' - "$gtrace"

# the extension
if [ -n "$extension" ] && command -v sqlite3 >/dev/null; then
	ask() {
		sqlite3 -bail :memory: ".load $extension" "$@"
	}
	ask "SELECT text FROM gtrace_event('moved.gtrace')" | cmp - all || fail 'the extension'
	ask "CREATE VIRTUAL TABLE event USING gtrace_event('moved.gtrace')" 'SELECT text FROM event' | cmp - all ||
		fail 'the extension: CREATE VIRTUAL TABLE'
	mv moved.gtrace "it's.gtrace"
	expect 0 "^$(wc -l <all)\$" '' ask "CREATE VIRTUAL TABLE e USING gtrace_event('it''s.gtrace')" 'SELECT count(*) FROM e'
	expect 1 '' 'say which trace' ask 'SELECT 1 FROM gtrace_event'
	expect 1 '' 'No such file' ask "SELECT 1 FROM gtrace_event('nothing')"
	expect 1 '' 'one argument' ask "CREATE VIRTUAL TABLE e USING gtrace_event('a', 'b')"
	printf 'hello' >text.gtrace
	expect 1 '' 'text.gtrace' ask "SELECT 1 FROM gtrace_event('text.gtrace')"
	expect 1 '' 'unsafe use of virtual table' ask "CREATE VIEW v AS SELECT * FROM gtrace_event('g.gtrace')" 'SELECT 1 FROM v'
	# two at a time, one inside the other
	expect 0 '^25$' '' ask "SELECT count(*) FROM gtrace_event('g.gtrace') a, gtrace_event('g.gtrace') b"
fi

# hostile names: nothing of them speaks to the terminal
for words in 'goroutine hostile_names.gtrace 2' 'at hostile_names.gtrace 2600' 'sql hostile_names.gtrace' \
	'dump hostile_names.gtrace' 'export --to dot hostile_names.gtrace' 'export --to folded hostile_names.gtrace'; do
	# shellcheck disable=SC2086 # words
	echo 'SELECT * FROM goroutine_name; SELECT * FROM site; SELECT args FROM event' | "$gtrace" $words >got
	[ -s got ] || fail "$words says nothing"
	LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" got && fail "$words: a control character"
done

# export: what is asked for has to be possible
expect 2 '' 'say to what: --to pprof|folded|csv|dot|perfetto' "$gtrace" export g.gtrace
expect 2 '' 'to is one of pprof' "$gtrace" export --to xls g.gtrace
expect 2 '' '--profile is for --to pprof and --to folded' "$gtrace" export --to dot --profile block g.gtrace
expect 2 '' 'give -o DIR' "$gtrace" export --to csv g.gtrace
expect 3 '' "cannot write 'no/such'" "$gtrace" export --to pprof -o no/such g.gtrace
expect 3 '' "cannot make the folder 'no/such'" "$gtrace" export --to csv -o no/such g.gtrace
expect 3 '' 'cannot write' sh -c '"$1" export --to perfetto g.gtrace >/dev/full' - "$gtrace"
expect 3 '' 'cannot write' "$gtrace" export --to pprof -o /dev/full g.gtrace
[ -c /dev/full ] || fail '/dev/full was replaced'
expect 3 '' 'nothing.gtrace.*No such file' "$gtrace" export --to dot -o x.dot nothing.gtrace
[ ! -e x.dot ] || fail 'a file of nothing'
expect 0 '' '' "$gtrace" export --to dot -o x.dot g.gtrace
"$gtrace" export --to dot g.gtrace | cmp - x.dot || fail 'export -o'
for file in .x.dot.* .tables.*; do
	[ ! -e "$file" ] || fail "$file was left behind"
done
exit $failed
