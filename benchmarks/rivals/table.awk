# SPDX-License-Identifier: BSD-2-Clause
# Lines in the form of wardbench --json to a table: the median of all passes, and
# below it the least and the most.

{
	key = field("impl") "/" field("bench") "/" field("metric") "/" \
		field("producers") "x" field("workers")
	value[key, n[key]++] = field("median") + 0
}

function number(v) {
	return sprintf(v == 0 || v >= 100 ? "%.0f" : v >= 10 ? "%.1f" : "%.2f", v)
}

function sort(key,   i, k, v) {
	for (i = 1; i < n[key]; i++) {
		v = value[key, i]
		for (k = i; k > 0 && value[key, k - 1] > v; k--)
			value[key, k] = value[key, k - 1]
		value[key, k] = v
	}
}

function median(key,   half) {
	half = int(n[key] / 2)
	return n[key] % 2 ? value[key, half] : \
		(value[key, half - 1] + value[key, half]) / 2
}

function title(text, columns,   head, i, m) {
	printf "\n%-48s", text
	m = split(columns, head)
	for (i = 1; i <= m; i++)
		printf "%14s", head[i]
	print ""
}

# A row of what an implementation did in a bench; who was not asked has none.
function row(label, impl, bench, cells,   cell, i, m, key, any, below) {
	m = split(cells, cell)
	for (i = 1; i <= m; i++)
		any += n[impl "/" bench "/" cell[i]]
	if (!any)
		return
	printf "%-48s", label
	below = sprintf("%-48s", "")
	for (i = 1; i <= m; i++) {
		key = impl "/" bench "/" cell[i]
		sort(key)
		printf "%14s", n[key] ? number(median(key)) : "-"
		below = below sprintf("%14s", n[key] < 2 ? "" : \
			number(value[key, 0]) "-" number(value[key, n[key] - 1]))
	}
	print ""
	if (below ~ /[0-9]/)
		print below
}

function us(kind, shape) {
	return kind "_p50/" shape " " kind "_p99/" shape
}

END {
	shapes = "task/1x1 task/1x2 task/2x2 task/8x8"
	title("empty task, ns, producers x workers", "1x1 1x2 2x2 8x8")
	row("ward", "ward", "throughput", shapes)
	row("Go: buffered channel, workers", "go", "throughput", shapes)
	row("Rust: crossbeam's channel, workers", "crossbeam", "throughput", shapes)
	row("Rust: rayon, spawned from outside", "rayon", "throughput", shapes)
	row("Rust: rayon, spawned by one of its own", "rayon_scope", \
		"throughput", shapes)
	row("Java: ForkJoinPool", "forkjoinpool", "throughput", shapes)
	row("Java: ThreadPoolExecutor", "threadpool", "throughput", shapes)

	forks = "fib/1x1 fib/1x2"
	title("a fork of fib(32), ns, workers", "1 2")
	row("ward", "ward", "forkjoin", forks)
	row("ward: joins that name the function", "ward_call", "forkjoin", forks)
	row("Rust: rayon::join", "rayon", "forkjoin", forks)
	row("Java: RecursiveTask", "forkjoinpool", "forkjoin", forks)

	for (cpus = 1; cpus < 1024; cpus++)
		if (n["ward/work1us/over_ideal/1x" cpus])
			break
	if (cpus == 1024)
		cpus = "W"
	title("tasks of 1 us, % over ideal", "1x" cpus)
	row("ward", "ward", "work1us", "over_ideal/1x" cpus)
	row("Go", "go", "work1us", "over_ideal/1x" cpus)

	title("one task on 8 idle workers, us", "p50 p99 p99.9")
	row("ward: submit to start", "ward", "latency", \
		us("start", "1x8") " start_p999/1x8")
	row("Go", "go", "latency", us("start", "1x8") " start_p999/1x8")
	row("ward: there and back", "ward", "latency", \
		us("trip", "1x8") " trip_p999/1x8")
	row("Go", "go", "latency", us("trip", "1x8") " trip_p999/1x8")

	title("end of a worker to the one in its place, us", "p50 p99")
	row("ward: ward_raise(), next task on that seat", "ward", "heal", \
		us("raise", "1x1"))
	row("ward: a worker's thread dies", "ward", "heal", us("death", "1x1"))
	row("ward: a ward's thread dies", "ward", "heal", us("ward", "1x1"))
	row("Go: panic, recovered, told by a channel", "go", "heal", \
		us("panic", "1x1"))
	row("OTP one_for_one: a worker exits", "otp", "heal", us("exit", "1x1"))
	row("OTP one_for_one: a worker is killed", "otp", "heal", \
		us("kill", "1x1"))

	title("no heartbeat for 10 ms, last one to its successor", "p50,us p99,us")
	row("ward: blocked, budget 10 ms, a look each 2 ms", "ward", "heal", \
		us("hung", "1x1"))
	row("Go: steward, timeout 10 ms", "go", "heal", us("hung", "1x1"))

	title("4 healthy, a beat each 2 ms, 8 processes spin", "in_10_s")
	row("ward: taken for lost", "ward", "heal", "beating_convicted/1x4")
	row("Go: restarted", "go", "heal", "beating_convicted/1x4")
}
