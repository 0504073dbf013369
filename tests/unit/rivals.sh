#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The table of bench-rivals, fed with figures that nobody measured: the median of the
# passes, the least and the most; one that was not asked has no row.
set -u
benchmarks=${top_srcdir:-.}/benchmarks
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
failed=0

figure() { # BENCH IMPL METRIC PRODUCERS WORKERS VALUE
	printf '{"bench": "%s", "impl": "%s", "workers": %s, "producers": %s, ' \
		"$1" "$2" "$5" "$4"
	printf '"metric": "%s", "unit": "ns", "median": %s, "min": 0, ' "$3" "$6"
	printf '"max": 0, "runs": 1, "values": [%s]}\n' "$6"
}

says() { # TEXT, blanks as one
	tr -s ' ' <"$dir/said" | grep -qF "$1" && return
	echo "not said: $1"
	failed=1
}

for ns in 30 9.5 100; do
	figure throughput ward task 1 1 "$ns"
done >"$dir/lines"
figure throughput ward task 8 8 40 >>"$dir/lines"
figure throughput go task 1 2 25 >>"$dir/lines"
figure work1us ward over_ideal 1 16 5 >>"$dir/lines"
figure heal go panic_p50 1 1 4 >>"$dir/lines"
figure heal go panic_p50 1 1 8 >>"$dir/lines"
awk -f "$benchmarks/json.awk" -f "$benchmarks/rivals/table.awk" \
	"$dir/lines" >"$dir/said" || failed=1

says "ward 30.0 - - 40.0"
says " 9.50-100"
says "Go: buffered channel, workers - 25.0"
says "tasks of 1 us, % over ideal 1x16"
says "told by a channel 6.00 -"
if grep -q OTP "$dir/said"; then
	echo "OTP was not asked"
	failed=1
fi
[ $failed = 0 ] || cat "$dir/said"
exit $failed
