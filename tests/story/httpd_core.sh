#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The fear: a server that hangs was killed with a core, and nobody can say in which
# request.  gdb's info ward names it, of the core alone.
. "${top_srcdir:-.}/tests/story/httpd.sh"
for tool in gdb gcore; do
	command -v $tool >/dev/null || {
		echo "skipped: apt-get install gdb"
		exit 77
	}
done
program=$builddir/examples/httpd/.libs/httpd
[ -x "$program" ] || program=$server
LD_LIBRARY_PATH=$builddir/.libs
export LD_LIBRARY_PATH

make_root
start --workers 2 --blocked-ms 60000 --faults
get '/fault/deadlock?ms=60000' >/dev/null &
within 10 is running 1 || wrong "no request hangs"
gcore -o "$dir/core" $pid >"$dir/gcore" 2>&1
[ -e "$dir/core.$pid" ] || {
	grep -q 'not permitted' "$dir/gcore" || cat "$dir/gcore"
	echo "skipped: no process may be looked into here"
	exit 77
}
gdb -q -batch -nx -iex 'set debuginfod enabled off' \
	-ex "source ${top_srcdir:-.}/lib/ward-gdb.py" "$program" "$dir/core.$pid" \
	-ex 'info ward' -ex 'ward bt 0' -ex 'ward bt 1' >"$dir/said" 2>&1
sed -n '/^pool/,/^  queued/p' "$dir/said"
grep -q '^pool "httpd" .*: up; 2 of 2 workers' "$dir/said" || wrong "no pool"
grep -qE '^  seat [01] .* run +"fault/deadlock" \(request_run\)' "$dir/said" ||
	wrong "the request that hangs is not named"
grep -qE '^  seat [01] .* idle$' "$dir/said" || wrong "the other worker is not idle"
grep -qE '^#[0-9]+ .* fault_deadlock \(' "$dir/said" || wrong "no stack of it"
get '/fault/gate?open=1' >/dev/null
kill -TERM $pid
reap
[ "$ended" = 0 ] || wrong "the server ended with $ended"
[ $bad -eq 0 ] || tail -n 30 "$dir/said"
verdict
