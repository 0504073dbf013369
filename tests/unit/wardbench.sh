#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# wardbench's arguments: what is wrong is named, with status 2; each figure of
# throughput says where its threads were, and inflight how many were under way.
set -u
wardbench=${top_builddir:-.}/wardbench
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
failed=0

wrong() {
	echo "$*"
	sed 's/^/	/' "$dir/said"
	failed=1
}

refuses() { # WHAT ARGS...
	what=$1
	shift
	"$wardbench" "$@" >"$dir/out" 2>"$dir/said"
	[ $? -eq 2 ] || wrong "not 2: $*"
	grep -qxF "wardbench: $what (see --help)" "$dir/said" ||
		wrong "not said: $what"
	[ ! -s "$dir/out" ] || wrong "something was measured: $*"
}

refuses "no such bench: troughput" troughput
refuses "--shapes: 1x" throughput --shapes 1x
refuses "--shapes: 0x1" throughput --shapes 0x1
refuses "--runs: 0" throughput --runs 0
refuses "--runs: 1k" throughput --runs 1k
refuses "--rivals: nobody" throughput --rivals nobody
refuses "--only is without --rivals: none" throughput --only ward --rivals none
refuses "--ring: not a power of two: 12" throughput --ring 12
refuses "--placement: beside" throughput --placement beside
refuses "--placement: across;together" throughput --placement "across;together"
refuses "--placement: " throughput --placement ""
refuses "--full is every bench: latency" latency --full
refuses "an option of named benches, or of all: shapes" --shapes 1x1
refuses "an option of named benches, or of all: quick" --json "$dir/json" --quick

"$wardbench" throughput --only nothing --shapes 1x1 --runs 1 --tasks 1000 \
	--placement unpinned,together,unpinned --json "$dir/json" \
	>"$dir/said" 2>&1 || wrong "not measured"
for placement in unpinned together; do
	for metric in task free_list; do
		n=$(grep '"bench": "throughput"' "$dir/json" |
			grep "\"placement\": \"$placement\"" |
			grep -c "\"metric\": \"$metric\"")
		[ "$n" -eq 1 ] || wrong "$n times: $placement $metric"
	done
done
! grep -q across "$dir/json" || wrong "across: not asked for"

"$wardbench" inflight --only ward,mutex --workers 2 --runs 1 --tasks 2000 \
	--placement together --json "$dir/json" >"$dir/said" 2>&1 ||
	wrong "not measured"
for impl in ward ward_port mutex; do
	for metric in wall_1 cpu_4 switches_16 wall_64 cpu_1024; do
		n=$(grep "\"impl\": \"$impl\"" "$dir/json" |
			grep -c "\"metric\": \"$metric\"")
		[ "$n" -eq 1 ] || wrong "$n times: $impl $metric"
	done
done
! grep -q libuv "$dir/json" || wrong "libuv: not asked for"

exit $failed
