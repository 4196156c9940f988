#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2086 # lists of words are meant to split
# arrows.sh ROOT: who may include whom, and what may stand at the top of the tree.
#
#     analyzer ──▶ recorder ◀── runtime          recorder/reader ─✕─ recorder/writer
#
# CMake's private include folders make most of it fail to compile already; this names the line.
set -u
cd "$1" || exit 1
bad=0

complain()
{
	printf '%s\n' "$*"
	bad=1
}

# includes PART...: "file:line:header" of each #include in those folders; <header> keeps its brackets
includes()
{
	find "$@" \( -name '*.[chS]' -o -name '*.[ch]pp' -o -name '*.def' \) \
		-exec grep -Hn '^[[:space:]]*#[[:space:]]*include' {} + |
		sed -n 's/[[:space:]]*#[[:space:]]*include[[:space:]]*\(<[^>]*>\|"[^"]*"\).*/\1/p' | tr -d '"'
}

# headers PART...: what those folders offer, by each path that may be written
headers()
{
	find "$@" -name '*.h' -o -name '*.def' | sed -n 'p; s|^[a-z]*/||p; s|^include/||p; s|.*/||p'
}

# forbid WHY FROM... -- TO...: no file of FROM includes a "header" that only TO has.  In brackets are the
# system's, which may have the same name (sched.h), and the public ones, for which see below.
forbid()
{
	why=$1
	shift
	from=
	while [ "$1" != -- ]; do
		from="$from $1"
		shift
	done
	shift
	for part in $from "$@"; do
		[ -d "$part" ] || { complain "$part: no such folder"; return; }
	done
	own=$(headers $from | sort -u)
	theirs=$(headers "$@" | sort -u)
	found=$(includes $from | while IFS=: read -r file line header; do
		name=${header##*../}
		printf '%s\n' "$theirs" | grep -qxF -- "$name" || continue
		printf '%s\n' "$own" | grep -qxF -- "$name" && continue
		printf '%s:%s: includes %s: %s\n' "$file" "$line" "$header" "$why"
	done)
	[ -z "$found" ] || complain "$found"
}

forbid 'the recorder knows nothing of its users' recorder -- runtime analyzer
forbid 'the runtime knows nothing of the analyzer' runtime -- analyzer
forbid 'the analyzer reads traces, not the runtime' analyzer -- runtime
forbid 'the reader shares only the format with the writer' recorder/reader -- recorder/writer
forbid 'the writer shares only the format with the reader' recorder/writer -- recorder/reader
for part in recorder analyzer; do
	found=$(includes $part | grep '[:/<]gor\.h')
	[ -z "$found" ] || complain "$found: only programs and the runtime include gor.h"
done
found=$(includes recorder runtime | grep -v -e '^runtime/inspect/' -e '^recorder/pprof/' |
	grep -E ':<?(sqlite3|elfutils/|dwarf|libelf|gelf|microhttpd|protobuf-c|zlib)')
[ -z "$found" ] || complain "$found: only the analyzer and runtime/inspect need that library"
found=$(includes runtime | grep -v '^runtime/inspect/' | grep ':inspect/')
[ -z "$found" ] || complain "$found: libgor reaches what it loads by module.h alone"

# Files that are not ours (a build folder, a trace) do not count, where git can tell.
for name in $(git ls-files 2>/dev/null | sed 's|/.*||' | sort -u | grep . || ls); do
	case $name in
	.* | runtime | recorder | analyzer | tests | docs) ;;
	CMakeLists.txt | CMakePresets.json | README.md | LICENSE | dev) ;;
	build | demo) ;;
	*) complain "$name: has no place at the top of the tree" ;;
	esac
done
exit $bad
