#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The test of the simulator: each bug of the table is planted in a copy of the
# sources, and its scenarios must fail there.
#
#	bugs.sh [NAME...]	all of them, or these
#	BUGS_PARTS=3 bugs.sh	a third of them, each day another
#
# The table 'bugs' says what its lines are.  A bug that changes nothing is out of date,
# which is a failure too.
set -u
here=$top_srcdir/tests/sim
: "${CC:=cc}" "${SEEDS:=30000}" "${FEW:=1000}" "${BUGS_PARTS:=1}"
part=$(($(date +%-j) % BUGS_PARTS))
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
work=$(mktemp -d "${TMPDIR:-/tmp}/sim.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

includes="-I$here/include -I$here -I$top_srcdir/include ${CK_CFLAGS:-}"
flags="-std=gnu11 -D_GNU_SOURCE -DBELL_RUSH_AFTER=sim_rush_after"
flags="$flags -DBRIDGE_SPARE=2 -DCANCEL_SPIN=1 -DSAVED_COPIES=4"
flags="$flags -DDEQUE_SIZE=2 -DWARD_FORK_CELLS_=2 -DDEQUE_PATIENCE=1 -DOWNED_PATIENCE=1 -DOWNED_CALM=1 -DDUE_FAN_SHIFT=1 -DDUE_LEVELS=2 -DCELLS_ALL=4u -DCELLS_LOOKS=1 -DINSIDE_LOOKS=1 -DCALLER_ROUNDS=1u -DDEPUTY_AWAY_MS=20000"
flags="$flags -DDEPUTY_LOOKS=sim_looks -DPATIENCE=HOST_FOREVER -DTRUST=HOST_FOREVER"
flags="$flags -DTELL=WARD_FOREVER -DBIRTH_WITHIN=HOST_FOREVER/16 -DEND_WITHIN=HOST_FOREVER/16"
flags="$flags -O1 -g0 -w -fno-common"
sources=$(sed -n 's/^\t\(\(lib\|adapters\)\/[^ ]*\.c\).*/\1/p; s/^\t\(tests\/sim\/[^ ]*\.c\).*/\1/p' \
	"$here/local.mk")
scheduler="host_sim.c lines.c main.c memory.c race.c sched.c"

# compile COPY OUT FILE...: objects of those files against that copy of lib/ and adapters/
compile() {
	copy=$1 out=$2
	shift 2
	for file; do
		seen=-fsanitize=thread
		case " $scheduler " in *" ${file##*/} "*) seen= ;; esac
		case $file in
		lib/* | adapters/*) path=$copy/$file ;;
		*) path=$top_srcdir/$file ;;
		esac
		printf '%s -o %s/%s.o %s\n' "$seen" "$out" \
			"$(echo "${file%.c}" | tr / -)" "$path"
	done | xargs -L 1 "$CC" $flags $includes "-I$copy/lib" "-I$copy/adapters" -c
}

# The objects of tests/sim/sim, as make has built them, by the names of compile().
built() {
	for file; do
		name=${file##*/}
		case " $scheduler " in
		*" $name "*) name=libsched_la-$name ;;
		*)
			case $file in
			lib/* | adapters/*) name=tests_sim_sim-$name ;;
			*) name=sim-$name ;;
			esac
			;;
		esac
		cp "${top_builddir:-.}/${file%/*}/${name%.c}.o" \
			"$work/clean/$(echo "${file%.c}" | tr / -).o" || return
	done
}

# The scenarios' own files.  Inline code of a header mostly runs from there.
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
		"$CC" $flags $includes "-I$desk/lib" "-I$desk/adapters" -MM "$top_srcdir/$file" |
			grep -q "${1#lib/}" && echo "$file"
	done
}

# plant SEEDS SCENARIOS FILE...: are these files enough for the bug to be found?
plant() {
	seeds=$1 names=$2
	shift 2
	rm -f "$desk"/planted/*
	cp "$work"/clean/*.o "$desk/planted"
	compile "$desk" "$desk/planted" "$@" &&
		"$CC" -no-pie -o "$desk/planted/sim" "$desk"/planted/*.o &&
		"$desk/planted/sim" -x -n "$seeds" $names
}

# bug FILE CHANGE SCENARIOS SOURCES: was it found?
bug() {
	cp "$top_srcdir/$1" "$desk/$1"
	sed -i "$2" "$desk/$1"
	if cmp -s "$top_srcdir/$1" "$desk/$1"; then
		echo "changes nothing in $1 any more"
		return 1
	fi
	if [ "$4" ]; then
		plant "$SEEDS" "$3" $4
		return
	fi
	case $1 in
	*.h) # a few files and seeds first: to compile all takes longer
		plant "$FEW" "$3" $(homes $3) >"$desk/few" &&
			cat "$desk/few" && return 0
		;;
	esac
	plant "$SEEDS" "$3" $(users "$1")
}

# desk N [NAME...]: every so many bugs one, with a copy of the sources of its own.
desk() {
	turn=$1 desk=$work/desk$1
	shift
	total=0 found=0 line=0
	mkdir -p "$desk/planted" || return
	cp -R "$top_srcdir/lib" "$top_srcdir/adapters" "$desk"
	while IFS='|' read -r name file change scenarios what; do
		name=$(echo $name)
		case $name in '#'* | '') continue ;; esac
		[ $# -eq 0 ] ||
			case " $* " in *" $name "*) ;; *) continue ;; esac
		read -r file seen_in <<-END
			$file
		END
		line=$((line + 1))
		[ $((line % BUGS_PARTS)) -eq "$part" ] || continue
		[ $((line / BUGS_PARTS % jobs)) -eq "$turn" ] || continue
		total=$((total + 1))
		printf '%-18s%s\n%20s' "$name" "$what" ''
		bug "$file" "$change" "$scenarios" "$seen_in" &&
			found=$((found + 1))
		cp "$top_srcdir/$file" "$desk/$file"
	done <"$here/bugs"
	echo "$found $total" >"$desk/verdict"
}

mkdir -p "$work/clean" || exit 2
built $sources || {
	echo "make tests/sim/sim comes first"
	exit 1
}
. "$top_srcdir/tests/desks.sh"
