#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The fear: more workers hang for ever than may be replaced, and the server goes
# down with them, or does not say how it is, or stays lame when they come back.
. "${top_srcdir:-.}/tests/story/httpd.sh"
need_wrk
workers=4
zombies=3
hung=$((zombies + 1))
grow_kb=1024

make_root
start --workers $workers --zombies $zombies --busy-ms 1000 --blocked-ms 200 \
	--scan-ms 10 --faults
load 2s 16 "$dir/warm"
healthy "$dir/warm" "before"
within 5 is in_flight 1 || wrong "requests are left over"
# And one request hangs: the names of code are read once, and stay.
"$client" ask "$port" /fault/deadlock 1 >"$dir/first" ||
	wrong "a hung request was never answered"
within 5 grep -q ' blocked: ' "$dir/err" || wrong "no report of the first one"
get '/fault/gate?open=1' >/dev/null
within 5 is zombies 0 || wrong "zombies are still out"
within 5 grep -q ' home: ' "$dir/err" || wrong "no report that it is home"
get '/fault/gate?open=0' >/dev/null
threads_at_start=$(threads)
memory_at_start=$(memory_kb)

# As many as may be out, and one more, behind a gate that stays closed.
"$client" ask "$port" /fault/deadlock $hung >"$dir/hung" &
ask_pid=$!
within 10 is degraded true || wrong "/stats does not say degraded"
within 5 grep -q ' degraded: ' "$dir/err" ||
	wrong "no report says degraded"
is zombies $zombies || wrong "zombies: $(stat zombies), not $zombies"
say "degraded: zombies $(stat zombies) of $zombies, workers $(stat workers)," \
	"answered so far $(grep -c '^503 [1-9]' "$dir/hung")"

load 4s 16 "$dir/degraded"
healthy "$dir/degraded" "while degraded"
is degraded true || wrong "degraded ended by itself"

# The gate opens: a lost thread comes home, a kept one ends its work.
get '/fault/gate?open=1' >/dev/null
within 10 is degraded false || wrong "/stats still says degraded"
within 5 grep -q ' recovered: ' "$dir/err" ||
	wrong "no report says recovered"
wait $ask_pid || wrong "a hung request was never answered"
say "hung: $(grep -c '^503 [1-9]' "$dir/hung") answered 503 with an id," \
	"$(grep -c '^200' "$dir/hung") ended when the gate opened"
[ "$(grep -c '^503 [1-9]' "$dir/hung")" -ge $zombies ] ||
	wrong "lost requests without an id"
[ "$(grep -cE '^(503 [1-9]|200)' "$dir/hung")" -eq $hung ] ||
	wrong "$(cat "$dir/hung")"
within 5 is zombies 0 || wrong "zombies are still out"
within 5 is workers $workers || wrong "seats are vacant"
as_at_start() {
	[ "$(threads)" -le "$threads_at_start" ] &&
		[ "$(memory_kb)" -le $((memory_at_start + grow_kb)) ]
}
within 5 as_at_start || wrong "threads or memory have grown"
say "threads: $threads_at_start at the start, $(threads) now"
say "memory: $memory_at_start KiB at the start, $(memory_kb) KiB now"
load 2s 16 "$dir/after"
healthy "$dir/after" "recovered"

kill -TERM $pid
reap
grep -q '^httpd: audit ok' "$dir/out" || wrong "audit"
[ $ended -eq 0 ] || wrong "the server ended with $ended"
verdict
