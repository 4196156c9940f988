# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034 # of $failed: for those that include it
#
# For scripts to include: run a command and look at what it says.  Leaves $failed.
failed=0

fail() {
	failed=1
	echo "FAILED: $*"
}

# expect STATUS STDOUT-PATTERN STDERR-PATTERN COMMAND...: patterns are of grep -E; '' is: nothing at all
expect() {
	want=$1 out=$2 err=$3
	shift 3
	"$@" >stdout 2>stderr </dev/null
	got=$?
	bad=
	[ "$got" = "$want" ] || bad="exit status $got, not $want"
	matches stdout "$out" || bad="$bad; stdout"
	matches stderr "$err" || bad="$bad; stderr"
	[ -z "$bad" ] && return
	failed=1
	echo "FAILED: $*: $bad"
	sed 's/^/  out: /' stdout | head -n 20
	sed 's/^/  err: /' stderr | head -n 20
}

matches() {
	if [ -z "$2" ]; then
		[ ! -s "$1" ]
	else
		grep -Eq -e "$2" "$1"
	fi
}
