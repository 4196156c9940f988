#!/bin/sh
# SPDX-License-Identifier: MIT
# view.sh PROGRAM LIBGOR.SO shared|static WITHOUT: what gdb's commands say of a process, and of its core.
set -u
program=$1
library=$2
kind=$3
without=$4
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0

entry='gor(__|\.)context_entry' # gdb takes two underscores for Ada's

# in_gdb ARGUMENT...: gdb without the user's settings, with the script
in_gdb()
{
	case $kind in
	shared) set -- -iex "add-auto-load-safe-path $(dirname "$library")" "$@" ;;
	static) set -- "$@" -iex "source $library-gdb.py" ;;
	esac
	# all threads stand still before a breakpoint's condition is looked at: they would go on meanwhile
	"$GDB" -nx -batch -iex 'set debuginfod enabled off' -iex 'maint set target-non-stop off' "$@" \
		</dev/null >"$work/out" 2>&1
	# a debugger that is not allowed to trace can show nothing
	if grep -q -e 'ptrace: Operation not permitted' -e '^without: ' "$work/out"; then
		cat "$work/out"
		exit 77
	fi
}

complain()
{
	printf '%s: %s; gdb said:\n' "$view" "$*"
	cat "$work/out"
	bad=1
}

# says PATTERN...: each matches a line, and in this order
says()
{
	from=1
	for pattern in "$@"; do
		line=$(tail -n "+$from" "$work/out" | grep -n -m 1 -E -e "$pattern" | cut -d: -f1)
		[ -n "$line" ] || { complain "no line (from $from on) matches '$pattern'"; return; }
		from=$((from + line))
	done
}

# says_not PATTERN
says_not()
{
	! grep -q -E -e "$1" "$work/out" || complain "a line matches '$1'"
}

# look NAME ARGUMENT...: the same questions to a process or a core
look()
{
	view=$1
	shift
	in_gdb "$@" -ex 'echo == list\n' -ex 'info goroutines' -ex 'echo == thread\n' -ex bt
	says '^== list' '^  Id +State +Name +Where$' \
		'^\* 1 +running \(thread [0-9]+\) +app \(\) at tests/gdb/program\.c:[0-9]+$' \
		'^  2 +chan receive +collector +receiver \(\) at tests/gdb/program\.c:[0-9]+$' \
		'^  3 +sync\.Mutex\.Lock +deep \(\) at tests/gdb/program\.c:[0-9]+$' \
		'^  4 +select +chooser \(\) at tests/gdb/program\.c:[0-9]+$' \
		'^  5 +running \(thread [0-9]+\) +reader \(\)$' \
		'^  [0-9]+ +runnable +fresh \(\)$' \
		'^== thread' '^#0 .*all_there' ' in app ' "$entry"
	says '^  [0-9]+ +running \(thread [0-9]+\) +thread reading +\(a thread of the program\)$'
	says '^  [0-9]+ +chan receive +thread receiving +foreign_deep \(\) at tests/gdb/program\.c:[0-9]+$'
	says_not 'corrupt stack|Backtrace stopped|Python Exception|Error'

	in_gdb "$@" -ex 'goroutine 3 bt' -ex 'goroutine 3 info registers' -ex 'echo == thread\n' -ex bt
	says '^#1 .*sched_switch' ' in (gor_)?mutex_lock_(at|inside)' ' in deep ' \
		' in deep ' ' in deep ' ' in deep ' ' in locker ' ' in gor__spawn_main ' \
		"$entry" '^(rsp|sp) +0x' '^== thread' '^#0 .*all_there' ' in app '
	says_not 'corrupt stack|Backtrace stopped|Python Exception|Error'

	in_gdb "$@" -ex 'goroutine 17 18 bt' # threads of the program, on their own stacks
	says '^Goroutine 17 "thread reading" \(running' '^#0 .*read' ' in foreign_reader ' ' in start_thread ' \
		'^Goroutine 18 "thread receiving" \(chan receive' '^#1 .*sched_switch' 'chan_recv_wait ' \
		' in foreign_deep ' ' in foreign_deep ' ' in foreign_deep ' ' in foreign_receiver ' ' in start_thread '
	says_not 'corrupt stack|Backtrace stopped|Python Exception|Error'

	in_gdb "$@" -ex 'goroutine apply all bt'
	says '^Goroutine 1 \(running' '^#0 .*all_there' ' in app ' '^Goroutine 2 "collector" \(chan rec' \
		'^#1 ' ' in receiver ' "$entry" '^Goroutine 3 \(sync' ' in deep ' \
		'^Goroutine 4 \(select' ' in chooser ' "$entry" '^Goroutine 5 \(running' \
		'^#0 .*read' ' in reader ' "$entry" '^Goroutine [0-9]+ \(runnable' \
		"^#1 .*$entry"
	says_not 'corrupt stack|Backtrace stopped|Python Exception|Error|^#0 .*sched_switch'

	# whichever thread is selected, and whatever code is inlined where it is
	in_gdb "$@" -ex 'thread apply all goroutine 3 bt'
	says '^#[0-9]+ .*sched_switch' ' in locker ' '^#[0-9]+ .*sched_switch' ' in locker ' \
		'^#[0-9]+ .*sched_switch' ' in locker '
	says_not '^#[1-9].* (all_there|[a-z_A-Z]*read|futex[a-z_]*|syscall) |Python Exception'

	in_gdb "$@" -ex 'goroutine 2 4 up'
	says '^Goroutine 2' '^#2 ' '^Goroutine 4' '^#2 '
	in_gdb "$@" -ex 'goroutine 99 bt'
	says '^No goroutine 99\.$'
	in_gdb "$@" -ex 'goroutine bt'
	says '^Usage: goroutine ID'
}

view=start
if [ "$kind" = static ]; then
	in_gdb "$program" -ex 'set breakpoint pending on' -ex 'info goroutines'
	says '^No goroutines'
fi
look process "$program" -ex 'break all_there if !*(int *)&fresh_ran' -ex run
view=core
# gdb, unlike the kernel, leaves out of a core what lies behind a page that it cannot read, which a
# guard page inside a mapping is
in_gdb "$program" -ex "set exec-wrapper $without guards" -ex 'break all_there if !*(int *)&fresh_ran' -ex run \
	-ex "generate-core-file $work/core"
[ -s "$work/core" ] || complain 'no core file'
look core "$program" "$work/core"

# the kernel's, with guards, if it writes them to where the process is
case $(cat /proc/sys/kernel/core_pattern) in
*'|'* | */* | '') printf 'view.sh: no look at a core of the kernel: it goes elsewhere\n' ;;
*)
	mkdir "$work/crash"
	# shellcheck disable=SC3045 # not in POSIX, but in every sh of Debian's
	(cd "$work/crash" && ulimit -c unlimited && exec "$program" crash) >"$work/out" 2>&1
	core=$(find "$work/crash" -type f)
	if [ -s "$core" ]; then
		look kernel_core "$program" "$core"
	else
		printf 'view.sh: no look at a core of the kernel: none was written\n'
	fi
	;;
esac
exit $bad
