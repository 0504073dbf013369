#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A name in a comment or a document is one in the code.
#
#	names.sh [TREE]
#
# In the documents, and in the comments of each source: a name() is called, or
# defined, and where a file stands after it, there; a struct is one; a file.c is in
# the tree; and a word with an underscore, in back quotes or in capitals is a name in
# code.  Each word of the glossary is, too, or a part of one, in the file beside it.
set -u
cd "${1:-${top_srcdir:-.}}" || exit 2

# Words of the C library, the kernel and other projects; what programs print, by parts
# (fib_1, death_p99); and what an example or a sentence needs.
others='^_*(pthread|memory_order|std|hwloc|uv|g|RLIMIT|CONFIG)_|io_uring|^(clone3|ck_ec|ck_ring.h|dladdr|exit_group'
others="$others|getcpu|heavy|light|linux_dirent64|mlockall|openat2|posix_spawn.*|p?select"
others="$others|rt_sigreturn|sd_notify|sendfile|siginfo|sigwait|terminate|brk)\$"
others="$others|^(std(io|lib)|string|signal|json|first|sys/sdt|8080/decisions)[.](c|h|md)\$"
others="$others|^(fib|tree|loop|late|load|death|rawexit|fault|raise|livelock|blocked|hung"
others="$others|wakeup|trip|start|slot|steward|bare|wall|cpu|switches|K)_([0-9]+|50us_|p99|max|budget"
others="$others|(death|raise|detect|heal)_)?\$|^(sum_run|carries|that|to|with)\$"
others="$others|^(ABI|AMD|ARG|ATM|BIG|CONTROLLERS|DWARF|ELF|ENFILE|EPYC|FFF[DF]|FNV"
others="$others|JSON|JWT|NATS|HEALTH|HOST|max_deliver|GCRA|HIERARCHY|LICENSE|LIFO|NUL|NUMA|RCU|README|SIGUSR|SONAME|TID|UID|UTC"
others="$others|UTF|UUID)\$"

sources() {
	find include lib tests benchmarks adapters examples man tools m4 configure.ac Makefile.am \
		bootstrap .ci -type f ! -name '*.md' ! -name '*.[137]' ! -name '*~' \
		2>/dev/null |
		grep -vE '/(libtool|lt[^/]*)\.m4$' | LC_ALL=C sort
}

papers() {
	find *.md docs tests benchmarks examples -name '*.md' 2>/dev/null |
		LC_ALL=C sort
}

{ sources; papers; } | awk -v others="$others" '
function words(text,	word, n, part, j) { # the names of code
	while (match(text, /[A-Za-z_][A-Za-z0-9_]*/)) {
		word = substr(text, RSTART, RLENGTH)
		text = substr(text, RSTART + RLENGTH)
		name[word]
		if (!((room, word) in met)) {
			met[room, word]
			n = split(tolower(word), part, "_")
			for (j = 1; j <= n; j++) {
				stands[room, part[j]]
				stands[room, part[j] "_" part[j + 1]]
				stands[room, part[j] "_" part[j + 1] "_" part[j + 2]]
			}
		}
		if (text ~ /^\)?[ \t]*\(/) {
			called[word]
			calls[room, word]
		}
		if (before == "struct" || before == "union" || before == "enum")
			kind[word]
		before = word
	}
}

function refer(text) { # keeps what a text refers to
	if (text ~ /SPDX-License-Identifier/)
		return
	said[++many] = text
	place[many] = file ":" line
}

function source(text, c,	out) {
	if (!c) {
		if (text !~ /^[ \t]*#/)
			words(text)
		return
	}
	while (text != "") {
		if (inside) {
			at = index(text, "*/")
			refer(at ? substr(text, 1, at - 1) : text)
			if (!at)
				return
			text = substr(text, at + 2)
			inside = 0
		} else if (match(text, /\/\*|\/\/|"([^"\\]|\\.)*"|'\''[^'\'']*'\''/)) {
			at = RSTART
			end = at + RLENGTH
			two = substr(text, at, 2)
			inside = two == "/*"
			words(substr(text, 1, (inside ? at : end) - 1))
			text = substr(text, end)
			if (two == "//") {
				refer(text)
				return
			}
		} else {
			words(text)
			return
		}
	}
}

function complain(where, what) {
	print where ": " what
	failed = 1
}

function is(word, k) { # or the beginning (LANE_SWEEP_*) or the end (_INIT) of some
	if (word in name || word in stem || word ~ others)
		return 1
	if (word ~ /_$/) {
		for (k in name)
			if (index(k, word) == 1)
				return 1
	} else if (word ~ /^_|^[A-Z0-9_]+$/) {
		sub(/^_*/, "_", word)
		for (k in name)
			if (substr(k, length(k) - length(word) + 1) == word)
				return 1
	}
	return 0
}

# | word | what it is | `file.h` | elsewhere |
function gloss(where, text,	cell, word) {
	if (split(text, cell, /[ \t]*\|[ \t]*/) != 6 || cell[4] !~ /^`/)
		return
	gsub(/`|.*\//, "", cell[4])
	word = cell[2]
	gsub(/ /, "_", word)
	if (!((cell[4], word) in stands) && !((cell[4], word "s") in stands))
		complain(where, cell[2] " is not in " cell[4])
	glossed++
}

function check(where, text,	word, rest) {
	rest = text " "
	while (match(rest, /`[a-z_0-9]+\(\)`,? [a-z_]+\.[ch][^a-z]/)) {
		word = substr(rest, RSTART + 1)
		rest = substr(rest, RSTART + RLENGTH)
		split(word, pair, /[^a-z_0-9.]+/)
		sub(/[.]$/, "", pair[2])
		if (!((pair[2], pair[1]) in calls))
			complain(where, pair[1] "() is not in " pair[2])
	}
	rest = text
	while (match(rest, /[A-Za-z_][A-Za-z0-9_]*\(\)/)) {
		word = substr(rest, RSTART, RLENGTH - 2)
		rest = substr(rest, RSTART + RLENGTH)
		if (!(word in called) && word !~ others && (word !~ /^_/ || !is(word)))
			complain(where, word "() is no function")
	}
	rest = text
	while (match(rest, /struct [a-z_][a-z0-9_]*/)) {
		word = substr(rest, RSTART + 7, RLENGTH - 7)
		rest = substr(rest, RSTART + RLENGTH)
		if (!(word in kind) && word !~ others)
			complain(where, "struct " word " is none")
	}
	rest = text
	while (match(rest, /[A-Za-z0-9_.\/-]*[A-Za-z0-9_]\.(c|h|sh|md|mk|ac|am|map)[^A-Za-z0-9_]/) ||
	       match(rest, /[A-Za-z0-9_.\/-]*[A-Za-z0-9_]\.(c|h|sh|md|mk|ac|am|map)$/)) {
		word = substr(rest, RSTART, RLENGTH)
		rest = substr(rest, RSTART + RLENGTH)
		sub(/[^A-Za-z0-9_]$/, "", word)
		sub(/^.*\.\.\//, "", word)
		if (!(word in filed) && word !~ others)
			complain(where, word " is no file")
	}
	rest = text
	while (match(rest, /[A-Za-z0-9_]*[A-Za-z0-9]_[A-Za-z0-9_]*/)) {
		word = substr(rest, RSTART, RLENGTH)
		rest = substr(rest, RSTART + RLENGTH)
		if (!is(word))
			complain(where, word " is no name")
	}
	rest = text
	gsub(/[A-Za-z0-9]*_[A-Za-z0-9_]*/, " ", rest)
	while (where ~ /^(lib|include)\/|[.]md:/ && match(rest, /[A-Z][A-Z][A-Z]+/)) {
		word = substr(rest, RSTART, RLENGTH)
		rest = substr(rest, RSTART + RLENGTH)
		if (!is(word))
			complain(where, word " is no name, or end of one")
	}
	rest = text
	while (match(rest, /`[^`]*`/)) {
		word = substr(rest, RSTART + 1, RLENGTH - 2)
		rest = substr(rest, RSTART + RLENGTH)
		if (word !~ /^[A-Za-z][A-Za-z0-9_]*((\.|->)[a-z_]+)*$/ || word in filed)
			continue
		n = split(word, part, /\.|->/)
		for (j = 1; j <= n; j++)
			if (!is(part[j]))
				complain(where, part[j] " is no name")
	}
}

function has(path,	tail) { # lib/lane/lane.c, lane/lane.c, lane.c
	for (tail = path; tail != ""; ) {
		filed[tail]
		if (!index(tail, "/"))
			break
		sub(/^[^\/]*\//, "", tail)
	}
	sub(/\.[a-z]*$/, "", tail)
	stem[tail]
}

{
	file = $0
	line = inside = 0
	before = ""
	c = file ~ /\.(c|h|cc|cpp|hpp)$/
	md = file ~ /\.md$/
	has(file)
	room = file
	sub(/^.*\//, "", room)
	while ((getline text <file) > 0) {
		line++
		if (md && file != "CHANGELOG.md") # that is history
			refer(text)
		else if (!md)
			source(text, c)
	}
	close(file)
}

END {
	for (i = 1; i <= many; i++) {
		if (place[i] ~ /^docs\/glossary[.]md:/) {
			gloss(place[i], said[i])
			sub(/\|[^|]*\|$/, "", said[i]) # of others
		}
		check(place[i], said[i])
	}
	if (!glossed)
		complain("docs/glossary.md", "no words")
	exit failed
}'
