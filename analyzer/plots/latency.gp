# How long goroutines were ready before they ran: over time, and beside it how the delays are spread.
set title program.': time from ready to running' offset 0, 0.6 textcolor rgb '#202020'
colours = '#0072b2 #e69f00 #d55e00'
dash = '1 2 3'
y_low = low * 0.8
y_high = (high > low * 10 ? high : low * 10) * 1.5
array tip_x[3] # where each line ends
set yrange [*:*] # or stats leaves out what is not in it
do for [k = 1:3] {
	stats data index k - 1 using (edge($1)) name 'drawn' nooutput
	tip_x[k] = drawn_max
}
set logscale y
set yrange [y_low:y_high]
set ytics ('1 ns' 1, '10 ns' 10, '100 ns' 100, '1 us' 1e3, '10 us' 1e4, '100 us' 1e5, '1 ms' 1e6, '10 ms' 1e7, \
	'100 ms' 1e8, '1 s' 1e9, '10 s' 1e10, '100 s' 1e11, '1000 s' 1e12)
if (dumb) {
	plot for [k = 1:3] data index k - 1 using (edge($1)):2 with lines title measure[k]
} else {
	do for [k = 1:3] {
		if (tip_x[k] > x_begin + 0.1 * (x_end - x_begin)) { # p99 beside max, which may be as high
			set label 200 + k word('p50 p99 max', k) at first tip_x[k], first measure_end[k] right \
				offset (k == 2 ? -4.5 : -0.3), (k == 1 ? -0.7 : 0.6) front textcolor rgb word(colours, k)
		} else {
			set label 200 + k word('p50 p99 max', k) at first tip_x[k], first measure_end[k] left \
				offset (k == 3 ? 4.5 : 0.5), (k == 1 ? -0.7 : 0.6) front textcolor rgb word(colours, k)
		}
	}
	set multiplot
	plot for [k = 1:3] data index k - 1 using (edge($1)):2 with lines linewidth 2 dashtype int(word(dash, k)) \
		linecolor rgb word(colours, k) title measure[k]
	unset key
	unset title
	unset object
	unset arrow
	unset label
	set lmargin at screen sx(left + 695)
	set rmargin at screen sx(width - 12)
	set xlabel sprintf('delays, %d in all', delays)
	set xrange [0:most * 1.05]
	set format x '%.0s%c'
	set xtics most > 2 ? ceil(most / 2.0) : 1
	set ytics ('' 1, '' 10, '' 100, '' 1e3, '' 1e4, '' 1e5, '' 1e6, '' 1e7, '' 1e8, '' 1e9, '' 1e10, '' 1e11, '' 1e12)
	set style fill solid 1 noborder
	plot data index 3 using (0.5 * $3):(sqrt($1 * $2)):(0):3:1:2 with boxxyerror linecolor rgb '#5b8db8'
	unset multiplot
}
