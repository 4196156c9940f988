#!/bin/sh
# SPDX-License-Identifier: MIT
# links.sh ROOT: every relative link in the documents leads to something.
set -u
cd "$1" || exit 1
found=$(find . -name '*.md' -not -path './build*' -not -path './.*' -not -path './demo*' |
	while read -r file; do
		grep -o '](\([^)]*\))' "$file" | sed 's/^](//; s/)$//; s/#.*//' | while read -r link; do
			case $link in
			'' | *://*) continue ;;
			esac
			[ -e "$(dirname "$file")/$link" ] || printf '%s: leads nowhere: %s\n' "$file" "$link"
		done
	done)
[ -z "$found" ] || printf '%s\n' "$found"
[ -z "$found" ]
