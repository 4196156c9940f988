#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2086 # lists of words are meant to split
# limits.sh ROOT: lengths of functions, files and lines, the licence line, and what is banned.
#
# A function may be longer if it is one flat switch and the comment before it, or one in it, says
# so in these words.
set -u
cd "$1" || exit 1
bad=0

complain()
{
	printf '%s\n' "$*"
	bad=1
}

files=$(find recorder runtime analyzer tests docs -name '*.[chS]' -o -name '*.[ch]pp')
[ -n "$files" ] || complain 'no sources'

# mawk counts bytes: the continuation bytes of UTF-8 are taken out, a tab is up to four columns.
found=$(LC_ALL=C awk '
	function columns(s,   n, i) {
		gsub(/[\200-\277]/, "", s)
		while ((i = index(s, "\t")) > 0)
			s = substr(s, 1, i - 1) substr("    ", 1, 4 - (i - 1) % 4) substr(s, i + 1)
		return length(s)
	}
	FNR == 1 {
		if (name && lines > most)
			print name ": " lines " lines, " most " is the limit"
		name = FILENAME
		most = FILENAME ~ /gor\.h$/ ? 1000 : FILENAME ~ /\/include\// ? 600 : 800 # gor.h: all of the API is one header
		inside = flat = 0
		if ($0 !~ /^\/\* SPDX-License-Identifier: MIT \*\/$/)
			print FILENAME ":1: the licence line is not first"
	}
	{ lines = FNR }
	columns($0) > 100 { print FILENAME ":" FNR ": " columns($0) " columns, 100 is the limit" }
	/[ \t]$/ { print FILENAME ":" FNR ": blank at the end of the line" }
	/(^|[^A-Z])(TODO|FIXME|XXX)([^A-Z]|$)/ { print FILENAME ":" FNR ": a note to do something later" }
	/^ \*[A-Za-z]/ { print FILENAME ":" FNR ": a comment without its blank, as clang-format breaks a line of a tab" }
	/flat switch/ { flat = 1 }
	/^\{$/ { inside = before ~ /^(template.*> )?(class|struct) / ? 0 : FNR }
	/^\}/ {
		if (inside && FNR - inside - 1 > 60 && !flat)
			print FILENAME ":" inside ": function of " FNR - inside - 1 " lines, 60 is the limit"
		inside = flat = 0
	}
	{ before = $0 }
	END {
		if (lines > most)
			print name ": " lines " lines, " most " is the limit"
	}
' $files)
[ -z "$found" ] || complain "$found"

found=$(find recorder runtime analyzer tests docs \( -name 'util*.[ch]' -o -name 'common.*' -o \
	-name 'misc.*' -o -name 'helper*.[ch]' \))
[ -z "$found" ] || complain "$found: a name that says nothing"
exit $bad
