# SPDX-License-Identifier: BSD-2-Clause
# picture.sh's picture.  A line of the two files is a request: when it was asked for, and
# when answered, in ms.

function x(ms) {
	return 56 + ms / 1000 * 120
}

function y(answers) {
	return 236 - answers / 250 * 200
}

function word(class, at, high, anchor, what) {
	printf "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
		class, at, high, anchor, what
}

function rule(class, x1, y1, x2, y2) {
	printf "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
		class, x1, y1, x2, y2
}

function begin() {
	print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 272\" role=\"img\">"
	print "<title>What Node has answered while its threads hang: libuv's own pool, and libward</title>"
	print "<style>"
	print ":root{color-scheme:light dark;--page:#fff;--ink:#1a1a19;--soft:#5c5b57;" \
		"--grid:#e3e2dd;--ours:#1f5fc4;--stock:#d9590b}"
	print "@media(prefers-color-scheme:dark){:root{--page:#161615;--ink:#f1f0ec;" \
		"--soft:#b3b1aa;--grid:#343431;--ours:#6aa5ff;--stock:#f58a47}}"
	print "text{font:12px system-ui,sans-serif;fill:var(--soft)}.title{font-weight:650;" \
		"font-size:14px;fill:var(--ink)}text.ours{fill:var(--ours);font-weight:700}" \
		"text.stock{fill:var(--stock);font-weight:700}"
	print "line{stroke:var(--grid)}line.mark{stroke:var(--soft);stroke-dasharray:2 3}" \
		"polyline{fill:none;stroke-width:2.5;stroke-linejoin:round}" \
		"polyline.ours{stroke:var(--ours)}polyline.stock{stroke:var(--stock);" \
		"stroke-dasharray:6 3}"
	print "</style>"
	print "<rect width=\"720\" height=\"272\" style=\"fill:var(--page)\"/>"
	word("title", 12, 20, "start", "Answers so far, of 50 asked for each second")
	for (i = 0; i <= 5; i++)
		word("tick", x(1000 * i), 254, "middle", i " s")
	for (i = 0; i <= 250; i += 50) {
		rule("grid", x(0), y(i), x(5000), y(i))
		word("tick", x(0) - 6, y(i) + 4, "end", i)
	}
	for (i = 1000; i <= 3000; i += 2000) {
		rule("mark", x(i), y(0), x(i), y(250))
		word("tick", x(i) + 6, y(250) + 14, "start", i == 1000 ? "4 reads hang" : "4 more")
	}
}

# All answers of one pool; a step at each.
function line(class, pool,	i) {
	printf "<polyline class=\"%s\" points=\"%.1f,%.1f", class, x(0), y(0)
	for (i = 1; i <= n[pool]; i++)
		printf " %.1f,%.1f %.1f,%.1f", x(at[pool, i]), y(i - 1), x(at[pool, i]), y(i)
	printf " %.1f,%.1f\"/>\n", x(5000), y(n[pool])
}

FNR == 1 { pool++ }
$2 <= 5000 { at[pool, ++n[pool]] = $2 }

END {
	if (pool != 2 || n[1] < 10) {
		print "picture.awk: not two files of answers" >"/dev/stderr"
		exit 1
	}
	begin()
	line("stock", 1)
	line("ours", 2)
	word("ours", x(5000) - 4, y(n[2]) + 40, "end", "libward")
	word("stock", x(5000) - 4, y(n[1]) - 8, "end", "libuv's own pool")
	print "</svg>"
}
