#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The manual says what the headers say: each call has one page, which has it in NAME and
# SYNOPSIS, as it is declared; each constant, and each member of a struct, is in a page;
# what a page marks as a name is in the headers; each page that it refers to is there.
# wardbench(1) and wardtop(1) have the options that those have.  And mandoc finds nothing
# amiss.
#
#	manual.sh [TREE]
set -u
top_builddir=$(cd "${top_builddir:-.}" && pwd) || exit 2
cd "${1:-${top_srcdir:-.}}" || exit 2

names() {
	awk '
function complain(what) { print what; failed = 1 }

# One line, with a blank where words would grow together.
function normal(text) {
	gsub(/[ \t\n]+/, " ", text)
	gsub(/ ?[*] ?/, "*", text)
	gsub(/ ?\( ?/, "(", text)
	gsub(/ ?\) ?/, ")", text)
	gsub(/ ?, ?/, ", ", text)
	sub(/^ /, "", text)
	sub(/ $/, "", text)
	return text
}

function name_of(declaration) {
	sub(/\(.*/, "", declaration)
	sub(/.*[^a-zA-Z0-9_]/, "", declaration)
	return declaration
}

# ---- the headers ----

function words(text) {
	while (match(text, /[A-Za-z_][A-Za-z0-9_]*/)) {
		word[substr(text, RSTART, RLENGTH)]
		text = substr(text, RSTART + RLENGTH)
	}
}

# Those that a program may use: none of a struct'"'"'s initialisation, none that are for
# the headers themselves.
function constants(line) {
	while (match(line, /WARD_[A-Z0-9_]+/)) {
		name = substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART + RLENGTH)
		if (name !~ /_(H|INIT|)$|^WARD_(API|MUST|PRINTF|NORETURN|VERSION_.*)$/)
			constant[name]
	}
}

# "int a, b[3];" and "int (*fn)(void *arg);"
function members(line,	n, part, i) {
	if (line ~ /^struct ward_[a-z_]*[a-z] \{/ && FILENAME !~ /cxx/) {
		of = $2
		return
	}
	if (line ~ /^}/)
		of = ""
	if (of && match(line, /\(\*[a-z_]+\)/))
		member[of " " substr(line, RSTART + 2, RLENGTH - 3)]
	if (!of || line !~ /;/ || line ~ /\)/)
		return
	sub(/;.*/, "", line)
	n = split(line, part, ",")
	for (i = 1; i <= n; i++) {
		sub(/\[.*/, "", part[i])
		sub(/:.*/, "", part[i])
		sub(/[ \t]+$/, "", part[i])
		sub(/.*[ \t*]/, "", part[i])
		if (part[i] !~ /^(size|priv|reserved2?|)$/)
			member[of " " part[i]]
	}
}

function declare(text,	name) {
	gsub(/WARD_(API|MUST|NORETURN)|WARD_PRINTF\([^)]*\)|static inline/, "", text)
	text = normal(text)
	name = name_of(text)
	if (name ~ /^ward_.*[^_]$/)
		declared[name] = text
}

function header(line) {
	while (match(line, /\/\*/)) {
		start = RSTART
		if (!match(substr(line, start), /\*\//)) {
			line = substr(line, 1, start - 1)
			comment = 1
			break
		}
		line = substr(line, 1, start - 1) substr(line, start + RSTART + 1)
	}
	words(line)
	constants(line)
	members(line)
	if (line ~ /^#define [A-Za-z_0-9]+\(/) {
		sub(/^#define /, "", line)
		sub(/\).*/, ")", line)
		macro[normal(line)]
		return
	}
	if (line ~ /^(WARD_API|static inline)/ && FILENAME !~ /cxx/)
		open = " "
	if (open) {
		open = open line "\n"
		if (line ~ /[;{]|^\{/ || line ~ /\)$/) {
			if (line ~ /\)$/ && open !~ /static inline/)
				return
			gsub(/[;{]/, "", open)
			declare(open)
			open = ""
		}
	}
}

FILENAME ~ /\.h$/ {
	if (comment) {
		if (!sub(/^.*\*\//, ""))
			next
		comment = 0
	}
	header($0)
	next
}

# ---- the pages ----

# The words of a macro: those in quotes are one.
function arguments(line,	n) {
	n = 0
	sub(/^\.[A-Z][a-z]+ */, "", line)
	while (line != "") {
		if (match(line, /^"[^"]*"/))
			arg[++n] = substr(line, 2, RLENGTH - 2)
		else {
			match(line, /^[^ ]+/)
			arg[++n] = substr(line, 1, RLENGTH)
		}
		line = substr(line, RLENGTH + 1)
		sub(/^ +/, "", line)
	}
	return n
}

function shown(text,	name) {
	text = normal(text)
	name = name_of(text)
	if (name in in_page)
		complain(page ": " name " is in " in_page[name] ", too")
	in_page[name] = page
	if (!(name in declared)) {
		if (!(text in macro))
			complain(page ": no header has " text)
	} else if (declared[name] != text) {
		complain(page ": " text)
		complain("  is: " declared[name])
	}
	synopsis[page, name]
}

function prototype(	n, i, list) {
	n = arguments($0)
	if ($1 == ".Ft") {
		type = $0
		sub(/^\.Ft "?/, "", type)
		sub(/"$/, "", type)
	} else if ($1 == ".Fn" || $1 == ".Fo") {
		call = type " " arg[1] "("
		type = ""
		list = ""
		for (i = 2; i <= n; i++)
			list = list (list ? ", " : "") arg[i]
		if ($1 == ".Fn")
			shown(call list ")")
	} else if ($1 == ".Fa") {
		for (i = 1; i <= n; i++)
			call = call (call ~ /\($/ ? "" : ", ") arg[i]
	} else if ($1 == ".Fc")
		shown(call ")")
}

# What a page marks as a name of the library.
function refers(	n, i, what, name) {
	n = arguments($0)
	what = substr($1, 2)
	for (i = 1; i <= n; i++) {
		if (arg[i] ~ /^[A-Z][a-z]$/) {
			what = arg[i]
			continue
		}
		name = arg[i]
		sub(/^(struct|enum) /, "", name)
		if (what == "Xr") {
			if (name ~ /^ward/)
				xr[name "." arg[i + 1]] = page
			i++
		} else if ((what == "Fn" && name ~ /^ward_/) ||
			   (what == "Dv" && name ~ /^WARD_/) || what == "Va" ||
			   (what == "Vt" && name ~ /^ward_/)) {
			sub(/^.*(->|\.)/, "", name)
			if (name ~ /^[A-Za-z_0-9]+$/ && !(name in word))
				complain(page ": no header has " name)
		}
		if (what != "Dv" && what != "Va")
			what = ""
	}
}

FNR == 1 {
	page = FILENAME
	sub(/.*\//, "", page)
	have[page]
	section = call = type = ""
	cxx[page] = 0
}
/^\.Sh / { section = $2 }
{
	line = $0
	while (match(line, /[A-Za-z_][A-Za-z0-9_]*/)) {
		told[substr(line, RSTART, RLENGTH)]
		line = substr(line, RSTART + RLENGTH)
	}
}
/^\.In ward\/cxx/ { cxx[page] = 1 }
section == "NAME" && $1 == ".Nm" {
	name = $2
	sub(/.*::/, "", name)
	named[page, name]
	have[$2 "." substr(page, length(page))]
}
section == "SYNOPSIS" && !cxx[page] { prototype() }
section ~ /^(DESCRIPTION|RETURN|THREADS|EXAMPLES|ERRORS|SEE)$/ && /^\./ { refers() }

END {
	for (name in declared)
		if (!(name in in_page))
			complain(name "() is in no page")
	for (name in constant)
		if (!(name in told))
			complain(name " is in no page")
	for (pair in member) {
		split(pair, part, " ")
		if (!(part[2] in told))
			complain(part[2] " of struct " part[1] " is in no page")
	}
	for (pair in named) {
		split(pair, part, SUBSEP)
		if (part[1] !~ /3$/)
			continue
		if (cxx[part[1]] ? !(part[2] in word) : !(pair in synopsis))
			complain(part[1] ": " part[2] " is in NAME only")
	}
	for (pair in synopsis)
		if (!(pair in named)) {
			split(pair, part, SUBSEP)
			complain(part[1] ": " part[2] " is not in NAME")
		}
	for (target in xr)
		if (!(target in have))
			complain(xr[target] ": no page " target)
	exit failed
}' $(find include/ward -name '*.h') man/*.[137]
}

# Programs with libnats alone have these.
nats='^(--)?nats$|^--url$'
[ ! -e "$top_builddir/libward-nats.la" ] || nats='^$'

# The options that --help has, and wardbench's benches, and those of the page.
options() { # PROGRAM
	[ -x "$top_builddir/$1" ] && [ -e "man/$1.1" ] || return 0
	"$top_builddir/$1" --help | sed -nE 's/^  (-?-?[a-z0-9]+) .*/\1/p' |
		LC_ALL=C sort >"$work/has"
	sed -nE '/^\.It Fl -help/d; s/^\.It Fl (-[a-z]+).*/-\1/p; s/^\.It Cm ([a-z0-9]{2,})$/\1/p' \
		"man/$1.1" | grep -vE "$nats" | LC_ALL=C sort >"$work/says"
	diff "$work/has" "$work/says" >"$work/diff" && return
	echo "$1.1: $1 has <, the page says >:"
	grep '^[<>]' "$work/diff"
}

# Pages that are referred to are looked for above, and those of others may not be here.
amiss() {
	[ -z "${MANDOC:-}" ] ||
		$MANDOC -Tlint man/*.[137] 2>"$work/err" |
		grep -v 'referenced manual not found'
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
found=$(names; options wardbench; options wardtop; amiss)
if [ -n "$found" ]; then
	printf '%s\n' "$found"
	exit 1
fi
[ -n "${MANDOC:-}" ] || echo "without mandoc: apt-get install mandoc"
exit 0
