#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What bootstrap counts at the end of a check, of logs that no test has written.
set -u
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
failed=0
eval "$(sed -n '/^count() {$/,/^}$/p' "${top_srcdir:-.}/bootstrap")"

counts() { # PASSED-FAILED-SKIPPED STATUS LINE...
	expected=$1 status=$2
	shift 2
	printf '%s\n' "$@" >"$log"
	found=$(count "$log" "$status" | tr ' ' -)
	[ "$found" = "$expected" ] && return
	echo "$found, not $expected, of status $status and: $*"
	failed=1
}

summary='Testsuite summary for libward 0.1.0'
counts 7-0-2 0 "$summary" '# TOTAL: 9' '# PASS:  6' '# SKIP:  2' '# XFAIL: 1' \
	'# FAIL:  0' '# XPASS: 0' '# ERROR: 0'
counts 6-6-0 2 "$summary" '# PASS:  6' '# FAIL:  1' '# XPASS: 2' '# ERROR: 3'
counts 5-0-0 0 "$summary" '# PASS:  3' '# ERROR: 0' "$summary" '# PASS:  2' '# ERROR: 0'
counts 1-1-0 2 '# PASS:  1' '# FAIL:  1' '# ERROR: 0' "$summary" '# PASS:  1' \
	'# FAIL:  1' '# ERROR: 0' # the log of all tests that failed came first
counts 9-1-0 2 "$summary" '# PASS:  9' '# ERROR: 0' 'the tarball is not whole'
counts 0-1-0 2 'no such file'
counts 0-0-1 0 'skipped: apt-get install clang'
counts 1-0-0 0 'no test of automake'
exit $failed
