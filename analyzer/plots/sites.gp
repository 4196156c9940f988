# Goroutines alive per spawn site.  Wide lines first, so that lines on the same count still show.
set label 90 program.': goroutines alive, by where they were spawned'.(log_y ? ' (logarithmic)' : '') \
	at screen sx(left), screen sy(14) left textcolor rgb '#202020'
set ylabel 'goroutines alive' textcolor rgb '#404040'
colours = '#d55e00 #0072b2 #009e73 #cc79a7 #b07a00 #3a94c8 #000000 #8a7f00 #808080'
# Dashes go by the time, 8 pixels each, so that they do not depend on how a line gets there.
dash = '1 1110 10 111010 11110 110 1101010 1111110 11011110'
on(k, ns) = (p = word(dash, kind[k]), c = int(floor(ns * dashes / end_ns)) % strlen(p) + 1, substr(p, c, c) eq '1')
if (dumb) {
	plot for [k = 1:lines] data index k - 1 using (px($1)):(visible($2)) with lines title label[k]
} else {
	do for [k = 1:lines] {
		set label 110 + k tip[k] at graph 1.012, graph tip_at[k] left front textcolor rgb word(colours, kind[k])
	}
	# The key's samples have gnuplot's own dashes: nothing is drawn there by the time.
	sample(k) = word('1 2 3 4 5 2 4 5 3', kind[k])
	plot for [k = 1:lines] data index k - 1 using (px($1)):(on(k, $1) ? visible($2) : NaN) with lines \
		linewidth (1.6 + 0.35 * (lines - k)) linecolor rgb word(colours, kind[k]) notitle, \
		for [k = 1:lines] keyentry with lines linewidth 2 dashtype int(sample(k)) \
		linecolor rgb word(colours, kind[k]) title label[k]
}
