#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# wardtop on a terminal: it shows a pool, obeys its keys, keeps the last picture when the
# process is killed, and says so at the end.  What may not be seen is named.
set -u
top=$top_builddir/wardtop
[ -x "$top" ] || exit 77
command -v script >/dev/null || exit 77
work=$(mktemp -d /dev/shm/ward-top-XXXXXX) || exit 77
WARD_PUBLISH_DIR=$work/pages
export WARD_PUBLISH_DIR
mkdir "$WARD_PUBLISH_DIR"
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null; rm -rf "$work"' EXIT
failed=0

fail() {
	echo "$*"
	failed=1
}

until_there() { # WORDS FILE: for 20 s at most
	n=0
	until grep -qa -e "$1" "$2" 2>/dev/null; do
		n=$((n + 1))
		[ $n -lt 400 ] || { fail "never there: $1"; return 1; }
		sleep 0.05
	done
}

# It ends with 1 or 2, and these words.
refused() { # WORDS ARGUMENT...
	words=$1
	shift
	"$top" "$@" >"$work/out" 2>&1 </dev/null && fail "$*: not refused"
	grep -q -e "$words" "$work/out" || fail "$*: $(cat "$work/out")"
}

# The keys come one by one, each when what it is to change was seen.
"$top_builddir/tests/story/watched" >"$work/up" &
server=$!
until_there up "$work/up"
refused 'no terminal' $server
mkfifo "$work/keys"
TERM=xterm script -qfec "stty rows 24 cols 80; $top --mono --interval 0.05 $server" \
	"$work/screen" <"$work/keys" >/dev/null 2>&1 &
terminal=$!
exec 3>"$work/keys"
until_there 'the only task' "$work/screen" # of which worker does what
printf '?' >&3
until_there 'next pool' "$work/screen"
printf '?7' >&3
until_there 'last reports' "$work/screen"
kill -9 $server
until_there 'post-mortem' "$work/screen"
printf q >&3
wait $terminal || fail "it ended with $?"
exec 3>&-
until_there 'the page is what it left' "$work/screen"
server=

# What is left of it is there for a look.
"$top" --list | grep -q ' dead ' || fail "--list names no dead process"
"$top" --once "$WARD_PUBLISH_DIR"/* | grep -q 'the only task' ||
	fail "--once does not show what was last"

rm "$WARD_PUBLISH_DIR"/*
refused 'publishes no page' --once $$
refused 'no such process' --once 999999999
refused 'no page of a pool' --once "$0"
refused 'No such file' --once "$work/nothing"
refused '^usage' --interval never
refused '^usage' --section everything
exit $failed
