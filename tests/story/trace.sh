#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The scripts of examples/trace, where bpftrace can look into a process: ten tasks hang, ten
# end their threads, and a ward is started again twice; and each is told.
set -u
program=$top_builddir/tests/story/to_watch
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

skip() {
	echo "skipped: $1"
	exit 77
}
command -v bpftrace >/dev/null || skip "apt-get install bpftrace"
grep -q '^WARD_PROBES_CPP = -D' "$top_builddir/Makefile" ||
	skip "apt-get install systemtap-sdt-dev"
timeout 60 bpftrace -c "$program heal" \
	-e "usdt:$program:ward:start { @ = count(); }" >"$dir/try" 2>&1
grep -q '^@: [1-9]' "$dir/try" || skip "bpftrace: $(tail -n 1 "$dir/try")"

trace() { # SCRIPT
	timeout 60 bpftrace -c "$program heal" "$top_srcdir/examples/trace/$1.bt" \
		"$program" >"$dir/$1" 2>"$dir/$1.err"
}
has() { # SCRIPT TIMES LINE: an extended regular expression
	n=$(grep -cE "$3" "$dir/$1")
	[ "$n" -ge "$2" ] && return
	echo "$1: $n lines are /$3/, not $2"
	failed=1
}

trace hangs
has hangs 10 '^watched: worker [01], thread [0-9]+, is silent for [0-9]+ ms in "sleeper" \(sleeps\)'
has hangs 10 '^watched: worker [01], thread [0-9]+, is convicted after [0-9]+ ms in "sleeper" \(sleeps\): blocked$'
trace run_times
has run_times 1 '^@us\[quick, '
trace heals
has heals 10 ' suspect +watched [01] [0-9]+: silent for [0-9]+ ms$'
has heals 10 ' convict +watched [01] [0-9]+: blocked, silent for [0-9]+ ms$'
has heals 10 ' fence +watched [01] [0-9]+: "sleeper", report [0-9]+$'
has heals 20 ' heal +watched [01] [0-9]+: the seat was empty for [0-9]+ us$'
has heals 10 ' home +watched [01] [0-9]+: fenced [0-9]+ ms ago$'
has heals 2 ' restart +steward: "falls over" of steward steward, after -5$'
[ $failed -eq 0 ] || tail -n 30 "$dir"/hangs* "$dir"/run_times* "$dir"/heals*
exit $failed
