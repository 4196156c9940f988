# SPDX-License-Identifier: MIT
#
# table.awk: targets.txt and lines `side procs figure value` become a table.
#
# kind is runtime or recorder, sides the columns.  A ratio is one of medians; the one in brackets,
# of the fastest runs, is what a busy machine disturbs least.

function sort(v, n,   i, j, t) {
	for (i = 2; i <= n; i++) {
		t = v[i]
		for (j = i - 1; j >= 1 && v[j] > t; j--)
			v[j + 1] = v[j]
		v[j + 1] = t
	}
}

function show(x) {
	return x >= 1000 ? sprintf("%.0f", x) : x >= 100 ? sprintf("%.1f", x) : sprintf("%.2f", x)
}

# Sets median, least, most of a side's runs; returns how many there are.
function gather(side, procs, name,   key, v, i, n) {
	key = side SUBSEP procs SUBSEP name
	n = count[key]
	for (i = 1; i <= n; i++)
		v[i] = value[key, i]
	sort(v, n)
	if (n) {
		median[side] = n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
		least[side] = v[1]
		most[side] = v[n]
	}
	return n
}

function column(side, procs, name) {
	if (!gather(side, procs, name))
		return sprintf(" %-26s", "-")
	return sprintf(" %-26s", show(median[side]) " (" show(least[side]) "-" show(most[side]) ")")
}

# The ratio of two sides, and whether it is within the target; sets missed and aimed.
function ratio(a, b, target,   r) {
	if (!(a in median) || !(b in median) || median[b] == 0 || least[b] == 0)
		return sprintf(" %-13s", "-")
	r = median[a] / median[b]
	if (target != "-") {
		aimed = aimed " x" target
		if (target ~ /^>/ ? r < substr(target, 2) + 0 : r > target + 0)
			missed = 1
	}
	return sprintf(" %-13s", sprintf("%.2f (%.2f)", r,
		target ~ /^>/ ? most[a] / most[b] : least[a] / least[b]))
}

function line(name, procs,   s, i, text) {
	split("", median)
	missed = 0
	aimed = ""
	s = sprintf("%-38s %2d", what[name], procs)
	for (i = 1; i <= width; i++)
		s = s column(side[i], procs, name)
	if (absolute[name] != "-" && (kind == "runtime" || of_off[name] == "-")) {
		aimed = " " absolute[name]
		missed = median[kind == "runtime" ? "ours" : "on"] > absolute[name] + 0
	}
	if (kind == "runtime") {
		s = s ratio("ours", "go", of_go[name])
		if (has_raw)
			s = s ratio("ours", "raw", of_raw[name])
	} else {
		s = s ratio("on", "off", of_off[name])
		s = s ratio("on", "traced", of_traced[name])
	}
	text = aimed == "" ? "" : missed ? "no" : "yes"
	printf "%s %-10s %s\n", s, substr(aimed, 2), text
	met += text == "yes"
	all += text != ""
}

function head(   s, i) {
	s = sprintf("%-38s %2s", "median (least-most)", "P")
	for (i = 1; i <= width; i++)
		s = s sprintf(" %-26s", title[side[i]])
	if (kind == "runtime")
		s = s sprintf(" %-13s", "ours/Go") (has_raw ? sprintf(" %-13s", "ours/epoll") : "")
	else
		s = s sprintf(" %-13s %-13s", "on/off", "on/traced Go")
	printf "%s %-10s %s\n", s, "target", "met"
}

BEGIN {
	width = split(sides, side, " ")
	title["ours"] = "ours"
	title["go"] = "Go"
	title["raw"] = "epoll"
	has_raw = (" " sides " ") ~ / raw /
	title["off"] = "ours, off"
	title["on"] = "ours, recorded"
	title["traced"] = "Go, traced"
}
/^#/ || NF == 0 { next }
FILENAME ~ /targets\.txt$/ {
	order[++names] = $1
	absolute[$1] = $3
	of_go[$1] = $4
	of_off[$1] = $5
	of_traced[$1] = $6
	of_raw[$1] = $7
	what[$1] = $8
	for (i = 9; i <= NF; i++)
		what[$1] = what[$1] " " $i
	next
}
{
	key = $1 SUBSEP $2 SUBSEP $3
	value[key, ++count[key]] = $4
	if (!seen[$3]++ && !($3 in what)) {
		order[++names] = $3
		what[$3] = $3
		absolute[$3] = of_go[$3] = of_off[$3] = of_traced[$3] = of_raw[$3] = "-"
	}
	if (!measured[$3, $2]++)
		on_procs[$3] = on_procs[$3] " " $2
}
END {
	head()
	for (i = 1; i <= names; i++) {
		n = split(on_procs[order[i]], p, " ")
		for (k = 1; k <= n; k++)
			line(order[i], p[k])
	}
	printf "targets met: %d of %d\n", met, all
}
