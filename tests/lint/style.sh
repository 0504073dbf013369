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
	find include lib benchmarks adapters examples man tests m4 configure.ac Makefile.am \
		bootstrap .ci -type f 2>/dev/null |
		grep -vE '/(libtool|lt[^/]*)\.m4$|~$' | LC_ALL=C sort
}

# Bytes are counted, but for those that go on with a character of UTF-8.
found=$(sources | LC_ALL=C xargs awk '
function width(line,    piece, i, n, w) {
	gsub(/[\200-\277]/, "", line)
	n = split(line, piece, "\t")
	for (i = 1; i <= n; i++)
		w += length(piece[i]) + (i < n ? 8 - (w + length(piece[i])) % 8 : 0)
	return w
}
function ruled(file) {
	return file ~ /\.([ch137]|sh|awk|css|mk|am|ac|m4|map|in|supp)$|^bootstrap$|^\.ci\/run$/
}
FNR <= 2 && /SPDX-License-Identifier: BSD-2-Clause/ { licensed[FILENAME] = 1 }
/[ \t]$/ && ruled(FILENAME) { print FILENAME ":" FNR ": blanks at the end" }
FILENAME ~ /\.[ch]$/ && width($0) > 100 {
	print FILENAME ":" FNR ": over 100 columns"
}
END {
	for (i = 1; i < ARGC; i++)
		if (ruled(ARGV[i]) && !(ARGV[i] in licensed))
			print ARGV[i] ": no SPDX line"
}')
[ -z "$found" ] && exit 0
printf '%s\n' "$found"
exit 1
