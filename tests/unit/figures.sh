#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# docs/benchmarks.md says what was measured: it is its template, filled with the figures
# that are kept.  And what fills it knows a figure that is not there.
set -u
top=${top_srcdir:-.}
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

fill() { # FIGURES TEMPLATE
	${AWK:-awk} -f "$top/benchmarks/json.awk" -f "$top/benchmarks/figures.awk" "$1" "$2"
}

fail() {
	echo "$*"
	[ ! -f "$dir/said" ] || sed 's/^/	/' "$dir/said"
	exit 1
}

fill "$top/benchmarks/results/figures.json" "$top/docs/benchmarks.md.in" \
	>"$dir/made" 2>"$dir/said" || fail "figures are missing"
diff "$dir/made" "$top/docs/benchmarks.md" >"$dir/said" ||
	fail "docs/benchmarks.md is not what make bench-docs makes"
[ "$(wc -l <"$dir/made")" -le 300 ] || fail "docs/benchmarks.md: more than 300 lines"

cat >"$dir/figures" <<'END'
{"of": "a", "machine": "one, of 2 CPUs", "date": "2026-01-02"}
{"of": "a", "bench": "a", "impl": "x", "workers": 2, "producers": 1, "placement": "across", "metric": "t", "unit": "ns", "median": 12.34, "min": 9, "max": 1234.5, "runs": 3}
{"of": "a", "bench": "a", "impl": "x", "workers": 2, "producers": 1, "placement": "together", "metric": "t", "unit": "ns", "median": 1e999, "min": 9, "max": 1e999, "runs": 3}
{"of": "b", "bench": "b", "impl": "y", "workers": 1, "producers": 1, "metric": "p", "unit": "us", "median": 3, "min": 2.5, "max": 4, "runs": 3}
{"of": "b", "bench": "b", "impl": "y", "workers": 1, "producers": 1, "metric": "q", "unit": "us", "median": 2, "min": 2, "max": 2, "runs": 3}
{"of": "minute", "line": "the first, and only"}
END

becomes() { # TEMPLATE TEXT
	printf '%s\n' "$1" >"$dir/template"
	fill "$dir/figures" "$dir/template" >"$dir/said" 2>&1 || fail "refused: $1"
	[ "$(cat "$dir/said")" = "$2" ] || fail "not '$2'"
}
becomes "| @{a x t across,together 1x2} |" "| 12.3; collapsed |"
becomes "@{a x t across 1x2 whole}, @{a x t across 1x2 spread}" \
	"12.3 (9-1234), 9-1234"
becomes "| @{b y p,q - 1x1} | @{b y p/q - 1x1}" "| 3 | 2 | 1.5"
becomes "@{date a}: @{machine a}" "2026-01-02: one, of 2 CPUs"
becomes "@{minute}" "the first, and only"

echo "@{a x t across 2x2}" >"$dir/template"
! fill "$dir/figures" "$dir/template" >"$dir/said" 2>&1 ||
	fail "not said that a figure is missing"
grep -q "not measured: a x t across 2x2" "$dir/said" || fail "not said which"
exit 0
