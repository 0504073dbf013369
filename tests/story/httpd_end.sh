#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The fear: at the end of the server, or when it has too much to do, requests or
# threads are lost, or it does not end at all.
. "${top_srcdir:-.}/tests/story/httpd.sh"
make_root

# Whether new clients are refused.  The loop itself answers /stats: a page would wait for
# a worker behind the requests that run.
gone() {
	! get /stats >/dev/null 2>&1
}

# A request that is running when SIGTERM comes is answered; new clients are not.
start --workers 2
"$client" ask "$port" '/work?us=1500000' 2 >"$dir/asked" &
ask_pid=$!
within 5 is in_flight 3 || wrong "the requests did not start"
kill -TERM $pid
within 5 gone && [ ! -s "$dir/asked" ] || wrong "accepts after SIGTERM"
wait $ask_pid || wrong "a running request was not answered"
reap
[ "$(grep -c '^200' "$dir/asked")" -eq 2 ] || wrong "answers: $(cat "$dir/asked")"
[ $ended -eq 0 ] || wrong "ended with $ended"
grep -q '^httpd: audit ok' "$dir/out" || wrong "audit"
grep -q '^httpd: drained: ' "$dir/out" || wrong "not drained"

# Requests that hang: the deadline ends the server, and it says what it left.
start --workers 2 --faults --drain-ms 300
"$client" ask "$port" /fault/deadlock 1 >"$dir/asked" &
ask_pid=$!
within 5 is in_flight 2 || wrong "the request did not start"
kill -TERM $pid
reap
wait $ask_pid
[ $ended -eq 1 ] || wrong "ended with $ended, not 1"
grep -q '^httpd: forced: ' "$dir/out" || wrong "not forced by the deadline"
grep -q '^httpd: audit ok' "$dir/out" || wrong "audit"
grep -q '^httpd: 1 threads still inside' "$dir/out" || wrong "one was left"

# A second SIGTERM does not wait for the deadline.
start --workers 2 --faults --drain-ms 3600000
"$client" ask "$port" /fault/deadlock 1 >"$dir/asked" &
ask_pid=$!
within 5 is in_flight 2 || wrong "the request did not start"
kill -TERM $pid
within 5 gone || wrong "accepts after SIGTERM"
kill -TERM $pid
reap
wait $ask_pid
[ $ended -eq 1 ] || wrong "ended with $ended, not 1"
grep -q '^httpd: forced: ' "$dir/out" || wrong "not forced by the second signal"

# Clients that do not wait: their requests end without them, nothing is kept.
start --workers 2
"$client" leave "$port" '/work?us=20000' 100
"$client" leave "$port" /big.bin 100
within 20 is in_flight 1 || wrong "requests are left over"
get /license.txt | head -n 1 | grep -q 200 || wrong "does not answer any more"
kill -TERM $pid
reap
[ $ended -eq 0 ] || wrong "ended with $ended"
grep -q '^httpd: audit ok' "$dir/out" || wrong "audit"

# More than there is room for: turned away at once, politely; the rest is done.  A ring
# of 8 holds 7; one more for each that was taken before the last one came.
start --workers 1 --ring 8
"$client" ask "$port" '/work?us=100000' 40 >"$dir/asked"
say "of 40 at once: $(grep -c '^200' "$dir/asked") done," \
	"$(grep -c '^503 0' "$dir/asked") turned away"
[ "$(grep -c '^200' "$dir/asked")" -ge 7 ] || wrong "too few were done"
[ "$(grep -c '^503 0' "$dir/asked")" -ge 1 ] || wrong "none was turned away"
[ "$(grep -cE '^(200|503 0)' "$dir/asked")" -eq 40 ] || wrong "other answers"
is turned_away "$(grep -c '^503 0' "$dir/asked")" || wrong "miscounted"
kill -TERM $pid
reap
[ $ended -eq 0 ] || wrong "ended with $ended"
grep -q '^httpd: audit ok' "$dir/out" || wrong "audit"
verdict
