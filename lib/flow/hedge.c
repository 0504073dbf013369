/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hedge.c - tries of the same work: hedge.h.
 *
 * The tries are tasks of one lane, whose token cancels them; and that lane lets one of
 * them commit (lane_commit).  Two words decide: 'next', the try to start next, at the
 * end all of them; and 'left', how many may still win.  A periodic task, the timer,
 * starts one after another; without a delay it decides where the caller of
 * ward_hedge_start() loses the last one.
 *
 * 'refs' counts the handle, the tries until they are given back, and the timer.
 */
#include "lane/lane.h"
#include "lane/wait.h"
#include <errno.h>
#include <string.h>
#include <ward/hedge.h>

struct try {
	struct ward_task task;
	struct ward_hedge *hedge;
};

struct ward_hedge {
	uint32_t magic; /* handle.h; DEAD when the handle was put */
	struct ward_hedge_config config;
	struct pool *pool;
	struct ward_lane *lane;
	_Atomic uint32_t refs;
	_Atomic uint32_t next;	  /* the try to start, up to config.tries */
	_Atomic uint32_t left;	  /* tries that may still win */
	_Atomic uint32_t decided; /* X: 1: a thread decides; 2: it is */
	_Atomic int32_t last;	  /* status of a try that did not win */
	int32_t winner, status;	  /* when it is decided */
	struct wait_queue done;
	struct ward_policy policy;
	struct ward_task timer;
	struct try try[];
};

static size_t bytes_of(uint32_t tries)
{
	return sizeof(struct ward_hedge) + tries * sizeof(struct try);
}

static void put(struct ward_hedge *hedge)
{
	struct ward_hedge_config config = hedge->config;

	if (!ref_drop(&hedge->refs))
		return;
	/* The lane goes when its last task has left it. */
	lane_abandon((struct lane *)hedge->lane);
	host_free(hedge, bytes_of(config.tries));
	if (config.release)
		config.release(config.arg);
}

/* ---- the decision ---------------------------------------------------------------- */

static void unset_timer(struct ward_hedge *hedge)
{
	ward_task_cancel((struct ward_pool *)hedge->pool, &hedge->timer, 0);
}

static void decide(struct ward_hedge *hedge, int winner, int status)
{
	uint32_t open = 0;

	if (!cas_acq_rel(&hedge->decided, &open, 1))
		return;
	hedge->winner = winner;
	hedge->status = status;
	store_release(&hedge->decided, 2); /* [hd] */
	wait_wake(&hedge->done);
	ward_lane_cancel(hedge->lane, -ECANCELED);
	barrier_seq_cst(); /* [hd] decided | is the timer set? */
	if (hedge->config.delay)
		unset_timer(hedge);
	if (hedge->config.done)
		hedge->config.done(hedge->config.arg, winner, status);
}

/* So many tries can win no more. */
static void lose(struct ward_hedge *hedge, uint32_t n)
{
	if (n && sub_acq_rel(&hedge->left, n) == n)
		decide(hedge, -1, load_relaxed(&hedge->last));
}

/* ---- the tries ------------------------------------------------------------------- */

/* How many were not started, and never will be. */
static uint32_t start_no_more(struct ward_hedge *hedge)
{
	uint32_t tries = hedge->config.tries;

	return tries - swap_acq_rel(&hedge->next, tries);
}

/* The number of one that may be started; else config.tries. */
static uint32_t take_next(struct ward_hedge *hedge, uint32_t *lost)
{
	uint32_t tries = hedge->config.tries;
	uint32_t next = load_relaxed(&hedge->next), to;
	bool allowed = true;

	if (next == tries)
		return tries;
	if (hedge->config.budget)
		allowed = !ward_limit_take(&hedge->config.budget, 1, 1,
					   WARD_NOWAIT, NULL);
	do {
		if (next == tries)
			return tries;
		to = allowed ? next + 1 : tries;
	} while (!cas_acq_rel(&hedge->next, &next, to));
	*lost += allowed ? 0 : tries - next;
	return allowed ? next : tries;
}

static int start(struct ward_hedge *hedge, uint32_t n)
{
	int err;

	add_acq_rel(&hedge->refs, 1);
	err = ward_lane_submit(hedge->lane, &hedge->try[n].task, WARD_NOWAIT);
	if (err)
		put(hedge);
	return err;
}

/*
 * False: no more are started, and *lost of them can win no more.  Where one is refused,
 * the next would be refused too.
 */
static bool start_next(struct ward_hedge *hedge, uint32_t *lost)
{
	uint32_t n = take_next(hedge, lost);
	int err;

	if (n == hedge->config.tries)
		return false;
	err = start(hedge, n);
	if (!err)
		return true;
	store_relaxed(&hedge->last, err);
	*lost += 1 + start_no_more(hedge);
	return false;
}

static struct try *try_of(struct ward_task *task)
{
	return ward_entry(task, struct try, task);
}

static int run_try(struct ward_task *task)
{
	struct try *try = try_of(task);

	return try->hedge->config.run(try->hedge->config.arg,
				      (unsigned)(try - try->hedge->try));
}

static void try_ended(struct ward_task *task, int status)
{
	struct try *try = try_of(task);
	struct ward_hedge *hedge = try->hedge;
	struct lane *lane = (struct lane *)hedge->lane;
	uint32_t lost = 1;

	if (load_acquire(&lane->winner) == task) {
		decide(hedge, (int)(try - hedge->try), status);
		return;
	}
	store_relaxed(&hedge->last, status);
	if (!load_acquire(&hedge->decided))
		start_next(hedge, &lost);
	lose(hedge, lost);
}

static void release_try(struct ward_task *task)
{
	put(try_of(task)->hedge);
}

/* ---- one after another ----------------------------------------------------------- */

static struct ward_hedge *hedge_of(struct ward_task *timer)
{
	return ward_entry(timer, struct ward_hedge, timer);
}

/* Ends by "cancelled": that is no failure. */
static int run_timer(struct ward_task *task)
{
	struct ward_hedge *hedge = hedge_of(task);
	uint32_t lost = 0;
	bool more;

	if (load_acquire(&hedge->decided))
		return -ECANCELED;
	more = start_next(hedge, &lost);
	lose(hedge, lost);
	return more ? 0 : -ECANCELED;
}

/* Also when the pool drains: no other timer comes. */
static void timer_ended(struct ward_task *task, int status)
{
	struct ward_hedge *hedge = hedge_of(task);

	(void)status;
	lose(hedge, start_no_more(hedge));
	if (!load_acquire(&hedge->left)) /* decide_elsewhere() */
		decide(hedge, -1, load_relaxed(&hedge->last));
}

static void release_timer(struct ward_task *task)
{
	put(hedge_of(task));
}

static int start_timer(struct ward_hedge *hedge, uint64_t at, uint64_t period)
{
	int err;

	if (at == WARD_FOREVER)
		at--; /* until it is decided */
	add_acq_rel(&hedge->refs, 1);
	err = ward_submit_at((struct ward_pool *)hedge->pool, &hedge->timer, at,
			     period);
	if (err) {
		put(hedge);
		return err;
	}
	barrier_seq_cst(); /* [hd] the timer is set | decided? */
	if (load_acquire(&hedge->decided))
		unset_timer(hedge);
	return 0;
}

/* ---- start, wait, put ------------------------------------------------------------ */

static void init_tasks(struct ward_hedge *hedge)
{
	const struct ward_hedge_config *c = &hedge->config;

	if (c->policy)
		hedge->policy = *c->policy;
	hedge->timer = (struct ward_task){ .run = run_timer,
					   .done = timer_ended,
					   .release = release_timer,
					   .policy = &policy_once,
					   .name = "hedge" };
	for (uint32_t i = 0; i < c->tries; i++)
		hedge->try[i] = (struct try){
			.task = { .run = run_try,
				  .done = try_ended,
				  .release = release_try,
				  .policy = c->policy ? &hedge->policy : NULL,
				  .name = c->name },
			.hedge = hedge
		};
}

static int hedge_new(struct ward_hedge **out, struct pool *pool,
		     const struct ward_hedge_config *config)
{
	struct ward_lane_config lane = WARD_LANE_CONFIG_INIT;
	struct ward_hedge *hedge = host_alloc(bytes_of(config->tries));
	int err;

	if (!hedge)
		return -ENOMEM;
	lane.cancel = config->cancel;
	err = ward_lane_create(&hedge->lane, (struct ward_pool *)pool, &lane);
	if (err) {
		host_free(hedge, bytes_of(config->tries));
		return err;
	}
	lane_of_rivals((struct lane *)hedge->lane);
	hedge->magic = handle_magic(HANDLE_HEDGE);
	hedge->config = *config;
	hedge->pool = pool;
	store_relaxed(&hedge->refs, 1);
	store_relaxed(&hedge->left, config->tries);
	store_relaxed(&hedge->last, -ECANCELED);
	store_relaxed(&hedge->next, 1);
	init_tasks(hedge);
	*out = hedge;
	return 0;
}

/* Not on the caller's thread, unless the pool takes nothing more. */
static void decide_elsewhere(struct ward_hedge *hedge)
{
	if (start_timer(hedge, 0, 0))
		decide(hedge, -1, load_relaxed(&hedge->last));
}

static void start_rest(struct ward_hedge *hedge)
{
	uint64_t delay = hedge->config.delay;
	uint32_t lost = 0;

	if (delay && hedge->config.tries > 1 &&
	    !start_timer(hedge, ward_in(delay), delay))
		return;
	while (start_next(hedge, &lost))
		;
	lost += start_no_more(hedge);
	if (lost && sub_acq_rel(&hedge->left, lost) == lost)
		decide_elsewhere(hedge);
}

static int hedge_start(struct ward_hedge **out, struct pool *pool,
		       const struct ward_hedge_config *config)
{
	struct ward_hedge *hedge;
	int err = hedge_new(&hedge, pool, config);

	if (err)
		return err;
	err = start(hedge, 0);
	if (err) {
		hedge->config.release = NULL;
		put(hedge);
		return err;
	}
	start_rest(hedge);
	if (out)
		*out = hedge;
	else
		put(hedge);
	return 0;
}

int ward_hedge_start(struct ward_hedge **out, struct ward_pool *handle,
		     const struct ward_hedge_config *config)
{
	struct pool *pool = (struct pool *)handle;
	int err = pool_enter(pool);

	if (err)
		return err;
	if (!config || config->size != sizeof(*config) ||
	    !config->run || !config->tries || config->tries > WARD_TRIES_MAX ||
	    (config->policy && !policy_is_sound(config->policy)))
		return -EINVAL;
	host_hold();
	err = hedge_start(out, pool, config);
	host_unhold();
	return err;
}

int ward_hedge_wait(struct ward_hedge *hedge, ward_ns until)
{
	struct wait_entry entry;
	int why;

	if (!handle_is(hedge, HANDLE_HEDGE))
		return -EINVAL;
	host_hold();
	wait_enter(&entry, &hedge->done, until, WAIT_BLOCK);
	why = wait_event(&entry, load_acquire(&hedge->decided) == 2); /* [hd] */
	host_unhold();
	if (why)
		return why;
	if (hedge->winner >= 0 && !hedge->status)
		return hedge->winner;
	return hedge->status < 0 ? hedge->status : -EIO;
}

void ward_hedge_put(struct ward_hedge *hedge)
{
	if (!handle_told(hedge, HANDLE_HEDGE))
		return;
	hedge->magic = HANDLE_DEAD;
	put(hedge);
}
