#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# libuv's own tests with its own pool (stock), with ours (healed), and with ours where one
# request in three sleeps beyond its budget and is convicted (exercised); as root and as
# nobody, or as who calls.  A test that fails where stock passes is named, and is failure.
#
#	suite.sh DIR [ROUNDS]	of 'make check-libuv'; some five minutes a round
set -u
dir=$(cd "$1" && pwd) rounds=${2-1}
here=$(cd "$(dirname "$0")" && pwd)

[ "$(id -u)" -ne 0 ] || [ -n "${SUITE_ALONE-}" ] ||
	exec sh "$here/../alone.sh" "$here/suite.sh" "$dir" "$rounds"
if [ -n "${SUITE_ALONE-}" ]; then
	work=$SUITE_ALONE/work
else
	work=$(mktemp -d) || exit 2
	trap 'rm -rf "$work"' EXIT
	chmod 755 "$work"
fi
UV_TEST_TIMEOUT_MULTIPLIER=10 RES_OPTIONS=attempts:0 UV_RUN_AS_ROOT=1
export UV_TEST_TIMEOUT_MULTIPLIER RES_OPTIONS UV_RUN_AS_ROOT

where() { # LIBRARY
	case $1 in
	stock) echo "$dir/stock/.libs" ;;
	healed) echo "$dir/.libs" ;;
	exercised) echo "$dir/exercised/.libs" ;;
	esac
}

run_as() { # USER COMMAND...: in a folder of its own, for tests leave files behind
	as=$1
	shift
	if [ "$as" = "$(id -un)" ]; then
		"$@"
	else
		setpriv --reuid="$as" --regid="$(id -g "$as")" --clear-groups "$@"
	fi
}

# Where not all may look into the build's folder, nobody finds its libraries here.
copy() { # USER LIBRARY: into $work/USER-LIBRARY
	to=$work/$1-$2
	mkdir -p "$to/test" "$to/lib"
	cp -r "$dir/stock/test/fixtures" "$to/test"
	cp "$dir/stock/test/.libs/run-tests" "$to/test"
	cp -L "$(where "$2")/libuv.so.1" "$to/lib"
	chown -R "$1" "$to"
}

suite() { # USER LIBRARY
	copy "$1" "$2"
	(
		cd "$work/$1-$2" || exit
		LD_LIBRARY_PATH=$work/$1-$2/lib UV_WARD_LOG=json:$work/$1-$2/log
		export LD_LIBRARY_PATH UV_WARD_LOG
		[ "$2" != exercised ] || export UV_WARD_BUDGET=100
		run_as "$1" test/run-tests </dev/null 2>&1
	) | awk -v who="$1 $2" '
		/^(not )?ok [0-9]+ - / {
			bad = $1 == "not"
			sub(/ok [0-9]+ - /, "")
			print who, $0
		}
		bad && /^# / { # why
			sub(/^# /, "")
			print who, "why", $0
		}'
	grep -o '"kind":"[a-z_]*"' "$work/$1-$2/log" 2>/dev/null |
		sed "s/\"kind\":\"\(.*\)\"/$1 $2 kind \1/"
	rm -rf "$work/$1-$2"
}

users=$(id -un)
[ "$users" != root ] || users='root nobody'
round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	for user in $users; do
		for library in stock healed exercised; do
			suite $user $library
		done
	done
done >"$work/all"
awk -f "$here/suite.awk" "$work/all"
