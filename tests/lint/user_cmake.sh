#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Uses the libward that CMake finds: the README's program by each target of its package.
#
#	top_srcdir=. CC=cc user_cmake.sh
. "$top_srcdir/tests/lint/first.sh"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

first_source >"$scratch/first.c"
cp "$top_srcdir/tests/lint/CMakeLists.txt" "$top_srcdir/tests/lint/user_nats.c" "$scratch"
version=$(sed -n 's/^AC_INIT(\[libward\], \[\(.*\)\])$/\1/p' "$top_srcdir/configure.ac")
{
	cmake -S "$scratch" -B "$scratch/build" -DVERSION="$version" \
		-DCMAKE_C_FLAGS="-Wall -Wextra -Werror" &&
		cmake --build "$scratch/build"
} >"$scratch/log" 2>&1 || {
	cat "$scratch/log"
	exit 1
}
for program in "$scratch"/build/cmake_*; do
	[ ! -f "$program" ] || ! [ -x "$program" ] || first_runs "$program"
done
