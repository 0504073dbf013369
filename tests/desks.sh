# SPDX-License-Identifier: BSD-2-Clause
# The end of a script of planted bugs: $jobs desks at once, then what each has said, and how
# many bugs were found.  Sourced with the names of the bugs; desk N [NAME...] writes "found
# total" to $work/deskN/verdict.
n=0
while [ "$n" -lt "$jobs" ]; do
	desk "$n" "$@" >"$work/said$n" 2>&1 &
	n=$((n + 1))
done
wait
cat "$work"/said*
cat "$work"/desk*/verdict | awk -v desks="$jobs" '
	{ found += $1; total += $2 }
	END {
		print "bugs: " found " of " total " found"
		exit !(NR == desks && total > 0 && found == total)
	}'
