/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * onetbb.cc - oneTBB.  For forkjoin: task_group, run and wait, in an arena of so many;
 * parallel_for.
 * As a pool in two ways.  enqueue() to an arena is what its guide names for work that
 * nobody waits for; no place of the arena is kept for submitters.  A task_group is for
 * threads that are in the arena themselves, each with a deque of its own there; a
 * thread that waits for its group runs its tasks, too.
 */
#include "forkjoin.h"
#include "rival.h"

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#include <deque>
#include <thread>
#include <vector>

static tbb::global_control *limit;
static tbb::task_arena *arena;

static uint64_t fib(unsigned n)
{
	uint64_t left, right;
	tbb::task_group group;

	if (n < 2)
		return n;
	group.run([&left, n] { left = fib(n - 1); });
	right = fib(n - 2);
	group.wait();
	return left + right;
}

static uint64_t tree(uint32_t leaves)
{
	uint32_t small = small_part(leaves);
	uint64_t left, right;
	tbb::task_group group;

	if (leaves == 1)
		return 1;
	group.run([&left, small] { left = tree(small); });
	right = tree(leaves - small);
	group.wait();
	return left + right;
}

static bool up(unsigned workers)
{
	limit = new tbb::global_control(
		tbb::global_control::max_allowed_parallelism, workers);
	arena = new tbb::task_arena((int)workers);
	return true;
}

static uint64_t run_fib(unsigned n)
{
	return arena->execute([n] { return fib(n); });
}

static uint64_t run_tree(uint32_t leaves)
{
	return arena->execute([leaves] { return tree(leaves); });
}

static uint64_t run_loop(uint32_t n)
{
	arena->execute([n] {
		tbb::parallel_for(tbb::blocked_range<uint64_t>(0, n),
				  [](const tbb::blocked_range<uint64_t> &r) {
					  empty_iterations(r.end() - r.begin());
				  });
	});
	return n;
}

static void down(void)
{
	delete arena;
	delete limit;
}

/* ---- as a pool ---------------------------------------------------------- */

static unsigned producers;
static std::deque<tbb::task_group> group; /* of each producer */

/* 'inside' more threads enter the arena to submit. */
static bool start(const setup *setup, unsigned inside)
{
	producers = setup->producers;
	/* the thread that starts it all is one of them, whatever it does */
	limit = new tbb::global_control(
		tbb::global_control::max_allowed_parallelism,
		setup->workers + 1);
	arena = new tbb::task_arena((int)(setup->workers + inside), inside);
	arena->initialize();
	return true;
}

static bool start_enqueue(const setup *setup)
{
	return start(setup, 0);
}

static void submit_enqueue(unsigned, job *job)
{
	arena->enqueue([job] { job_run(job); });
}

static bool finish_enqueue(void)
{
	down();
	return true;
}

static bool start_group(const setup *setup)
{
	group.resize(setup->producers);
	return start(setup, setup->producers);
}

static void submit_group(unsigned producer, job *job)
{
	group[producer].run([job] { job_run(job); });
}

static void wait_group(unsigned producer)
{
	group[producer].wait();
}

static void carry(producer_fn *body, void *arg)
{
	std::vector<std::thread> thread;

	for (unsigned p = 0; p < producers; p++)
		thread.emplace_back(
			[=] { arena->execute([=] { body(arg, p); }); });
	for (std::thread &t : thread)
		t.join();
}

static bool finish_group(void)
{
	arena->execute([] {
		for (tbb::task_group &g : group)
			g.wait();
	});
	group.clear();
	down();
	return true;
}

const struct forker forker_onetbb = { "onetbb", up, run_fib, run_tree, run_loop,
				      down };
const rival rival_tbb_enqueue = {
	.name = "tbb_enqueue",
	.what = "oneTBB, task_arena::enqueue",
	.start = start_enqueue,
	.submit = submit_enqueue,
	.finish = finish_enqueue,
};
const rival rival_tbb_group = {
	.name = "tbb_group",
	.what = "oneTBB, task_group::run",
	.start = start_group,
	.submit = submit_group,
	.wait = wait_group,
	.finish = finish_group,
	.carry = carry,
	.helps = true,
};
