#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The licence on the first lines of every source; no blanks at the end of a line;
# tabs are eight wide, eighty columns are aimed at, a hundred are the end, as in
# the kernel.
#
#	style.sh [TREE]
set -u
cd "${1:-${top_srcdir:-.}}" || exit 2

sources() {
	find include lib benchmarks examples tests m4 configure.ac Makefile.am \
		bootstrap .ci -type f 2>/dev/null |
		grep -vE '/(libtool|lt[^/]*)\.m4$|~$' | LC_ALL=C sort
}

found=$(sources | while read -r file; do
	case $file in
	*.c | *.h | *.sh | *.mk | *.am | *.ac | *.m4 | *.map | *.in | *.supp | \
		bootstrap | .ci/run)
		head -n 2 "$file" |
			grep -q 'SPDX-License-Identifier: BSD-2-Clause' ||
			echo "$file: no SPDX line"
		grep -n '[[:blank:]]$' "$file" |
			sed "s|^\([0-9]*\):.*|$file:\1: blanks at the end|"
		;;
	esac
	case $file in
	*.c | *.h)
		expand "$file" | LC_ALL=C.UTF-8 grep -nE '^.{101}' |
			sed "s|^\([0-9]*\):.*|$file:\1: over 100 columns|"
		;;
	esac
done)
[ -z "$found" ] && exit 0
printf '%s\n' "$found"
exit 1
