#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The guard of the benchmarks, fed with figures that nobody measured: what has
# become worse is named, what has not is passed, and noise is not taken for either.
set -u
guard=${top_srcdir:-.}/benchmarks/guard/guard.sh
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
RECORD=$dir/record
export RECORD
failed=0

wrong() {
	echo "$*"
	[ ! -f "$dir/said" ] || sed 's/^/	/' "$dir/said"
	failed=1
}

figure() { # BENCH IMPL METRIC VALUES
	printf '{"bench": "%s", "impl": "%s", "workers": 8, "producers": 1, ' \
		"$1" "$2"
	printf '"metric": "%s", "unit": "ns", "runs": 3, "values": [%s]}\n' \
		"$3" "$4"
}

# Figures of now: ward's empty tasks, those of ck's ring, ward's forks.
measured() { # WARD [CK [FORKS]]
	figure throughput floor task "10, 20, 15"
	figure throughput ward task "$1"
	figure throughput ck_mpmc task "${2-40, 50, 45}"
	figure forkjoin floor fib "5, 5, 5"
	figure forkjoin ward fib "${3-10, 10, 10}"
}

judge() { # STATUS as measured
	status=$1
	shift
	measured "$@" >"$dir/now"
	sh "$guard" judge "A CPU, 4 CPUs" "$dir/now" >"$dir/said" 2>&1
	[ $? -eq "$status" ] || wrong "not $status: $*"
}

says() {
	grep -q "$1" "$dir/said" || wrong "does not say: $1"
}

silent() {
	! grep -q "$1" "$dir/said" || wrong "says: $1"
}

floor=throughput.1x8:ward.task/floor.task
ck=throughput.1x8:ward.task/ck_mpmc.task
fib=forkjoin.1x8:ward.fib/floor.fib
cat >"$RECORD" <<RECORD_END
# a record
machine A CPU, 2 CPUs
$floor 0.1 0.1 0.1
machine A CPU, 4 CPUs
$floor 1.2 1.1 1.3
$ck 0.4 0.3 0.5
$fib 2 2 2
machine Another CPU, 4 CPUs
$floor 0.1 0.1 0.1
RECORD_END

# As it was, to the least and the most that were recorded.
judge 0 "12, 24, 18"
says '^3 compared, 0 worse, 0 lost$'
judge 0 "13, 26, 19.5"
silent '^worse'
# Within the margin: half of what lies between least and most.
judge 0 "13.9, 27.8, 20.8"
silent '^worse'
# Beyond it: that one, and no other.
judge 1 "15, 30, 22.5"
says "^worse $floor: 1.5 (1.5-1.5), recorded 1.2 (1.1-1.3)\$"
silent "^worse $ck"
silent "^worse $fib"
# One quiet run among loud ones: it is the machine.
judge 0 "12, 32, 24" "1e3, 1e3, 1e3"
silent "^worse"
# A record without any spread has a margin, too.
judge 0 "12, 24, 18" "40, 50, 45" "10.4, 10.4, 10.4"
judge 1 "12, 24, 18" "40, 50, 45" "10.6, 10.6, 10.6"
says "^worse $fib: 2.12"
# Better is told, and nothing to complain of.
judge 0 "12, 24, 18" "40, 50, 45" "5, 5, 5"
says "^better $fib: 1 "
# Ours stood still: worse.  The other's: left out, and lost only if it always did.
judge 1 "1e999, 1e999, 1e999"
says "^worse $floor: .*e+2"
judge 0 "12, 24, 18" "1e999, 50, 45"
judge 1 "12, 24, 18" "1e999, 1e999, 1e999"
says "^lost $ck\$"
# What was measured in one placement is not compared with another.
across=throughput.1x8.across:ward.task/floor.task
together=throughput.1x8.together:ward.task/floor.task
cp "$RECORD" "$dir/kept"
printf 'machine A CPU, 4 CPUs\n%s 1 1 1\n%s 3 3 3\n' "$across" "$together" \
	>"$RECORD"
placed() { # PLACEMENT IMPL VALUES
	figure throughput "$2" task "$3" |
		sed "s/\"metric\"/\"placement\": \"$1\", &/"
}
{
	placed across floor "10, 20, 15"
	placed across ward "20, 40, 30"
	placed together floor "10, 20, 15"
	placed together ward "20, 40, 30"
} >"$dir/now"
sh "$guard" judge "A CPU, 4 CPUs" "$dir/now" >"$dir/said" 2>&1 &&
	wrong "across is not worse"
says "^worse $across: 2 "
says "^better $together: 2 "
says '^2 compared, 1 worse, 0 lost$'
cp "$dir/kept" "$RECORD"
# Runs are compared one by one: a slow minute that fell on both does not count.
judge 0 "12, 2400, 18" "40, 5000, 45"
sed -i 's/10, 20, 15/10, 2000, 15/' "$dir/now"
sh "$guard" judge "A CPU, 4 CPUs" "$dir/now" >"$dir/said" ||
	wrong "a slow run of both"
says '^3 compared, 0 worse'

# ---- measuring, by a program that says what it is told to ------------------------

cat >"$dir/bench" <<'BENCH_END'
n=$(($(cat "$fake/n") + 1))
echo $n >"$fake/n"
while [ "$1" != --json ]; do
	shift
done
echo "machine: A CPU, 16 CPUs, and so on"
case $2 in
*8x8*) : >"$2" ;;
*) cat "$fake/figures.$n" >"$2" ;;
esac
BENCH_END
fake=$dir WARDBENCH="sh $dir/bench"
export fake WARDBENCH

run() { # STATUS COMMAND: each pass asks twice, for 8x8 and for the rest
	echo 0 >"$dir/n"
	sh "$guard" "$2" >"$dir/said" 2>&1
	[ $? -eq "$1" ] || wrong "$2: not $1"
}

measured "10, 20, 15" >"$dir/figures.2"
run 2 check
says "no record of this machine (A CPU, 16 CPUs)"
bad="20, 40, 30"
measured "11, 22, 16.5" >"$dir/figures.4"
measured "10, 20, 15" >"$dir/figures.6"
PASSES=3 run 0 record
grep -qx "$floor 1 1 1.1" "$RECORD" || wrong "not in the record"
grep -qx "machine A CPU, 2 CPUs" "$RECORD" || wrong "another machine is gone"
run 0 check
[ "$(cat "$dir/n")" = 2 ] || wrong "a good pass is not enough"
measured "$bad" >"$dir/figures.2"
run 0 check
says "the second time nothing was worse"
measured "$bad" >"$dir/figures.4"
run 1 check
says "^worse $floor: 2 (2-2), recorded 1 (1-1.1)\$"
silent "^worse $fib"

exit $failed
