#!/bin/sh
# SPDX-License-Identifier: MIT
# analyzer.sh BUILD [EVENTS]: what the analysis of a trace of so many events (10,000,000) costs.
#
# The program bench_mix makes the trace.  Each figure is the median of BENCH_RUNS (3), each of them in a
# process of its own, beside its target.  A trace of 100,000,000 events takes some 10 GB of TMPDIR.
# Beside them, measured elsewhere on such a machine: `go tool trace` reads 5.4 M events/s and makes 1.6 M
# into a profile, with 49 times the file in memory; babeltrace2 reads 4.0 M.
set -eu
bin=$1/tests/bench
gtrace=$1/analyzer/gtrace
events=${2:-10000000}
runs=${BENCH_RUNS:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

printf 'machine: %s x %s, Linux %s, load %s; n = %s\n' "$(nproc)" \
	"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(uname -r)" \
	"$(cut -d' ' -f1 /proc/loadavg)" "$runs"
GTRACE=$work/mix.gtrace "$bin/bench_mix" "$events"
"$bin/bench_reader" 0 0 "$work/mix.gtrace" |
	awk '/^read, CPU/ { print "read_core", $3 } /time passed/ { print "read_clock", $3 }' >"$work/results"
i=0
while [ $((i += 1)) -le "$runs" ]; do
	"$bin/bench_load" "$gtrace" "$work/mix.gtrace" "$work" >>"$work/results"
done
find "$work/report/plots" -name '*.svg' -printf 'plot_kb %k\n' | sort -k2n | tail -n 1 >>"$work/results"

sort -k1,1 -k2,2g "$work/results" | awk '
	{ value[$1, ++n[$1]] = $2 }
	function median(name) { return value[name, int((n[name] + 1) / 2)] }
	function row(what, number, unit, target) {
		printf "%-36s %10.2f %-12s %s\n", what, number, unit, target
	}
	END {
		million = median("events") / 1e6
		printf "%.0f events, %.0f intervals\n", median("events"), median("intervals")
		row("decode and order, a core", median("read_core"), "M events/s", ">= 12")
		row("  by the clock", median("read_clock"), "M events/s", "")
		row("load, query-ready", median("intervals_s"), "M interv./s", ">= 2")
		row("  events", million / median("load_s"), "M events/s", "")
		row("  CPU of it and of the findings", median("load_cpu_s"), "s", "")
		row("findings", median("detect_s"), "s", "")
		row("analyze, without plots", million / median("analyze_s"), "M events/s", ">= 3")
		row("  time", median("analyze_s"), "s", "<= 60 for 100 M events")
		row("  CPU", median("analyze_cpu_s"), "s", "")
		row("  peak memory", median("analyze_mb"), "MB", "<= 200, whatever the size")
		row("analyze, with plots", million / median("report_s"), "M events/s", "")
		row("  time", median("report_s"), "s", "")
		row("  CPU", median("report_cpu_s"), "s", "")
		row("  peak memory", median("report_mb"), "MB", "<= 200, whatever the size")
		row("  largest plot", median("plot_kb"), "KB", "<= 300")
		row("interval table", median("row_bytes"), "bytes a row", "")
		row("database", median("db_bytes"), "bytes a row", "<= 20")
	}'
