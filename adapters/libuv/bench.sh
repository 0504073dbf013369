#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# libuv's own pool and ours, a process each, side by side in time: of each pair the ratio,
# and of all pairs the middle one, and between which the middle half of them lies.
#
#	bench.sh DIR [PAIRS [SECONDS]]	CPUS: where both run, as taskset has it
set -eu
dir=$(cd "$1" && pwd) pairs=${2-15} seconds=${3-0.4}

one() { # LIBRARY WHAT FLIGHT
	printf '%s ' "$1"
	if [ "$1" = stock ]; then
		path=$dir/stock/.libs
	else
		path=$dir/.libs
	fi
	LD_LIBRARY_PATH=$path UV_WARD_LOG=none ${CPUS:+taskset -c "$CPUS"} \
		"$dir/bench" "$2" "$3" "$seconds"
}

row() { # WHAT FLIGHT: who is second finds the machine as the first has left it
	pair=0
	while [ $pair -lt "$pairs" ]; do
		pair=$((pair + 1))
		if [ $((pair % 2)) -eq 0 ]; then
			one stock "$1" "$2"
			one healed "$1" "$2"
		else
			one healed "$1" "$2"
			one stock "$1" "$2"
		fi
	done | awk -v what="$1" -v flight="$2" -f "${0%.sh}.awk"
}

echo 'ns each               wall: stock  healed  ratio              CPU: stock  healed  ratio'
for what in stat work; do
	for flight in 1 4 16 32; do
		row $what $flight
	done
done
