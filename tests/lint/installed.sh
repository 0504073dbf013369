#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A user's copy: 'make install prefix= DESTDIR=' into an empty folder; pkg-config finds
# it there; each name in a page of the manual leads to the page; the README's program
# compiles by the README's commands, against the shared and the static library, runs, and
# says what the README says it will.  A program in C++ links, too.
set -eu
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

"${MAKE:-make}" -s -C "$top_builddir" install prefix=/else/where DESTDIR="$stage" \
	>"$stage/log" 2>&1 || {
	cat "$stage/log"
	exit 1
}
pc=$(find "$stage" -name ward.pc)
PKG_CONFIG_PATH=${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
PKG_CONFIG_SYSROOT_DIR=$stage
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
lib=$(dirname "${pc%/*}")

header=$(awk '$1 == "#define" && $2 ~ /^WARD_VERSION_(MAJOR|MINOR|PATCH)$/ {
	printf "%s%s", dot, $3; dot = "."
}' "$top_srcdir/include/ward/base.h")
version=$($PKG_CONFIG --modversion ward)
if [ "$header" != "$version" ]; then
	echo "the header is $header, ward.pc is $version"
	exit 1
fi

man=$(find "$stage" -type d -name man)
sh "$top_srcdir/man/calls.sh" "$top_srcdir"/man/*.[137] | while read -r page name; do
	section=${page##*.}
	cmp "$top_srcdir/man/$page" "$man/man$section/$name.$section"
done

# the first block of C in the README, and the block that follows it
awk '/^```c$/ { on = 1; next } /^```$/ && on { exit } on' \
	"$top_srcdir/README.md" >"$stage/first.c"
awk '/^```c$/ { c = 1 } c && /^```text$/ { on = 1; next }
	/^```$/ && on { exit } on' "$top_srcdir/README.md" |
	LC_ALL=C sort >"$stage/expected"
lines=$(wc -l <"$stage/first.c")
if [ "$lines" -lt 10 ] || [ "$lines" -gt 30 ]; then
	echo "the README's program has $lines lines"
	exit 1
fi

# the README's command that begins so
compile() { # BEGINNING PROGRAM
	line=$(grep -o "\`$1[^\`]*\`" "$top_srcdir/README.md" | tr -d '\`' |
		sed "s/^cc /\$CC \$warn /; s/pkg-config/\$PKG_CONFIG/")
	[ -n "$line" ] && (cd "$stage" && eval "$line -o $2")
}

built=0
warn="-Wall -Wextra -Werror"
if [ -e "$lib/libward.so" ]; then
	compile "cc first.c" shared
	LD_LIBRARY_PATH=$lib "$stage/shared" 2>/dev/null |
		LC_ALL=C sort | diff "$stage/expected" -
	echo "shared: as the README says"
	if [ -n "${CXX:-}" ]; then
		$CXX -std=c++20 $warn -x c++ "$top_srcdir/tests/lint/header.c" \
			-o "$stage/cxx" $($PKG_CONFIG --cflags --libs ward)
		LD_LIBRARY_PATH=$lib "$stage/cxx"
		echo "C++: runs"
	fi
	built=1
fi
if [ -e "$lib/libward.a" ]; then
	compile "cc -static first.c" static
	"$stage/static" 2>/dev/null | LC_ALL=C sort | diff "$stage/expected" -
	echo "static: as the README says"
	built=1
fi
[ $built = 1 ]

"${MAKE:-make}" -s -C "$top_builddir" uninstall prefix=/else/where DESTDIR="$stage" \
	>"$stage/log" 2>&1
left=$(find "$stage" -mindepth 2 ! -type d)
if [ -n "$left" ]; then
	echo "left behind by uninstall: $left"
	exit 1
fi
