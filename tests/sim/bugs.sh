#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The test of the simulator: each bug of the table is planted in a copy of the
# sources, and its scenarios must fail there.
#
#	bugs.sh [NAME...]	all of them, or these
#
# A line of the table 'bugs' is: name | file | sed expression | scenarios | what
# it is.  A bug that changes nothing is out of date, which is a failure too.
set -u
here=$top_srcdir/tests/sim
: "${CC:=cc}" "${SEEDS:=30000}" "${FEW:=1000}"
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
work=$(mktemp -d "${TMPDIR:-/tmp}/sim.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

includes="-I$here/include -I$here -I$top_srcdir/include ${CK_CFLAGS:-}"
flags="-std=gnu11 -D_GNU_SOURCE -DBELL_RUSH_AFTER=sim_rush_after"
flags="$flags -DBRIDGE_SPARE=2 -DCANCEL_SPIN=1 -DKEPT_COPIES=4"
flags="$flags -DDEQUE_SIZE=2"
flags="$flags -O1 -g0 -w -fno-common"
sources=$(sed -n 's/^\t\(lib\/[^ ]*\.c\).*/\1/p; s/^\t\(tests\/sim\/[^ ]*\.c\).*/\1/p' \
	"$here/local.mk")
scheduler="host_sim.c main.c memory.c race.c sched.c"

# compile LIB OUT FILE...: objects of those files against that copy of lib/
compile() {
	lib=$1 out=$2
	shift 2
	for file; do
		seen=-fsanitize=thread
		case " $scheduler " in *" ${file##*/} "*) seen= ;; esac
		case $file in
		lib/*) path=$lib/${file#lib/} ;;
		*) path=$top_srcdir/$file ;;
		esac
		printf '%s -o %s/%s.o %s\n' "$seen" "$out" \
			"$(echo "${file%.c}" | tr / -)" "$path"
	done | xargs -P "$jobs" -L 1 "$CC" $flags $includes "-I$lib" -c
}

# The scenarios' own files.  What is inline in a header is mostly run from there.
homes() {
	for scenario; do
		grep -l "SCENARIO($scenario," "$here"/sc_*.c
	done | sort -u | sed "s|^$top_srcdir/||"
}

# Which sources see a file: itself, or all that include it, also by a header.
users() {
	case $1 in
	*.c)
		echo "$1"
		return
		;;
	esac
	for file in $sources; do
		case " $scheduler " in *" ${file##*/} "*) continue ;; esac
		"$CC" $flags $includes "-I$work/lib" -MM "$top_srcdir/$file" |
			grep -q "${1#lib/}" && echo "$file"
	done
}

# plant SEEDS SCENARIOS FILE...: are these files enough for the bug to be found?
plant() {
	seeds=$1 names=$2
	shift 2
	rm -f "$work"/planted/*
	cp "$work"/clean/*.o "$work/planted"
	compile "$work/lib" "$work/planted" "$@" &&
		"$CC" -o "$work/planted/sim" "$work"/planted/*.o &&
		"$work/planted/sim" -x -n "$seeds" $names
}

mkdir -p "$work/clean" "$work/lib" "$work/planted" || exit 2
cp -R "$top_srcdir/lib/." "$work/lib"
compile "$top_srcdir/lib" "$work/clean" $sources || exit 1

total=0 found=0
while IFS='|' read -r name file change scenarios what; do
	name=$(echo $name)
	case $name in '#'* | '') continue ;; esac
	file=$(echo $file)
	[ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
	total=$((total + 1))
	printf '%-18s%s\n%20s' "$name" "$what" ''
	[ -z "${last-}" ] || cp "$top_srcdir/$last" "$work/$last"
	last=$file
	cp "$top_srcdir/$file" "$work/$file"
	sed -i "$change" "$work/$file"
	if cmp -s "$top_srcdir/$file" "$work/$file"; then
		echo "changes nothing in $file any more"
		continue
	fi
	case $file in
	*.h) # a few files and seeds first: to compile all takes longer
		plant "$FEW" "$scenarios" $(homes $scenarios) >"$work/few" &&
			cat "$work/few" && found=$((found + 1)) && continue
		;;
	esac
	plant "$SEEDS" "$scenarios" $(users "$file") && found=$((found + 1))
done <"$here/bugs"

echo "bugs: $found of $total found"
[ "$total" -gt 0 ] && [ "$found" -eq "$total" ]
