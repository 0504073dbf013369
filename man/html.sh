#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The manual as HTML: a file for each page, and index.html with all calls.  A reference to
# a call leads to its prototype.
#
#	html.sh FOLDER PAGE...		MANDOC names the formatter
set -eu
here=$(dirname "$0")
out=$1
shift
mkdir -p "$out"
rm -f "$out"/*
cp "$here/ward.css" "$out"

# "PAGE NAME" of each name that is not its page's own
names=$(sh "$here/calls.sh" "$@" | while read -r page name; do
	[ "$page" = "$name.${page##*.}" ] || echo "$page $name"
done)

# where references lead that name a call, or another project's page
leads=$(printf '%s\n' "$names" | while read -r page name; do
	echo "s|href=\"$name.${page##*.}.html\"|href=\"$page.html#$name\"|g"
done
echo 's,href="(([^w]|w[^a]|wa[^r]|war[^d])[^"]*\.[1-8])\.html",href="https://manpages.debian.org/\1",g')

# the way back, and the first place that has a name, which is in SYNOPSIS, as its anchor
anchors() {
	awk 'function with(text, id) { # the first tag has it
		sub(/>/, " id=\"" id "\">", text)
		return text
	}
	/^<body>/ { $0 = $0 "\n<p><a href=\"index.html\">libward: the manual</a></p>" }
	match($0, / id="[^"]*"/) { # by mandoc
		name = substr($0, RSTART + 5, RLENGTH - 6)
		if (name in seen)
			$0 = substr($0, 1, RSTART - 1) substr($0, RSTART + RLENGTH)
		seen[name]
	}
	match($0, /<(code class="Fn|var class="Vt)">[^<]*</) {
		name = substr($0, RSTART, RLENGTH - 1)
		sub(/.*[> ]/, "", name)
		if (name ~ /^[A-Za-z_:]+$/ && !(name in seen))
			$0 = substr($0, 1, RSTART) \
				with(substr($0, RSTART + 1), name)
		seen[name]
	} 1'
}

row() { # PAGE
	page=${1##*/}
	title="${page%.*}(${page##*.})"
	echo "<tr><td><a href=\"$page.html\">$title</a></td>"
	echo "<td>$(sed -n 's/^\.Nd //p' "$1")<br>"
	printf '%s\n' "$names" | while read -r of name; do
		[ "$of" != "$page" ] ||
			echo "<a href=\"$page.html#$name\"><code>$name</code></a>"
	done
	echo "</td></tr>"
}

for page in "$@"; do
	$MANDOC -Thtml -O style=ward.css,man=%N.%S.html "$page" |
		sed -E "$leads" | anchors >"$out/${page##*/}.html"
done
{
	cat <<-'EOT'
	<!DOCTYPE html>
	<html lang="en">
	<head>
	<meta charset="utf-8">
	<meta name="viewport" content="width=device-width, initial-scale=1.0">
	<link rel="stylesheet" href="ward.css">
	<title>libward: the manual</title>
	</head>
	<body>
	<h1>libward: the manual</h1>
	<p>Begin with <a href="ward.7.html">ward(7)</a>, the model in two screens.</p>
	<table class="calls">
	EOT
	for page in "$@"; do
		row "$page"
	done
	printf '%s\n' "</table>" "</body>" "</html>"
} >"$out/index.html"
