/* SPDX-License-Identifier: BSD-2-Clause */
#include "filter.h"
#include "wait.h"
#include <criterion/criterion.h>
#include <sys/syscall.h>

#define ROUNDS (UNDER_ASAN ? 20000u : 200000u)

/*
 * Two threads store, fence and load what the other stored: not both may miss
 * the other's store.  They begin each round together, as near as it can be.
 */
struct side {
	line_aligned _Atomic uint32_t flag;
	line_aligned _Atomic uint32_t round;
	line_aligned uint32_t saw;
};

static struct side side[2];

static void meet(int me, uint32_t round)
{
	store_release(&side[me].round, round);
	for (uint32_t spins = 0; load_acquire(&side[!me].round) < round;)
		if (++spins > 1000)
			host_yield();
}

static void light(void *arg)
{
	(void)arg;
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		meet(0, 2 * i - 1);
		store_relaxed(&side[0].flag, i);
		host_barrier_light();
		side[0].saw = load_relaxed(&side[1].flag);
		meet(0, 2 * i);
	}
}

/* How many times both missed. */
static unsigned missed(void)
{
	struct host_spawn how = { .stack = 65536 };
	host_thread thread;
	unsigned n = 0;

	cr_assert_eq(host_spawn(&thread, &how, light, NULL, NULL), 0);
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		meet(1, 2 * i - 1);
		store_relaxed(&side[1].flag, i);
		host_barrier_heavy();
		side[1].saw = load_relaxed(&side[0].flag);
		meet(1, 2 * i);
		n += side[0].saw != i && side[1].saw != i;
	}
	cr_assert_eq(host_join(thread, HOST_FOREVER), 0);
	return n;
}

Test(host_fence, one_sees_the_other, .timeout = 120)
{
	host_init();
	cr_assert_eq(missed(), 0);
}

Test(host_fence, without_membarrier_both_are_fences, .timeout = 120)
{
	cr_assert(refuse_call(SYS_membarrier, ENOSYS));
	host_init();
	cr_assert(!host_asymmetric);
	cr_assert_eq(missed(), 0);
}

/* The first to find it refused waits until no store is on its way any more. */
Test(host_fence, membarrier_refused_later, .timeout = 120)
{
	uint64_t before;

	host_init();
	if (!host_asymmetric)
		cr_skip_test("this kernel has no membarrier");
	cr_assert(refuse_call(SYS_membarrier, EPERM));
	before = host_now();
	host_barrier_heavy();
	cr_assert_geq(host_now() - before, 1000000);
	cr_assert(!host_asymmetric);
	cr_assert_eq(missed(), 0);
}
