# How long goroutines lived, as bars on a logarithmic axis of time.
set label 90 program.': how long goroutines lived' \
	.(older > 0 ? sprintf(', without %d born before the trace', older) : '') \
	at screen sx(left), screen sy(14) left textcolor rgb '#202020'
do for [i = 1:marks] { unset arrow i }
do for [i = 1:notes] { unset label i }
do for [i = 1:gaps] { unset object i }
if (gaps > 0) { set label 100 'some events of the trace are lost' }
set logscale x
set xrange [low / 1.2:high * 1.2]
set format x '%.0f'
unset xlabel
set xtics ('1 ns' 1, '10 ns' 10, '100 ns' 100, '1 us' 1e3, '10 us' 1e4, '100 us' 1e5, '1 ms' 1e6, '10 ms' 1e7, \
	'100 ms' 1e8, '1 s' 1e9, '10 s' 1e10, '100 s' 1e11, '1000 s' 1e12, '10000 s' 1e13)
set ylabel 'goroutines' textcolor rgb '#404040'
set yrange [0:most * 1.08]
step = nice(most / 6.0)
set ytics ('0' 0)
do for [n = 1:int(most * 1.08 / step)] { set ytics add (count(n * step) n * step) }
set key horizontal maxcols 2
set style fill solid 1 noborder
if (ended > 0) {
	do for [i = 1:2] {
		set arrow 200 + i from quantile_at[i], graph 0 to quantile_at[i], graph 1 nohead front dt i lw 1.5 lc rgb '#202020'
		if (i == 1 && !dumb) { # to the left of its line: the next one may be near
			set label 201 quantile[1] at quantile_at[1], graph 1.0 offset -0.5, 0.5 right front textcolor rgb '#202020'
		} else {
			set label 200 + i quantile[i] at quantile_at[i], graph 1.0 offset (dumb ? 2 : 0.5), (dumb ? 0 : 0.5) left front textcolor rgb '#202020'
		}
	}
}
if (dumb) {
	plot data index 0 using (sqrt($1 * $2)):($3 + $4) with impulses title 'goroutines'
} else {
	plot data index 0 using (sqrt($1 * $2)):3:1:2:(0):3 with boxxyerror linecolor rgb '#0072b2' title sprintf('%d ended', ended), \
		data index 0 using (sqrt($1 * $2)):($3 + $4):1:2:3:($3 + $4) with boxxyerror linecolor rgb '#d55e00' \
		title sprintf('%d alive at the end: their age', alive)
}
