#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The test of libward-nats' tests: each bug of the table is planted in a copy of the
# sources, and one of its tests must fail there.
#
#	bugs.sh [NAME...]	all of them, or these
#
# A line of the table 'bugs' is: name | file | sed expression | tests | what it is.  A bug
# that changes nothing is out of date, which is a failure too.
set -u
here=$top_srcdir/tests/nats
work=$(mktemp -d "${TMPDIR:-/tmp}/bugs.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM
jobs=4 # they wait most of the time

# compile OUT FILE...: objects of those sources of the desk
compile() {
	out=$1
	shift
	for file; do
		$COMPILE -iquote "$desk/lib" -c -o "$out/$(basename "$file" .c).o" \
			"$desk/$file" || return
	done
}

# fails SUITE/TEST: does it, with what was planted?
fails() {
	program=tests/unit/test_${1%/*}
	wrap=
	[ "${1%/*}" != nats_lost ] || wrap=$WRAP
	$LINK $wrap -o "$desk/test" "$program.o" "$desk"/planted/*.o $LIBS || return
	"$desk/test" --filter "$1" >"$desk/said" 2>&1
	status=$?
	grep -q 'Tested: 1 ' "$desk/said" || echo "$1: no such test"
	[ $status -eq 1 ] && grep -q 'Tested: 1 ' "$desk/said"
}

# bug FILE CHANGE TESTS: was it found?
bug() {
	cp -R "$top_srcdir/lib/." "$desk/lib"
	sed -i "$2" "$desk/$1"
	if cmp -s "$top_srcdir/$1" "$desk/$1"; then
		echo "changes nothing in $1 any more"
		return 1
	fi
	rm -f "$desk"/planted/*
	case $1 in
	*.h) compile "$desk/planted" $(cd "$desk" && echo lib/nats/*.c) ;;
	*) compile "$desk/planted" "$1" ;;
	esac || return
	for test in $3; do
		if fails "$test"; then
			echo "found by $test"
			return 0
		fi
	done
	echo "NOT FOUND"
	return 1
}

# desk N [NAME...]: every so many bugs one, with a copy of the sources of its own.
desk() {
	turn=$1 desk=$work/desk$1
	shift
	total=0 found=0 line=0
	mkdir -p "$desk/planted" "$desk/lib" || return
	while IFS='|' read -r name file change tests what; do
		name=$(echo $name) file=$(echo $file)
		case $name in '#'* | '') continue ;; esac
		[ $# -eq 0 ] ||
			case " $* " in *" $name "*) ;; *) continue ;; esac
		line=$((line + 1))
		[ $((line % jobs)) -eq "$turn" ] || continue
		total=$((total + 1))
		printf '%-20s%s\n%20s' "$name" "$what" ''
		bug "$file" "$change" "$tests" && found=$((found + 1))
	done <"$here/bugs"
	echo "$found $total" >"$desk/verdict"
}

. "$top_srcdir/tests/desks.sh"
