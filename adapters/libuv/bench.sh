#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# libuv's own pool and ours by turns, a process each; medians, and the spread of each from
# the lowest to the highest in percent of it.
#
#	bench.sh DIR [ROUNDS [SECONDS]]
set -eu
dir=$(cd "$1" && pwd) rounds=${2-7} seconds=${3-0.5}

one() { # LIBRARY WHAT FLIGHT
	printf '%s ' "$1"
	if [ "$1" = stock ]; then
		path=$dir/stock/.libs
	else
		path=$dir/.libs
	fi
	LD_LIBRARY_PATH=$path UV_WARD_LOG=none "$dir/bench" "$2" "$3" "$seconds"
}

row() { # WHAT FLIGHT
	round=0
	while [ $round -lt "$rounds" ]; do
		round=$((round + 1))
		one stock "$1" "$2"
		one healed "$1" "$2"
	done | awk -v what="$1" -v flight="$2" -f "${0%.sh}.awk"
}

echo 'ns each                 wall: stock         healed  ratio    CPU: stock         healed  ratio'
for what in stat work; do
	for flight in 1 4 16 32; do
		row $what $flight
	done
done
