#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What builds on other machines rely on: fingerprints, baselines, suppressions, filters, rules, diff.
# usage: ci.sh GTRACE ASSEMBLE SOURCE
# With ONE_IN=N in the environment only one trace in N is edited and analyzed again.
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
	"$gtrace" analyze --no-plots --fail-on never --format json "$1.gtrace" >json || exit 99
	grep -o '"kind":"[^"]*"\|"fingerprint":"[^"]*"' json |
		sed 'N; s/"kind":"\(.*\)"\n"fingerprint":"\(.*\)"/\1	\2/'
}

# same NAME WHAT: the trace edited.txt has the fingerprints of the trace NAME
same() {
	"$assemble" edited.txt edited.gtrace || exit 99
	prints edited >edited.prints
	cmp -s "$1.prints" edited.prints && return
	fail "fingerprints of $1: $2"
	diff "$1.prints" edited.prints # it ends with 1
}

# lines, files, clock: the trace $trace with its lines moved, its files elsewhere, its clock a thousand times slower
lines() {
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
	}' "$1"
}
files() {
	sed "s|site='\{0,1\}\([a-z_]*\.c\)'\{0,1\}:|site=/home/me/src/\1:|g" "$1"
}
clock() {
	case $name in
	hidden_spin* | hidden_role_young | spin_short | foreign_* | idle_* | exit_reach | \
		leak_per_request | starved_* | stuck_call_* | \
		pool_exhausted* | poll_* | leak_growth* | runaway_* | livelock_* | leak_reply*) cat "$1" ;; # their times decide
	*) sed 's/^\([0-9]*\)\([ 	]\)/\1000\2/; s/^begin \([0-9]*\)s/begin \1000s/' "$1" ;;
	esac
}

# fingerprints: every trace, all edits at once; if they differ, each alone, to tell which it is
n=0
for trace in "$traces"/*.txt; do
	name=$(basename "$trace" .txt)
	"$assemble" "$trace" "$name.gtrace" || exit 99
	prints "$name" >"$name.prints"
	n=$((n + 1))
	[ $((n % ${ONE_IN:-1})) = 0 ] || continue
	lines "$trace" >moved.txt
	cmp -s "$trace" moved.txt && fail "no line of $name moved"
	files moved.txt >elsewhere.txt
	clock elsewhere.txt >edited.txt
	same "$name" 'moved lines, files elsewhere, a slower clock' && continue
	for edit in lines files clock; do
		$edit "$trace" >edited.txt
		same "$name" "$edit"
	done
done
# two goroutines of a cycle that changed their numbers
sed 's/g=2/g=@/; s/g=3/g=2/; s/g=@/g=3/; s/holder=2/holder=@/; s/holder=3/holder=2/; s/holder=@/holder=3/
	s/obj=1 /obj=@ /; s/obj=2 /obj=1 /; s/obj=@ /obj=2 /' "$traces/lock_abba.txt" >edited.txt
same lock_abba 'other numbers'
# one more goroutine of the same leak; another function, another channel: others
[ "$(cat ./*.prints | grep -c .)" -gt 20 ] || fail 'too few fingerprints'
sed 's/worker/other/' "$traces/leak_first_answer.txt" >edited.txt
"$assemble" edited.txt edited.gtrace
prints edited >edited.prints
cmp -s leak_first_answer.prints edited.prints && fail 'another function has the same fingerprint'
sed "s/'chan make':c /'chan make':d /" "$traces/leak_first_answer.txt" >edited.txt
"$assemble" edited.txt edited.gtrace
prints edited >edited.prints
cmp -s leak_first_answer.prints edited.prints && fail 'another channel has the same fingerprint'

# analyze STATUS STDOUT STDERR OPTIONS... TRACE: as expect
analyze() {
	want=$1 out=$2 err=$3
	shift 3
	expect "$want" "$out" "$err" "$gtrace" analyze --no-plots "$@"
}

# baseline: written, and read as a list, as a report, and as a list of one's own
analyze 1 LEAK '' --write-baseline known.txt leak_first_answer.gtrace
grep -q '^[0-9a-f]\{16\}  # leak: leak.c: 2 goroutines' known.txt || fail 'the baseline as written'
analyze 0 '^no new problems, 1 known by the baseline$' '' --baseline known.txt leak_first_answer.gtrace
grep -q 'certainty   probable, since 10.0 us; known, by the baseline' stdout || fail 'not said to be known'
analyze 0 '"baseline":true' '' --baseline known.txt --format json leak_first_answer.gtrace
analyze 0 '"baselineState":"unchanged"' '' --baseline known.txt --format sarif leak_first_answer.gtrace
analyze 1 '"baselineState":"new"' '' --baseline known.txt --format sarif lock_abba.gtrace
analyze 0 'failures="0"' '' --baseline known.txt --format junit leak_first_answer.gtrace
analyze 0 '^::notice ' '' --baseline known.txt --format github leak_first_answer.gtrace
analyze 0 '\| known \|' '' --baseline known.txt --format markdown leak_first_answer.gtrace
cp leak_first_answer.report/report.json report.json
analyze 0 'no new problems' '' --baseline report.json leak_first_answer.gtrace
sed '/^#/d; s/ .*//; s/^/  /' known.txt | tr a-f A-F | awk '{ printf "%s # ours\r\n", $0 }' >own.txt
analyze 0 'no new problems' '' --baseline own.txt leak_first_answer.gtrace
analyze 1 '^2 problems$' '' --fresh --baseline known.txt lock_abba.gtrace
analyze 0 'no problems' '' --baseline known.txt leak_first_answer_fixed.gtrace
"$gtrace" analyze --no-plots --write-baseline one.txt hidden_spin.gtrace >/dev/null
head -n 2 one.txt >first.txt
analyze 1 '^1 new problem, 1 known by the baseline$' '' --baseline first.txt hidden_spin.gtrace
analyze 0 '^no problems$' '' --write-baseline empty.txt leak_first_answer_fixed.gtrace
analyze 1 '^1 problem$' '' --baseline empty.txt leak_first_answer.gtrace
rm -rf lock_self.report
for bad in '{' '{}' '{"findings":1}' '{"findings":[{}]}' '{"findings":[{"fingerprint":"x"}]}' '{"findings":"x"}'; do
	echo "$bad" >bad.json
	analyze 2 '' '^gtrace: bad.json: .*report of gtrace' --baseline bad.json lock_self.gtrace
done
printf '# fine\n0123456789abcdef\n0123\n' >bad.txt
analyze 2 '' "^gtrace: bad.txt:3: '0123' is no fingerprint" --baseline bad.txt lock_self.gtrace
printf '\n0123456789abcdef\0' >bad.txt
analyze 2 '' '^gtrace: bad.txt:' --baseline bad.txt lock_self.gtrace
analyze 3 '' "cannot read 'none.txt': No such file" --baseline none.txt lock_self.gtrace
analyze 3 '' "cannot read '.': Is a directory" --baseline . lock_self.gtrace
[ -e lock_self.report ] && fail 'a folder is left behind'
analyze 3 '' "cannot write 'no/such': No such file" --write-baseline no/such lock_self.gtrace

# suppressions
supp() {
	printf '%s\n' "$1" >supp
	shift
	analyze "$@"
}
for line in 'leak:worker' 'leak:w*' 'l*k:*' '*:worker' 'leak:func:worker' 'leak:file:leak.c' 'leak:leak.c' \
	'leak:app' '*:object:c' 'leak:object:[a-d]' '  leak:worker	' 'leak:[]w]orker'; do
	supp "$line" 0 '^1 finding suppressed$' '' --suppress supp leak_first_answer.gtrace
	grep -q '^no problems$' stdout || fail "suppressed, and a problem: $line"
	grep -q LEAK stdout && fail "suppressed, and there: $line"
done
for line in 'leak:other' 'spin:*' 'leak:file:worker' 'leak:object:worker' 'leak:func:leak.c' 'leak:file:eak.c' \
	'leak:ns::worker' 'leak:file::x' 'leak:fil:leak.c'; do
	supp "$line" 1 LEAK "^gtrace: warning: supp:1: no finding is suppressed by '" \
		--suppress supp leak_first_answer.gtrace
done
for line in 'leak' ':x' 'leak:' 'leak:file:' 'leak:[a' 'le[ak:x' "leak:$(printf '%05000d' 1)"; do
	supp "# what follows is wrong

$line" 2 '' '^gtrace: supp:3: ' --suppress supp lock_self.gtrace
done
printf 'leak:x\0y\n' >supp
analyze 2 '' '^gtrace: supp:' --suppress supp lock_self.gtrace
analyze 3 '' "cannot read 'none': No such file" --suppress none lock_self.gtrace
: >supp
analyze 1 LEAK '' --suppress supp leak_first_answer.gtrace
sed "s|site=leak.c|site=/src/vendor/leak.c|g" "$traces/leak_first_answer.txt" >vendor.txt
"$assemble" vendor.txt vendor.gtrace
supp 'leak:file:vendor/*' 0 '1 finding suppressed' '' --suppress supp vendor.gtrace
supp 'hidden-*:*
leak:x' 1 '^1 finding suppressed$' 'supp:2: no finding' --suppress supp lock_abba.gtrace
grep -q '^1 LOCK DEADLOCK' stdout || fail 'the numbers begin with 1'
supp 'lock-deadlock:ba' 1 '^1 HIDDEN DEADLOCK' '' --suppress supp lock_abba.gtrace
supp '*:*' 0 '^2 findings suppressed$' '' --suppress supp lock_abba.gtrace
analyze 0 '"findings":\[\],"suppressed":2,"left_out":0' '' --suppress supp --format json lock_abba.gtrace
analyze 0 '"suppressions":\[\{"kind":"external","status":"accepted"\}\]' '' \
	--suppress supp --format sarif lock_abba.gtrace
analyze 0 '' '' --suppress supp --format github lock_abba.gtrace
analyze 0 'no problems' '' --suppress supp --format markdown lock_abba.gtrace
analyze 0 'no problems' '' --suppress supp --format html lock_abba.gtrace

# diff: bug and clean twin, both ways, by trace and by database
expect 0 '^not worse; 2 places without a change$' '' "$gtrace" diff leak_first_answer.gtrace leak_first_answer.gtrace
grep -q 'measure' stdout && fail 'a trace differs from itself'
analyze 1 LEAK '' leak_first_answer.gtrace
expect 1 '^!    from 0  at end +0 +2  leak.c:12  app\(\)  worker$' '' \
	"$gtrace" diff leak_first_answer_fixed.gtrace leak_first_answer.report/trace.db
grep -q "^! new   leak: 2 goroutines .* at leak.c:5  $(sed -n 's/^leak	//p' leak_first_answer.prints)$" stdout ||
	fail 'no new finding'
expect 0 '^     -100 %  at end +2 +0  leak.c:12' '' "$gtrace" diff leak_first_answer.gtrace leak_first_answer_fixed.gtrace
grep -q '^  gone  leak: ' stdout || fail 'no gone finding'
for name in leak_never_closed hidden_tick lock_abba global; do
	expect 1 '^worse; ' '' "$gtrace" diff ${name}_fixed.gtrace $name.gtrace
	expect 0 '^not worse; ' '' "$gtrace" diff $name.gtrace ${name}_fixed.gtrace --threshold 1000000
done
expect 1 '"worse":true,"changes":\[\{"measure":"[a-z_]+","a":0,' '' \
	"$gtrace" diff --format json leak_first_answer_fixed.gtrace leak_first_answer.gtrace
expect 1 'worse' '' sh -c '"$1" diff leak_first_answer_fixed.gtrace - <leak_first_answer.gtrace' - "$gtrace"
expect 0 '"worse":false,"changes":\[\],"new":\[\],"gone":\[\]' '' \
	"$gtrace" diff --format json hostile_names.gtrace hostile_names.gtrace

# crowd NAME GOROUTINES WAIT READY: so many at once, each waits for WAIT and is ready for READY
crowd() {
	awk -v n="$2" -v wait="$3" -v ready="$4" 'BEGIN {
		print "header program=./crowd pid=1 maxprocs=1 level=sync"
		print "1000 t1 GO_NEW g=1 site=c.c:1:main:go:app"
		print "2000 t1 GO_START g=1"
		for (i = 2; i < n + 2; i++)
			print 2000 + i, "t1 GO_NEW g=" i, "site=c.c:7:app:go:work"
		print 5000, "t1 GO_PARK reason=sleep site=c.c:9:app:sleep: flags=1"
		now = 6000
		for (i = 2; i < n + 2; i++) {
			print now, "t1 GO_START g=" i
			print now + 10, "t1 GO_PARK reason=sleep site=c.c:3:work:sleep: flags=1"
			now += 20
		}
		now += wait
		for (i = 2; i < n + 2; i++)
			print now, "t1 GO_WAKE_BY g=" i, "by=timer"
		now += ready
		for (i = 2; i < n + 2; i++) {
			print now, "t1 GO_START g=" i
			print now + 10, "t1 GO_END"
			now += 20
		}
		print now, "t1 GO_WAKE_BY g=1 by=timer"
		print now + 10, "t1 GO_START g=1"
		print now + 20, "t1 GO_END"
		print "end exit 0"
	}' >"$1.txt"
	"$assemble" "$1.txt" "$1.gtrace" || exit 99
}
crowd few 10 50000000 10000000
crowd slack 11 54000000 10900000 # 10 % of goroutines, 8 % of waits: noise
crowd more 20 50000000 10000000
crowd slow 10 100000000 10000000
crowd late 10 50000000 90000000
expect 0 '^not worse' '' "$gtrace" diff few.gtrace slack.gtrace
expect 1 '^! +\+8 %  wait ' '' "$gtrace" diff --threshold 5% few.gtrace slack.gtrace
expect 1 '^! +\+10 %  peak +10 +11 ' '' "$gtrace" diff --threshold 9.5 --min-count 1 few.gtrace slack.gtrace
expect 0 '^not worse' '' "$gtrace" diff --threshold 9.5 few.gtrace slack.gtrace
expect 1 '^! +\+100 %  peak +10 +20  c.c:7  app\(\)  work$' '' "$gtrace" diff few.gtrace more.gtrace
expect 0 '^not worse' '' "$gtrace" diff --threshold 100% few.gtrace more.gtrace
expect 0 '^not worse' '' "$gtrace" diff --min-count 11 few.gtrace more.gtrace
expect 0 '^ +-50 %  peak' '' "$gtrace" diff more.gtrace few.gtrace
expect 1 '^! +\+100 %  wait +50.0 ms +100.0 ms  c.c:7' '' "$gtrace" diff few.gtrace slow.gtrace
expect 0 '^not worse' '' "$gtrace" diff --min-time 1s few.gtrace slow.gtrace
expect 1 '^! +\+[0-9]+ %  run delay .* c.c:7' '' "$gtrace" diff few.gtrace late.gtrace
sed 's/c\.c:7:/c.c:70:/' more.txt >moved.txt
"$assemble" moved.txt moved.gtrace
expect 0 '^not worse' '' "$gtrace" diff more.gtrace moved.gtrace
for bad in x 10%% -1 '' nan 1e99; do
	expect 2 '' '--threshold wants a share' "$gtrace" diff --threshold "$bad" few.gtrace more.gtrace
done
expect 2 '' '--min-count wants a number' "$gtrace" diff --min-count 2x few.gtrace more.gtrace
expect 2 '' '--min-time wants a duration' "$gtrace" diff --min-time 2x few.gtrace more.gtrace
expect 2 '' 'usage: gtrace diff' "$gtrace" diff few.gtrace
expect 2 '' 'only one' "$gtrace" diff - -
expect 3 '' "none.gtrace'?: No such file" "$gtrace" diff few.gtrace none.gtrace
expect 3 '' 'few.txt' "$gtrace" diff few.txt more.gtrace
expect 3 '' 'cannot write to standard output' sh -c '"$1" diff few.gtrace few.gtrace >/dev/full' - "$gtrace"
"$gtrace" analyze --no-plots -o old few.gtrace >/dev/null
cp old/trace.db old.db
expect 0 '^not worse' '' "$gtrace" diff old.db few.gtrace
head -c 20000 old/trace.db >cut.db
expect 3 '' "^gtrace: cannot (read|compare) 'cut.db': " "$gtrace" diff cut.db few.gtrace

# filters: hidden_spin has two findings, one since 5 us with goroutine 1, one of goroutine 2
analyze 1 '^2 problems$' '' --since 1us --until 1h --min-wait 1ms hidden_spin.gtrace
"$gtrace" sql hidden_spin.report/trace.db 'SELECT since_ns FROM finding WHERE kind = "hidden-deadlock"' >since
[ "$(sed -n 2p since)" = 5000 ] || fail 'since when the hidden deadlock is'
analyze 1 '^1 finding left out$' '' --goroutine 1 hidden_spin.gtrace
grep -q '^1 HIDDEN DEADLOCK' stdout || fail 'the finding of goroutine 1'
analyze 1 '^1 SPIN' '' --goroutine 2 hidden_spin.gtrace
grep -q '^1 problem$' stdout || fail 'only one of goroutine 2'
analyze 0 '^2 findings left out$' '' --goroutine 3 hidden_spin.gtrace
analyze 0 '"findings":\[\],"suppressed":0,"left_out":2' '' --format json --goroutine 3 hidden_spin.gtrace
analyze 1 '^1 LEAK' '' --since 10us --until 10us leak_first_answer.gtrace
analyze 0 '^1 finding left out$' '' --since 10001ns leak_first_answer.gtrace
analyze 0 '^1 finding left out$' '' --until 9999ns leak_first_answer.gtrace
analyze 0 '^1 finding left out$' '' --until 0 leak_first_answer.gtrace
analyze 1 '^1 LEAK' '' --min-wait 89ms leak_first_answer.gtrace
analyze 0 '^1 finding left out$' '' --min-wait 90ms leak_first_answer.gtrace
analyze 0 'no problems' '' --since 10us leak_first_answer_fixed.gtrace
for bad in x 0 -1 1x '' 99999999999999999999; do
	analyze 2 '' '--goroutine wants the number of one' --goroutine "$bad" leak_first_answer.gtrace
done
for option in since until min-wait; do
	analyze 2 '' "--$option wants a duration" --$option soon leak_first_answer.gtrace
done

# rules: a detector of one's own, in every format; a wrong one
mkdir rules
cat >rules/20-many.sql <<'END'
DELETE FROM finding WHERE kind = 'many';
INSERT INTO finding(trace_id, kind, part, certainty, severity, title, why, count, touches_gap)
SELECT trace_id, 'many', 0, 'fact', 'error', 'too many goroutines', 'more than ' || most, started, 0
FROM trace JOIN limits WHERE started > most;
END
echo 'CREATE TABLE limits(most); INSERT INTO limits VALUES (3);' >rules/10-limits.sql
echo 'this is no SQL' >rules/notes.txt
analyze 1 '^2 MANY  too many goroutines' '' --rules rules leak_first_answer.gtrace
analyze 0 '^no problems$' '' --rules rules leak_first_answer_fixed.gtrace
analyze 1 'testcase name="many"' '' --rules rules --format junit leak_first_answer.gtrace
analyze 1 '"ruleId":"many"' '' --rules rules --format sarif leak_first_answer.gtrace
analyze 1 '^::error title=many::too many goroutines' '' --rules rules --format github leak_first_answer.gtrace
analyze 1 '\| many \|' '' --rules rules --format markdown leak_first_answer.gtrace
printf 'leak:*\nmany:*\n' >supp
analyze 1 '^1 MANY' 'supp:2' --rules rules --suppress supp leak_first_answer.gtrace
rm -rf lock_self.report
echo 'SELEC 1' >rules/30-wrong.sql
analyze 2 '' "^gtrace: cannot run 'rules/30-wrong.sql': near \"SELEC\": syntax error" --rules rules lock_self.gtrace
echo 'SELECT * FROM missing' >rules/30-wrong.sql
analyze 2 '' "^gtrace: cannot run 'rules/30-wrong.sql': no such table: missing" --rules rules lock_self.gtrace
echo 'BEGIN' >rules/30-wrong.sql
analyze 2 '' "^gtrace: cannot run 'rules/30-wrong.sql': it begins a transaction" --rules rules lock_self.gtrace
echo 'DROP TABLE finding' >rules/30-wrong.sql
analyze 2 '' "^gtrace: after the rules of 'rules': no such table" --rules rules lock_self.gtrace
rm rules/30-wrong.sql
mkdir rules/30-wrong.sql
analyze 3 '' "cannot read 'rules/30-wrong.sql': Is a directory" --rules rules lock_self.gtrace
analyze 3 '' "cannot read 'none': No such file" --rules none lock_self.gtrace
[ -e lock_self.report ] && fail 'a folder is left behind'
mkdir bare
analyze 1 LEAK "warning: no file in 'bare' ends in .sql" --rules bare leak_first_answer.gtrace

exit "${failed:-1}" # expect.sh sets it
