#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Node serves files while one of its pool's threads hangs each second, and comes home a
# minute later; wrk asks all the time.  Every request is to be answered, and the memory
# to stay where it is after the first minute and a half.
#
#	soak.sh DIR MINUTES	NODE: one that is linked against libuv.so.1
set -u
dir=$(cd "$1" && pwd) minutes=$2
node=${NODE:-$(command -v node)} wrk=${WRK:-wrk}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 2
server=
trap '[ -z "$server" ] || kill -KILL $server 2>/dev/null; rm -rf "$work"' EXIT

skip() {
	echo "skipped: $*"
	exit 77
}

command -v "$wrk" >/dev/null || skip "no wrk"
[ -n "$node" ] || skip "no node"
"$dir/ward-uv-run" "$node" -e 0 || skip "$node cannot be run on it"

memory() {
	awk '/^VmRSS/ { print $2 }' /proc/$server/status
}

i=0
while [ $i -lt 120 ]; do
	mkfifo "$work/pipe$i"
	i=$((i + 1))
done
head -c 4096 /dev/urandom >"$work/file"
UV_WARD_LOG=json:$work/log
export UV_WARD_LOG
"$dir/ward-uv-run" "$node" "$here/soak.js" "$work" >"$work/out" 2>"$work/err" &
server=$!
until [ -s "$work/out" ]; do
	kill -0 $server || exit 1
	sleep 0.1
done
port=$(head -n 1 "$work/out")
(
	sleep 90
	memory
) >"$work/early" &
"$wrk" -t 1 -c 16 -d "${minutes}m" --timeout 30s --latency "http://127.0.0.1:$port/file" >"$work/wrk"
late=$(memory)
wait $!
kill -TERM $server
wait $server
status=$?
server=
sed -n '/Latency  *[0-9]/p; /50%/p; /99%/p; /requests in/p; /Socket errors/p; /Non-2xx/p' "$work/wrk"
tail -n +2 "$work/out"
echo "$(grep -c '"kind":"blocked"' "$work/log") convicted, $(grep -c '"kind":"home"' \
	"$work/log") came home; KiB of memory: $(cat "$work/early") after 90 s, $late at the end"
echo "node ended with $status"
! grep -q 'Socket errors\|Non-2xx' "$work/wrk" && [ $status -eq 0 ] &&
	! grep '"kind":"degraded"' "$work/log"
