/* SPDX-License-Identifier: BSD-2-Clause */
#include "lane_job.h"
#include "task/slot.h"

struct part {
	struct ward_fork fork;
	int answer;
	uint32_t runs, order;
	_Atomic int32_t tid;
	_Atomic uint32_t may_end;
	bool waits;
};

static uint32_t clock_;

static int part_run(struct ward_fork *fork)
{
	struct part *part = ward_entry(fork, struct part, fork);

	part->runs++;
	part->order = ++clock_;
	store_release(&part->tid, host_tid());
	while (part->waits && !load_acquire(&part->may_end))
		ward_beat();
	return part->answer;
}

static struct part part_of(int answer)
{
	return (struct part){ .fork.run = part_run, .answer = answer };
}

/* fn in a task of a pool with so many workers. */
static void inside(uint32_t workers, int (*fn)(struct ward_task *))
{
	struct ward_pool *pool = pool_of(workers);
	struct job job = job_of_kind(fn);

	submitted(pool, &job);
	job_had(&job, 0);
	audited(pool);
	cr_assert(
		comes_true(stats_of(pool).answered == stats_of(pool).accepted));
	cr_assert_eq(stats_of(pool).accepted - stats_of(pool).stolen, 1);
	ended(pool);
}

/* ---- where there is no worker ------------------------------------------------------- */

Test(fork, runs_at_once_on_a_thread_that_is_no_worker)
{
	struct ward_group group = { { 0 } };
	struct part part[3] = { part_of(0), part_of(-EIO), part_of(-EPIPE) };

	for (int i = 0; i < 3; i++) {
		cr_assert_eq(ward_fork(&group, &part[i].fork), 0);
		cr_assert_eq(part[i].runs, 1);
		cr_assert_eq(ward_fork_call(&part[i].fork), 0);
		cr_assert_eq(part[i].runs, 2);
		cr_assert_eq(ward_join_call(&part[i].fork, part_run),
			     part[i].answer);
	}
	cr_assert_eq(ward_join(&group), -EIO);
	cr_assert_eq(ward_join(&group), 0, "it is empty again");
}

struct own {
	struct ward_fork fork;
	struct ward_group *group; /* NULL: alone */
	int joined;
};

/* What it asks for cannot be: it must not wait for itself. */
static int joins_itself(struct ward_fork *fork)
{
	struct own *own = ward_entry(fork, struct own, fork);

	own->joined = own->group ? ward_join(own->group) :
				   ward_join_call(fork, joins_itself);
	return 0;
}

Test(fork, one_that_runs_at_once_does_not_wait_for_itself)
{
	struct ward_group group = { { 0 } };
	struct own own[2] = { { { joins_itself, { 0 } }, &group, 1 },
			      { { joins_itself, { 0 } }, NULL, 1 } };

	cr_assert_eq(ward_fork(&group, &own[0].fork), 0);
	cr_assert_eq(own[0].joined, 0);
	cr_assert_eq(ward_join(&group), 0);
	cr_assert_eq(ward_fork_call(&own[1].fork), 0);
	cr_assert_eq(own[1].joined, 0);
	cr_assert_eq(ward_join_call(&own[1].fork, joins_itself), 0);
}

Test(fork, refuses_what_is_none)
{
	static const struct ward_group empty;
	struct ward_group group = { { 0 } };
	struct ward_fork fork = { 0 };
	struct part part = part_of(0);

	cr_assert_eq(ward_fork(NULL, &part.fork), -EINVAL);
	cr_assert_eq(ward_fork(&group, NULL), -EINVAL);
	cr_assert_eq(ward_fork(&group, &fork), -EINVAL);
	cr_assert_eq(ward_join(NULL), -EINVAL);
	cr_assert_eq(ward_fork_call(NULL), -EINVAL);
	cr_assert_eq(ward_fork_call(&fork), -EINVAL);
	cr_assert_eq(ward_join_call(NULL, part_run), -EINVAL);
	cr_assert_eq(memcmp(&group, &empty, sizeof(group)), 0);
	cr_assert_eq(part.runs, 0);
}

/* ---- inside of a task ------------------------------------------------------------------ */

static int empty_join(struct ward_task *task)
{
	struct ward_group group = { { 0 } };

	(void)task;
	cr_assert_eq(ward_join(&group), 0);
	cr_assert_eq(ward_fork(NULL, NULL), -EINVAL);
	return 0;
}

Test(fork, an_empty_group_is_joined, .timeout = 30)
{
	inside(1, empty_join);
}

static int newest_first(struct ward_task *task)
{
	struct ward_group group = { { 0 } };
	struct part part[4];

	(void)task;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4; i++) {
			part[i] = part_of(i == 1 ? -EIO : i == 2 ? 5 : 0);
			cr_assert_eq(ward_fork(&group, &part[i].fork), 0);
			cr_assert_eq(part[i].runs, 0);
		}
		cr_assert_eq(ward_join(&group), 5, "the first that failed");
		for (int i = 0; i < 4; i++)
			cr_assert_eq(part[i].runs, 1);
		for (int i = 0; i < 3; i++)
			cr_assert_gt(part[i].order, part[i + 1].order);
	}
	return 0;
}

Test(fork, those_that_nobody_steals_run_in_the_join_newest_first, .timeout = 30)
{
	inside(1, newest_first);
}

struct adds {
	struct ward_fork fork;
	struct ward_group *group;
	struct part part;
};

static int adds_run(struct ward_fork *fork)
{
	struct adds *adds = ward_entry(fork, struct adds, fork);

	return ward_fork(adds->group, &adds->part.fork);
}

static int adds_to_its_group(struct ward_task *task)
{
	struct ward_group group = { { 0 } };
	struct adds adds = { { adds_run, { 0 } }, &group, part_of(-EIO) };

	(void)task;
	cr_assert_eq(ward_fork(&group, &adds.fork), 0);
	cr_assert_eq(ward_join(&group), -EIO);
	cr_assert_eq(adds.part.runs, 1);
	cr_assert_eq(ward_join(&group), 0, "it is empty again");
	return 0;
}

Test(fork, what_a_fork_adds_to_its_group_is_joined, .timeout = 30)
{
	inside(1, adds_to_its_group);
}

WARD_FORKABLE(uint64_t, fibonacci, unsigned, n)
{
	struct fibonacci_part left;
	uint64_t right;

	if (n < 2)
		return n;
	fibonacci_fork(&left, n - 1);
	right = fibonacci(n - 2);
	right += fibonacci_join(&left);
	cr_assert_eq(left.error, 0);
	return right;
}

static int recurses(struct ward_task *task)
{
	(void)task;
	cr_assert_eq(fibonacci(22), 17711);
	return 0;
}

Test(fork, a_function_that_is_forked, .timeout = 30)
{
	cr_assert_eq(fibonacci(10), 55, "no worker");
	inside(1, recurses);
	inside(2, recurses);
	inside(7, recurses);
}

static int names_the_call(struct ward_task *task)
{
	struct ward_group group = { { 0 } };
	struct part part[3] = { part_of(-EIO), part_of(-EPIPE), part_of(5) };

	(void)task;
	for (int i = 0; i < 2; i++)
		cr_assert_eq(ward_fork_call(&part[i].fork), 0);
	cr_assert_eq(ward_fork(&group, &part[2].fork), 0);
	cr_assert_eq(ward_join_call(&part[0].fork, part_run), -EIO,
		     "not the newest");
	cr_assert_eq(ward_join_call(&part[1].fork, part_run), -EPIPE);
	cr_assert_eq(ward_join_call(&part[1].fork, part_run), 0, "once");
	cr_assert_eq(ward_join(&group), 5);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(part[i].runs, 1);
	cr_assert_eq(ward_fork_call(&part[0].fork), 0, "again");
	cr_assert_eq(ward_join_call(&part[0].fork, part_run), -EIO);
	return 0;
}

Test(fork, a_join_that_names_the_call, .timeout = 30)
{
	inside(1, names_the_call);
	inside(3, names_the_call);
}

/* Until it was taken. */
static void is_robbed(void)
{
	struct slot *slot = host_self();

	while (deque_count(&slot->local.deque))
		ward_beat();
}

/* More forks than there is room for, and then none of them by its owner. */
static int sits_on_them(struct ward_task *task)
{
	static struct part part[600];
	struct ward_group group = { { 0 } };

	(void)task;
	for (int i = 0; i < 600; i++) {
		part[i] = part_of(0);
		cr_assert_eq(ward_fork(&group, &part[i].fork), 0);
	}
	is_robbed();
	for (int i = 0; i < 600; i++)
		cr_assert(comes_true(load_acquire(&part[i].tid)));
	cr_assert_eq(ward_join(&group), 0);
	for (int i = 0; i < 600; i++)
		cr_assert_eq(part[i].runs, 1);
	return 0;
}

Test(fork, all_are_had_though_their_maker_looks_at_nothing, .timeout = 30)
{
	inside(2, sits_on_them);
	inside(4, sits_on_them);
}

static int two_groups(struct ward_task *task)
{
	struct ward_group a = { { 0 } }, b = { { 0 } };
	struct part part[3] = { part_of(-1), part_of(-2), part_of(-3) };

	(void)task;
	cr_assert_eq(ward_fork(&a, &part[0].fork), 0);
	cr_assert_eq(ward_fork(&b, &part[1].fork), 0);
	cr_assert_eq(ward_fork(&a, &part[2].fork), 0);
	cr_assert_eq(ward_join(&a), -3);
	cr_assert_eq(ward_join(&b), -2);
	return 0;
}

Test(fork, two_groups_are_two, .timeout = 30)
{
	inside(1, two_groups);
	inside(2, two_groups);
}

static bool alone; /* without a group */

static int is_stolen(struct ward_task *task)
{
	struct ward_group group = { { 0 } };
	struct part part = part_of(-EIO);

	(void)task;
	part.waits = true;
	cr_assert_eq(alone ? ward_fork_call(&part.fork)
			   : ward_fork(&group, &part.fork),
		     0);
	while (!load_acquire(&part.tid))
		ward_beat();
	cr_assert_neq(load_relaxed(&part.tid), host_tid());
	store_release(&part.may_end, 1);
	cr_assert_eq(alone ? ward_join_call(&part.fork, part_run)
			   : ward_join(&group),
		     -EIO);
	cr_assert_eq(part.runs, 1);
	return 0;
}

Test(fork, an_idle_worker_steals, .timeout = 30)
{
	for (int i = 0; i < 2; i++) {
		alone = i;
		inside(2, is_stolen);
		inside(5, is_stolen);
	}
}

/* ---- what a stolen fork sees ------------------------------------------------------------ */

struct asker {
	struct ward_fork fork;
	_Atomic uint32_t begun;
	int commit, check, group;
	uint64_t fence;
	struct ward_group *parents;
};

static int ask(struct ward_fork *fork)
{
	struct asker *asker = ward_entry(fork, struct asker, fork);
	struct part part = part_of(0);

	store_release(&asker->begun, 1);
	while (!ward_check())
		;
	asker->check = ward_check();
	asker->commit = ward_commit();
	ward_fence(&asker->fence);
	asker->group = ward_fork(asker->parents, &part.fork);
	return 0;
}

static int asks(struct ward_task *task)
{
	struct ward_group group = { { 0 } };
	struct asker asker = { .fork.run = ask, .parents = &group };
	uint64_t number = 0;

	cr_assert_eq(ward_fork(&group, &asker.fork), 0);
	while (!load_acquire(&asker.begun))
		ward_beat();
	ward_cancel_fire(task->cancel, -EPIPE);
	cr_assert_eq(ward_join(&group), 0);
	cr_assert_eq(asker.check, -EPIPE, "the task's token");
	cr_assert_eq(asker.commit, -ESTALE, "it was cancelled");
	cr_assert_eq(ward_fence(&number), 0);
	cr_assert_eq(asker.fence, number);
	cr_assert_eq(asker.group, -EPERM, "another thread's group");
	cr_assert_eq(ward_commit(), -ESTALE, "it was cancelled");
	return 0;
}

Test(fork, a_stolen_one_sees_the_token, .timeout = 30)
{
	struct ward_cancel token = { { 0 } };
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(asks);

	job.task.cancel = &token;
	submitted(pool, &job);
	job_had(&job, 0);
	ended(pool);
}

/* ---- a stolen fork is the same attempt -------------------------------------------------- */

struct same {
	struct ward_fork fork;
	struct ward_lane *lane;
	struct ward_bridge *bridge;
	bool deep;
	_Atomic uint32_t begun;
	const struct ward_cancel *token;
	uint32_t attempt;
	uint64_t fence;
	int commit, put, join, wait;
	struct ward_task *task;
	struct ward_pool *pool;
};

static struct same same;

static int asks_for_all(struct ward_fork *fork)
{
	(void)fork;
	same.token = ward_token();
	same.attempt = ward_self()->attempt;
	ward_fence(&same.fence);
	same.put = ward_bridge_put(same.bridge, 0, &same, WARD_NOWAIT);
	same.join = ward_lane_join(same.lane, WARD_NOWAIT);
	same.wait = ward_task_wait(same.pool, same.task, WARD_NOWAIT, NULL);
	same.commit = ward_commit();
	return 0;
}

/* Stolen once more, from the thread that stole it. */
static int has_it_asked(struct ward_fork *fork)
{
	struct ward_group group = { { 0 } };

	(void)fork;
	cr_assert_eq(ward_fork(&group, &same.fork), 0);
	is_robbed();
	return ward_join(&group);
}

/* The second attempt; the number is drawn by the first that asks. */
static int is_the_same(struct ward_task *task)
{
	struct ward_group group = { { 0 } };
	struct ward_fork fork = { .run = has_it_asked };
	uint64_t number = 0;

	if (ward_self()->attempt == 1)
		return -EIO;
	same.task = task;
	same.fork.run = asks_for_all;
	if (same.deep)
		cr_assert_eq(ward_bridge_open(same.bridge, NULL), 0);
	cr_assert_eq(ward_fork(&group, same.deep ? &fork : &same.fork), 0);
	is_robbed();
	cr_assert_eq(ward_join(&group), 0);
	cr_assert_eq(ward_fence(&number), 0);
	cr_assert_eq(same.fence, number);
	cr_assert_eq(same.token, ward_token());
	cr_assert_eq(same.token, ward_lane_token(same.lane));
	cr_assert_eq(same.attempt, 2);
	cr_assert_eq(same.put, 0);
	cr_assert_eq(same.join, -EDEADLK);
	cr_assert_eq(same.wait, -EDEADLK);
	cr_assert_eq(same.commit, 0);
	cr_assert_eq(ward_commit(), -ESTALE, "once");
	return 0;
}

static void is_same_attempt(bool deep)
{
	static const struct ward_policy twice = { .size = sizeof(twice),
						  .runs = 2,
						  .errors = 1 };
	struct ward_pool *pool = pool_of(deep ? 3 : 2);
	struct job job = job_of_kind(is_the_same);

	same = (struct same){ .deep = deep, .pool = pool };
	same.lane = lane_of(pool);
	cr_assert_eq(ward_bridge_create(&same.bridge, 4, NULL), 0);
	job.task.policy = &twice;
	sent(same.lane, &job);
	job_had(&job, 0);
	given_back(same.lane);
	ward_bridge_destroy(same.bridge);
	ended(pool);
}

Test(fork, a_stolen_one_is_the_same_attempt, .timeout = 30)
{
	is_same_attempt(false);
	is_same_attempt(true);
}

static int waits_long(struct ward_fork *fork)
{
	struct asker *asker = ward_entry(fork, struct asker, fork);

	store_release(&asker->begun, 1);
	asker->check = ward_pause(WARD_FOREVER);
	return 0;
}

static _Atomic uint32_t sleeps; /* the thread that pauses is asleep */

static int joins_one_that_waits(struct ward_task *task)
{
	struct ward_group group = { { 0 } };
	struct asker asker = { .fork.run = waits_long };

	(void)task;
	cr_assert_eq(ward_fork(&group, &asker.fork), 0);
	while (!load_acquire(&asker.begun))
		ward_beat();
	store_release(&sleeps, 1);
	cr_assert_eq(ward_join(&group), 0);
	return asker.check;
}

Test(fork, a_stolen_one_hears_that_its_task_is_cancelled, .timeout = 30)
{
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(joins_one_that_waits);

	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&sleeps)));
	cr_assert_eq(ward_task_cancel(pool, &job.task, -EINTR), -EINPROGRESS);
	job_had(&job, -EINTR);
	ended(pool);
}

static _Atomic int32_t heard = 1;

static int pauses(struct ward_fork *fork)
{
	(void)fork;
	store_release(&sleeps, 1);
	store_release(&heard, ward_pause(WARD_FOREVER));
	return 0;
}

/* The task is convicted itself; its fork, which has more patience, is told. */
static int spins_beside(struct ward_task *task)
{
	struct ward_group group = { { 0 } };
	struct ward_fork fork = { .run = pauses };

	(void)task;
	cr_assert_eq(ward_fork(&group, &fork), 0);
	while (load_acquire(&heard) == 1)
		host_relax();
	ward_join(&group);
	return 0;
}

Test(fork, a_stolen_one_hears_that_its_task_was_fenced, .timeout = 30)
{
	static const struct ward_policy busy = { .size = sizeof(busy),
						 .busy_within = WARD_MS(20),
						 .blocked_within = WARD_S(60) };
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(spins_beside);

	job.task.policy = &busy;
	submitted(pool, &job);
	cr_assert(comes_true(load_acquire(&heard) != 1));
	cr_assert_eq(heard, -ESTALE);
	job_had(&job, -ETIME);
	ended(pool);
}

static struct part late;

static int forks_late(struct ward_task *task)
{
	struct ward_group group = { { 0 } };

	(void)task;
	late = part_of(0);
	if (same.lane)
		ward_lane_cancel(same.lane, -EINTR);
	else
		ward_task_cancel(same.pool, task, -EINTR);
	cr_assert_eq(ward_fork(&group, &late.fork), 0);
	is_robbed();
	cr_assert_eq(ward_join(&group), -EINTR);
	cr_assert_eq(late.runs, 0);
	return 0;
}

Test(fork, one_that_is_stolen_of_what_was_cancelled_does_not_begin,
     .timeout = 30)
{
	for (int laned = 0; laned < 2; laned++) {
		struct ward_pool *pool = pool_of(2);
		struct job job = job_of_kind(forks_late);

		same = (struct same){ .pool = pool };
		if (laned) {
			same.lane = lane_of(pool);
			sent(same.lane, &job);
		} else {
			submitted(pool, &job);
		}
		job_had(&job, 0);
		if (laned)
			given_back(same.lane);
		ended(pool);
	}
}

/* ---- leaving without a join ------------------------------------------------------------- */

static struct part forgotten[2];
static struct ward_group never_joined;

static int forgets(struct ward_task *task)
{
	(void)task;
	for (int i = 0; i < 2; i++) {
		forgotten[i] = part_of(0);
		ward_fork(&never_joined, &forgotten[i].fork);
	}
	return 0;
}

Test(fork, what_was_not_joined_does_not_run, .timeout = 30)
{
	inside(1, forgets);
	cr_assert_eq(forgotten[0].runs + forgotten[1].runs, 0);
}

static int too_late = 1, at_once = 1;

static void joins_at_last(struct ward_task *task, int status)
{
	struct ward_group group = { { 0 } };
	struct part part = part_of(-EIO);

	too_late = ward_join(&never_joined);
	ward_fork(&group, &part.fork);
	at_once = part.runs ? ward_join(&group) : 1;
	job_done(task, status);
}

Test(fork, done_is_outside_and_joins_nothing_of_run, .timeout = 30)
{
	struct ward_pool *pool = pool_of(1);
	struct job job = job_of_kind(forgets);

	job.task.done = joins_at_last;
	submitted(pool, &job);
	job_had(&job, 0);
	ended(pool);
	cr_assert_eq(too_late, -EPERM);
	cr_assert_eq(at_once, -EIO, "it ran in the call");
}
