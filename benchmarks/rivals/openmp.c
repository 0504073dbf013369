/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * openmp.c - OpenMP tasks of the compiler's own runtime: untied, and taskwait.
 */
#include "forkjoin.h"

#include <omp.h>

static unsigned threads;

static uint64_t fib(unsigned n)
{
	uint64_t left, right;

	if (n < 2)
		return n;
#pragma omp task untied shared(left) firstprivate(n)
	left = fib(n - 1);
	right = fib(n - 2);
#pragma omp taskwait
	return left + right;
}

static uint64_t tree(uint32_t leaves)
{
	uint32_t small = small_part(leaves);
	uint64_t left, right;

	if (leaves == 1)
		return 1;
#pragma omp task untied shared(left) firstprivate(small)
	left = tree(small);
	right = tree(leaves - small);
#pragma omp taskwait
	return left + right;
}

static bool up(unsigned workers)
{
	threads = workers;
	return true;
}

static uint64_t run_fib(unsigned n)
{
	uint64_t result = 0;

#pragma omp parallel num_threads(threads) shared(result)
#pragma omp single
	result = fib(n);
	return result;
}

static uint64_t run_tree(uint32_t leaves)
{
	uint64_t result = 0;

#pragma omp parallel num_threads(threads) shared(result)
#pragma omp single
	result = tree(leaves);
	return result;
}

static void down(void)
{
}

const struct forker forker_openmp = { "openmp", up, run_fib, run_tree, down };
