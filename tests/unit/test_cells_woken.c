/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_cells_woken.c - cells that wake their parent all the time.  A thread of the test
 * does it in their place, in the memory that they share.
 */
#include "cell/cell.h"
#include "cell_ask.h"
#include <linux/futex.h>
#include <pthread.h>

CELLS_ARE_THERE;

static struct ward_cells *disturbed_set; /* set before it is disturbed */
static _Atomic uint32_t listened, listened_disturbed;
static _Atomic uint32_t over; /* the waker is to end */

static bool is_disturbed(void)
{
	return __atomic_load_n(&disturbed_set->futile, __ATOMIC_RELAXED) == 129;
}

void __real_host_wait_shared_any(_Atomic uint32_t *word, uint32_t seen,
				 const struct host_waitv *shared, unsigned n,
				 struct host_life *const *lives, unsigned m,
				 uint64_t until);
void __wrap_host_wait_shared_any(_Atomic uint32_t *word, uint32_t seen,
				 const struct host_waitv *shared, unsigned n,
				 struct host_life *const *lives, unsigned m,
				 uint64_t until);

void __wrap_host_wait_shared_any(_Atomic uint32_t *word, uint32_t seen,
				 const struct host_waitv *shared, unsigned n,
				 struct host_life *const *lives, unsigned m,
				 uint64_t until)
{
	add_relaxed(&listened, 1);
	if (disturbed_set && is_disturbed())
		add_relaxed(&listened_disturbed, 1);
	__real_host_wait_shared_any(word, seen, shared, n, lives, m, until);
}

/* ---- wakers ------------------------------------------------------------------------ */

static void moves_its_word(struct cell_shared *shared)
{
	store_relaxed(&shared->listens, 0);
	host_wake_shared(&shared->listens, INT32_MAX);
}

static void moves_its_life(struct cell_shared *shared)
{
	_Atomic uint32_t *word = (void *)shared->life.mutex;

	and_acq_rel(word, ~(uint32_t)FUTEX_WAITERS);
	host_wake_shared(word, INT32_MAX);
}

static void wakes(struct cell_shared *shared)
{
	host_wake_shared(&shared->listens, INT32_MAX);
}

static void wakes_callers(struct cell_shared *shared)
{
	host_wake_shared(&shared->used, INT32_MAX);
}

static void *makes(void *wake)
{
	void (*make)(struct cell_shared *) = *(void (**)(struct cell_shared *))wake;

	while (!load_relaxed(&over))
		make(disturbed_set->cell[0].shared);
	return NULL;
}

static pthread_t waker_begins(struct ward_cells *cells, void (**wake)(struct cell_shared *))
{
	pthread_t thread;

	disturbed_set = cells;
	store_relaxed(&over, 0);
	cr_assert_eq(pthread_create(&thread, NULL, makes, wake), 0);
	return thread;
}

static void waker_ends(pthread_t thread)
{
	store_relaxed(&over, 1);
	pthread_join(thread, NULL);
}

/* ---- the collector -------------------------------------------------------------------- */

/* Scans are rare, so that it is no matter how seldom a busy machine lets it run. */
static struct ward_pool *seldom_scanned(void)
{
	struct ward_pool_config config = job_config(1);

	config.scan = WARD_S(1);
	return started(&config);
}

static void collector_is_woken(void (*wake)(struct cell_shared *))
{
	struct ward_pool *pool = seldom_scanned();
	struct ward_cells *cells = cells_of(pool, 2);
	pthread_t thread = waker_begins(cells, &wake);
	uint32_t before;

	cr_assert(comes_true(is_disturbed()));
	for (int i = 0; i < 20; i++)
		cr_assert_geq(answer_of(cells, ASK_PID, 0), 1);
	cr_assert(comes_true(is_disturbed()));
	cr_assert_eq(load_relaxed(&listened_disturbed), 0);
	waker_ends(thread);
	before = load_relaxed(&listened);
	cr_assert_geq(answer_of(cells, ASK_PID, 0), 1);
	cr_assert(comes_true(load_relaxed(&listened) > before));
	cells_end(pool, cells);
}

Test(cells_woken, of_the_word_that_the_collector_sleeps_on)
{
	collector_is_woken(moves_its_word);
}

Test(cells_woken, of_the_mark_of_its_life)
{
	collector_is_woken(moves_its_life);
}

Test(cells_woken, of_wakeups_alone)
{
	collector_is_woken(wakes);
}

/* ---- a caller -------------------------------------------------------------------------- */

static void *calls(void *arg)
{
	struct ask *ask = arg;

	ask->call.release = NULL;
	cr_assert_eq(ward_cells_call(disturbed_set, &ask->call, WARD_FOREVER, NULL), 0);
	return NULL;
}

/* The collector has the cell's answers then. */
CELLS_TEST(cells_woken, a_caller_lets_go_of_the_cell, 1, 1)
{
	void (*wake)(struct cell_shared *) = wakes_callers;
	const struct cell_shared *shared = cells->cell[0].shared;
	pthread_t caller, thread;
	struct ask ask;

	disturbed_set = cells;
	ask_at(&ask, ASK_SILENT, 1);
	cr_assert_eq(pthread_create(&caller, NULL, calls, &ask), 0);
	cr_assert(at_gate(1, 1));
	cr_assert(comes_true(load_relaxed(&shared->waits) == 1));
	thread = waker_begins(cells, &wake);
	cr_assert(comes_true(load_relaxed(&shared->waits) == 0));
	waker_ends(thread);
	open_gate(1);
	pthread_join(caller, NULL);
	cr_assert_eq(load_relaxed(&ask.dones), 1);
	cr_assert_eq(load_relaxed(&ask.status), 0);
}
