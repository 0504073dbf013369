/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ck_mpmc.c - one plain ring of Concurrency Kit, many producers and many
 * consumers, with libward's own parking: the bell below it, and the wait for
 * room as the inbox does it.
 */
#include "base/host.h"
#include "bench.h"
#include "plain.h"
#include "sync/bell.h"

#include <ck_ring.h>

CK_RING_PROTOTYPE(job, job *)

enum { LINGER = 4, SPIN = 32, ROOM_SPIN = 64 }; /* as inbox.c has them */

/* The wakeup that this producer has repeated. */
struct rung {
	line_aligned _Atomic uint32_t tag;
};

static struct {
	ck_ring_t ring;
	struct job **cell;
	uint32_t mask;
	struct bell bell;
	struct bell_sleeper *sleeper;
	line_aligned _Atomic uint32_t waiters;
	_Atomic uint32_t room; /* futex */
	struct rung *rung;
} pool;

static bool anything(void *arg)
{
	(void)arg;
	return ck_ring_size(&pool.ring) != 0;
}

/* [M] taken | does anybody wait for room? */
static inline void room_made(void)
{
	host_barrier_light();
	if (likely(!load_relaxed(&pool.waiters)) ||
	    ck_ring_size(&pool.ring) > pool.mask / 2)
		return;
	add_acq_rel(&pool.room, 1);
	host_wake(&pool.room, INT32_MAX);
}

static inline struct job *take(unsigned looks)
{
	struct job *job;

	for (unsigned i = 0; i < looks; i++) {
		if (ck_ring_dequeue_mpmc_job(&pool.ring, pool.cell, &job)) {
			room_made();
			return job;
		}
		if (i < LINGER)
			host_relax();
		else
			host_yield();
	}
	return NULL;
}

static struct job *next(uint32_t i)
{
	struct job *job = take(LINGER);
	bool searching;

	if (likely(job))
		return job;
	searching = bell_search(&pool.bell);
	for (;;) {
		if (searching && (job = take(SPIN))) {
			bell_found(&pool.bell);
			return job;
		}
		searching = bell_park(&pool.bell, i, searching);
		if (!searching)
			return NULL;
	}
}

static void work(unsigned number)
{
	struct job *job;

	while ((job = next(number)))
		job_run(job);
}

static bool ck_start(const struct setup *setup)
{
	uint32_t size = rival_room(setup), n = setup->workers;

	host_init();
	pool.mask = size - 1;
	pool.cell = host_alloc(size * sizeof(struct job *));
	pool.sleeper = host_alloc(n * sizeof(*pool.sleeper));
	pool.rung = host_alloc(setup->producers * sizeof(*pool.rung));
	if (!pool.cell || !pool.sleeper || !pool.rung)
		return false;
	ck_ring_init(&pool.ring, size);
	bell_init(&pool.bell, pool.sleeper, n, SEARCHERS, anything, NULL, NULL);
	return plain_start(n, work);
}

/* [M] I wait | is there room? */
static void wait_for_room(void)
{
	uint32_t seen;

	for (int i = 0; i < ROOM_SPIN; i++) {
		if (ck_ring_size(&pool.ring) <= pool.mask / 2)
			return;
		host_relax();
	}
	add_acq_rel(&pool.waiters, 1);
	seen = load_acquire(&pool.room);
	host_barrier_heavy();
	if (ck_ring_size(&pool.ring) >= pool.mask)
		host_wait(&pool.room, seen, HOST_FOREVER);
	sub_acq_rel(&pool.waiters, 1);
}

static void ck_submit(unsigned producer, struct job *job)
{
	while (!ck_ring_enqueue_mpmc_job(&pool.ring, pool.cell, &job))
		wait_for_room();
	host_barrier_light(); /* [B] published | does anybody sleep? */
	if (unlikely(!bell_quiet(&pool.bell)))
		bell_ring_asleep(&pool.bell, &pool.rung[producer].tag);
}

static bool ck_finish(void)
{
	bell_close(&pool.bell);
	plain_join();
	return true;
}

const struct rival rival_ck_mpmc = {
	.name = "ck_mpmc",
	.what = "one ck MPMC ring, libward's parking",
	.start = ck_start,
	.submit = ck_submit,
	.finish = ck_finish
};
