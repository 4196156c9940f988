#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh PROGRAM [ARG...]: the program under valgrind, which has to have nothing to say, neither of
# memory nor of stacks that it does not know.
set -u
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

# -q would silence the warnings about stacks as well
"$VALGRIND" --error-exitcode=9 --fair-sched=try --log-file="$log" "$@"
status=$?
if grep -q -E 'switching stacks|Invalid|uninitialised|unhandled|the .impossible. happened' "$log" ||
	! grep -q 'ERROR SUMMARY: 0 errors' "$log"; then
	cat "$log"
	exit 1
fi
exit $status
