#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The public header, whole and each file alone, is C99 to C17 and C++11 to C++20
# without a warning, by every compiler that is here; cxx.h is C++ only.  It has what is in
# cxx/, but asio.h, which is tried as C++20 where Asio is.
set -u
warn="-Wall -Wextra -Wpedantic -Wconversion -Wundef -Werror -fsyntax-only"
failed=0
tried=0

try() { # COMPILER STANDARD FILE
	tried=$((tried + 1))
	"$1" -x "$lang" -std="$2" $warn -I"$top_srcdir/include" "$3" && return
	echo "$1 -std=$2 $3"
	failed=1
}

all() { # COMPILER STANDARDS...
	compiler=$1
	shift
	command -v "$compiler" >/dev/null || return 0
	for std in "$@"; do
		try "$compiler" "$std" "$top_srcdir/tests/lint/header.c"
		for header in "$top_srcdir"/include/ward/*.h; do
			case $lang:${header##*/} in
			c:cxx.h) continue ;;
			esac
			echo "#include <ward/${header##*/}>" >"$alone"
			try "$compiler" "$std" "$alone"
		done
	done
}

try_asio() { # COMPILER
	command -v "$1" >/dev/null || return 0
	echo '#include <asio/post.hpp>' >"$alone"
	"$1" -x c++ -E "$alone" >/dev/null 2>&1 || return 0
	echo '#include <ward/cxx/asio.h>' >"$alone"
	try "$1" c++20 "$alone"
}

alone=$(mktemp)
trap 'rm -f "$alone"' EXIT
# $CC may carry arguments; the names that are certain come last
set -- $CC
lang=c
for c in $(printf '%s\n' "$1" gcc clang | sort -u); do
	all "$c" c99 gnu99 c11 gnu11 c17
done
lang=c++
for c in $(printf '%s\n' ${CXX:-} g++ clang++ | sort -u); do
	all "$c" c++11 c++14 c++17 c++20
	try_asio "$c"
done
echo "$tried compilations"
[ $tried -gt 0 ] || failed=1
exit $failed
