#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Curves by the number of cores: 1, 2, 4, ... up to all that there are.
#
#	scale.sh [DIR]
#
# The figures go to DIR/NAME.json, as wardbench's, a line each with the number of
# cores, after one line that names the machine; then they are told as tables.
# WARDBENCH is the program, ARGS are more arguments for it (as --quick).
set -u
dir=${1:-$(dirname "$0")/results}
WARDBENCH=${WARDBENCH:-./wardbench}
ARGS=${ARGS:---quick --runs 3}
all=$(nproc)
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

# On so many cores; what the machine says of itself stays in $tmp/out.
measure() { # CORES BENCH ARGS...
	cores=$1
	shift
	echo "scale: $cores of $all cores: $*" >&2
	$WARDBENCH --cpus "$cores" "$@" $ARGS --json "$tmp/json" >"$tmp/out" || {
		echo "scale: wardbench failed" >&2
		exit 1
	}
	sed "s/^{/{\"cores\": $cores, /" "$tmp/json" >>"$tmp/all"
}

on() { # CORES
	rivals=floor,ward,mutex,tbb_group,openmp
	shapes=1x$1
	[ "$1" -eq 1 ] || shapes=1x$1,$1x$1
	measure "$1" throughput --only $rivals --shapes $shapes
	measure "$1" forkjoin --only $rivals --workers "$1"
	measure "$1" work1us --only $rivals --workers "$1"
	measure "$1" heal --workers "$1"
	measure "$1" steward --workers 64
}

cores=1
while :; do
	on "$cores"
	[ "$cores" -lt "$all" ] || break
	cores=$((cores * 2 < all ? cores * 2 : all))
done
# far more threads than cores: all must be run, and none may stand still
measure "$all" throughput --only floor,ward,mutex --shapes 64x64,64x1024
measure "$all" heal --workers 64,1024

machine=$(sed -n 's/^machine: //p' "$tmp/out")
name=$(printf '%s' "${machine%% CPUs*} cpus" | tr 'A-Z' 'a-z' |
	tr -cs 'a-z0-9' '-')
{
	printf '{"machine": "%s", "date": "%s"}\n' "$machine" "$(date +%Y-%m-%d)"
	cat "$tmp/all"
} >"$tmp/named"
cp "$tmp/named" "$dir/$name.json"
echo "machine: $machine"
awk -f "$(dirname "$0")/json.awk" -f "$(dirname "$0")/scale.awk" "$dir/$name.json"
echo
echo "scale: $dir/$name.json"
