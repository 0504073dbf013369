/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * openmp.c - OpenMP tasks of the compiler's own runtime.  For forkjoin: untied, and
 * taskwait.  As a pool: a parallel region whose first threads are the producers and
 * make tasks, while the others wait at its end, which is where OpenMP has threads run
 * tasks.  gcc's runtime has a task run by its maker once 64 to a thread are waiting;
 * that is its way to have a bound.
 */
#include "bench.h"
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

static uint64_t run_loop(uint32_t n)
{
#pragma omp parallel num_threads(threads)
	{
		unsigned all = (unsigned)omp_get_num_threads();

		empty_iterations(n / all);
	}
	return n;
}

static void down(void)
{
}

const struct forker forker_openmp = { "openmp", up, run_fib, run_tree, run_loop,
				      down };

/* ---- as a pool ---------------------------------------------------------- */

static struct setup pool;

static bool start(const struct setup *setup)
{
	pool = *setup;
	omp_set_dynamic(0); /* so many threads as are asked for */
	return true;
}

static void carry(producer_fn *body, void *arg)
{
#pragma omp parallel num_threads(pool.producers + pool.workers)
	{
		unsigned thread = (unsigned)omp_get_thread_num();

		if (thread < pool.producers)
			body(arg, thread);
	}
}

static void submit(unsigned producer, struct job *job)
{
	(void)producer;
#pragma omp task firstprivate(job)
	job_run(job);
}

static bool finish(void)
{
	return true;
}

const struct rival rival_openmp = { .name = "openmp",
				    .what = "OpenMP tasks, gcc's runtime",
				    .start = start,
				    .submit = submit,
				    .finish = finish,
				    .carry = carry };
