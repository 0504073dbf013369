/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop.c - loops over forks: see ward/loop.h.
 */
#include "pool/pool.h"
#include "lane/stop.h"
#include <errno.h>
#include <string.h>
#include <ward/loop.h>

/* A run of iterations takes about so long, ns: twice as many below, half above. */
#define RUN_SHORT UINT64_C(10000)
#define RUN_LONG UINT64_C(40000)

struct loop {
	/* I: one of the two bodies */
	int (*each)(uint64_t begin, uint64_t end, void *arg);
	int (*reduce)(uint64_t begin, uint64_t end, void *arg, void *into);
	void (*merge)(void *arg, void *into, const void *from);
	void *arg;
	const void *neutral;
	size_t size;
	uint64_t grain;
	/* M: an iteration has failed: the rest is left out */
	_Atomic uint32_t failed;
};

/* The second half of a range, on the stack of the thread that does the first. */
struct half {
	struct ward_fork fork;
	struct loop *loop;
	uint64_t begin, end;
	_Alignas(16) unsigned char into[WARD_REDUCE_MAX];
};

static int run_range(struct loop *loop, uint64_t begin, uint64_t end,
		     void *into);

static int call(const struct loop *loop, uint64_t begin, uint64_t end,
		void *into)
{
	return loop->each ? loop->each(begin, end, loop->arg) :
			    loop->reduce(begin, end, loop->arg, into);
}

static int half_run(struct ward_fork *fork)
{
	struct half *half = ward_entry(fork, struct half, fork);

	return run_range(half->loop, half->begin, half->end, half->into);
}

static int split(struct loop *loop, uint64_t begin, uint64_t end, void *into)
{
	uint64_t middle = begin + (end - begin) / 2;
	struct half half = { .fork.run = half_run,
			     .loop = loop,
			     .begin = middle,
			     .end = end };
	int first, second;

	memcpy(half.into, loop->neutral, loop->size);
	ward_fork_call(&half.fork);
	first = run_range(loop, begin, middle, into);
	second = ward_join_call(&half.fork, half_run);
	if (second)
		store_relaxed(&loop->failed, 1);
	else if (loop->merge)
		loop->merge(loop->arg, into, half.into);
	return first ? first : second;
}

/* As many iterations as take some time, without a look at the clock in each. */
static int run_some(const struct loop *loop, uint64_t begin, uint64_t end,
		    void *into, uint64_t *some)
{
	uint64_t from = host_now(), took;
	int err = call(loop, begin, end, into);

	ward_progress(1);
	took = host_now() - from;
	if (took < RUN_SHORT && *some < UINT64_MAX / 2)
		*some *= 2;
	else if (took > RUN_LONG && *some / 2 >= loop->grain)
		*some /= 2;
	return err;
}

static int cause(struct slot *slot)
{
	return likely(stop_unseen(slot)) ? 0 : stop_self(slot);
}

static int run_range(struct loop *loop, uint64_t begin, uint64_t end,
		     void *into)
{
	struct slot *slot = slot_here();
	uint64_t some = loop->grain, next;
	int err = 0;

	for (; !err && begin < end && !load_relaxed(&loop->failed);
	     begin = next) {
		uint64_t left = end - begin;

		if (left / 2 >= loop->grain &&
		    !deque_count(&slot->local.deque))
			return split(loop, begin, end, into);
		next = left / 2 < some ? end : begin + some;
		err = cause(slot);
		if (!err)
			err = run_some(loop, begin, next, into, &some);
	}
	if (err)
		store_relaxed(&loop->failed, 1);
	return err;
}

static int run_loop(struct loop *loop, uint64_t begin, uint64_t end, void *into)
{
	struct slot *slot = slot_here();

	if (begin > end)
		return -EINVAL;
	if (!loop->grain)
		loop->grain = 1;
	if (begin == end)
		return 0;
	if (!slot || !slot_runs(slot))
		return call(loop, begin, end, into);
	return run_range(loop, begin, end, into);
}

int ward_for(uint64_t begin, uint64_t end, uint64_t grain,
	     int (*body)(uint64_t begin, uint64_t end, void *arg), void *arg)
{
	struct loop loop = { .each = body,
			     .arg = arg,
			     .neutral = "",
			     .grain = grain };

	if (!body)
		return -EINVAL;
	return run_loop(&loop, begin, end, NULL);
}

int ward_reduce(uint64_t begin, uint64_t end, uint64_t grain,
		int (*body)(uint64_t begin, uint64_t end, void *arg,
			    void *into),
		void (*merge)(void *arg, void *into, const void *from),
		void *arg, void *into, size_t size)
{
	unsigned char neutral[WARD_REDUCE_MAX];
	struct loop loop = { .reduce = body,
			     .merge = merge,
			     .arg = arg,
			     .neutral = neutral,
			     .size = size,
			     .grain = grain };

	if (!body || !merge || !into)
		return -EINVAL;
	if (size > sizeof(neutral))
		return -E2BIG;
	memcpy(neutral, into, size);
	return run_loop(&loop, begin, end, into);
}
