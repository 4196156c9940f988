#!/bin/sh
# SPDX-License-Identifier: MIT
#
# readme.sh [--update] README: the output in a README is what its commands print.
#
# In each block ```console, a line "$ command" is run, and the lines up to the next one are its output.
# Everything but the numbers has to agree; --update writes what the programs print now.
set -eu

update=
[ "$1" != --update ] || { update=1; shift; }
readme=$1
work=$(mktemp -d readme.XXXXXX)
trap 'cd .. && rm -rf "$work"' EXIT
cd "$work"
for example in "$EXAMPLES_BUILD"/*; do
	[ ! -f "$example" ] || [ ! -x "$example" ] || ln -s "$example" .
done
PATH=$(dirname "$GTRACE_PROGRAM"):$PATH
unset GTRACE GOR_MAXPROCS GOR_DEBUG

# The README once more, with the output of today.
rewrite()
{
	inside=
	while IFS= read -r line; do
		case $line in
		'```console') inside=1 ;;
		'```') inside= ;;
		'$ '*)
			printf '%s\n' "$line"
			[ -z "$inside" ] || sh -c "${line#??}" </dev/null 2>&1 || [ $? != 127 ]
			continue
			;;
		*) [ -z "$inside" ] || continue ;;
		esac
		printf '%s\n' "$line"
	done
}

# Numbers, with a unit or not, are all one, and a longer number may move the end of a line.  The note
# on a goroutine that is on its last steps while main returns comes and goes.  The plot in letters and
# the order of waits that took as long as each other are of one run alone.
mask()
{
	awk '/^ +([0-9,]+ )?[|][ .:|]*/ { next }
		/^slowest waits/, /^$/ { next }
		/^note: .*(running|runnable).* when main returned/ { skip = 1; next }
		!/^ / { skip = 0 }
		!skip' "$1" |
		sed -E 's/[0-9][0-9.,]*( ?(ns|us|µs|ms|s|min|B|KiB|MiB|%))?([^[:alnum:]]|$)/#\3/g' |
		tr -s ' ' '\n' | sed '/^$/d'
}

rewrite <"$readme" >now
mask "$readme" >want.masked
mask now >now.masked
if [ "$update" ]; then
	cp now "$readme"
else
	diff -u want.masked now.masked
fi
