#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The figures of docs/benchmarks.md, measured anew: one file of JSON, which
# figures.awk fills into benchmarks.md.in.  Some seventeen minutes, better alone on the
# machine.
#
#	figures.sh FILE [BENCH...]
#
# The lines of the benches that are named take the place of those that FILE has of
# them; without names all are measured.  WARDBENCH is the program, QUIET a command
# that runs it when the machine is free, if there is one.
set -u
file=$1
shift
WARDBENCH=${WARDBENCH:-./wardbench}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
touch "$tmp/kept" "$file"

[ $# -gt 0 ] || set -- minute throughput inflight latency overhead heal idle memory \
	limit cancel forkjoin lanes port timer recall work1us burst steward cells nats
for bench; do
	echo "figures: $bench" >&2
	args="$bench --quick"
	case $bench in
	minute) args= ;;
	throughput) args="$args --tasks 1000000" ;;
	heal) args="$args --runs 5" ;;
	forkjoin) args="$args --runs 7" ;;
	nats) args="$bench --runs 9" ;;
	esac
	${QUIET-} "$WARDBENCH" $args --json "$tmp/json" >"$tmp/out" 2>"$tmp/err" || {
		cat "$tmp/err" >&2
		exit 1
	}
	grep -v "^{\"of\": \"$bench\"" "$file" >"$tmp/kept"
	machine=$(sed -n 's/^machine: //p' "$tmp/out")
	{
		cat "$tmp/kept"
		printf '{"of": "%s", "machine": "%s", "date": "%s"}\n' \
			"$bench" "$machine" "$(date +%Y-%m-%d)"
		case $bench in
		minute) sed -n '/^libward beside/,/spin$/s/.*/{"of": "minute", "line": "&"}/p' "$tmp/out" ;;
		*) sed -n "/\"series\"/d; /\"bench\": \"\(cpu\|switches\)\"/d
			/\"[a-z0-9_]*_\(max\|p999\)\"/d; /\"switches_/d
			s/, \"values\": .*/}/
			s/^{/{\"of\": \"$bench\", /p" "$tmp/json" ;;
		esac
	} >"$tmp/all"
	cp "$tmp/all" "$file"
done
