#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The probes of docs/watching.md are in the library, each with as many arguments as stand
# there, and no others.
set -u
lib=
for at in "$top_builddir/.libs/libward.so" "$top_builddir/.libs/libward.a"; do
	[ ! -e "$at" ] || lib="$lib $at"
done

if ! grep -q '^WARD_PROBES_CPP = -D' "$top_builddir/Makefile"; then
	echo "skipped: apt-get install systemtap-sdt-dev"
	exit 77
fi

told=$(awk -F ' *[|] *' '
	/^\| probe \|/ { on = 1; next }
	on && !/^\|/ { exit }
	on && $2 ~ /^`/ { gsub(/`/, "", $2); print $2, split($3, argument, /, /) }
	' "$top_srcdir/docs/watching.md" | LC_ALL=C sort -u)
[ "$(echo "$told" | wc -l)" -eq 9 ] || {
	echo "docs/watching.md: not nine probes"
	exit 1
}
failed=0
for at in $lib; do
	there=$(readelf -n "$at" | awk '
		$1 == "Provider:" { mine = $2 == "ward" }
		$1 == "Name:" { name = $2 }
		$1 == "Arguments:" && mine { print name, NF - 1 }' | LC_ALL=C sort -u)
	[ "$told" = "$there" ] || {
		printf '%s has\n%s\nnot\n%s\n' "$at" "$there" "$told"
		failed=1
	}
done
[ -n "$lib" ] && exit $failed
