#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every example does what it is there to show: each that has NAME.expect beside its
# source is run, and what it prints on stdout must be that, once numbers that
# differ from run to run have been put aside:
#
#	12.3 ms, 5 us, 1.2 s	>	TIME
#	#123			>	#ID
#	number 5, cause=4	>	number ID, cause=ID
#	0x7f12			>	ADDRESS
#
# NAME.expect holds the output after that.  An example that is not told of by
# anybody ends with 0.
set -u

normal() {
	sed -E -e 's/[0-9]+(\.[0-9]+)? ?(ns|us|ms|s)([^[:alnum:]]|$)/TIME\3/g' \
		-e 's/0x[0-9a-f]+/ADDRESS/g' -e 's/#[0-9]+/#ID/g' \
		-e 's/(number |cause=)[0-9]+/\1ID/g'
}

# For which a package is missing; what should be there and is not, has failed.
is_left_out() {
	for one in ${EXAMPLES_LEFT_OUT-}; do
		if [ "${one%%:*}" = "$1" ]; then
			echo "$1: skipped: ${one#*:} is missing"
			return 0
		fi
	done
	echo "$1: not built"
	return 1
}

one() {
	expect=$1
	name=${expect#"$top_srcdir"/}
	program=$top_builddir/${name%.expect}
	if [ ! -x "$program" ]; then
		is_left_out "$(basename "$program")"
		return
	fi
	"$program" >"$scratch/out" 2>"$scratch/err" </dev/null
	status=$?
	normal <"$scratch/out" >"$scratch/normal"
	if [ $status -eq 0 ] && cmp -s "$expect" "$scratch/normal"; then
		echo "$name: as expected"
		return 0
	fi
	echo "$name: ended with $status; expected and seen:"
	diff -u "$expect" "$scratch/normal"
	echo "and on stderr:"
	cat "$scratch/err"
	return 1
}

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
bad=0
for expect in "$top_srcdir"/examples/*.expect \
	"$top_srcdir"/examples/*/*.expect; do
	[ -e "$expect" ] || continue
	one "$expect" || bad=1
done
exit $bad
