# SPDX-License-Identifier: BSD-2-Clause
# A row of bench.sh's table.  A line is: library, wall time, CPU.

{
	wall[$1, ++walls[$1]] = $2
	cpu[$1, ++cpus[$1]] = $3
}

function sorted(a, key, n,	i, j, t) {
	for (i = 1; i <= n; i++)
		v[i] = a[key, i]
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j] < v[j - 1]; j--) {
			t = v[j]
			v[j] = v[j - 1]
			v[j - 1] = t
		}
}

function column(a, key, n) {
	sorted(a, key, n)
	middle = v[int((n + 1) / 2)]
	printf "%8.0f (%3.0f%%)", middle, 100 * (v[n] - v[1]) / middle
	return middle
}

function pair(a, n,	stock) {
	stock = column(a, "stock", n["stock"])
	printf "%7.2f  ", column(a, "healed", n["healed"]) / stock
}

END {
	printf "%-5s %3d in flight ", what, flight
	pair(wall, walls)
	pair(cpu, cpus)
	print ""
}
