# Time waited by place: a bar each, longest first.
set label 90 program.': time that goroutines waited, by place' \
	at screen sx(20), screen sy(14) left textcolor rgb '#202020'
#            channel   select    lock      sleep     I/O       call      other
colours = '#9fd4f2 #6fa8d6 #e3b8d2 #d4d4d4 #b0b0b0 #f2cc80 #ececec'
u = longest < 1e4 ? 1 : longest < 2e6 ? 1e3 : longest < 2e9 ? 1e6 : longest < 7.2e12 ? 1e9 : longest < 1.728e14 ? 6e10 : 3.6e12
name = u == 1 ? 'ns' : u == 1e3 ? 'us' : u == 1e6 ? 'ms' : u == 1e9 ? 's' : u == 6e10 ? 'min' : 'h'
do for [i = 1:marks] { unset arrow i }
do for [i = 1:notes] { unset label i }
do for [i = 1:gaps] { unset object i }
if (gaps > 0) { set label 100 'some events of the trace are lost' }
set xrange [0:longest / u]
set yrange [bars + 0.6:0.5]
set grid noytics xtics
unset ytics
set border 1
unset key
set format x '%g'
set xlabel 'waited, all goroutines together ['.name.']'
if (dumb) {
	set format x '%g '.name
	unset xlabel
	unset grid
	do for [i = 1:bars] {
		set label 200 + i bar[i].': '.fact[i] at graph 0, first i left front
	}
	plot data index 0 using (0):($1 + 0.4):($2 / u):(0) with vectors nohead notitle
} else {
	set lmargin at screen sx(20)
	set rmargin at screen sx(width - 20)
	do for [i = 1:bars] {
		set label 200 + i bar[i].':  '.fact[i] at graph 0.003, first i left front textcolor rgb '#202020'
	}
	set style fill solid 1 noborder
	plot for [k = 1:7] data index 0 using ($3 == k ? 0.5 * $2 / u : NaN):1:(0):($2 / u):($1 - 0.4):($1 + 0.4) with boxxyerror \
		linecolor rgb word(colours, k) notitle
}
