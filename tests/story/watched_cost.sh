#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A pool that publishes a page executes not one instruction more for a task: neither in
# ward_submit() nor in the worker's loop.  What a machine does beside it changes nothing.
#
#	watched_cost.sh		with valgrind; some seconds
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
WARD_PUBLISH_DIR=$dir
export WARD_PUBLISH_DIR

if ! command -v valgrind >/dev/null; then
	echo "skipped: apt-get install valgrind"
	exit 77
fi

count() { # NAME ARGUMENT...
	name=$1
	shift
	valgrind -q --tool=callgrind --callgrind-out-file="$dir/$name" \
		"$top_builddir/tests/story/to_watch" count "$@" \
		>"$dir/$name.tasks" 2>"$dir/$name.err" && return
	cat "$dir/$name.err"
	exit 1
}
count alone &
alone=$!
count published yes
wait $alone || exit 1
for name in alone published; do
	callgrind_annotate --auto=no --show-percs=no --threshold=100 \
		"$dir/$name" >"$dir/$name.says" || exit 1
done

per_task() { # NAME FUNCTION: what is inlined in it is part of it
	awk -v "tasks=$(cat "$dir/$1.tasks")" -v "name=:$2( |$)" '
		$0 ~ name { gsub(",", "", $1); sum += $1 }
		END { printf "%.1f\n", sum / tasks }' "$dir/$1.says"
}
failed=0
same() { # FUNCTION
	alone=$(per_task alone "$1") published=$(per_task published "$1")
	echo "$1: $alone instructions a task, with a page $published"
	awk "BEGIN { more = $published - $alone
		exit !($alone > 0 && more > -0.5 && more < 0.5) }" || failed=1
}
same ward_submit
same worker_work
exit $failed
