#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# examples/fleet: three processes hash the library's own source; the hashes are sha256sum's,
# one for each file.  A name that is no file is a dead letter, and so is a pipe that nobody
# writes to, which hangs whoever reads it.  wardtop --nats shows the processes; and what it
# cannot show it names.
set -u
fleet=$top_builddir/examples/fleet/fleet
[ -n "${NATS_URL-}" ] ||
	exec "$top_builddir/tests/nats/with_nats" 1 "$SHELL" "$0"
work=$(mktemp -d) || exit 2
pids=
trap 'kill -9 $pids 2>/dev/null; rm -rf "$work"' EXIT
failed=0

fail() {
	echo "$*"
	failed=1
}

serve() {
	"$fleet" serve 2>>"$work/log" &
	pids="$pids $!"
}

top=$top_builddir/wardtop
[ ! -x "$top" ] || "$top" --nats no.such --once >"$work/nobody" 2>&1 &
nobody=$!
cp -r "$top_srcdir/lib" "$work/a folder, with dots..."
mkfifo "$work/pipe"
"$fleet" set-up || exit 1
serve
serve
serve
find "$work" -type f -name '*.[ch]' -exec "$fleet" add {} + || fail 'not added'
"$fleet" add "$work/nothing" "$work/pipe"
"$fleet" await || fail 'not awaited'
"$fleet" show | sort -k 2 >"$work/shown"
find "$work" -type f -name '*.[ch]' -exec sha256sum {} + | sort -k 2 >"$work/expected"
cmp -s "$work/expected" "$work/shown" || {
	fail 'not the hashes of sha256sum:'
	diff "$work/expected" "$work/shown" | head
}
[ "$(grep -c 'is a dead letter' "$work/log")" -eq 2 ] || fail 'not two dead letters'
if [ -x "$top" ]; then
	COLUMNS=200 "$top" --nats fleet.health --once >"$work/top" || fail "wardtop: $?"
	for pid in $pids; do
		grep -q " $pid serving .* 0/" "$work/top" || fail "wardtop: no $pid: $(cat "$work/top")"
	done
	"$top" --nats fleet.health --json | grep -c '"state":"serving"' | grep -qx 3 ||
		fail 'wardtop --json: not three'
	wait "$nobody"
	grep -q 'no process tells' "$work/nobody" ||
		fail 'wardtop: a subject that nobody uses'
	"$top" --nats a --url nats://127.0.0.1:1 --once 2>&1 | grep -q 'No server' ||
		fail 'wardtop: a server that is not there'
fi
kill $pids 2>/dev/null
for pid in $pids; do
	wait "$pid"
	status=$?
	[ $status -eq 0 ] || fail "a worker ended with $status"
done
[ $failed -eq 0 ] || cat "$work/log"
exit $failed
