#!/bin/sh
# SPDX-License-Identifier: MIT
# verb.sh GTRACE CHILD: the verb plot.
set -u
gtrace=$1
child=$2
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
unset GTRACE TMPDIR
bad=0

fail()
{
	printf '%s\n' "$*"
	cat err
	bad=1
}

# plot CODE ARGS...
plot()
{
	code=$1
	shift
	"$gtrace" plot "$@" >out 2>err
	got=$?
	[ $got = "$code" ] || fail "gtrace plot $*: exit $got, not $code"
}

env GTRACE=x.gtrace "$child" leak 0
plot 0 x.gtrace
for name in goroutines sites blocking; do
	for ending in svg gp tsv; do
		[ -s plots/$name.$ending ] || fail "no plots/$name.$ending"
	done
	grep -qx plots/$name.svg out || fail "plots/$name.svg is not named"
done
plot 0 x.gtrace sites --term png -o here
[ ! -e plots/channels.gp ] || fail 'a plot with nothing to show was written'
plot 0 x.gtrace channels -o here
grep -qF "nothing to draw in 'channels': no goroutine waited for a channel" err || fail 'no word why'
[ ! -s out ] || fail 'a drawing is named that is not there'
plot 0 x.gtrace sites --term png -o here
[ -s here/sites.png ] || fail 'no here/sites.png'
[ ! -e here/goroutines.gp ] || fail 'goroutines was drawn without being asked for'
plot 0 --term dumb x.gtrace goroutines
grep -q 'stuck for good' out || fail 'no plot in letters'
[ "$(echo ./*)" = './err ./here ./out ./plots ./x.gtrace' ] || fail "files left: $(echo ./*)"
"$gtrace" analyze x.gtrace >out 2>err
plot 0 x.report/trace.db --log -o from-db
grep -q 'log_y = 1' from-db/sites.gp || fail '--log is not heard'
plot 0 --since 1us --until 100s --term dumb x.gtrace goroutines
grep -q 'stuck for good' out || fail 'no plot of a part'
plot 0 x.gtrace --since 1us -o part
grep -q '^begin_ns = 1000.0' part/goroutines.gp && ! grep -q '^x_begin = 0$' part/goroutines.gp || fail 'the axis of a part begins with the run'
grep -q "^program = '.*, [0-9.]* to [0-9.]* [num]*s'" part/goroutines.gp || fail 'the title of a part does not say which'
plot 2 x.gtrace --since 2s --until 1s
plot 2 x.gtrace --since 1h
grep -qF 'the trace ends at' err || fail 'no word that the part is behind the end'
plot 2
plot 2 x.gtrace sitez
grep -qF "unknown plot 'sitez', did you mean 'sites'?" err || fail 'no suggestion'
plot 2 x.gtrace --term gif
plot 3 missing.gtrace
: >plain
plot 3 plain
plot 3 x.gtrace -o plain/below
env PATH=/nonexistent "$gtrace" plot x.gtrace -o without >out 2>err
[ $? = 3 ] || fail 'without gnuplot: not exit 3'
grep -qF 'gnuplot is not installed' err || fail 'gnuplot is not missed'
[ -s without/sites.gp ] || fail 'no script without gnuplot'
exit $bad
