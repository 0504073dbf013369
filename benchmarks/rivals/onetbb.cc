/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * onetbb.cc - oneTBB: task_group, run and wait, in an arena of so many.
 */
#include "forkjoin.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

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

static void down(void)
{
	delete arena;
	delete limit;
}

extern "C" {
extern const struct forker forker_onetbb;
const struct forker forker_onetbb = { "onetbb", up, run_fib, run_tree, down };
}
