#!/bin/sh
# SPDX-License-Identifier: MIT
# catches.sh: arrows.sh, limits.sh and links.sh find what is planted in a small tree, and nothing else in it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
bad=0
spdx='/* SPDX-License-Identifier: MIT */'

# fresh: a tree without a fault
fresh()
{
	rm -rf "${tree:?}"/*
	mkdir -p "$tree/recorder/include" "$tree/recorder/reader" "$tree/recorder/writer" \
		"$tree/runtime/include" "$tree/analyzer/load" "$tree/tests" "$tree/docs"
	for header in recorder/include/gtrace.h recorder/format.h recorder/reader/order.h \
		recorder/writer/stream.h runtime/include/gor.h runtime/sched.h analyzer/load/load.h; do
		printf '%s\n' "$spdx" >"$tree/$header"
	done
	printf '%s\n#include "gtrace.h"\n#include "format.h"\n' "$spdx" >"$tree/recorder/reader/order.c"
	printf '%s\n#include <gtrace.h>\n#include "gor.h"\n' "$spdx" >"$tree/runtime/sched.c"
}

# expect CHECK PATTERN: the check fails and says so; without a pattern, it passes
expect()
{
	out=$(sh "$here/$1" "$tree" 2>&1)
	status=$?
	if [ -z "${2-}" ]; then
		[ $status = 0 ] && [ -z "$out" ] && return
	else
		[ $status != 0 ] && printf '%s\n' "$out" | grep -q -- "$2" && return
	fi
	printf '%s: expected "%s", status %s:\n%s\n' "$1" "${2-}" $status "$out"
	bad=1
}

# plant FILE LINE...: append lines to a file of a fresh tree
plant()
{
	fresh
	file=$tree/$1
	shift
	[ -s "$file" ] || printf '%s\n' "$spdx" >"$file"
	printf '%s\n' "$@" >>"$file"
}

fresh
expect arrows.sh
expect limits.sh
expect links.sh

plant recorder/writer/rec.c '#include "sched.h"'
expect arrows.sh 'recorder/writer/rec.c:2: includes sched.h: the recorder'
plant recorder/writer/rec.c '#include <gor.h>'
expect arrows.sh 'only programs and the runtime include gor.h'
plant runtime/dump.c '# include "../analyzer/load/load.h"'
expect arrows.sh 'runtime/dump.c:2: .*the runtime'
plant analyzer/load/load.c '#include "gor.h"'
expect arrows.sh 'analyzer/load/load.c:2:'
plant recorder/reader/order.c '#include "writer/stream.h"'
expect arrows.sh 'order.c:4: .*the reader'
plant recorder/format.h '#include <sqlite3.h>'
expect arrows.sh 'only the analyzer'
plant analyzer/load/load.c '#include <sched.h>' '#include "load/gor_like.h"' '#include "load.h"'
expect arrows.sh
plant notes.txt 'x'
expect arrows.sh 'notes.txt: has no place'

printf '[a](b.md#c) [d](../runtime/sched.h) [e](https://f.invalid/g) [h](#i)\n' >"$tree/docs/a.md"
expect links.sh 'docs/a.md: leads nowhere: b.md'
printf '[d](../runtime/sched.h) [e](https://f.invalid/g) [h](#i)\n' >"$tree/docs/a.md"
expect links.sh

body=$(seq 61 | sed 's/.*/	f();/')
plant recorder/format.h '/**' ' *lines' ' */'
expect limits.sh 'format.h:3: a comment without its blank'
plant runtime/long.c 'void g(void)' '{' "$body" '}'
expect limits.sh 'long.c:3: function of 61 lines'
plant runtime/long.c '/** A flat switch. */' 'void g(void)' '{' "$body" '}'
expect limits.sh
plant runtime/long.c "$(seq 800 | sed 's/.*/;/')"
expect limits.sh 'long.c: 801 lines'
plant runtime/wide.c "// $(seq 40 | sed 's/.*/──/' | tr -d '\n')"
expect limits.sh
plant runtime/wide.c "	// $(seq 47 | sed 's/.*/──/' | tr -d '\n')"
expect limits.sh 'wide.c:2: 101 columns'
plant runtime/late.c '// TODO: later'
expect limits.sh 'late.c:2: a note'
plant runtime/late.hpp '// FIXME'
expect limits.sh 'late.hpp:2: a note'
plant runtime/utils.c 'int x;'
expect limits.sh 'utils.c: a name'
fresh
printf 'int x;\n' >"$tree/runtime/bare.c"
expect limits.sh 'bare.c:1: the licence'
exit $bad
