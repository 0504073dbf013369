#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# ward-gdb.py: what hangs is named, in a process and in its core, whether libward is in the
# program or beside it; and where memory is corrupt that is said, and the rest is shown.
set -u
within=$top_builddir/tests/story/to_watch
beside=$top_builddir/tests/story/.libs/to_watch_shared
[ -x "$beside" ] || beside=$within
LD_LIBRARY_PATH=$top_builddir/.libs
export LD_LIBRARY_PATH
script=$top_srcdir/lib/ward-gdb.py
dir=$(mktemp -d)
pid=
end() {
	[ -z "$pid" ] || kill -9 $pid 2>/dev/null
}
trap 'end; rm -rf "$dir"' EXIT
failed=0

if ! command -v gdb >/dev/null; then
	echo "skipped: apt-get install gdb"
	exit 77
fi
debug() { # ARGUMENT...
	gdb -q -batch -nx -iex 'set debuginfod enabled off' \
		-ex "source $script" "$@" 2>&1
}
start() { # PROGRAM
	rm -f "$dir/out"
	mkfifo "$dir/out" || exit 1
	"$1" hang >"$dir/out" 2>"$dir/err" &
	pid=$!
	exec 3<"$dir/out"
	[ -n "$(head -c 1 <&3)" ] || exit 1
}

start "$beside"
debug -p $pid -ex 'info ward' -ex 'ward bt 0' -ex 'ward bt watched 1' \
	-ex 'info ward none' -ex "generate-core-file $dir/core" >"$dir/live"
if grep -q 'ptrace: Operation not permitted' "$dir/live"; then
	echo "skipped: no process may be looked into here"
	exit 77
fi
end
debug "$beside" "$dir/core" -ex 'info ward watched' -ex 'ward bt 0' \
	-ex 'ward bt 1' >"$dir/dead"
# The records of its threads lie nowhere.
start "$within"
debug -p $pid -ex 'python where = int(next(pools()))' \
	-ex 'python slot = where + offset_of("struct pool", "slot")' \
	-ex 'python gdb.execute("set var *(unsigned long *)%d = 1" % slot)' \
	-ex 'info ward' -ex 'python print(9 * "still ")' >"$dir/corrupt"

has() { # FILE LINE: an extended regular expression
	grep -qE "$2" "$dir/$1" && return
	echo "$1: no line is /$2/"
	failed=1
}

for where in live dead; do
	has $where '^pool "watched" 0x[0-9a-f]+: up; 2 of 2 workers, [01] spares$'
	has $where '^  tasks: 7 accepted, 0 given back, 0 refused'
	has $where '^  attempts: 3 begun, 1 lost to stalls'
	has $where 'zombies: 0 of 8 awake, 1 of 256 asleep'
	has $where '^  seat [01] +thread [0-9]+ +tid [0-9]+ +run +"hung" \(hangs_here\)  silent [0-9.]+m?s'
	has $where '^  seat [01] +thread [0-9]+ +tid [0-9]+ +run +"in row" \(hangs_here\)'
	has $where '^  zombie +thread [0-9]+ +tid [0-9]+ +run +"stuck" \(hangs_here\)  fenced .*, found asleep$'
	has $where '^  lane "row" 0x[0-9a-f]+: width 1, 3 inside, 2 of them waiting$'
	has $where '^    2x "in row" \(hangs_here\)$'
	has $where '^  queued: 4 \(3 rings, 1 requeued, or for a time\)$'
	has $where '^    3x "later" \(nothing\)$'
	has $where '^    1x "timed" \(nothing\)$'
	has $where '^seat 0, "(hung|in row)" \(hangs_here\)$'
	has $where ' hangs_here \('
done
has live '^no pool "none"$'
has corrupt '^pool "watched" .*: up;'
has corrupt '^  \(cannot be read: Cannot access memory at address 0x'
has corrupt '^  lane "row"'
has corrupt '^    1x "timed" \(nothing\)$'
has corrupt '^still still'
[ $failed -eq 0 ] || tail -n 40 "$dir/live" "$dir/dead" "$dir/corrupt"
exit $failed
