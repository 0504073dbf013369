#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# No file of lib/ calls one that calls it, by way of however many others of its
# folder, and none calls into a folder above its own: as the objects have it, which
# know nothing of includes.
#
#	circles.sh		complains of what is not in circles.known, and of
#				what stands there and is not true any more
#	circles.sh --list	prints circles.known anew: what is left of it
#	circles.sh --calls	prints each call inside of a circle, and each up
#
# By hand, in the build folder:  top_srcdir=.. sh ../tests/lint/circles.sh --calls
# When a circle was broken:      top_srcdir=.. sh ../tests/lint/circles.sh --list \
#	>new && mv new ../tests/lint/circles.known
#
# The list can only shrink: a circle is known if all its files are in one circle of
# the list, and --list prints no other.  Only the new name of a file that stands
# there, or its new folder, is for an editor.
set -u
export LC_ALL=C
here=$(cd "${top_srcdir:=.}" && pwd) || exit 2
known=$here/tests/lint/circles.known
layers=$(sed -n 's/^layers="\(.*\)"$/\1/p' "$(dirname "$0")/layers.sh")
[ -e "$known" ] || known=/dev/null
cd "${top_builddir:-.}/lib" || exit 2

# What libtool made of each source: for the archive, for the shared library, or both.
# Of X.c and X_none.c one is built.
objects=
built=0
for source in "$here"/lib/*/*.c; do
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

part == "known" {
	if ($1 == "circle" || $1 == "up")
		known[$0]
	next
}

# lib/work/.libs/pool.o: pool_new T 0 10
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

function below(line,	word, k, whole, one, n, i) { # a known one has all its files
	split(line, word, ": ")
	for (k in known) {
		split(k, whole, ": ")
		if (whole[1] != word[1])
			continue
		n = split(word[2], one, " ")
		for (i = 1; i <= n && index(" " whole[2] " ", " " one[i] " ");)
			i++
		if (i > n)
			return 1
	}
	return 0
}

function complain(line) {
	if (mode == "--list")
		print line | "cat >&2"
	else
		print line
	failed = 1
}

function found(line) {
	true_[line]
	if (mode == "--list" && (line in known || below(line)))
		print line
	else if (!(line in known) && mode != "--calls")
		complain(line ": " (below(line) ? \
			"less than was known: circles.sh --list" : "not known"))
}

END {
	if (mode == "--list") {
		print "# SPDX-License-Identifier: BSD-2-Clause"
		print "# The circles that are left, and calls up: printed by" \
			" circles.sh --list."
	}
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
		else if (rank[folder[from]] < rank[folder[to]] &&
			 !(("up " name) in true_))
			found("up " name)
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
		found(line)
	}
	if (mode == "--calls") {
		for (i = 1; i <= many; i++)
			for (j = 1; j <= many; j++) {
				from = files[i]
				to = files[j]
				up = rank[folder[from]] < rank[folder[to]]
				round = from in circle && to in circle &&
					circle[from] == circle[to]
				if (i != j && calls[from, to] && (up || round))
					print from " > " to ":" calls[from, to]
			}
		exit
	}
	for (line in known)
		if (!(line in true_) && mode == "")
			complain(line ": not true any more: circles.sh --list")
	exit failed
}' part=known "$known" part=nm -
