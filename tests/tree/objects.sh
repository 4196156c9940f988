#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2086 # lists of words are meant to split
# objects.sh LIBGOR.A LIBGTRACE.A LIBGOR.SO LIBGTRACE.SO: what the libraries export, need and ask for.
set -u
gor_a=$1
gtrace_a=$2
gor_so=$3
gtrace_so=$4
bad=0

complain()
{
	printf '%s\n' "$*"
	bad=1
}

# names LIBRARY PREFIX NM-OPTION: every global symbol has the prefix, and there are some
names()
{
	all=$(nm -g --defined-only "$3" "$1" | awk 'NF == 3 && $2 != "A" {print $3}' | sed 's/@.*//' |
		grep -v '^__odr_asan')
	[ -n "$all" ] || complain "$1: no symbols"
	strays=$(printf '%s\n' "$all" | grep -v "^$2")
	[ -z "$strays" ] || complain "$1: symbols without the prefix $2:" $strays
}

names "$gor_a" gor_ -C
names "$gtrace_a" gtrace_ -C
names "$gor_so" gor_ -D
names "$gtrace_so" gtrace_ -D
private=$(nm -D --defined-only "$gor_so" "$gtrace_so" | grep -E ' (gor|gtrace)__')
[ -z "$private" ] || complain "exported although private: $private"

for so in "$gor_so" "$gtrace_so"; do
	readelf -lW "$so" | grep 'GNU_STACK' | grep -q ' RW ' || complain "$so: executable stack"
	! readelf -dW "$so" | grep -q TEXTREL || complain "$so: relocations in its code"
	heavy=$(readelf -dW "$so" | grep NEEDED | grep -E 'sqlite|libdw|libelf|libm\.')
	[ -z "$heavy" ] || complain "$so: needs too much: $heavy"
done
for object in "$gor_a" "$gtrace_a"; do
	# every member has the section, and none asks for execution
	members=$(ar t "$object" | wc -l)
	marked=$(readelf -SW "$object" | grep -c '\.note\.GNU-stack')
	[ "$members" = "$marked" ] || complain "$object: $members members, $marked say how their stack is"
	! readelf -SW "$object" | grep '\.note\.GNU-stack' | grep -q ' X ' ||
		complain "$object: executable stack"
	# every member lands where a CPU that checks expects it, and none can do with a shadow stack; the
	# shared libraries say the same only where the C library's own objects do
	readelf -hW "$object" | grep -q 'Machine: .*X86-64' || continue
	landing=$(readelf -nW "$object" 2>/dev/null | grep -c 'x86 feature: IBT')
	[ "$members" = "$landing" ] || complain "$object: $members members, $landing with landing pads"
	! readelf -nW "$object" 2>/dev/null | grep -q SHSTK || complain "$object: claims shadow stacks"
done
exit $bad
