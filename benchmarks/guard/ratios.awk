# SPDX-License-Identifier: BSD-2-Clause
# ratios.awk - from wardbench's JSON to the ratios of 'pairs'.
#
#	awk -f ../json.awk -f ratios.awk pairs JSON...
#
# A line each: its name, then median, least and most over the runs.  A ratio is
# taken within a run, of two trials one after the other: what the machine did just
# then falls on both.  Runs in which the other one collapsed are left out; where
# ours did, the ratio is HUGE.  A placement is a part of the shape: 1x1.across.
BEGIN { HUGE = 1e30 }

FNR == NR {
	if ($0 !~ /^#/ && NF == 5)
		pair[++pairs] = $0
	next
}

# What is infinite is written 1e999, which not every awk can read.
function number(text) {
	return text ~ /e999/ ? HUGE : text + 0
}

{
	if (!match($0, /"values": \[[^]]*\]/))
		next
	list = substr($0, RSTART + 11, RLENGTH - 12)
	shape = field("producers") "x" field("workers")
	if (field("placement") != "")
		shape = shape "." field("placement")
	key = field("bench") SUBSEP shape SUBSEP field("impl") SUBSEP \
		field("metric")
	values[key] = key in values ? values[key] ", " list : list
	if (!((field("bench"), shape) in seen)) {
		seen[field("bench"), shape] = 1
		shapes[field("bench")] = shapes[field("bench")] " " shape
	}
}

function sort(n, i, k, v) {
	for (i = 2; i <= n; i++) {
		v = ratio[i]
		for (k = i - 1; k >= 1 && ratio[k] > v; k--)
			ratio[k + 1] = ratio[k]
		ratio[k + 1] = v
	}
}

# Fills ratio[]; how many.
function divide(ours, theirs, a, b, i, n, m) {
	n = split(values[ours], a, /, */)
	i = split(values[theirs], b, /, */)
	n = i < n ? i : n
	m = 0
	for (i = 1; i <= n; i++)
		if (number(b[i]) > 0 && number(b[i]) < HUGE)
			ratio[++m] = number(a[i]) / number(b[i])
	return m
}

END {
	for (p = 1; p <= pairs; p++) {
		split(pair[p], word, /[ \t]+/)
		n = split(shapes[word[1]], shape_of, " ")
		for (s = 1; s <= n; s++) {
			at = word[1] SUBSEP shape_of[s] SUBSEP
			m = divide(at word[2] SUBSEP word[3],
				   at word[4] SUBSEP word[5])
			if (!m)
				continue
			sort(m)
			middle = m % 2 ? ratio[(m + 1) / 2] : \
				(ratio[m / 2] + ratio[m / 2 + 1]) / 2
			printf "%s.%s:%s.%s/%s.%s %.4g %.4g %.4g\n", word[1],
				shape_of[s], word[2], word[3], word[4],
				word[5], middle, ratio[1], ratio[m]
		}
	}
}
