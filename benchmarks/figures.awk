# SPDX-License-Identifier: BSD-2-Clause
# figures.awk - a document from its template, and from what figures.sh wrote.
#
#	awk -f json.awk -f figures.awk FIGURES TEMPLATE
#
# What stands in @{...} is taken from the figures:
#
#	@{BENCH IMPL METRIC[/METRIC],... PLACEMENT,... SHAPE,... [FORM]}
#
# is a median, or one for each shape and metric, as cells of a row; those of several
# placements stand in one cell, with semicolons.  PLACEMENT is - where there is none.
# FORM: 'spread' is the least and the most, 'whole' the median and these.
# @{date BENCH}, @{machine BENCH}: when and where it was measured; a line that is
# @{minute}: the lines of the first minute.  A figure that is not there ends it with 1.

function number(value, size) {
	if (value ~ /e999/)
		return "collapsed"
	value += 0
	size = value < 0 ? -value : value
	if (size >= 1000000)
		return sprintf("%.3g million", value / 1000000)
	if (size >= 99.5)
		return sprintf("%.0f", value)
	return sprintf(size >= 9.95 ? "%.1f" : "%.2g", value)
}

# METRIC may be a quotient: that of two medians.
function figure(bench, metric, where, form, part, spread, key) {
	if (split(metric, part, "/") == 2)
		return number(figure(bench, part[1], where, "bare") / \
			      figure(bench, part[2], where, "bare"))
	key = bench " " metric " " where
	if (!(key in median)) {
		print "figures: not measured: " key >"/dev/stderr"
		missing = 1
		return "?"
	}
	if (form == "bare")
		return median[key]
	spread = number(least[key]) "-" number(most[key])
	if (form == "spread")
		return spread
	return number(median[key]) (form == "whole" ? " (" spread ")" : "")
}

function cells(asked, word, metric, place, shape, m, p, s, row, cell) {
	split(asked, word, " ")
	if (word[1] == "date")
		return date[word[2]]
	if (word[1] == "machine")
		return machine[word[2]]
	split(word[3], metric, ",")
	split(word[4], place, ",")
	split(word[5], shape, ",")
	for (s = 1; s in shape; s++)
		for (m = 1; m in metric; m++) {
			cell = ""
			for (p = 1; p in place; p++)
				cell = cell (p > 1 ? "; " : "") \
					figure(word[1] " " word[2], metric[m], \
					       place[p] " " shape[s], word[6])
			row = row (s + m > 2 ? " | " : "") cell
		}
	return row
}

FNR == NR && /"line"/ {
	minute[++minutes] = field("line")
	next
}

FNR == NR && /"date"/ {
	date[field("of")] = field("date")
	machine[field("of")] = field("machine")
	next
}

FNR == NR {
	place = field("placement")
	key = field("bench") " " field("impl") " " field("metric") " " \
		(place == "" ? "-" : place) " " field("producers") "x" field("workers")
	median[key] = field("median")
	least[key] = field("min")
	most[key] = field("max")
	next
}

$0 == "@{minute}" {
	for (i = 1; i <= minutes; i++)
		print minute[i]
	next
}

{
	line = ""
	while (match($0, /@{[^}]*}/)) {
		line = line substr($0, 1, RSTART - 1) \
			cells(substr($0, RSTART + 2, RLENGTH - 3))
		$0 = substr($0, RSTART + RLENGTH)
	}
	print line $0
}

END { exit missing }
