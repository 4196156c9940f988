# Thread by time: the darker, the more of that time it ran goroutines.
set label 90 program.': how much of the time each thread ran goroutines' \
	at screen sx(left), screen sy(14) left textcolor rgb '#202020'
colours = '#d6e6f4 #abd0e6 #6aaed6 #3787c0 #0a4a90'
set yrange [lanes + 0.5:0.5]
unset ytics
set ytics scale 0 ('' 0) textcolor rgb '#404040'
do for [i = 1:lanes] {
	set ytics add (lane[i] i)
	if (!dumb) {
		set label 200 + i sprintf('%.0f %% in all', used[i]) at graph 1.012, first i left textcolor rgb '#404040'
	}
}
unset grid
if (more > 0) {
	set label 101 sprintf('%d threads that ran less are left out', more) at screen 0.01, screen 0.03 left textcolor rgb '#404040'
}
set key horizontal maxcols 5 samplen 1.5
share(k) = sprintf('%d-%d %%', (k - 1) * 100 / levels, k * 100 / levels)
if (dumb) {
	plot for [k = 1:levels] data index k - 1 using (edge($1)):($3 > 0 ? $2 : NaN) with lines title share(k)
} else {
	plot for [k = 1:levels] data index k - 1 using (edge($1)):($2 + (1 - 2 * $3) * 10 / 26.0) with filledcurves closed \
		fillstyle solid 1 noborder linecolor rgb word(colours, k) title share(k)
}
