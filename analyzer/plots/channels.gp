# The channels most waited for, a lane each: who waits to send upwards, to receive downwards.
set label 90 program.': goroutines that wait for a channel' \
	at screen sx(left), screen sy(14) left textcolor rgb '#202020'
colours = '#d55e00 #0072b2'
set yrange [channels + 0.5:0.5]
unset ytics
set ytics scale 0 ('' 0) textcolor rgb '#404040'
unset grid
lane_of(k) = (k + 1) / 2
peak_in(i) = peak_of[2 * i - 1] > peak_of[2 * i] ? peak_of[2 * i - 1] : peak_of[2 * i]
told(n) = n < 10000 ? sprintf('%d', n) : n < 1e6 ? sprintf('%.3gk', n / 1e3) : sprintf('%.3gM', n / 1e6)
# Up to 28 of the 64 rows of pixels of a lane, whole ones; whoever waits has one.
tall(k, n) = lane_of(k) + (k % 2 ? -1 : 1) * ceil(28.0 * n / (peak_in(lane_of(k)) > 0 ? peak_in(lane_of(k)) : 1)) / 64.0
do for [i = 1:channels] {
	if (dumb) {
		set ytics add (channel[i] i)
	} else {
		set arrow 200 + i from x_begin, i to x_end, i nohead front lw 0.75 lc rgb '#606060'
		set label 200 + i channel[i] at graph 1.012, first i - 0.28 left textcolor rgb '#202020'
		set label 220 + i capacity[i] at graph 1.012, first i left textcolor rgb '#404040'
		set label 240 + i 'at most '.told(peak_of[2 * i - 1]).' send, '.told(peak_of[2 * i]).' receive' \
			at graph 1.012, first i + 0.28 left textcolor rgb '#404040'
	}
}
name(k) = k == 1 ? 'wait to send: the queue is full' : k == 2 ? 'wait to receive: the queue is empty' : ''
set key noautotitle
if (dumb) {
	plot for [k = 1:lines] data index k - 1 using (edge($1)):(tall(k, $2)) with lines title name(k)
} else {
	plot for [k = 1:lines] data index k - 1 using (edge($1)):(tall(k, $2)) with filledcurves closed \
		fillstyle solid 1 noborder linecolor rgb word(colours, kind[k]) title name(k)
}
