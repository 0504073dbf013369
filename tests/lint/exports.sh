#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The shared library and the archive show what the header declares with WARD_API: no
# more, and no less; and lib/ward.map lists that.  The archive, because each of its global
# names is one that a program may have as well.  The same of libward-nats, whose header is
# ward/nats.h, where it was built.
set -u
tried=0
failed=0

declares() { # HEADER...
	declared=$(cat "$@" | sed '/^#/d' | tr '\n\t' '  ' |
		grep -oE 'WARD_API [^;{]*' |
		sed -E 's/__attribute__.*//; s/\(.*//; s/ *$//; s/.*[^_[:alnum:]]//' |
		LC_ALL=C sort -u)
}

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

# NAME: what its headers declare, lib/NAME.map lists, and libNAME shows
library() {
	same "lib/$1.map" "$(sed -n 's/^\t\(ward_.*\);$/\1/p' "$top_srcdir/lib/$1.map" |
		LC_ALL=C sort)"
	try "$top_builddir/.libs/lib$1.so" -D
	try "$top_builddir/.libs/lib$1.a" -g
}

declares $(ls "$top_srcdir"/include/ward/*.h | grep -v '/nats[.]h$')
library ward
[ $tried -gt 0 ] || failed=1
declares "$top_srcdir/include/ward/nats.h"
library ward-nats
exit $failed
