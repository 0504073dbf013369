#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The same, by CMake alone.
if ! command -v cmake >/dev/null; then
	echo "skipped: cmake is missing: apt-get install cmake"
	exit 77
fi
. "$top_srcdir/tests/lint/stage.sh"
staged "$SHELL" "$top_srcdir/tests/lint/user_cmake.sh"
