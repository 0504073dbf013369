#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds exceptions.cc with the C++ compiler that configure found, and runs it.
set -u
if [ -z "${CXX:-}" ]; then
	echo "skipped: no C++ compiler (apt-get install g++)"
	exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for std in c++11 c++20; do
	$SHELL "$top_builddir/libtool" --silent --tag=CC --mode=link \
		$CXX -std=$std -O1 -Wall -Wextra -Werror -pthread \
		-I"$top_srcdir/include" -o "$dir/exceptions" -x c++ \
		"$top_srcdir/tests/story/exceptions.cc" -x none \
		"$top_builddir/libward.la" || exit 1
	"$dir/exceptions" 2>"$dir/err" || {
		echo "$CXX -std=$std"
		cat "$dir/err"
		exit 1
	}
done
