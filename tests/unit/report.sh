#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The report of wardbench: a page that is well-formed, and that a browser draws, light
# and dark, on a desk and on a phone, where xmllint and chromium are installed.
set -u
wardbench=${top_builddir:-.}/wardbench
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "$*"
	sed 's/^/	/' "$dir/said"
	exit 1
}

page=$dir/page.html
echo before >"$page"
"$wardbench" throughput latency losses --only ward,mutex --shapes 1x1,1x2 --runs 2 \
	--tasks 1000 --quick --report "$page" >"$dir/said" 2>&1 || fail "not measured"
[ "$(tail -n 1 "$dir/said")" = "report: $page" ] || fail "not said where it is"
grep -qF "wardbench throughput latency losses --only ward,mutex" "$page" ||
	fail "not said what was asked for"
for what in '<svg' '<td>start_p50</td>' 'by the number of workers' '</html>'; do
	grep -qF "$what" "$page" || fail "not there: $what"
done

# The picture of README.md is made from it.
picture=$dir/losses.svg
awk -f "${top_srcdir:-.}/benchmarks/picture.awk" "$page" >"$picture" 2>"$dir/said" ||
	fail "no picture"
[ "$(grep -c '<polyline class="line' "$picture")" -eq 2 ] || fail "not two plots"
sed '/while workers are lost/d' "$page" |
	awk -f "${top_srcdir:-.}/benchmarks/picture.awk" >"$dir/said" 2>&1 &&
	fail "a picture of nothing"

"$wardbench" throughput --report "$dir/none/page.html" >"$dir/said" 2>&1
[ $? -eq 2 ] || fail "not refused: a file that cannot be"
grep -q "No such file or directory: .*/none/page.html" "$dir/said" || fail "not said why"

if command -v xmllint >/dev/null; then
	xmllint --noout "$page" "$picture" >"$dir/said" 2>&1 || fail "not well-formed"
fi

command -v chromium >/dev/null || exit 0

# As a picture; what is plain is small.
drawn() { # NAME WIDTH OPTION...
	name=$1 width=$2
	shift 2
	timeout 60 chromium --headless --no-sandbox --disable-gpu \
		--user-data-dir="$dir/chromium" --window-size="$width,3000" \
		--host-resolver-rules="MAP * ~NOTFOUND" "$@" \
		--screenshot="$dir/$name.png" "file://$page" >"$dir/said" 2>&1 ||
		fail "chromium: $name"
	[ "$(wc -c <"$dir/$name.png")" -gt 50000 ] || fail "little to see: $name"
}
drawn light 1100
drawn phone 500
drawn dark 1100 --blink-settings=preferredColorScheme=0
! cmp -s "$dir/light.png" "$dir/dark.png" || fail "dark is light"
exit 0
