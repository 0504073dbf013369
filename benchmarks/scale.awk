# SPDX-License-Identifier: BSD-2-Clause
# scale.awk - medians by the number of cores, from what scale.sh wrote.  C stands for
# that number where a shape grows with it.  What explains other figures is left out;
# the file has it.
#
#	awk -f json.awk -f scale.awk FILE

function put(shape, c, value, row) {
	row = sprintf("%-11s %-8s %-9s %-10s %-18s %-6s", field("bench"), shape,
		      field("placement"), field("impl"), field("metric"),
		      field("unit"))
	if (!(row in seen)) {
		seen[row] = 1
		rows[++n] = row
	}
	median[row, c] = value ~ /e999/ ? "collapsed" : sprintf("%.4g", value)
}

function is_told(bench, metric) {
	if (bench == "switches" || metric ~ /_(p99|p999|max|budget)$/)
		return 0
	if (metric ~ /_(detect|heal)_/ || metric ~ /^healthy_(tasks|looks)$/)
		return 0
	return metric !~ /^(ideal|helpers_|busy_|scans_|looks_)/
}

/"median"/ && is_told(field("bench"), field("metric")) {
	c = field("cores")
	p = field("producers")
	w = field("workers")
	value = field("median")
	if (!(c in known)) {
		known[c] = 1
		cores[++columns] = c
	}
	if (w == c && p == 1)
		put("1xC", c, value)
	if (w == c && p == c && field("bench") ~ /^(throughput|cpu)$/)
		put("CxC", c, value)
	if (w != c)
		put(p "x" w, c, value)
}

END {
	printf "\n%-67s", "cores"
	for (i = 1; i <= columns; i++)
		printf " %10s", cores[i]
	print ""
	for (r = 1; r <= n; r++) {
		printf "%-67s", rows[r]
		for (i = 1; i <= columns; i++)
			printf " %10s", (rows[r], cores[i]) in median ? \
				median[rows[r], cores[i]] : "-"
		print ""
	}
}
