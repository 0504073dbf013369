/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cxx.cc - what a lambda costs beside the calls in C: ns a task, one submitter and so many
 * workers, 'window' tasks under way.  "make bench-cxx"; the figures are in
 * docs/benchmarks.md.
 *
 * Each row is the median of nine runs, and the rows of a table take turns.  In C a task and
 * its answer lie in an array of the program's, and the submitter waits for the oldest
 * answer as future.get() does.
 */
#include <ward/cxx.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <vector>

static unsigned tasks;

struct job {
	ward_task task;
	std::atomic<uint32_t> answered;
	uint64_t captured, result;
};

static int run(ward_task *task)
{
	job *self = reinterpret_cast<job *>(task);

	self->result = self->captured + 1;
	return 0;
}

static void done(ward_task *task, int)
{
	job *self = reinterpret_cast<job *>(task);

	if (self->answered.exchange(1, std::memory_order_acq_rel) == 2)
		ward_wake(reinterpret_cast<uint32_t *>(&self->answered));
}

static void await(job &j)
{
	uint32_t none = 0;

	if (j.answered.load(std::memory_order_acquire) == 1)
		return;
	j.answered.compare_exchange_strong(none, 2);
	while (j.answered.load(std::memory_order_acquire) != 1)
		if (ward_block_on(reinterpret_cast<uint32_t *>(&j.answered), 2,
				  WARD_FOREVER))
			std::abort();
}

/* In C, with done() and without release(): a job is used again once it is at rest, which
 * a window of twice as many jobs sees to. */
static void in_c(const libward::pool &pool, unsigned window)
{
	std::vector<job> jobs(2 * window + 64);
	uint64_t sum = 0;

	for (unsigned i = 0; i < tasks + window; i++) {
		if (i >= window) {
			job &old = jobs[(i - window) % jobs.size()];

			await(old);
			sum += old.result;
		}
		if (i >= tasks)
			continue;
		job &j = jobs[i % jobs.size()];

		j.task.run = run;
		j.task.done = done;
		j.answered.store(0, std::memory_order_relaxed);
		j.captured = i;
		while (ward_submit(pool.get(), &j.task, WARD_FOREVER) == -EBUSY)
			;
	}
	if (sum != uint64_t(tasks) * (tasks + 1) / 2)
		std::abort();
}

static void by_futures(const libward::pool &pool, unsigned window)
{
	std::vector<libward::future<uint64_t>> under_way(window);
	uint64_t sum = 0;

	for (uint64_t i = 0; i < tasks + window; i++) {
		auto &f = under_way[i % window];

		if (f.valid())
			sum += f.get();
		if (i < tasks)
			f = pool.submit([i] { return i + 1; });
	}
	if (sum != uint64_t(tasks) * (tasks + 1) / 2)
		std::abort();
}

static void by_own_tasks(const libward::pool &pool, unsigned window)
{
	struct fn {
		uint64_t *i;
		uint64_t operator()() const
		{
			return *i + 1;
		}
	};
	std::vector<uint64_t> numbers(window);
	std::vector<std::unique_ptr<libward::task<fn>>> under_way;
	uint64_t sum = 0;

	for (auto &n : numbers)
		under_way.push_back(std::make_unique<libward::task<fn>>(fn{ &n }));
	for (uint64_t i = 0; i < tasks + window; i++) {
		auto &t = *under_way[i % window];

		if (i >= window)
			sum += t.get();
		if (i >= tasks)
			continue;
		t.rest();
		numbers[i % window] = i;
		if (pool.submit(t))
			std::abort();
	}
	for (auto &t : under_way)
		t->rest();
	if (sum != uint64_t(tasks) * (tasks + 1) / 2)
		std::abort();
}

/* Nobody waits for one, in C and in C++; the pool is drained of them by a lane of none. */
static std::atomic<uint64_t> ran;

static void in_c_going(const libward::pool &pool, unsigned)
{
	for (uint64_t i = 0; i < tasks; i++)
		if (ward_go(pool.get(), [](void *) {
			    ran.fetch_add(1, std::memory_order_relaxed);
			    return 0;
		    }, nullptr, WARD_FOREVER))
			std::abort();
	while (ran.load() % tasks)
		ward_pause(ward_in(WARD_US(10)));
}

static void going(const libward::pool &pool, unsigned)
{
	for (uint64_t i = 0; i < tasks; i++)
		if (pool.go([] { ran.fetch_add(1, std::memory_order_relaxed); }))
			std::abort();
	while (ran.load() % tasks)
		ward_pause(ward_in(WARD_US(10)));
}

struct row {
	const char *name;
	void (*fn)(const libward::pool &pool, unsigned window);
	std::array<double, 9> ns;
};

static void table(const libward::pool &pool, unsigned workers, unsigned window,
		  std::vector<row> rows)
{
	tasks = window == 1 ? 10000 : 200000;
	for (size_t i = 0; i < rows[0].ns.size(); i++)
		for (row &r : rows) {
			ward_ns from = ward_now();

			r.fn(pool, window);
			r.ns[i] = double(ward_now() - from) / tasks;
		}
	for (row &r : rows) {
		std::sort(r.ns.begin(), r.ns.end());
		std::printf("%-18s %2u workers %4u under way  %7.1f ns  (%.1f to %.1f)\n",
			    r.name, workers, window, r.ns[4], r.ns[1], r.ns[7]);
	}
}

int main(int argc, char **argv)
{
	unsigned workers = argc > 1 ? unsigned(std::atoi(argv[1])) : 1;
	libward::pool pool(workers);

	for (unsigned window : { 1u, 64u, 1024u })
		table(pool, workers, window,
		      { { "C", in_c, {} },
			{ "submit(), get()", by_futures, {} },
			{ "task", by_own_tasks, {} } });
	table(pool, workers, 0,
	      { { "ward_go()", in_c_going, {} }, { "go()", going, {} } });
	return 0;
}
