#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A user's copy does what the README says of it, by pkg-config alone, and each name in a
# page of the manual leads to the page; gdb finds its commands.
. "$top_srcdir/tests/lint/stage.sh"

copy() {
	man=$(find "$stage" -type d -name man)
	sh "$top_srcdir/man/calls.sh" "$top_srcdir"/man/*.[137] |
		while read -r page name; do
			section=${page##*.}
			cmp "$top_srcdir/man/$page" "$man/man$section/$name.$section"
		done
	# gdb finds its commands beside the real name of the shared library
	lib=$LD_LIBRARY_PATH
	[ ! -e "$lib/libward.so" ] || [ -f "$stage$(readlink \
		"$stage/else/where/share/gdb/auto-load$(readlink -f \
			"$lib/libward.so" | sed "s|^$stage||")-gdb.py")" ]
	"$SHELL" "$top_srcdir/tests/lint/user.sh"
}
staged copy
