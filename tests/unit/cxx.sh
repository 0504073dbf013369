#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds the tests of ward/cxx.h (tests/unit/cxx) and runs them: as C++20, those of Asio as
# C++17.  Most of its time is the compilers', so only where STORY_LONG is set (./bootstrap
# check --long) also by clang++ as C++17, and in a build with a sanitizer ($WARD_SANITIZE).
set -u
if [ -n "${WARD_SANITIZE:-}" ] && [ -z "${STORY_LONG:-}" ]; then
	echo "skipped: ./bootstrap check --long"
	exit 77
fi
if [ -z "${CXX:-}" ]; then
	echo "skipped: no C++ compiler (apt-get install g++)"
	exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
here=$top_srcdir/tests/unit/cxx
run=${TSAN_RUN:-}
# The way out of pthread_exit() is caught as a reference to no object.
case ${WARD_SANITIZE:-} in
*undefined*) WARD_SANITIZE="$WARD_SANITIZE -fno-sanitize=null" ;;
esac

try() { # COMPILER STANDARD NAME
	"$SHELL" "$top_builddir/libtool" --silent --tag=CC --mode=link \
		"$1" -std="$2" -Wall -Wextra -Wpedantic -Wconversion -Werror \
		${WARD_SANITIZE:-} -pthread -I"$top_srcdir/include" \
		-o "$dir/$3" -x c++ "$here/$3.cc" -x none \
		"$top_builddir/libward.la" &&
		timeout 120 $run "$dir/$3" 2>"$dir/err" && return
	echo "$3: $1 -std=$2"
	[ ! -e "$dir/err" ] || cat "$dir/err"
	exit 1
}

try_asio() { # COMPILER STANDARD
	if echo '#include <asio/execution.hpp>' | "$1" -x c++ -E - >/dev/null 2>&1; then
		try "$1" "$2" asio
	else
		echo "asio: skipped: apt-get install libasio-dev"
	fi
}

try "$CXX" c++20 all
try_asio "$CXX" c++17
[ -z "${WARD_SANITIZE:-}" ] && [ -n "${STORY_LONG:-}" ] || exit 0
other=$(command -v clang++) || other=$CXX
try "$other" c++17 all
