#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The fear: workers die, spin and hang under real traffic, and somebody who had
# nothing to do with it is not answered, or the server never recovers.
#
# wrk asks for healthy things; a second client ruins a worker several times a
# second, in six ways.  HTTPD_SECONDS says for how long (default 12).  The last
# way is a raw exit system call, which AddressSanitizer does not survive: with it,
# HTTPD_KINDS=5, and HTTPD_GROW_KB for what it keeps in quarantine.
. "${top_srcdir:-.}/tests/story/httpd.sh"
need_wrk
seconds=${HTTPD_SECONDS:-12}
rate=6
workers=4
grow_kb=${HTTPD_GROW_KB:-1024}

make_root
start --workers $workers --zombies 16 --busy-ms 150 --blocked-ms 300 \
	--scan-ms 10 --faults --json-reports

# First alone, for comparison and so that every buffer has its usual size.
load 4s 32 "$dir/before"
healthy "$dir/before" "without faults"
within 5 is in_flight 1 || wrong "requests are left over"
# And some faults of each kind: the names of code are read once, and stay.
"$client" inject "$port" 2 $rate $workers "$dir/first_ids" \
	"${HTTPD_KINDS:-6}" || wrong "a fault was not answered as it must"
threads_at_start=$(threads)
memory_at_start=$(memory_kb)

load "${seconds}s" 32 "$dir/during" &
wrk_pid=$!
"$client" inject "$port" "$seconds" $rate $workers "$dir/ids" \
	"${HTTPD_KINDS:-6}" ||
	wrong "a fault was not answered as it must"
wait $wrk_pid
healthy "$dir/during" "with faults"

# Every incident that a client was told of is in the reports.
missing=0
while read -r id; do
	grep -q "\"id\":[[:blank:]]*$id\b" "$dir/err" || missing=$((missing + 1))
done <"$dir/ids"
say "incidents without a report: $missing"
[ $missing -eq 0 ] || wrong "incidents without a report"

# All that the faults held is given back: within 5 s all is as at the start.
as_at_start() {
	[ "$(threads)" -le "$threads_at_start" ] &&
		[ "$(memory_kb)" -le $((memory_at_start + grow_kb)) ]
}
within 5 as_at_start || wrong "threads or memory have grown"
say "threads: $threads_at_start at the start, $(threads) now"
say "memory: $memory_at_start KiB at the start, $(memory_kb) KiB now"
say "pool: workers $(stat workers), zombies $(stat zombies)," \
	"convicted $(stat convicted_livelock) livelocked," \
	"$(stat convicted_blocked) blocked, $(stat deaths) dead," \
	"heals $(stat heals), rescues $(stat rescues)"
[ "$(stat workers)" = $workers ] || wrong "seats are vacant"

kill -TERM $pid
reap
grep -q '^httpd: audit ok' "$dir/out" || wrong "audit"
[ $ended -eq 0 ] || wrong "the server ended with $ended"
verdict
