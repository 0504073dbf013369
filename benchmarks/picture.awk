# SPDX-License-Identifier: BSD-2-Clause
# The picture at the head of README.md: the plots of one section of the report, with their
# titles, as one SVG that stands by itself.
#
#	make picture		measures, and draws it
#	awk -f picture.awk REPORT.html > PICTURE.svg

# Side by side, each in a box of its own.
function place(	i, x) {
	for (i = 1; i <= plots; i++) {
		x = (i - 1) * wide
		printf "<text class=\"title\" x=\"%d\" y=\"20\">%s</text>\n", x + 12, title[i]
		printf "<svg x=\"%d\" y=\"20\" width=\"%d\" height=\"%d\" " \
		       "viewBox=\"0 0 %d %d\">\n%s</svg>\n", x, wide, high, wide, high, plot[i]
	}
	printf "<text class=\"tick\" x=\"12\" y=\"%d\">%s</text>\n", high + 34,
		caption " " machine "."
}

/<style>/ { inside = "style"; next }
/<\/style>/ { inside = "" }
inside == "style" { style = style $0 "\n" }

/<p class="soft">/ && !machine {
	gsub(/<[^>]*>/, "")
	machine = $0
	sub(/, libward.*/, "", machine)
}
/<h2>/ { here = /while workers are lost/ }
!here { next }
/<h3>/ {
	gsub(/<[^>]*>/, "")
	title[++plots] = $0
	next
}
/<svg / && plots {
	split($0, word, "\"")
	split(word[2], box, " ")
	wide = box[3]
	high = box[4]
	inside = "plot"
	next
}
/<\/svg>/ { inside = "" }
inside == "plot" { plot[plots] = plot[plots] $0 "\n" }
/<figcaption>/ && !caption {
	gsub(/<[^>]*>/, "")
	caption = $0
}

END {
	if (!plots) {
		print "picture.awk: the report has no losses" >"/dev/stderr"
		exit 1
	}
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" " \
	       "role=\"img\">\n", plots * wide, high + 42
	printf "<title>Answers a second while workers are lost: libward, and a plain pool" \
	       "</title>\n<style>\n%s", style
	# The page's rules are for a plot in a figure.
	print "svg,svg svg{width:auto;height:auto;font-family:system-ui,sans-serif}"
	print ".title{font-weight:650;font-size:14px}"
	print "</style>"
	printf "<rect width=\"%d\" height=\"%d\" style=\"fill:var(--page)\"/>\n", plots * wide, high + 42
	place()
	print "</svg>"
}
