# SPDX-License-Identifier: BSD-2-Clause
# middle.awk - from lines "name value", sorted by both, to "name median least most".

function tell() {
	if (n)
		printf "%s %.4g %.4g %.4g\n", name, n % 2 ? value[(n + 1) / 2] : \
			(value[n / 2] + value[n / 2 + 1]) / 2, value[1], value[n]
}

$1 != name {
	tell()
	name = $1
	n = 0
}

{ value[++n] = $2 }

END { tell() }
