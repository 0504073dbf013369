#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every source is named in a make fragment: what is not is neither built nor in
# the tarball, and nobody would notice.
#
#	listed.sh [TREE]
set -u
cd "${1:-${top_srcdir:-.}}" || exit 2

found=$(find include lib benchmarks examples tests -type f \
	\( -name '*.[ch]' -o -name '*.sh' \) | LC_ALL=C sort |
	while read -r file; do
		cat Makefile.am lib/local.mk benchmarks/local.mk \
			examples/local.mk tests/local.mk tests/*/local.mk |
			grep -qF "$file" || echo "$file: in no local.mk"
	done)
[ -z "$found" ] && exit 0
printf '%s\n' "$found"
exit 1
