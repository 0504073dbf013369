# SPDX-License-Identifier: BSD-2-Clause
# suite.sh's table.  A line is: user, library, and "kind" and that of a report, or the
# test's name, with "not" before it, or "# SKIP" after; or "why", of the test before.

function count(user, library, what) {
	if (!((user, library) in began))
		row[rows++] = user SUBSEP library
	began[user, library]
	n[user, library, what]++
}

$3 == "kind" {
	if ($4 == "blocked" || $4 == "home")
		count($1, $2, $4)
	next
}
$3 == "why" {
	if ($4 == "Assertion" || $4 == "timeout")
		why = why $0 "\n"
	next
}
$3 == "not" {
	count($1, $2, "failed")
	bad[$1, $2, $4]++
	names[$1, $4]
	next
}
/# *SKIP/ {
	count($1, $2, "skipped")
	next
}
{ count($1, $2, "passed") }

END {
	printf "%-8s %-10s %7s %7s %8s %10s %10s\n", "user", "libuv", "passed", "failed",
		"skipped", "convicted", "came home"
	for (i = 0; i < rows; i++) {
		split(row[i], r, SUBSEP)
		printf "%-8s %-10s %7d %7d %8d %10d %10d\n", r[1], r[2],
			n[row[i], "passed"], n[row[i], "failed"], n[row[i], "skipped"],
			n[row[i], "blocked"], n[row[i], "home"]
		if (r[2] == "exercised" && !n[row[i], "blocked"])
			wrong = wrong "as " r[1] ": nothing was convicted\n"
		if (!n[row[i], "passed"])
			wrong = wrong "as " r[1] ": " r[2] " did not run\n"
	}
	for (name in names) {
		split(name, r, SUBSEP)
		if ((r[1], "stock", r[2]) in bad)
			continue
		wrong = wrong "as " r[1] ": " r[2] " fails, and not with libuv's own pool:"
		wrong = wrong " healed " bad[r[1], "healed", r[2]] + 0 " times,"
		wrong = wrong " exercised " bad[r[1], "exercised", r[2]] + 0 "\n"
	}
	if (!rows)
		wrong = "no test was run\n"
	if (wrong)
		printf "%s", why
	printf "%s", wrong ? wrong : "nothing fails that passes with libuv's own pool\n"
	exit wrong != ""
}
