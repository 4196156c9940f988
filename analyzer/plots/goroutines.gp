# Goroutines by state, stacked.  The highest line is painted first, each lower one over it.
set label 90 program.': goroutines by state' \
	at screen sx(left), screen sy(14) left textcolor rgb '#202020'
set ylabel 'goroutines' textcolor rgb '#404040'
#            1 stuck    2 channel  3 select   4 lock     5 sleep    6 I/O      7 call     8 runnable 9 running
colours = '#d55e00 #56b4e9 #0072b2 #cc79a7 #c8c8c8 #7a7a7a #e69f00 #f0e442 #009e73'
if (dumb) {
	plot for [k = 1:lines] data index k - 1 using (edge($1)):2 with lines title label[k]
} else {
	do for [k = 1:lines] {
		set label 110 + k tip[k] at graph 1.012, graph tip_at[k] left front textcolor rgb '#202020'
	}
	plot for [k = 1:lines] data index k - 1 using (edge($1)):(py($2)) with filledcurves closed \
		fillstyle solid 1 noborder linecolor rgb word(colours, kind[k]) title label[k]
}
