# SPDX-License-Identifier: BSD-2-Clause
# A row of bench.sh's table.  A line is: library, wall time, CPU; two lines are a pair.

{
	pair = int((NR + 1) / 2)
	wall[$1, pair] = $2
	cpu[$1, pair] = $3
}

function sort(n,	i, j, t) {
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j] < v[j - 1]; j--) {
			t = v[j]
			v[j] = v[j - 1]
			v[j - 1] = t
		}
}

function middle(a, library,	i) {
	for (i = 1; i <= pair; i++)
		v[i] = a[library, i]
	sort(pair)
	return v[int((pair + 1) / 2)]
}

function ratio(a,	i) {
	for (i = 1; i <= pair; i++)
		v[i] = a["healed", i] / a["stock", i]
	sort(pair)
	return sprintf("%5.2f (%.2f to %.2f)", v[int((pair + 1) / 2)], v[int((pair + 3) / 4)],
		v[int((3 * pair + 3) / 4)])
}

END {
	printf "%-5s %3d in flight   %8.0f %7.0f  %s    %8.0f %7.0f  %s\n", what, flight,
		middle(wall, "stock"), middle(wall, "healed"), ratio(wall),
		middle(cpu, "stock"), middle(cpu, "healed"), ratio(cpu)
}
