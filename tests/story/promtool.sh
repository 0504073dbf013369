#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Prometheus itself reads what ward_metrics() writes, finds its names in order, and the
# dashboard's questions are ones in its language.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

if ! command -v promtool >/dev/null; then
	echo "skipped: apt-get install prometheus"
	exit 77
fi

check() { # WHAT COMMAND...
	what=$1
	shift
	"$@" >"$dir/said" 2>&1 && return
	echo "$what:"
	cat "$dir/said"
	failed=1
}

"$top_builddir/tests/story/to_watch" metrics >"$dir/metrics" 2>/dev/null || exit 1

# Its reader of OpenMetrics stands behind this one, which wants times.
awk '/^#/ { print; next } { print $0, 1700000000 }' "$dir/metrics" >"$dir/timed"
check openmetrics promtool tsdb create-blocks-from openmetrics "$dir/timed" "$dir/data"
samples=$(grep -vc '^#' "$dir/metrics")
grep -q " $samples  *$samples  *$samples " "$dir/said" || {
	echo "not $samples samples:"
	cat "$dir/said"
	failed=1
}

# Its judge of names knows the older format only, in which a counter's family is
# called as its samples are.
awk '
	$2 == "HELP" { help = $0; next }
	$2 == "TYPE" {
		if ($4 == "counter") {
			sub(" " $3 " ", " " $3 "_total ", help)
			sub(" " $3 " ", " " $3 "_total ")
		}
		print help
	}
	{ print }' "$dir/metrics" >"$dir/older"
check names sh -c 'promtool check metrics <"$1"' sh "$dir/older"

# Each panel's question as a rule.
{
	printf 'groups:\n- name: dashboard\n  rules:\n'
	sed -n 's/^ *"expr": \(".*"\),$/\1/p' "$top_srcdir/examples/grafana/ward.json" |
		sed 's/\$__rate_interval/5m/' | awk '{
			print "  - record: panel:" NR "\n    expr: " $0 }'
} >"$dir/rules.yml"
check questions promtool check rules "$dir/rules.yml"
grep -qE 'SUCCESS: [2-9][0-9] rules' "$dir/said" || {
	cat "$dir/said"
	failed=1
}
exit $failed
