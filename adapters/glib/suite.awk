# SPDX-License-Identifier: BSD-2-Clause
# suite.sh's table.  A line is: library, and "kind" and that of a report; or "ok", "not" or
# "skip", a test and its case; or "why", a test, and what it said.

$2 == "kind" {
	n[$1, $3]++
	next
}
$2 == "why" {
	why[$3] = why[$3] "\t" $1 ": " substr($0, index($0, $4)) "\n"
	next
}
{
	n[$1, $2]++
	if ($2 == "not") {
		bad[$1, $3, $4]++
		names[$3, $4]
	}
}

END {
	printf "%-10s %7s %7s %8s %10s %10s\n", "GLib", "passed", "failed", "skipped",
		"convicted", "came home"
	split("stock healed exercised", library)
	for (i = 1; i <= 3; i++) {
		l = library[i]
		printf "%-10s %7d %7d %8d %10d %10d\n", l, n[l, "ok"], n[l, "not"],
			n[l, "skip"], n[l, "blocked"], n[l, "home"]
		if (!n[l, "ok"])
			wrong = wrong l " did not run\n"
	}
	if (!n["exercised", "blocked"])
		wrong = wrong "nothing was convicted\n"
	for (name in names) {
		split(name, r, SUBSEP)
		if (("stock", r[1], r[2]) in bad)
			continue
		wrong = wrong r[1] " " r[2] " fails, and not with GLib's own pools: healed "
		wrong = wrong bad["healed", r[1], r[2]] + 0 " times, exercised "
		wrong = wrong bad["exercised", r[1], r[2]] + 0 "\n" why[r[1]]
	}
	printf "%s", wrong ? wrong : "nothing fails that passes with GLib's own pools\n"
	exit wrong != ""
}
