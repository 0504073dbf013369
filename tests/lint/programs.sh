#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Each program that a document shows compiles without a warning, runs, and prints what
# the document says: in README.md, docs/*.md and the manual.  How a document marks them
# is said in programs.awk.
#
#	programs.sh [TREE]
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 2
tree=$(cd "${1:-${top_srcdir:-.}}" && pwd) || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# against what was built: shared, or else static
built=$(cd "${top_builddir:-.}" && pwd)/.libs
if [ -e "$built/libward.so" ]; then
	libs=-lward
else
	libs=$(PKG_CONFIG_PATH="$built/.." $PKG_CONFIG --static --libs ward)
fi
warn="-Wall -Wextra -Werror"
C="$CC -std=gnu11 -pthread $warn -I$top_srcdir/include"
CXX17="${CXX:-} -std=c++17 -pthread $warn -I$top_srcdir/include"
export C CXX17 LIBS="-L$built $libs" LD_LIBRARY_PATH="$built"

set --
for file in "$tree"/README.md "$tree"/docs/*.md "$tree"/man/*.[137]; do
	[ ! -e "$file" ] || set -- "$@" "$file"
done
awk -v out="$work" -f "$here/programs.awk" "$@" || exit 1

cat >"$work/likely.h" <<'EOT'
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ward/ward.h>
EOT

# A program, or a part of one: says nothing if all is well.
cat >"$work/try.sh" <<'EOT'
source=$1
name=${source%.*}
case $source in
*.cc)
	[ "${CXX17#\ }" = "$CXX17" ] || exit 0 # no compiler
	compile=$CXX17
	;;
*) compile=$C ;;
esac
if [ -e "$name.part" ]; then
	exec $compile -Wno-unused -include "${name%/*}/likely.h" -fsyntax-only "$source"
fi
$compile "$source" -o "$name" $LIBS || exit 1
mkdir "$name.d" && cd "$name.d" || exit 1
timeout 30 "$name" </dev/null >"$name.out" 2>"$name.err"
status=$?
if [ $status -ne 0 ]; then
	echo "${name##*/}: ended with $status"
	cat "$name.out" "$name.err"
	exit 1
fi
[ -e "$name.expected" ] || exit 0
if [ -e "$name.any" ]; then
	for file in "$name.expected" "$name.out"; do
		LC_ALL=C sort -o "$file" "$file"
	done
fi
awk -v name="${name##*/}" '
# Does the line look like that?  The pieces between "..." come in their order.
function like(line, pattern,	n, piece, i, at) {
	n = split(pattern, piece, /[.][.][.]/)
	if (substr(line, 1, length(piece[1])) != piece[1])
		return 0
	line = substr(line, length(piece[1]) + 1)
	for (i = 2; i < n; i++) {
		at = index(line, piece[i])
		if (!at)
			return 0
		line = substr(line, at + length(piece[i]))
	}
	return n == 1 ? line == "" : length(line) >= length(piece[n]) &&
		substr(line, length(line) - length(piece[n]) + 1) == piece[n]
}
FNR == NR { expected[++lines] = $0; next }
{
	if (++got > lines || !like($0, expected[got])) {
		print name ": prints: " $0
		print name ": not:    " expected[got]
		exit failed = 1
	}
}
END {
	if (!failed && got != lines) {
		print name ": " got + 0 " lines, not " lines
		exit 1
	}
}' "$name.expected" "$name.out"
EOT
find "$work" -name '*.c' -o -name '*.cc' | LC_ALL=C sort |
	xargs -P "$(getconf _NPROCESSORS_ONLN)" -n 1 sh "$work/try.sh" >"$work/said" 2>&1
status=$?
cat "$work/said"
[ $status -eq 0 ] && [ ! -s "$work/said" ]
