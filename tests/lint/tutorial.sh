#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# docs/tutorial.md shows what stands in examples/tutorial: each block of C is in the program
# that was named last before it, line for line, and each output is what that is expected to
# print.  (That it does, examples.sh sees.)
#
#	tutorial.sh [TREE]
set -u
cd "${1:-${top_srcdir:-.}}" || exit 2

awk '
function complain(what) {
	print "docs/tutorial.md:" first ": " what
	failed = 1
}

function all_of(file,	line, text) {
	while ((getline line <file) > 0)
		text = text line "\n"
	close(file)
	return text
}

function finish() {
	if (language == "c") {
		if (!index(all_of(step ".c"), "\n" text))
			complain("not in " step ".c")
		programs[step]
	} else if (language == "text" && said ~ /It prints|hear$/) {
		if (all_of(step ".expect") != text)
			complain("not what is in " step ".expect")
		outputs[step]
	}
}

/^```/ && !inside {
	inside = 1
	language = substr($0, 4)
	text = ""
	first = NR
	next
}
/^```/ {
	inside = 0
	finish()
	next
}
inside { text = text $0 "\n"; next }
match($0, /examples\/tutorial\/step[0-9]+/) { step = substr($0, RSTART, RLENGTH) }
/[^ ]/ && !/^<!--/ { said = $0 }

END {
	for (i = 1; i <= 7; i++) {
		step = "examples/tutorial/step" i
		if (!(step in programs) || !(step in outputs))
			complain(step " is not shown, or its output is not")
	}
	exit failed
}' docs/tutorial.md
