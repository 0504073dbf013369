#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds exceptions.cc and forked.cc with the C++ compiler that configure found, and runs
# them.
set -u
if [ -z "${CXX:-}" ]; then
	echo "skipped: no C++ compiler (apt-get install g++)"
	exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for how in exceptions:c++11 forked:c++17; do
	name=${how%:*} std=${how#*:}
	$SHELL "$top_builddir/libtool" --silent --tag=CC --mode=link \
		$CXX -std=$std -O1 -Wall -Wextra -Werror -pthread \
		-I"$top_srcdir/include" -o "$dir/$name" -x c++ \
		"$top_srcdir/tests/story/$name.cc" -x none \
		"$top_builddir/libward.la" || exit 1
	"$dir/$name" 2>"$dir/err" || {
		echo "$name: $CXX -std=$std"
		cat "$dir/err"
		exit 1
	}
done
