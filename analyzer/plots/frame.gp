# The frame of every plot: axes, grid, lost stretches in grey, findings as dashed lines.
set encoding utf8
set datafile separator '\t'
set border 3 lw 1 lc rgb '#808080'
set tics nomirror out scale 0.6 textcolor rgb '#404040'
set grid ytics lw 0.5 lt 1 lc rgb '#d8d8d8'
set xrange [x_begin:x_end]
dumb = term eq 'dumb'
# Margins in whole pixels, so that columns of data are columns of pixels.  gnuplot's PNG begins and ends in the
# middle of a pixel.
half_pixel = term eq 'png' ? 0.5 : 0
sx(pixels) = (pixels - half_pixel) / (width - 2.01 * half_pixel)
sy(pixels) = (height - pixels - half_pixel) / (height - 2.01 * half_pixel)
# The place of a time: the middle of its column of pixels; and of a column's edge.
px(ns) = x_begin + ((ns < end_ns ? floor(ns * columns / end_ns) : columns - 1) + 0.5) / columns * (x_end - x_begin)
edge(ns) = (begin_ns + ns) / unit_ns
py(count) = floor(count / y_top * rows + 0.5) / rows * y_top
# Late in a long run the times of a short part differ in their last digits only.
digits = x_end < 1000 * (x_end - x_begin) ? '%g' : '%.12g'
if (dumb) {
	unset grid
	set format x digits.' '.unit
	set tmargin 3
} else {
	set format x digits
	set xlabel 'time since the start ['.unit.']' offset 0, (term eq 'svg' ? 0.5 : 0.1) textcolor rgb '#404040'
	set lmargin at screen sx(left)
	set rmargin at screen sx(left + 680)
	set tmargin at screen sy(top)
	set bmargin at screen sy(top + rows)
}
# Counts in few characters, and steps that are 1, 2 or 5 times a power of ten.
count(n) = n < 10000 ? sprintf('%.0f', n) : n < 1e6 ? sprintf('%gk', n / 1e3) : sprintf('%gM', n / 1e6)
ten(n) = 10 ** floor(log10(n))
nice(n) = n <= 1 ? 1 : n <= ten(n) ? ten(n) : n <= 2 * ten(n) ? 2 * ten(n) : n <= 5 * ten(n) ? 5 * ten(n) : 10 * ten(n)
set format y '%.0f'
if (log_y) {
	set logscale y
	set yrange [0.5:y_top]
	set ytics add ('0' 0.5)
} else {
	set yrange [0:y_top]
	set ytics 0, y_step
	if (peak >= 10000) {
		set ytics ('0' 0)
		do for [n = y_step:peak:y_step] {
			set ytics add (count(n) n)
		}
	}
}
visible(count) = (log_y && count < 1) ? 0.5 : count
set key outside below left Left reverse horizontal maxcols 1 samplen 2.5 spacing 1.1 textcolor rgb '#202020'
do for [i = 1:gaps] {
	set object i rectangle from gap_from[i], graph 0 to gap_to[i], graph 1 front \
		fillcolor rgb '#707070' fillstyle transparent solid 0.45 noborder
}
do for [i = 1:marks] {
	set arrow i from mark_at[i], graph 0 to mark_at[i], graph 1 nohead front lw 1.5 dt '-' lc rgb '#202020'
}
do for [i = 1:notes] {
	set label i note[i] at note_at[i], graph 1.0 offset (dumb ? 2 : 0), (dumb ? 0 : 0.5) left front textcolor rgb '#202020'
}
if (gaps > 0) {
	set label 100 (dumb ? 'some events are lost' : 'grey: events of the trace are lost') \
		at screen 0.98, screen 0.03 right front textcolor rgb '#404040'
}

