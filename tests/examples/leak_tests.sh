#!/bin/sh
# SPDX-License-Identifier: MIT
# leak_tests.sh FRAMEWORK ROOT CC CXX LIBRARY|FLAG...: build the example for one test framework as a user
# would; its test that leaks has to fail, with the goroutine, and the other one has to pass.
# CXX may be empty.  Status 77: the framework is not here.
# shellcheck disable=SC2086 # lists of words are meant to split
set -eu
framework=$1
root=$2
cc=$3
cxx=$4
shift 4
here=$root/docs/examples/leak-tests
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What a goroutine that leaks holds is no news.
export ASAN_OPTIONS=detect_leaks=0
strict='-pedantic -Wall -Wextra -Werror -fno-omit-frame-pointer'
own="-I$root/runtime/include -I$here"

fail()
{
	printf 'leak_tests: %s: %s\n' "$framework" "$*"
	cat "$work/out"
	exit 1
}

# probe COMPILER HEADER PACKAGE: or skip
probe()
{
	[ -n "$1" ] && printf '#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <setjmp.h>\n#include <%s>\n' "$2" |
		$1 -E -x ${3} - >/dev/null 2>&1 && return
	printf 'leak_tests: skipped: no compiler finds <%s>; Debian has it in %s\n' "$2" "$4"
	exit 77
}

compiler="$cc -std=c11" source=$framework.c libs='' clean=takes_answer
case $framework in
plain) passed='' failed='^leak: found unexpected goroutines: 1 at the end of the program$' ;;
cmocka)
	probe "$cc" cmocka.h c libcmocka-dev
	libs=-lcmocka passed='OK \] takes_answer' failed='FAILED *\] goes_away|ERROR *\] goes_away'
	;;
check)
	probe "$cc" check.h c check
	compiler="$cc -std=gnu11" # its macros are
	strict='-Wall -Wextra -Werror -fno-omit-frame-pointer'
	libs=$(pkg-config --cflags --libs check) passed=':P:answers:takes_answer:' failed=':[SFE]:answers:goes_away:'
	;;
unity)
	own="$own -I$root/tests/examples/unity"
	passed='^takes_answer:PASS' failed=':goes_away:FAIL: leak: found'
	;;
gtest)
	probe "$cxx" gtest/gtest.h c++ libgtest-dev
	compiler="$cxx -std=c++14" source=gtest.cpp libs=-lgtest clean='--gtest_filter=*TakesAnswer'
	passed='OK \] Work.TakesAnswer' failed='FAILED *\] Work.GoesAway'
	;;
esac

$cc -std=c11 -pedantic -Wall -Wextra -Werror -fno-omit-frame-pointer $own -c "$here/work.c" -o "$work/work.o" "$@" \
	>"$work/out" 2>&1 || fail 'work.c does not build'
$compiler $strict $own "$here/$source" "$work/work.o" "$@" $libs -o "$work/example" >"$work/out" 2>&1 ||
	fail "$source does not build"

cd "$work"
./example "$clean" >out 2>&1 || fail 'the clean test fails'
grep -q 'leak: found' out && fail 'the clean test leaks'
[ -z "$passed" ] || grep -q -E "$passed" out || fail 'the clean test is not said to have passed'
./example >out 2>&1 && fail 'the test that leaks passes'
[ -z "$passed" ] || grep -q -E "$passed" out || fail 'beside one that leaks the clean test does not pass'
grep -q -E "$failed" out || fail 'the test that leaks is not said to have failed'
for line in 'leaked goroutine:' 'goroutine [0-9]* \[chan receive\]:' 'answer(\.\.\.)' 'created by begin in goroutine [0-9]*'; do
	grep -q "$line" out || fail "no line '$line'"
done
[ "$framework" = plain ] || [ "$(grep -c 'leak: found 1 goroutine started by this test:' out)" -ge 1 ] || fail 'no text'
printf 'leak_tests: %s: fails where it has to\n' "$framework"
