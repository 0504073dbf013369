#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every source is named in a make fragment: another one is neither built nor in the
# tarball, and nobody would notice.  A program p that names no source is made of p.c,
# and names that.  The purpose of a file of the library stands in docs/overview.md.  And
# every document stands behind one door of docs/README.md, in a row that begins with it;
# those of the root are in the tarball.
#
#	listed.sh [TREE]
set -u
cd "${1:-${top_srcdir:-.}}" || exit 2

sources() {
	{
		cat Makefile.am lib/local.mk benchmarks/local.mk \
			adapters/local.mk adapters/*/local.mk examples/local.mk \
			man/local.mk tests/local.mk tools/local.mk \
			tests/*/local.mk |
			tr -s ' \t' '\n' | sed 's/^/named /'
		find include lib benchmarks adapters examples man tests tools -type f \
			\( -name '*.[ch137]' -o -name '*.sh' -o -name '*.awk' \) | LC_ALL=C sort
	} | awk '
		$1 == "named" { named[$2]; next }
		{ program = $0; sub(/\.c$/, "", program) }
		!($0 in named) && !(program in named) { print $0 ": in no local.mk" }'
	for file in lib/*/*.[ch]; do
		grep -qF "\`${file##*/}\`" docs/overview.md ||
			echo "$file: not in docs/overview.md"
	done
}

papers() {
	for file in *.md docs/*.md; do
		case $file in
		docs/README.md | \**) continue ;;
		docs/*) link=${file#docs/} ;;
		*)
			link=../$file
			grep -qwF "$file" Makefile.am ||
				echo "$file: not in Makefile.am"
			;;
		esac
		rows=$(grep -c "^| \[[^]]*\]($link) |" docs/README.md)
		[ "$rows" -eq 1 ] || echo "$file: $rows times in docs/README.md"
	done
}

found=$(sources; papers)
[ -z "$found" ] && exit 0
printf '%s\n' "$found"
exit 1
