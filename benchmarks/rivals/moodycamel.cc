/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * moodycamel.cc - moodycamel::BlockingConcurrentQueue and plain threads.  As its
 * README asks for where many elements go through: a token for each producer and
 * each consumer, and taking in bulk.  How much is a worker's share of what is
 * there, so that no job waits behind another while a worker sleeps.
 */
#include "plain.h"
#include "rival.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <thread>

#if __has_include(<concurrentqueue/blockingconcurrentqueue.h>)
#include <concurrentqueue/blockingconcurrentqueue.h>
#else
#include <concurrentqueue/moodycamel/blockingconcurrentqueue.h>
#endif

using queue = moodycamel::BlockingConcurrentQueue<ward_task *>;

static constexpr size_t BULK = 32;

static queue *jobs;
static std::deque<moodycamel::ProducerToken> token; /* of each producer */
static unsigned workers;

/* A job that is NULL ends one worker, and is the last that it takes. */
static void work(unsigned)
{
	moodycamel::ConsumerToken mine(*jobs);
	ward_task *taken[BULK];

	for (;;) {
		size_t share = jobs->size_approx() / workers;
		size_t n = jobs->wait_dequeue_bulk(
			mine, taken, std::clamp(share, size_t(1), BULK));

		for (size_t i = 0; i < n; i++) {
			if (!taken[i])
				return;
			job_run(job_of(taken[i]));
		}
	}
}

static bool start(const setup *setup)
{
	jobs = new queue(size_t(setup->window) * setup->producers,
			 setup->producers + 1, 0);
	for (unsigned p = 0; p < setup->producers; p++)
		token.emplace_back(*jobs);
	workers = setup->workers;
	return plain_start(workers, work);
}

static void submit(unsigned producer, job *job)
{
	if (!jobs->enqueue(token[producer], &job->task))
		abort();
}

static void submit_n(unsigned producer, ward_task **task, unsigned n)
{
	if (!jobs->enqueue_bulk(token[producer], task, n))
		abort();
}

static bool finish(void)
{
	for (unsigned w = 0; w < workers; w++) {
		/* one at a time: each takes one, and alone */
		while (jobs->size_approx())
			std::this_thread::yield();
		jobs->enqueue(token[0], nullptr);
	}
	plain_join();
	token.clear();
	delete jobs;
	return true;
}

const rival rival_moodycamel = {
	.name = "moodycamel",
	.what = "moodycamel's blocking queue and threads",
	.start = start,
	.submit = submit,
	.submit_n = submit_n,
	.finish = finish,
};
