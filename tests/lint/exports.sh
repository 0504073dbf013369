#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The shared library shows what the header declares with WARD_API: no more, and
# no less.
set -u
lib=$top_builddir/.libs/libward.so
if [ ! -e "$lib" ]; then
	echo "no shared library in this build"
	exit 77
fi
declared=$(cat "$top_srcdir"/include/ward/*.h | sed '/^#/d' | tr '\n\t' '  ' |
	grep -oE 'WARD_API [^;{]*' |
	sed -E 's/__attribute__.*//; s/\(.*//; s/ *$//; s/.*[^_[:alnum:]]//' |
	LC_ALL=C sort -u)
shown=$(nm -D --defined-only "$lib" | awk '$2 != "A" { print $3 }' |
	sed 's/@.*//' | LC_ALL=C sort -u)
if [ "$declared" != "$shown" ]; then
	echo "declared and not shown:" $(printf '%s\n%s\n%s\n' "$declared" \
		"$shown" "$shown" | sort | uniq -u)
	echo "shown and not declared:" $(printf '%s\n%s\n%s\n' "$shown" \
		"$declared" "$declared" | sort | uniq -u)
	exit 1
fi
echo "$(printf '%s\n' "$shown" | wc -l) symbols"
