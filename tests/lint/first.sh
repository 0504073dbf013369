#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# To be read: the README's first program, and what the README says that it prints.
set -eu

# the first block of C, and the block that follows it
first_source() {
	awk '/^```c$/ { on = 1; next } /^```$/ && on { exit } on' \
		"$top_srcdir/README.md"
}

first_output() {
	awk '/^```c$/ { c = 1 } c && /^```text$/ { on = 1; next }
		/^```$/ && on { exit } on' "$top_srcdir/README.md" |
		LC_ALL=C sort
}

first_runs() { # PROGRAM
	first_output >"$1.expected"
	"$1" 2>/dev/null | LC_ALL=C sort | diff "$1.expected" -
	echo "${1##*/}: as the README says"
}
