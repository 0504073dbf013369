#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# GLib's own tests, as Debian installs them, with its own pools (stock), with ours (healed),
# and with ours where one item in three sleeps beyond its budget and is convicted
# (exercised).  Of those tests all that use threads, or GIO, but for D-Bus, which has a thread
# of its own and wants a bus.  One that fails where stock passes is named, and is failure.
#
#	suite.sh DIR [ROUNDS [TEST]...]		of 'make check-glib'
set -u
dir=$(cd "$1" && pwd) rounds=${2-1}
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" -ne 0 ] || [ -n "${SUITE_ALONE-}" ] || {
	shift
	exec sh "$here/../alone.sh" "$here/suite.sh" "$dir" "$@"
}
shift
[ $# -eq 0 ] || shift
tests=$dir/tests/usr/libexec/installed-tests/glib
work=${SUITE_ALONE:+$SUITE_ALONE/work}
[ -n "$work" ] || {
	work=$(mktemp -d) || exit 2
	trap 'rm -rf "$work"' EXIT
}
G_TEST_SRCDIR=$tests G_TEST_BUILDDIR=$tests HOME=$work/home
# One test ends, with all that follows in it, where this is not there.
mkdir "$work/bin"
ln -s /bin/true "$work/bin/update-desktop-database"
PATH=$PATH:$work/bin
export G_TEST_SRCDIR G_TEST_BUILDDIR HOME PATH

chosen() {
	for entry in "$dir"/tests/usr/share/installed-tests/glib/*.test; do
		name=$(basename "$entry" .test)
		case $name in
		thread*) echo "$name" ;;
		*dbus* | gapplication* | *appl* | *monitor* | *notification*) ;;
		*) ! ldd "$tests/$name" 2>/dev/null | grep -q libgio || echo "$name" ;;
		esac
	done
}

preload() { # LIBRARY
	case $1 in
	stock) ;;
	healed) echo "$dir/.libs/libward-glib.so" ;;
	exercised) echo "$dir/exercised/.libs/libward-glib.so" ;;
	esac
}

# Of 1024 tasks that hang no more than 20 are to begin within half a second: not so where
# those that hang for 100 ms lose their place.
but() { # LIBRARY TEST
	[ "$1 $2" != 'exercised task' ] || echo '-s /gtask/run-in-thread-overflow'
}

# What a test leaves behind ends with it.
contained() {
	if [ "$(id -u)" -eq 0 ]; then
		unshare --pid --fork --kill-child --mount-proc "$@"
	else
		"$@"
	fi
}

# A line for each case: library, and "ok" or "not", test and case, or "# SKIP".
one() { # LIBRARY TEST
	rm -rf "$HOME"
	mkdir "$HOME"
	budget=500
	[ "$1" != exercised ] || budget=100
	(
		cd "$HOME" || exit
		LD_PRELOAD=$(preload "$1") WARD_GLIB_LOG=json:$work/log \
			WARD_GLIB_BUDGET=$budget contained timeout -k 5 120 "$tests/$2" \
			$(but "$1" "$2") >"$work/said" 2>&1 </dev/null
		echo "not ok 0 ended with $?" >>"$work/said"
	)
	awk -v who="$1" -v name="$2" '
		/^ok [0-9]+ / { print who, /# SKIP/ ? "skip" : "ok", name, $3; next }
		/^not ok 0 ended with 0$/ { next }
		/^not ok / { print who, "not", name, $3, $4, $5; next }
		/ERROR|assertion|Bail out/ { print who, "why", name, $0 }' "$work/said"
	grep -o '"kind":"[a-z_]*"' "$work/log" 2>/dev/null |
		sed "s/\"kind\":\"\(.*\)\"/$1 kind \1/"
	rm -f "$work/log"
}

[ $# -gt 0 ] || set -- $(chosen)
round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	for test; do
		for library in stock healed exercised; do
			one $library "$test"
		done
	done
done >"$work/all"
awk -f "$here/suite.awk" "$work/all"
