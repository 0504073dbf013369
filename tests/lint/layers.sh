#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Includes point down only, and the kernel has one door.
#
#	layers.sh [TREE]
#
# In lib/ a file includes its own layer or one below, by "layer/file.h", the
# public header by <ward/...>, and of the system only what names no kernel, no
# clock and no thread; the rest is lib/base's.  Memory, too, comes from there.  lib/nats
# is a library of its own: it knows of libward what every program does, and atomic.h, which
# is no code.
set -u
cd "${1:-${top_srcdir:-.}}" || exit 2
layers="base sync tell task queue pool lane run heal front cell flow nats"
doors="malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|free"
doors="$doors|strn?dup|v?asprintf|syscall|abort|exit"
implicit="atomic_(load|store|exchange|fetch_[a-z]+)[ 	]*\("
implicit="$implicit|atomic_compare_exchange_(weak|strong)[ 	]*\(|__sync_"
strongest="memory_order_seq_cst|__ATOMIC_SEQ_CST"

# Source without its comments and strings, so that prose is not taken for code.
code() {
	awk '{
		line = $0; out = ""
		while (line != "") {
			if (inside) {
				at = index(line, "*/")
				if (!at) break
				line = substr(line, at + 2); inside = 0
			} else if (match(line, /\/\*|"([^"\\]|\\.)*"/)) {
				out = out substr(line, 1, RSTART - 1)
				if (substr(line, RSTART, 1) == "/") inside = 1
				else out = out "\"\""
				line = substr(line, RSTART + RLENGTH)
			} else {
				out = out line; line = ""
			}
		}
		print out
	}' "$1"
}

rank() {
	n=0
	for layer in $layers; do
		n=$((n + 1))
		[ "$layer" = "$1" ] && break
		[ "$layer" = nats ] && n=0
	done
	echo $n
}

# file:line:what it includes, with its brackets
includes() {
	awk '/^[ \t]*#[ \t]*include/ {
		sub(/^[ \t]*#[ \t]*include[ \t]*/, "")
		sub(/[ \t]*(\/\*.*)?$/, "")
		print FILENAME ":" FNR ":" $0
	}' "$@"
}

complain() {
	for file in lib/*/*.[ch]; do
		layer=${file#lib/}
		layer=${layer%%/*}
		mine=$(rank "$layer")
		[ "$mine" -gt 0 ] || echo "$file: $layer is no layer"
		includes "$file" | while IFS=: read -r f n what; do
			name=${what#?}
			name=${name%?}
			case $layer:$what in
			nats:\"nats/* | nats:\"base/atomic.h\" | nats:\<*)
				continue
				;;
			nats:*)
				echo "$f:$n: $what: libward-nats knows public headers"
				continue
				;;
			esac
			case $what in
			\"*/*\")
				theirs=$(rank "${name%%/*}")
				[ "$theirs" -gt 0 ] ||
					echo "$f:$n: $what is in no layer"
				[ "$theirs" -le "$mine" ] ||
					echo "$f:$n: $what points up"
				;;
			\"*)
				echo "$f:$n: $what: say \"layer/file.h\""
				;;
			"<ward/"* | "<ck_"*) ;;
			"<errno.h>" | "<inttypes.h>" | "<limits.h>" | \
				"<stdarg.h>" | "<stdatomic.h>" | \
				"<stdbool.h>" | "<stddef.h>" | "<stdint.h>" | \
				"<stdio.h>" | "<string.h>") ;;
			*)
				[ "$layer" = base ] ||
					echo "$f:$n: $what is for lib/base only"
				;;
			esac
		done
		[ "$layer" = base ] || [ "$layer" = nats ] ||
			code "$file" |
			grep -nE "(^|[^_[:alnum:]>.])($doors)[ 	]*\(" |
			sed "s|^\([0-9]*\):.*|$file:\1: memory and exits are lib/base's|"
		# An order that is not written down is the strongest, by
		# accident; the strongest stands in fences only.
		code "$file" | grep -nE "$implicit|$strongest" |
			grep -vE '_fence\(memory_order_seq_cst\)' |
			sed "s|^\([0-9]*\):.*|$file:\1: sequentially consistent|"
	done
	for file in include/ward/*.h; do
		[ "$file" = include/ward/cxx.h ] && continue # C++'s own
		includes "$file" | while IFS=: read -r f n what; do
			case $what in
			"<ward/"*.h\> | "<stdbool.h>" | "<stddef.h>" | \
				"<stdint.h>") ;;
			*) echo "$f:$n: $what in the public header" ;;
			esac
		done
	done
}

found=$(complain)
[ -z "$found" ] && exit 0
printf '%s\n' "$found"
exit 1
