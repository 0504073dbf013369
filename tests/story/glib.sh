#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Programs on GLib whose thread pools hang: on GLib's own nothing more is done, on ours it
# is.  And what a program may see of the pools besides is the same on both.
set -u
run=$top_builddir/adapters/glib/ward-glib-run
library=$top_builddir/adapters/glib/.libs/libward-glib.so
user=$top_builddir/tests/story/glib_user
hows='stock healed'
[ -z "${SANITIZED-}" ] || hows=healed run= user=$top_builddir/tests/story/glib_linked
[ -x "$user" ] || {
	echo "skipped: libglib2.0-dev is missing"
	exit 77
}
[ -z "$run" ] || { [ -e "$library" ] && [ -x "$run" ]; } || {
	echo "skipped: no libward-glib is built: make glib"
	exit 77
}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failed=0
WARD_GLIB_LOG=json:$work/log
export WARD_GLIB_LOG

fail() {
	echo "$*"
	failed=1
}

# A story that does not end has failed.  Where a KIND of report is to come, the budget is
# short, and the story ends only with that; in the others nothing is to be convicted.
story() { # HOW NAME [KIND]
	how=$1 name=$2 budget=60000
	rm -f "$work/log"
	[ $# -eq 2 ] && set -- || {
		set -- "$work/log" "$3"
		budget=100
	}
	on=
	[ "$how" = stock ] || on=$run
	WARD_GLIB_BUDGET=$budget timeout 60 $on "$user" "$name" "$@" >"$work/out" 2>"$work/err" || {
		fail "$how $name $*: ended with $?"
		cat "$work/out" "$work/err"
	}
}

[ -z "$run" ] || timeout 20 "$user" stock >"$work/stock" 2>&1 &
for how in $hows; do
	for name in order widths threads frees frees_inside storm nested; do
		story $how $name
	done
done
for name in healed resized ends_healed gio nested; do
	story healed $name blocked
done
story healed ends
WARD_GLIB_ZOMBIES=2
export WARD_GLIB_ZOMBIES
story healed degraded degraded
unset WARD_GLIB_ZOMBIES
WARD_GLIB_CPU_BUDGET=50
export WARD_GLIB_CPU_BUDGET
story healed spins livelock
unset WARD_GLIB_CPU_BUDGET
story healed dies
[ -n "$run" ] || exit $failed # a sanitizer wants memory, and no child that goes on
story healed forks blocked
story healed alone

# What GLib has and we have not would be called with a pool that is no pool of GLib's.
glib=$(ldd "$user" | sed -n 's/.*libglib-2\.0\.so\.0 => \([^ ]*\).*/\1/p')
nm -D --defined-only "$glib" | sed -n 's/.* T \(g_thread_pool_[a-z_]*\).*/\1/p' >"$work/glib"
[ -s "$work/glib" ] || fail "no g_thread_pool_new in $glib"
nm -D --defined-only "$library" | sed -n 's/.* T //p' | grep -vxFf - "$work/glib" &&
	fail "not in libward-glib.so"

WARD_GLIB_BUDGET=soon "$run" "$user" order 2>&1 |
	grep -q 'WARD_GLIB_BUDGET=soon is not a number from 1 to 3600000' ||
	fail "a budget that is none: not told"
printf '\177ELF' >"$work/static"
chmod +x "$work/static"
"$run" "$work/static" 2>&1 | grep -q 'not linked dynamically' ||
	fail "a program without libraries: not refused"

wait
grep -q 'nothing done' "$work/stock" || fail "stock: $(cat "$work/stock")"
exit $failed
