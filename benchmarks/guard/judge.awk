# SPDX-License-Identifier: BSD-2-Clause
# judge.awk - which ratios are worse than those that were recorded.
#
#	awk -v machine="NAME, N CPUs" -f judge.awk RECORD RATIOS
#
# A line for each that is: "worse", its name, and what both say; likewise "lost"
# for what was recorded and is not there any more, since what was measured then
# has failed now.  "better" and "new" are only told.  The last line sums up.
#
# The rule.  What is recorded of a ratio are the medians of several passes: their
# median, the least and the most.  Now there is one pass: the median of its runs,
# the least and the most of them.  It is worse if both hold:
#
#	the least now > the most recorded
#	the median now > the most recorded + the larger of
#		half of (most - least) recorded, a twentieth of the recorded median
#
# The first asks that the spreads lie apart: one quiet run in a loud pass is enough
# to doubt it.  The second lets the machine be half as unsteady again as it was
# while it was recorded, and is there for records that are narrow by chance.
# guard.sh measures what is worse a second time before it says so.

FNR == NR {
	if ($1 == "machine")
		mine = substr($0, 9) == machine
	else if (mine && NF == 4 && $1 !~ /^#/) {
		name[++names] = $1
		median[$1] = $2
		least[$1] = $3
		most[$1] = $4
	}
	next
}

function larger(a, b) {
	return a > b ? a : b
}

function say(what, id) {
	printf "%s %s: %.3g (%.3g-%.3g), recorded %.3g (%.3g-%.3g)\n", what, id,
		$2, $3, $4, median[id], least[id], most[id]
}

!($1 in median) {
	print "new " $1 ": " $2
	next
}

{
	found[$1] = 1
	compared++
	wide = larger((most[$1] - least[$1]) / 2, median[$1] / 20)
	if ($3 > most[$1] && $2 > most[$1] + wide) {
		worse++
		say("worse", $1)
	} else if ($4 < least[$1] && $2 < least[$1] - wide) {
		say("better", $1)
	}
}

END {
	for (i = 1; i <= names; i++)
		if (!(name[i] in found)) {
			print "lost " name[i]
			lost++
		}
	printf "%d compared, %d worse, %d lost\n", compared, worse, lost
	exit worse + lost > 0
}
