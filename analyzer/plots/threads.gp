# A lane per thread.  A bar as wide as its columns of pixels: something ran there; its colour says what, at last.
set label 90 program.': what each thread ran' \
	at screen sx(left), screen sy(14) left textcolor rgb '#202020'
#            places that spawn                                       other     call
colours = '#0072b2 #e69f00 #009e73 #cc79a7 #56b4e9 #d55e00 #8a7f00 #9a9a9a #404040'
reasons = 'syscall busy explicit'
array_dash(why) = why eq 'syscall' ? 1 : why eq 'busy' ? 2 : 3
set yrange [lanes + 0.5:0.5]
unset ytics
set ytics scale 0 ('' 0) textcolor rgb '#404040'
do for [i = 1:lanes] {
	set ytics add (lane[i] i)
	if (!dumb) {
		set arrow 200 + i from x_begin, i to x_end, i nohead back lw 0.75 lc rgb '#b0b0b0'
		set label 200 + i sprintf('%.0f %% running', used[i]) at graph 1.012, first i left textcolor rgb '#404040'
	}
}
unset grid
# A word beside an arrow, unless it would stand on that of another one.
middle(i) = 0.5 * (arrow_from[i] + arrow_to[i])
array told[arrows + 1]
do for [i = 1:arrows] {
	told[i] = arrows_told
	do for [j = 1:i - 1] {
		if (told[j] && abs(px(arrow_at[i]) - px(arrow_at[j])) < 0.06 * (x_end - x_begin) && abs(middle(i) - middle(j)) < 0.75) { told[i] = 0 }
	}
}
do for [i = 1:arrows] {
	set arrow 300 + i from px(arrow_at[i]), arrow_from[i] to px(arrow_at[i]), arrow_to[i] head filled size screen 0.006, 20 front \
		lw 1.5 dt array_dash(arrow_why[i]) lc rgb '#000000'
	if (told[i]) {
		set label 300 + i arrow_why[i] at px(arrow_at[i]), middle(i) offset 0.5, 0 left front \
			textcolor rgb '#000000'
	}
}
more_said = more > 0 ? sprintf('%d threads that ran less are left out. ', more) : ''
arrows_said = handoffs > 0 ? sprintf('arrows: %d of %d handoffs (solid: system call, dashed: busy, dotted: asked for)', arrows, handoffs) : ''
if (dumb) {
	set label 101 more_said.arrows_said at screen 0.01, screen 0.03 left textcolor rgb '#404040'
} else { # under the axis's label: the key stands at the lower edge
	set label 101 more_said.arrows_said at screen sx(left), screen sy(top + rows + 61) left textcolor rgb '#404040'
}
half(k) = (run_kind[k] == 9 ? 3.0 : 8.0) / 26 # of its 26 rows of pixels
if (dumb) {
	plot for [k = 1:runs] data index k - 1 using (edge($1)):($3 > 0 ? $2 : NaN) with lines title run[k]
} else {
	plot for [k = 1:runs] data index k - 1 using (edge($1)):($2 + (1 - 2 * $3) * half(k)) with filledcurves closed \
		fillstyle solid 1 noborder linecolor rgb word(colours, int(run_kind[k])) title run[k]
}
