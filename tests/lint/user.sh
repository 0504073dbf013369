#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Uses the libward that pkg-config finds, as its users do: the README's program compiles
# by the README's commands, against the shared and the static library, runs, and says what
# the README says it will.  A program in C++ does, too.
#
#	top_srcdir=. CC=cc CXX=c++ PKG_CONFIG=pkg-config user.sh
. "$top_srcdir/tests/lint/first.sh"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

$PKG_CONFIG --validate ward
header=$(awk '$1 == "#define" && $2 ~ /^WARD_VERSION_(MAJOR|MINOR|PATCH)$/ {
	printf "%s%s", dot, $3; dot = "."
}' "$top_srcdir/include/ward/base.h")
version=$($PKG_CONFIG --modversion ward)
if [ "$header" != "$version" ]; then
	echo "the header is $header, ward.pc is $version"
	exit 1
fi

first_source >"$scratch/first.c"
lines=$(wc -l <"$scratch/first.c")
if [ "$lines" -lt 10 ] || [ "$lines" -gt 30 ]; then
	echo "the README's program has $lines lines"
	exit 1
fi

# the README's command that begins so
compile() { # BEGINNING PROGRAM
	line=$(grep -o "\`$1[^\`]*\`" "$top_srcdir/README.md" | tr -d '\`' |
		sed "s/^cc /\$CC \$warn /; s/pkg-config/\$PKG_CONFIG/")
	[ -n "$line" ] && (cd "$scratch" && eval "$line -o $2")
}

lib=$($PKG_CONFIG --keep-system-libs --libs-only-L ward | sed 's/^ *-L//; s/ *$//')
warn="-Wall -Wextra -Werror"
built=0
if [ -e "$lib/libward.so" ]; then
	compile "cc first.c" shared
	first_runs "$scratch/shared"
	if [ -n "${CXX:-}" ]; then
		$CXX -std=c++20 $warn -x c++ "$top_srcdir/tests/lint/header.c" \
			-o "$scratch/cxx" $($PKG_CONFIG --cflags --libs ward)
		"$scratch/cxx"
		echo "C++: runs"
	fi
	if $PKG_CONFIG --exists ward-nats; then
		$CC $warn "$scratch/first.c" "$top_srcdir/tests/lint/user_nats.c" \
			-o "$scratch/nats" $($PKG_CONFIG --cflags --libs ward-nats)
		first_runs "$scratch/nats"
	fi
	built=1
fi
if [ -e "$lib/libward.a" ]; then
	compile "cc -static first.c" static
	first_runs "$scratch/static"
	built=1
fi
[ $built = 1 ]
