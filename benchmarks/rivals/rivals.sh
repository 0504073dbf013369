#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# libward beside Go and Erlang/OTP: each does the same in a program of its own, in turn,
# some passes long; then one table.  One without a toolchain here is named and left out.
#
#	rivals.sh [PASSES]
#
# WARDBENCH is the program; JSON, if set, a file for the figures.
set -u
here=$(cd "$(dirname "$0")" && pwd)
WARDBENCH=${WARDBENCH:-./wardbench}
passes=${1:-3}
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 2' HUP INT TERM

die() {
	echo "bench-rivals: $*" >&2
	exit 2
}

has() { # TOOL PACKAGE
	command -v "$1" >/dev/null && return
	echo "bench-rivals: left out: ${1} (apt-get install $2)"
	return 1
}

ward() {
	"$WARDBENCH" throughput work1us latency heal --quick --runs 1 \
		--only ward --shapes 1x1,1x2,2x2,8x8 --placement unpinned \
		--json "$dir/pass" >"$dir/out" && cat "$dir/pass"
}

go_too=
if has go golang-go; then
	(cd "$here/go" && go build -buildvcs=false -o "$dir/go" .) ||
		die "go build failed"
	go_too=y
fi
otp_too=
if has erlc erlang-base; then
	erlc -Wall -o "$dir" "$here/erlang/heal.erl" || die "erlc failed"
	otp_too=y
fi

: >"$dir/lines"
pass=0
while [ $((pass += 1)) -le "$passes" ]; do
	echo "bench-rivals: pass $pass of $passes" >&2
	ward >>"$dir/lines" || die "wardbench failed"
	[ -z "$go_too" ] ||
		"$dir/go" -quick throughput work1us latency heal steward \
			>>"$dir/lines" || die "the Go program failed"
	[ -z "$otp_too" ] ||
		erl -noinput -pa "$dir" -run heal main 200 >>"$dir/lines" ||
		die "the Erlang program failed"
done

[ -z "${JSON-}" ] || cp "$dir/lines" "$JSON" || die "$JSON: not written"
sed -n '/^machine:/p' "$dir/out"
[ -z "$go_too" ] || go version
[ -z "$otp_too" ] || erl -noinput -eval 'io:format("Erlang/OTP ~s~n",
	[erlang:system_info(otp_release)]), halt(0).'
awk -f "$here/../json.awk" -f "$here/table.awk" "$dir/lines"
