#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# libward beside Go, Erlang/OTP, Rust and Java: each does the same in a program of its
# own, in turn, some passes long; then one table.  One without a toolchain here is named
# and left out.
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

# The crates are those that Debian packages: nothing is fetched.
crates=/usr/share/cargo/registry
has_crate() { # CRATE
	[ -n "$(find "$crates" -maxdepth 1 -name "$1-[0-9]*" 2>/dev/null)" ] &&
		return
	echo "bench-rivals: left out: Rust's $1 (apt-get install librust-$1-dev)"
	return 1
}

rust() { # builds from a copy: cargo writes beside the source
	cp -R "$here/rust" "$dir/rust" && cd "$dir/rust" &&
		cargo build --quiet --release --offline \
			--config 'source.crates-io.replace-with="debian"' \
			--config "source.debian.directory=\"$crates\""
}

ward() {
	"$WARDBENCH" throughput work1us latency heal --quick --runs 1 \
		--only ward --shapes 1x1,1x2,2x2,8x8 --placement unpinned \
		--json "$dir/pass" >"$dir/out" && cat "$dir/pass" &&
		"$WARDBENCH" forkjoin --runs 1 --only ward --placement unpinned \
			--json "$dir/pass" >/dev/null && cat "$dir/pass"
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
rust_too=
if has cargo cargo && has_crate rayon && has_crate crossbeam-channel; then
	(rust) || die "cargo build failed"
	rust_too=y
fi
java_too=
if has javac default-jdk-headless; then
	javac -Xlint:all -Werror -d "$dir" "$here/java/Rival.java" ||
		die "javac failed"
	java_too=y
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
	[ -z "$rust_too" ] ||
		"$dir/rust/target/release/rival" -quick >>"$dir/lines" ||
		die "the Rust program failed"
	[ -z "$java_too" ] || java -cp "$dir" Rival -quick >>"$dir/lines" ||
		die "the Java program failed"
done

[ -z "${JSON-}" ] || cp "$dir/lines" "$JSON" || die "$JSON: not written"
sed -n '/^machine:/p' "$dir/out"
[ -z "$go_too" ] || go version
[ -z "$otp_too" ] || erl -noinput -eval 'io:format("Erlang/OTP ~s~n",
	[erlang:system_info(otp_release)]), halt(0).'
[ -z "$rust_too" ] || rustc --version
[ -z "$java_too" ] || java --version | head -n 1
awk -f "$here/../json.awk" -f "$here/table.awk" "$dir/lines"
