#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Has anything become slower?  Ratios within a run are compared, never times.
#
#	guard.sh check		measures, compares with the record; 1: worse
#	guard.sh record		measures, and writes the record of this machine
#	guard.sh judge MACHINE JSON...
#				compares what was measured already
#
# WARDBENCH is the program, RECORD the record, PASSES how many times 'record'
# measures.  How it is judged: judge.awk; what is compared: pairs.
set -u
here=$(dirname "$0")
RECORD=${RECORD:-$here/../results/ratios.txt}
WARDBENCH=${WARDBENCH:-./wardbench}
PASSES=${PASSES:-5}
benches="throughput inflight work1us latency burst forkjoin lanes limit heal memory"

die() {
	echo "guard: $*" >&2
	exit 2
}

ratios() {
	awk -f "$here/../json.awk" -f "$here/ratios.awk" "$here/pairs" "$@"
}

judge() { # MACHINE RATIOS
	awk -v machine="$1" -f "$here/judge.awk" "$RECORD" "$2"
}

measure() { # JSON ARGS...
	json=$1
	shift
	$WARDBENCH "$@" --quick --runs 3 --json "$json" >"$dir/out" ||
		die "wardbench $*: it failed"
}

# One pass over those benches, into $dir/NAME-*.json.  With more producers than
# cores a ring of many producers may stand still: it is not asked there.
pass() { # NAME BENCH...
	name=$1
	shift
	echo "guard: $name: $*" >&2
	case " $* " in *" throughput "*)
		measure "$dir/$name-8x8.json" throughput --shapes 8x8 \
			--only floor,ward,mutex
		;;
	esac
	measure "$dir/$name-all.json" "$@" --shapes 1x1,1x2,1x8,2x2 \
		--only floor,ward,ck_mpmc,mutex
	# its name and how many CPUs: ratios are those of a machine
	machine=$(sed -n 's/^machine: \(.* CPUs\),.*/\1/p' "$dir/out")
	[ -n "$machine" ] || die "$name: no machine was named"
}

# Passes only move ratios by what the machine does meanwhile: the median of each.
record() {
	i=0
	while [ $((i += 1)) -le "$PASSES" ]; do
		pass "pass-$i" $benches
		ratios "$dir/pass-$i"-*.json
	done >"$dir/all"
	{
		others "$machine"
		echo "machine $machine"
		awk '{ print $1, $2 }' "$dir/all" | LC_ALL=C sort -k1,1 -k2,2g |
			awk -f "$here/middle.awk"
	} >"$dir/record"
	cp "$dir/record" "$RECORD"
	echo "guard: $(grep -c '^[a-z0-9]*[.]' "$dir/record") ratios in $RECORD"
}

# The record's figures of other machines, and its head.
others() { # MACHINE
	[ ! -f "$RECORD" ] || awk -v machine="machine $1" '
		/^machine / { other = $0 != machine }
		/^#/ || other' "$RECORD"
}

# The benches of what is worse: figures of 'cpu' are throughput's.
suspects() {
	sed -n 's/^worse \([a-z0-9]*\)\..*/\1/p; s/^lost \([a-z0-9]*\)\..*/\1/p' |
		sed 's/^cpu$/throughput/' | LC_ALL=C sort -u
}

# Twice, and what is worse both times.
check() {
	pass first $benches
	ratios "$dir"/first-*.json >"$dir/first"
	grep -qxF "machine $machine" "$RECORD" ||
		die "no record of this machine ($machine): make bench-record"
	judge "$machine" "$dir/first" >"$dir/verdict" && {
		cat "$dir/verdict"
		return 0
	}
	grep -E '^(worse|lost)' "$dir/verdict"
	pass second $(suspects <"$dir/verdict")
	ratios "$dir"/second-*.json >"$dir/second"
	cut -d: -f1-2 "$dir/verdict" | grep -E '^(worse|lost)' >"$dir/named"
	judge "$machine" "$dir/second" | grep -F -f "$dir/named" >"$dir/still" || {
		echo "guard: the second time nothing was worse"
		return 0
	}
	echo "guard: worse both times:"
	cat "$dir/still"
	return 1
}

dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
case ${1-} in
check) check ;;
record) record ;;
judge)
	[ $# -ge 3 ] || die "judge MACHINE JSON..."
	machine=$2
	shift 2
	ratios "$@" >"$dir/now"
	judge "$machine" "$dir/now"
	;;
*) die "check, record, or judge" ;;
esac
