#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The fear: requests run in processes, which are ended in every way that there is, and
# somebody who had nothing to do with it is not answered; or a process is left.
#
# wrk asks for healthy things; a second client ends a cell again and again, also by signals
# that a server of threads would not survive.  HTTPD_SECONDS says for how long.
. "${top_srcdir:-.}/tests/story/httpd.sh"
need_wrk
ulimit -c 0
faults='segv abort kill exit exit?how=raw spin sleep deadlock'

# The server's cells and its zygote, running or not reaped.
processes() {
	cat "/proc/$pid/task/$pid/children" 2>/dev/null | wc -w
}

fault() { # KIND
	answer=$("$client" ask "$port" "/fault/$1" 1)
	case $answer in
	"503 0") wrong "$1: no incident" ;;
	"503 "*) ;;
	*) wrong "$1: answered $answer" ;;
	esac
}

make_root
start --workers 2 --cells 2 --busy-ms 100 --blocked-ms 150 --scan-ms 10 --faults
"$client" ask "$port" '/work?us=x' 1 | grep -q '^400 0' || wrong "a cell's own answer"
processes_at_start=$(processes)

load "${HTTPD_SECONDS:-1}s" 16 "$dir/during" &
wrk_pid=$!
ended_cells=0
while kill -0 $wrk_pid 2>/dev/null || [ $ended_cells -eq 0 ]; do
	for kind in $faults; do
		fault "$kind"
		ended_cells=$((ended_cells + 1))
	done
done
wait $wrk_pid
healthy "$dir/during" "with cells that end"

within 5 is in_flight 1 || wrong "requests are left over"
as_at_start() {
	is working 2 && is leaving 0 && [ "$(processes)" -eq "$processes_at_start" ]
}
within 5 as_at_start || wrong "$(processes) processes, $processes_at_start at the start"
say "cells ended: $ended_cells; killed $(stat killed), born $(stat born)"
[ "$(stat killed)" -eq $((ended_cells * 3 / 8)) ] || wrong "others were killed"
[ "$(stat lost)" -eq $ended_cells ] || wrong "others were lost"
[ "$(stat zombies)" -eq 0 ] || wrong "threads were lost"

kill -TERM $pid
reap
grep -q '^httpd: audit ok' "$dir/out" || wrong "audit"
[ $ended -eq 0 ] || wrong "the server ended with $ended"

# Without cells there are no such ways to die.
start --workers 1 --faults
"$client" ask "$port" /fault/segv 1 | grep -q '^404' || wrong "a fault without cells"
kill -TERM $pid
reap
[ $ended -eq 0 ] || wrong "the server ended with $ended"

# One that hangs as the server ends is killed with it.
start --workers 1 --cells 1 --faults --drain-ms 200
"$client" ask "$port" /fault/deadlock 1 >"$dir/asked" &
ask_pid=$!
within 5 is in_flight 2 || wrong "the request did not start"
kill -TERM $pid
reap
wait $ask_pid
[ $ended -eq 1 ] || wrong "ended with $ended, not 1"
grep -q '^httpd: forced: ' "$dir/out" || wrong "not forced by the deadline"
grep -q 'threads still inside\|never came back' "$dir/out" && wrong "something was left"
verdict
