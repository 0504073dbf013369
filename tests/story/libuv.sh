#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Programs on libuv, and Node, whose four threads hang: with libuv's own pool they answer
# nothing and do not end, with ours they do both.  And what a program may see of the pool
# besides is the same with both.
set -u
run=$top_builddir/adapters/libuv/ward-uv-run
user=$top_builddir/tests/story/libuv_user
# Under a sanitizer ours alone, linked with its program, and fewer at once.
hows='stock healed' many=1024
[ -z "${SANITIZED-}" ] ||
	hows=healed many=100 run= user=$top_builddir/tests/story/libuv_linked
[ -z "$run" ] || [ -e "$top_builddir/adapters/libuv/.libs/libuv.so.1" ] || {
	echo "skipped: no libuv is built: make libuv"
	exit 77
}
[ -x "$user" ] || {
	echo "skipped: libuv1-dev is missing"
	exit 77
}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failed=0
UV_WARD_LOG=json:$work/log
export UV_WARD_LOG

fail() {
	echo "$*"
	failed=1
}

# A story that does not end has failed.  Those that are to heal have a short budget; in the
# others nothing is to be convicted.
story() { # HOW NAME [BUDGET [THREADS]]
	how=$1 name=$2
	rm -rf "$work/folder" "$work/log"
	mkdir "$work/folder"
	[ "$how" = healed ] && set -- "$run" "${3-60000}" "${4-4}" || set -- '' 500 "${4-4}"
	UV_WARD_BUDGET=$2 UV_THREADPOOL_SIZE=$3 timeout 60 $1 "$user" "$name" \
		"$work/folder" >"$work/out" 2>"$work/err" || {
		fail "$how $name: ended with $?"
		cat "$work/out" "$work/err"
	}
}

# One is enough: where it is healed, all else may be answered, and the others come home.
convicted() { # NAME
	grep -q '"kind":"blocked"' "$work/log" || fail "$1: nothing was convicted"
}

all_there() { # NAME: of what was to be written
	n=$(ls "$work/folder" | wc -l)
	[ "$n" -eq 100 ] || fail "$1: $n of 100 are there"
}

# Beside the others: with libuv's own pool it ends only when it is killed.
killed() { # NAME COMMAND...
	name=$1
	shift
	timeout -s KILL "$@" >"$work/$name.out" 2>&1
	echo $? >"$work/$name.status"
}

was_killed() { # NAME SAID
	[ "$(cat "$work/$1.status")" -eq 137 ] && grep -q "$2" "$work/$1.out" &&
		! grep -q answered "$work/$1.out" ||
		fail "$1: ended with $(cat "$work/$1.status"): $(cat "$work/$1.out")"
}

mkdir "$work/stock"
[ -z "$run" ] || killed stock 6 "$user" stock "$work/stock" &
node=${NODE:-$(command -v node)}
hung=$top_srcdir/adapters/libuv/hung.js
if [ -z "$run" ]; then
	echo "node: skipped: it is not linked with ours"
elif [ -z "$node" ]; then
	echo "node: skipped: there is none (NODE=)"
elif ! "$run" "$node" -e 0 2>"$work/err"; then
	echo "node: skipped: $(head -n 1 "$work/err"); Debian's nodejs is (NODE=)"
	node=
else
	killed node 10 "$node" "$hung" &
fi

for how in $hows; do
	story $how cancel
	story $how order
	story $how widths
	story $how many 60000 $many
	story $how threads
	story $how flushes
	all_there "$how flushes"
	story $how storm
	story $how loops
done
for name in healed ends ends_healed ends_inside flushes_healed forks; do
	story healed $name 100
	convicted $name
	[ $name != flushes_healed ] || all_there $name
done
UV_WARD_ZOMBIES=2
export UV_WARD_ZOMBIES
story healed ends 100
grep -q '"kind":"degraded"' "$work/log" || fail "two that may hang: not degraded"
unset UV_WARD_ZOMBIES
UV_WARD_CPU_BUDGET=50
export UV_WARD_CPU_BUDGET
story healed spins
grep -q '"kind":"livelock"' "$work/log" || fail "spins: nothing was convicted"
unset UV_WARD_CPU_BUDGET
story healed dies
story healed shuts
story healed many 60000 1
story healed alone
grep -q 'no pool for libuv: .*; its requests are done by' "$work/err" || fail "alone: not told"
story healed few
[ -n "$run" ] || exit $failed

UV_WARD_BUDGET=soon "$run" "$user" threads 2>&1 |
	grep -q 'UV_WARD_BUDGET=soon is not a number from 1 to 3600000' ||
	fail "a budget that is none: not told"
mkfifo "$work/unread"
UV_WARD_LOG=json:$work/unread timeout 60 "$run" "$user" order 2>&1 |
	grep -q 'UV_WARD_LOG: .*unread: ' || fail "a log that nobody reads: not told"
"$run" /bin/true 2>&1 | grep -q 'not linked against libuv' ||
	fail "a program without libuv: not refused"

if [ -n "$node" ]; then
	timeout 60 "$run" "$node" "$hung" >"$work/out" 2>&1 || fail "hung.js: ended with $?"
	[ "$(grep -c 'answered after' "$work/out")" -eq 3 ] || fail "hung.js: $(cat "$work/out")"
fi
wait
was_killed stock 'no answer'
[ -z "$node" ] || was_killed node 'the end'
exit $failed
