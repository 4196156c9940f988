# Goroutines alive per spawn site.  Wide lines first, so that lines on the same count still show.
set title program.': goroutines alive, by where they were spawned'.(log_y ? ' (logarithmic)' : '') offset 0, 0.6 \
	textcolor rgb '#202020'
set ylabel 'goroutines alive' textcolor rgb '#404040'
colours = '#d55e00 #0072b2 #009e73 #cc79a7 #e69f00 #56b4e9 #000000 #8a7f00 #9a9a9a'
if (lines == 0) {
	plot NaN notitle
} else {
	plot for [k = 1:lines] data index k - 1 using ($1 / unit_ns):(visible($2)) with lines \
		linewidth (1.6 + 0.35 * (lines - k)) linecolor rgb word(colours, kind[k]) dashtype 1 + (k - 1) % 5 title label[k]
}
