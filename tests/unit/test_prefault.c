/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools whose memory is there before their first task.
 */
#include "filter.h"
#include "front/front.h"
#include "job.h"
#include "page.h"

#define RING 65536u
#define LAP (RING - 1)

static struct ward_task tasks[LAP];

static int nothing(struct ward_task *task)
{
	(void)task;
	return 0;
}

static struct ward_pool_config config_of(uint32_t flags)
{
	struct ward_pool_config config = job_config(1);

	config.ring = RING;
	config.flags = flags;
	return config;
}

/* Once round a ring: the faults of a submitter. */
static long first_lap(uint32_t flags)
{
	struct ward_pool_config config = config_of(flags);
	struct ward_pool *pool = started(&config);
	long faults;

	memset(tasks, 0, sizeof(tasks));
	for (uint32_t i = 0; i < LAP; i++)
		tasks[i].run = nothing;
	faults = page_faults();
	for (uint32_t i = 0; i < LAP; i++)
		cr_assert_eq(ward_submit(pool, &tasks[i], WARD_FOREVER), 0);
	faults = page_faults() - faults;
	ended(pool);
	return faults;
}

#if !SHADOWED
Test(prefault, the_first_lap_waits_for_no_page)
{
	/* The lap also brings in what is to be there but once: code, for one. */
	cr_assert_gt(first_lap(0), 0);
	cr_assert_eq(first_lap(WARD_POOL_PREFAULT), 0);
}

Test(prefault, the_first_lap_where_the_kernel_is_not_to_be_asked)
{
	cr_assert(refuse_call(SYS_madvise, ENOSYS));
	cr_assert_gt(first_lap(0), 0);
	cr_assert_eq(first_lap(WARD_POOL_PREFAULT), 0);
}
#else
Test(prefault, a_lap)
{
	first_lap(WARD_POOL_PREFAULT);
}
#endif

/* ---- what is there -------------------------------------------------------- */

static bool whole(const void *mem, size_t size)
{
	uintptr_t at = (uintptr_t)mem % page_size();

	return pages_there(mem, size) == (long)pages_of(at + size);
}

static bool all_there(const struct pool *pool)
{
	const struct inbox *inbox = &pool->inbox;

	for (uint32_t i = 0; i < inbox->rings; i++)
		if (!whole(inbox->ring[i].cell,
			   RING * sizeof(*inbox->ring[i].cell)))
			return false;
	return whole(inbox->ring, inbox->rings * sizeof(*inbox->ring)) &&
	       whole(inbox->local, inbox->locals * sizeof(*inbox->local)) &&
	       whole(inbox->bell.sleeper,
		     inbox->locals * sizeof(*inbox->bell.sleeper)) &&
	       whole(pool->slot, pool->slots * sizeof(*pool->slot)) &&
	       whole(pool->fork,
		     pool->slots * DEQUE_SIZE * sizeof(*pool->fork)) &&
	       whole(pool->seat, pool->seats * sizeof(*pool->seat)) &&
	       whole(pool->spares.next,
		     pool->slots * sizeof(*pool->spares.next));
}

/* Of many threads, so that their records are large. */
static struct ward_pool_config large(uint32_t flags)
{
	struct ward_pool_config config = config_of(flags);

	config.max = 512;
	config.zombies = 4096;
	return config;
}

Test(prefault, who_asks_has_all_of_it_after_start)
{
	struct ward_pool_config config = large(WARD_POOL_PREFAULT);
	struct ward_pool *pool = started(&config);

	cr_assert(all_there((struct pool *)pool));
	ended(pool);
}

#if !UNDER_ASAN /* which has it written when it is made */
Test(prefault, who_does_not_ask_pays_for_what_is_used)
{
	struct ward_pool_config config = large(0);
	struct ward_pool *pool = started(&config);

	cr_assert_not(all_there((struct pool *)pool));
	ended(pool);
}

Test(prefault, who_is_not_started_pays_for_what_is_used)
{
	struct ward_pool_config config = large(WARD_POOL_PREFAULT);
	struct ward_pool *pool = created(&config);

	cr_assert_not(all_there((struct pool *)pool));
	cr_assert_eq(ward_pool_destroy(pool, WARD_NOWAIT), 0);
}

Test(prefault, nothing_stays)
{
	struct ward_pool_config config = large(WARD_POOL_PREFAULT);
	struct ward_pool *pool = started(&config);
	const void *cell = ((struct pool *)pool)->inbox.ring[0].cell;
	const void *slot = ((struct pool *)pool)->slot;

	cr_assert_eq(pages_there(cell, 1), 1);
	ended(pool);
	cr_assert_eq(pages_there(cell, 1), -1);
	cr_assert_eq(pages_there(slot, 1), -1);
}
#endif

Test(prefault, what_came_before_it_starts_stays)
{
	struct ward_pool_config config = config_of(WARD_POOL_PREFAULT |
						   WARD_POOL_CATCH_FAULTS);
	struct ward_pool *pool = created(&config);
	struct job job[100];

	for (size_t i = 0; i < 100; i++) {
		job[i] = job_of_kind(job_run);
		submitted(pool, &job[i]);
	}
	cr_assert_eq(ward_pool_start(pool), 0);
	for (size_t i = 0; i < 100; i++)
		job_had(&job[i], 0);
	ended(pool);
}
