#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The units of the examples: systemd finds nothing wrong with them, they let in no more
# than they need, and every system call of docs/refusals.md is let through.
set -u

command -v systemd-analyze >/dev/null 2>&1 || {
	echo "skipped: systemd-analyze is missing"
	exit 77
}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
bad=0

fail() {
	echo "$*"
	bad=1
}

# The calls of a group, and of the groups in it.
group() {
	systemd-analyze syscall-filter "$1" | sed -n 's/^ \{4\}\([@a-z0-9_].*\)/\1/p' |
		while read -r one; do
			case $one in
			@*) group "$one" ;;
			*) echo "$one" ;;
			esac
		done
}

# The calls that lines of the unit name: 'SystemCallFilter=~' or without the '~'.
filter() {
	sed -n "s/^$1\\([^~]\\)/\\1/p" "$2" | tr ' ' '\n' |
		while read -r one; do
			case $one in
			@*) group "$one" ;;
			?*) echo "$one" ;;
			esac
		done | LC_ALL=C sort -u
}

needed() {
	sed -n 's/^| `\([a-z0-9_]*\)` |.*/\1/p' "$top_srcdir/docs/refusals.md" |
		LC_ALL=C sort -u
}

one() {
	unit=$tmp/$(basename "$1")
	# The program need not be installed.
	sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$1" >"$unit"
	SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no "$unit" \
		>"$tmp/verify" 2>&1 || fail "$1: systemd-analyze verify: $?"
	[ ! -s "$tmp/verify" ] || fail "$1: $(cat "$tmp/verify")"
	systemd-analyze security --offline=true --threshold=20 --no-pager "$unit" \
		>"$tmp/security" 2>&1 || fail "$1: $(tail -n 3 "$tmp/security")"
	filter SystemCallFilter= "$1" >"$tmp/in"
	filter SystemCallFilter=~ "$1" >"$tmp/out"
	LC_ALL=C comm -23 "$tmp/in" "$tmp/out" >"$tmp/allowed"
	needed | LC_ALL=C comm -23 - "$tmp/allowed" >"$tmp/missing"
	[ ! -s "$tmp/missing" ] ||
		fail "$1: refuses $(tr '\n' ' ' <"$tmp/missing")"
	grep 'exposure' "$tmp/security"
}

[ "$(needed | wc -l)" -gt 30 ] || fail "docs/refusals.md: where is its table?"
for unit in "$top_srcdir"/examples/*/*.service; do
	one "$unit"
done
exit $bad
