# SPDX-License-Identifier: BSD-2-Clause
# Takes the programs out of documents: Markdown, and pages of the manual.
#
#	awk -v out=FOLDER -f programs.awk FILE...
#
# A block of C is a program: in Markdown one of ```c (```cpp: C++), in a page one
# between .Bd -literal and .Ed.  The line before the block, a comment, may say more:
#
#	part		no program of its own: it is compiled behind the headers that
#			it is likely to need, and not run
#	C++		a program in C++, in a page
#	not C		neither
#
# The block after a program whose last line of text begins with "It prints" is what the
# program prints.  "..." in it stands for anything in a line, and the comment
# "any order" lets lines come as they like.
#
# For each program there is a file in FOLDER, FILE-LINE.c (.cc), beside it
# FILE-LINE.expected, and FILE-LINE.part or FILE-LINE.any if a comment says so.

function complain(what) {
	print FILENAME ":" FNR ": " what
	failed = 1
}

# The source as it is to be compiled, from that of a page.
function plain(line) {
	gsub(/\\e/, "\\", line)
	gsub(/\\&/, "", line)
	return line
}

function begin(what) {
	inside = what
	text = ""
	first = FNR
	count[what]++
}

function base(	name) {
	name = FILENAME
	sub(/.*\//, "", name)
	gsub(/\./, "_", name)
	return out "/" name "-" first
}

function write(file, text) {
	printf "%s", text >file
	close(file)
}

function finish() {
	if (inside == "C") {
		if (mark != "part" && text !~ /int main\(/) {
			complain("neither a program nor marked as a part")
			last = ""
		} else {
			last = base()
			write(last (cxx ? ".cc" : ".c"), "#line " first + 1 " \"" \
			      FILENAME "\"\n" text)
			if (mark == "part")
				write(last ".part", "")
		}
	} else if (inside == "output") {
		write(last ".expected", text)
		if (mark == "any order")
			write(last ".any", "")
		last = ""
	} else
		last = ""
	inside = mark = said = ""
}

# A line of text, no block: what it says of the next block is kept.
function outside(line, comment) {
	if (line ~ comment) {
		gsub(/^(\.\\"|<!--) | -->$/, "", line)
		if (line ~ /^(part|C[+][+]|not C|any order)$/)
			mark = line
	} else if (line !~ /^(\.Pp)?[ \t]*$/) {
		said = line
		mark = ""
	}
}

function kind_of(language) {
	if (last != "" && said ~ /^It prints/)
		return "output"
	return language && mark != "not C" ? "C" : "other"
}

FNR == 1 {
	if (inside)
		complain("a block without an end")
	md = FILENAME ~ /\.md$/
	inside = mark = said = last = ""
}

md && /^[ \t]*```/ {
	language = $0
	sub(/^[ \t]*```/, "", language)
	cxx = language == "cpp"
	if (inside)
		finish()
	else
		begin(kind_of(language == "c" || cxx))
	next
}
!md && /^\.Bd -literal/ && !inside {
	cxx = mark == "C++"
	begin(kind_of(1))
	next
}
!md && /^\.Ed/ && inside {
	finish()
	next
}
inside { text = text (md ? $0 : plain($0)) "\n"; next }
md { outside($0, "^<!-- .* -->$") }
!md && !/^\.(Bd|Ed)/ { outside($0, "^\\.\\\\\" ") }

END {
	if (inside)
		complain("a block without an end")
	print count["C"] + 0 " blocks of C, " count["output"] + 0 " outputs"
	exit failed
}
