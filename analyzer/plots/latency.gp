# How long goroutines were ready before they ran: over time, and beside it how the delays are spread.
set label 90 program.': time from ready to running' \
	at screen sx(left), screen sy(14) left textcolor rgb '#202020'
colours = '#0072b2 #e69f00 #d55e00'
dash = '1 2 3'
y_low = low * 0.8
y_high = (high > low * 10 ? high : low * 10) * 1.5
set logscale y
set yrange [y_low:y_high]
set ytics ('1 ns' 1, '10 ns' 10, '100 ns' 100, '1 us' 1e3, '10 us' 1e4, '100 us' 1e5, '1 ms' 1e6, '10 ms' 1e7, \
	'100 ms' 1e8, '1 s' 1e9, '10 s' 1e10, '100 s' 1e11, '1000 s' 1e12)
if (dumb) {
	plot for [k = 1:3] data index k - 1 using (edge($1)):2 with lines title measure[k]
} else {
	# The names stand at the right, at least a line apart.
	array name_at[3]
	do for [k = 1:3] {
		name_at[k] = log(measure_end[k] / y_low) / log(y_high / y_low)
		if (k > 1 && name_at[k] < name_at[k - 1] + 16 / rows) { name_at[k] = name_at[k - 1] + 16 / rows }
		set label 200 + k word('p50 p99 max', k) at graph 1.008, graph name_at[k] left front textcolor rgb word(colours, k)
	}
	set multiplot
	plot for [k = 1:3] data index k - 1 using (edge($1)):2 with lines linewidth 2 dashtype int(word(dash, k)) \
		linecolor rgb word(colours, k) title measure[k]
	unset key
	unset object
	unset arrow
	unset label
	set lmargin at screen sx(left + 727)
	set rmargin at screen sx(width - 12)
	set xlabel sprintf('delays, %d in all', delays)
	set xrange [0:most * 1.05]
	step = nice(most / 2.5)
	set xtics ('0' 0)
	do for [n = 1:int(most * 1.05 / step)] { set xtics add (count(n * step) n * step) }
	set ytics ('' 1, '' 10, '' 100, '' 1e3, '' 1e4, '' 1e5, '' 1e6, '' 1e7, '' 1e8, '' 1e9, '' 1e10, '' 1e11, '' 1e12)
	set style fill solid 1 noborder
	plot data index 3 using (0.5 * $3):(sqrt($1 * $2)):(0):3:1:2 with boxxyerror linecolor rgb '#5b8db8'
	unset multiplot
}
