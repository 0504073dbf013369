#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# No file of lib/ calls one that calls it, by way of however many others of its
# folder, and none calls into a folder above its own: as the objects have it, which
# know nothing of includes.
#
#	circles.sh		complains of each circle, and of each call up
#	circles.sh --calls	prints each call of a circle, too, and each up
#
# By hand, in the build folder:  top_srcdir=.. sh ../tests/lint/circles.sh --calls
set -u
export LC_ALL=C
here=$(cd "${top_srcdir:=.}" && pwd) || exit 2
layers=$(sed -n 's/^layers="\(.*\)"$/\1/p' "$(dirname "$0")/layers.sh")
top=$(cd "${top_builddir:-.}" && pwd) && cd "$top/lib" || exit 2

# libtool's objects of each source: for the archive, for the shared library, or both.
# Of X.c and X_none.c one is built.
objects=
built=0
for source in "$here"/lib/*/*.c; do
	case $source in
	*/lib/nats/*) [ -e "$top/libward-nats.la" ] || continue ;; # left out
	esac
	at=${source#"$here"/lib/}
	at=${at%.c}
	other=${at}_none
	[ "$at" = "${at%_none}" ] || other=${at%_none}
	made=
	for object in "$at.o" "${at%/*}/.libs/${at##*/}.o"; do
		[ ! -e "$object" ] || made="$made $object"
	done
	if [ -z "$made" ] && [ ! -e "$other.o" ] &&
	   [ ! -e "${other%/*}/.libs/${other##*/}.o" ]; then
		echo "lib/$at.c: no object"
		exit 1
	fi
	[ -z "$made" ] || built=$((built + 1))
	objects="$objects $made"
done

nm -A -P $objects | awk -v layers="$layers" -v built=$built -v mode="${1:-}" '
BEGIN {
	n = split(layers, layer, " ")
	for (i = 1; i <= n; i++)
		rank[layer[i]] = i
}

# pool/.libs/pool.o: pool_new T 0 10
{
	file = $1
	sub(/\.o:$/, "", file)
	sub(/\.libs\//, "", file)
	if (!(file in folder)) {
		folder[file] = file
		sub(/\/.*/, "", folder[file])
		files[++many] = file
	}
	if ($3 ~ /^[Uvw]$/) {
		user[++uses] = file
		used[uses] = $2
	} else if ($3 ~ /^[A-Ziu]$/) {
		owner[$2] = file
		owns[file]
	}
}

function complain(line) {
	print line
	failed = 1
}

END {
	if (many == 0 || many != built)
		complain(built " files have objects, " many + 0 " show anything")
	for (i = 1; i <= many; i++) {
		if (!(files[i] in owns))
			complain("lib/" files[i] ".c: its object shows nothing")
		if (!(folder[files[i]] in rank))
			complain("lib/" files[i] ".c: is in no layer")
	}
	for (u = 1; u <= uses; u++) {
		if (!(used[u] in owner))
			continue
		from = user[u]
		to = owner[used[u]]
		name = from " > " to
		if (!index(calls[from, to] " ", " " used[u] " "))
			calls[from, to] = calls[from, to] " " used[u]
		if (folder[from] == folder[to])
			reach[from, to] = from != to
		else if (rank[folder[from]] < rank[folder[to]] && !up[name]++)
			complain("up " name)
	}
	for (k = 1; k <= many; k++)
		for (i = 1; i <= many; i++)
			if (reach[files[i], files[k]])
				for (j = 1; j <= many; j++)
					if (reach[files[k], files[j]])
						reach[files[i], files[j]] = 1
	for (i = 1; i <= many; i++) {
		from = files[i]
		if (!reach[from, from] || from in circle)
			continue
		line = "circle " folder[from] ":"
		for (j = i; j <= many; j++) {
			to = files[j]
			if (!reach[from, to] || !reach[to, from])
				continue
			circle[to] = from
			line = line " " substr(to, length(folder[to]) + 2)
		}
		complain(line)
	}
	for (i = 1; i <= many && mode == "--calls"; i++)
		for (j = 1; j <= many; j++) {
			from = files[i]
			to = files[j]
			name = from " > " to
			if (i != j && calls[from, to] && (name in up ||
			    from in circle && circle[from] == circle[to]))
				print name ":" calls[from, to]
		}
	exit failed
}'
