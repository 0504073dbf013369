#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Another project's own pool and ours, a process each, side by side in time: of each pair the
# ratio, and of all pairs the middle one, and between which the middle half of them lies.
#
#	bench.sh BENCH 'WHAT...' 'FLIGHT...' STOCK HEALED [PAIRS [SECONDS]]
#
# STOCK and HEALED are the variables that make the one of the other; 'BENCH WHAT FLIGHT
# SECONDS' prints ns of wall time, and of CPU, for each request.  CPUS: where both run, as
# taskset has it.
set -eu
bench=$1 whats=$2 flights=$3 stock=$4 healed=$5 pairs=${6-15} seconds=${7-0.4}

one() { # NAME VARIABLES WHAT FLIGHT
	printf '%s ' "$1"
	env $2 ${CPUS:+taskset -c "$CPUS"} "$bench" "$3" "$4" "$seconds"
}

row() { # WHAT FLIGHT: who is second finds the machine as the first has left it
	pair=0
	while [ $pair -lt "$pairs" ]; do
		pair=$((pair + 1))
		if [ $((pair % 2)) -eq 0 ]; then
			one stock "$stock" "$1" "$2"
			one healed "$healed" "$1" "$2"
		else
			one healed "$healed" "$1" "$2"
			one stock "$stock" "$1" "$2"
		fi
	done | awk -v what="$1" -v flight="$2" -f "${0%.sh}.awk"
}

echo 'ns each               wall: stock  healed  ratio              CPU: stock  healed  ratio'
for what in $whats; do
	for flight in $flights; do
		row "$what" "$flight"
	done
done
