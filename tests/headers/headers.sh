#!/bin/sh
# SPDX-License-Identifier: MIT
# headers.sh c|c++ COMPILER ROOT GTRACE LIBRARY|FLAG...: the public headers under one compiler: each
# standard, no warning, every mistake that they promise to catch, and for C++ a program that runs.
# GTRACE is the program of that name, or none; $STANDARDS those of C++ to run under.
set -u
language=$1
compiler=$2
root=$3
gtrace=$4
shift 4
here=$root/tests/headers
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0
strict="-pedantic -Wall -Wextra -Werror -I$root/runtime/include"

complain()
{
	printf '%s: %s\n' "$compiler" "$*"
	cat "$work/out"
	bad=1
}

# compile WORD...: in strict mode
compile()
{
	# shellcheck disable=SC2086 # a list of words
	"$compiler" $strict "$@" >"$work/out" 2>&1
}

# wrong STANDARD FILE: right as it is, and an error with each of the mistakes it has under #if
wrong()
{
	compile "-std=$1" -fsyntax-only "$2" || complain "$1 $2: should be right"
	count=$(grep -c '^#.*if WRONG == ' "$2")
	[ "$count" -gt 0 ] || complain "$2: no mistakes in it"
	while [ "$count" -gt 0 ]; do
		compile "-std=$1" -fsyntax-only "-DWRONG=$count" "$2" && complain "$1 $2: mistake $count is let pass"
		# an error that is not the mistake's would be in each of them
		grep -q 'error' "$work/out" || complain "$1 $2: mistake $count: no error"
		count=$((count - 1))
	done
}

# run PROGRAM STATUS WORD...: ends with that status
run()
{
	program=$1
	want=$2
	shift 2
	(cd "$work" && exec "./$program" "$@") >"$work/out" 2>&1
	got=$?
	[ $got = "$want" ] || complain "$program $*: status $got"
}

if [ "$language" = c ]; then
	for std in c11 c17 c2x gnu11; do
		wrong $std "$here/every.c"
	done
	compile -std=c11 -Wshadow "$here/every.c" "$@" -o "$work/every" || complain 'every.c'
	exit $bad
fi

wrong c++11 "$here/thin.cpp"
for std in $STANDARDS; do
	for program in declarations thin; do
		compile "-std=$std" -Wshadow "$here/$program.cpp" "$@" -o "$work/$program" ||
			complain "$std $program.cpp"
		run $program 0
	done
done
run thin 134 throw # SIGABRT
grep -q 'terminate called after throwing' "$work/out" || complain 'throw: ends otherwise'
compile -std=c++11 -fno-exceptions -fno-rtti "$here/declarations.cpp" -include "$root/runtime/include/gor.hpp" \
	-fsyntax-only || complain 'without exceptions'
if [ "$gtrace" != none ]; then
	GTRACE=run.gtrace
	export GTRACE
	run thin 0
	"$gtrace" dump "$work/run.gtrace" >"$work/out" || complain 'no trace'
	line=$(grep -n 'd.send(pair{3, 4})' "$here/thin.cpp" | cut -d: -f1)
	grep -q "thin\.cpp:$line" "$work/out" || grep -q "thin\.cpp.*line=$line" "$work/out" ||
		complain "the trace does not name thin.cpp:$line"
	grep -q numbers "$work/out" || complain 'the trace does not name the channel'
fi
exit $bad
