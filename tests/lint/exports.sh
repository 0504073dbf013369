#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The shared library and the archive show what the header declares with WARD_API: no
# more, and no less; and lib/ward.map lists that.  The archive, because each of its global
# names is one that a program may have as well.
set -u
headers=$(ls "$top_srcdir"/include/ward/*.h | grep -v /nats.h)
declared=$(cat $headers | sed '/^#/d' | tr '\n\t' '  ' |
	grep -oE 'WARD_API [^;{]*' |
	sed -E 's/__attribute__.*//; s/\(.*//; s/ *$//; s/.*[^_[:alnum:]]//' |
	LC_ALL=C sort -u)
tried=0
failed=0

same() { # WHERE NAMES
	[ "$declared" = "$2" ] && return
	echo "$1: declared and not there:" $(printf '%s\n%s\n%s\n' \
		"$declared" "$2" "$2" | sort | uniq -u)
	echo "$1: there and not declared:" $(printf '%s\n%s\n%s\n' \
		"$2" "$declared" "$declared" | sort | uniq -u)
	failed=1
}

try() { # LIBRARY NM-OPTION
	[ -e "$1" ] || return
	tried=$((tried + 1))
	shown=$(nm "$2" --defined-only "$1" |
		awk 'NF == 3 && $2 != "A" { print $3 }' |
		sed 's/@.*//' | LC_ALL=C sort -u)
	same "$1" "$shown"
	echo "$1: $(printf '%s\n' "$shown" | wc -l) symbols"
}

same lib/ward.map "$(sed -n 's/^\t\(ward_.*\);$/\1/p' "$top_srcdir/lib/ward.map" |
	LC_ALL=C sort)"
try "$top_builddir/.libs/libward.so" -D
try "$top_builddir/.libs/libward.a" -g
[ $tried -gt 0 ] || failed=1
exit $failed
