#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A user's copy does what the README says of it, by pkg-config alone, and each name in a
# page of the manual leads to the page.
. "$top_srcdir/tests/lint/stage.sh"

copy() {
	man=$(find "$stage" -type d -name man)
	sh "$top_srcdir/man/calls.sh" "$top_srcdir"/man/*.[137] |
		while read -r page name; do
			section=${page##*.}
			cmp "$top_srcdir/man/$page" "$man/man$section/$name.$section"
		done
	"$SHELL" "$top_srcdir/tests/lint/user.sh"
}
staged copy
