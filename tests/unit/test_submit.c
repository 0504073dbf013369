/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"
#include <stdlib.h>

/* ---- a task's life --------------------------------------------------- */

Test(submit, runs_then_done_then_release)
{
	struct ward_pool *pool = pool_of(2);
	struct job job = job_of_kind(job_run);

	job.answer = 17;
	submitted(pool, &job);
	job_had(&job, 17);
	cr_assert_eq(job.runs, 1);
	cr_assert_eq(job.attempt, 1);
	cr_assert_lt(load_relaxed(&job.ran_at), load_relaxed(&job.done_at));
	cr_assert_neq(job.incident, 0, "an error is told");
	cr_assert_neq(load_relaxed(&job.ran_on), host_tid());
	cr_assert_eq(load_relaxed(&job.done_on), load_relaxed(&job.ran_on));
	ended(pool);
}

Test(submit, every_one_of_many_once)
{
	enum { N = 5000 };
	static struct job job[N];
	struct ward_pool *pool = pool_of(3);

	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(job_run);
		job[i].answer = -i;
		submitted(pool, &job[i]);
	}
	for (int i = 0; i < N; i++) {
		job_had(&job[i], -i);
		cr_assert_eq(job[i].runs, 1);
	}
	ended(pool);
}

static _Atomic uint32_t bare_runs;

static int bare(struct ward_task *task)
{
	add_relaxed(&bare_runs, 1);
	return task == NULL;
}

Test(submit, done_and_release_may_be_missing)
{
	struct ward_task task[3] = { { .run = bare },
				     { .run = bare, .done = job_done },
				     { .run = bare } };
	struct job job = job_of_kind(bare);
	struct ward_pool *pool = pool_of(1);

	job.task.release = NULL;
	cr_assert_eq(ward_submit(pool, &task[0], 0), 0);
	cr_assert_eq(ward_submit(pool, &job.task, 0), 0);
	cr_assert_eq(ward_submit(pool, &task[2], 0), 0);
	cr_assert(stat_is(pool, answered, 3));
	cr_assert_eq(bare_runs, 3);
	cr_assert_eq(job.dones, 1);
	ended(pool);
}

/* ---- again from inside release --------------------------------------- */

static struct ward_pool *again_in;
static _Atomic int32_t again_err;

static void again(struct ward_task *task)
{
	if (add_relaxed(&job_of(task)->releases, 1) + 1 < 1000)
		store_relaxed(&again_err, ward_submit(again_in, task, 0));
}

Test(submit, a_released_task_may_be_submitted_anew_at_once)
{
	struct job job = job_of_kind(job_run);

	again_in = pool_of(1);
	job.task.release = again;
	submitted(again_in, &job);
	cr_assert(comes_true(load_acquire(&job.releases) == 1000));
	cr_assert_eq(load_relaxed(&again_err), 0);
	ended(again_in);
	cr_assert_eq(job.runs, 1000);
	cr_assert_eq(job.dones, 1000);
}

static void early(struct ward_task *task, int status)
{
	job_done(task, status);
	store_relaxed(&again_err, ward_submit(again_in, task, 0));
}

Test(submit, before_release_it_is_the_pools)
{
	struct job job = job_of_kind(job_run);

	again_in = pool_of(1);
	job.task.done = early;
	submitted(again_in, &job);
	job_had(&job, 0);
	cr_assert_eq(load_relaxed(&again_err), -EBUSY);
	ended(again_in);
}

static _Atomic uint32_t freed;

static void frees(struct ward_task *task)
{
	free(job_of(task));
	add_acq_rel(&freed, 1);
}

Test(submit, a_released_task_may_be_freed_at_once)
{
	struct ward_pool *pool = pool_of(2);

	for (int i = 0; i < 1000; i++) {
		struct job *job = malloc(sizeof(*job));

		cr_assert_not_null(job);
		*job = job_of_kind(job_run);
		job->task.release = frees;
		submitted(pool, job);
	}
	cr_assert(comes_true(load_acquire(&freed) == 1000));
	ended(pool);
}

/* ---- order ----------------------------------------------------------- */

static void in_order(struct job *job, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		job_had(&job[i], 0);
	for (uint32_t i = 1; i < n; i++)
		cr_assert_gt(load_relaxed(&job[i].ran_at),
			     load_relaxed(&job[i - 1].ran_at), "%u", i);
}

Test(submit, one_worker_keeps_the_order_of_one_submitter)
{
	enum { N = 3000 };
	static struct job job[N], first;
	struct ward_pool *pool = pool_of(1);

	first = job_of_kind(job_sleep); /* until all are queued */
	submitted(pool, &first);
	cr_assert(gate_came(&first.gate));
	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(job_run);
		submitted(pool, &job[i]);
	}
	gate_open(&first.gate);
	in_order(job, N);
	ended(pool);
}

Test(submit, the_order_is_kept_while_it_runs)
{
	enum { N = 20000 };
	static struct job job[N];
	struct ward_pool *pool = pool_of(1);

	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(job_run);
		submitted(pool, &job[i]);
	}
	in_order(job, N);
	ended(pool);
}

Test(submit, batches_keep_the_order)
{
	enum { N = 3000 };
	static struct job job[N];
	static struct ward_task *list[N];
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool;
	int n = 0;

	config.ring = 64;
	pool = started(&config);
	for (int i = 0; i < N; i++) {
		job[i] = job_of_kind(job_run);
		list[i] = &job[i].task;
	}
	while (n < N) {
		int took = ward_submit_n(pool, list + n, (unsigned)(N - n),
					 WARD_FOREVER);

		cr_assert_gt(took, 0);
		n += took;
	}
	in_order(job, N);
	ended(pool);
}

/* ---- from inside a task ---------------------------------------------- */

static struct job nested[100];

static int nests(struct ward_task *task)
{
	job_begins(job_of(task));
	for (int i = 0; i < 100; i++) {
		nested[i] = job_of_kind(job_run);
		cr_assert_eq(ward_submit(again_in, &nested[i].task, 0), 0);
	}
	return job_ends(job_of(task));
}

Test(submit, a_task_submits_more_than_its_hand_holds)
{
	struct job job = job_of_kind(nests);

	again_in = pool_of(2);
	submitted(again_in, &job);
	for (int i = 0; i < 100; i++)
		cr_assert(comes_true(load_acquire(&nested[i].releases) == 1));
	job_had(&job, 0);
	ended(again_in);
}

/* A chain of nested work does not keep a stranger from its turn. */
static int chains(struct ward_task *task)
{
	struct job *job = job_of(task);

	job_begins(job);
	return 0;
}

static void next_link(struct ward_task *task)
{
	if (load_acquire(&job_of(task)->stop) ||
	    ward_submit(again_in, task, 0) != 0)
		add_acq_rel(&job_of(task)->releases, 1);
}

Test(submit, nested_work_leaves_room_for_strangers)
{
	struct job chain[2] = { job_of_kind(chains), job_of_kind(chains) };
	struct job stranger = job_of_kind(job_run);

	again_in = pool_of(1);
	for (int i = 0; i < 2; i++) {
		chain[i].task.done = NULL;
		chain[i].task.release = next_link;
		submitted(again_in, &chain[i]);
	}
	cr_assert(comes_true(load_acquire(&chain[1].runs) > 100));
	submitted(again_in, &stranger);
	job_had(&stranger, 0);
	for (int i = 0; i < 2; i++) {
		store_release(&chain[i].stop, 1);
		cr_assert(job_is_released(&chain[i]));
	}
	ended(again_in);
}

/* ---- room ------------------------------------------------------------ */

/* A pool of one worker, busy, with a full ring. */
struct full {
	struct ward_pool *pool;
	struct job first, queued[3];
};

static void fill(struct full *full)
{
	struct ward_pool_config config = job_config(1);

	config.ring = 4;
	full->pool = started(&config);
	full->first = job_of_kind(job_sleep);
	submitted(full->pool, &full->first);
	cr_assert(gate_came(&full->first.gate));
	for (int i = 0; i < 3; i++) {
		full->queued[i] = job_of_kind(job_run);
		submitted(full->pool, &full->queued[i]);
	}
	cr_assert_eq(stats_of(full->pool).queued, 3);
}

static void empty(struct full *full)
{
	gate_open(&full->first.gate);
	job_had(&full->first, 0);
	for (int i = 0; i < 3; i++)
		job_had(&full->queued[i], 0);
}

struct late {
	struct ward_cancel token;
	int32_t tid;
	bool timed, slept;
};

static void *fires_late(void *arg)
{
	struct late *late = arg;

	late->slept = comes_true(sleeps_in_futex(late->tid));
	if (late->timed)
		ward_cancel_deadline(&late->token, ward_in(WARD_MS(2)));
	else
		ward_cancel_fire(&late->token, -EPIPE);
	return NULL;
}

/* Fired, or its deadline set, while it sleeps; one task, or several at once. */
Test(submit, who_waits_for_room_ends_with_the_tasks_token)
{
	struct full full;

	fill(&full);
	for (int i = 0; i < 4; i++) {
		struct late late = { .tid = host_tid(), .timed = i % 2 };
		struct job job = job_of_kind(job_run);
		struct ward_task *task[] = { &job.task };
		pthread_t thread;
		int err;

		job.task.cancel = &late.token;
		pthread_create(&thread, NULL, fires_late, &late);
		err = i / 2 ? ward_submit_n(full.pool, task, 1, WARD_FOREVER) :
			      ward_submit(full.pool, task[0], WARD_FOREVER);
		pthread_join(thread, NULL);
		cr_assert(late.slept);
		cr_assert_eq(err, late.timed ? -ETIMEDOUT : -EPIPE);
		job_is_untouched(&job);
	}
	empty(&full);
	ended(full.pool);
}

Test(submit, a_full_ring_refuses_and_leaves_no_trace)
{
	struct full full;
	struct job late = job_of_kind(job_run);
	struct ward_stats before, after;

	fill(&full);
	before = stats_of(full.pool);
	cr_assert_eq(ward_submit(full.pool, &late.task, WARD_NOWAIT), -EAGAIN);
	after = stats_of(full.pool);
	cr_assert_eq(after.refused, before.refused + 1);
	cr_assert_eq(after.accepted, before.accepted);
	cr_assert_eq(after.queued, before.queued);
	empty(&full);
	cr_assert(stat_is(full.pool, answered, 4));
	job_is_untouched(&late);
	submitted(full.pool, &late);
	job_had(&late, 0);
	ended(full.pool);
}

Test(submit, a_batch_goes_as_far_as_there_is_room)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool;
	struct job job[6];
	struct ward_task *list[6];

	config.ring = 4;
	pool = created(&config);
	for (int i = 0; i < 6; i++) {
		job[i] = job_of_kind(job_run);
		list[i] = &job[i].task;
	}
	cr_assert_eq(ward_submit_n(pool, list, 6, WARD_NOWAIT), 3);
	cr_assert_eq(ward_submit_n(pool, list + 3, 3, WARD_NOWAIT), -EAGAIN);
	cr_assert_eq(ward_submit_n(pool, list, 0, WARD_NOWAIT), 0);
	cr_assert_eq(ward_pool_start(pool), 0);
	for (int i = 0; i < 3; i++)
		job_had(&job[i], 0);
	for (int i = 3; i < 6; i++)
		job_is_untouched(&job[i]);
	cr_assert_eq(ward_submit_n(pool, list + 3, 3, WARD_FOREVER), 3);
	for (int i = 3; i < 6; i++)
		job_had(&job[i], 0);
	ended(pool);
}

Test(submit, no_room_in_time_and_not_before_it)
{
	struct full full;
	struct job late = job_of_kind(job_run);
	struct ward_task *list[] = { &late.task };
	ward_ns until;

	fill(&full);
	until = ward_in(WARD_MS(20));
	cr_assert_eq(ward_submit(full.pool, &late.task, until), -ETIMEDOUT);
	cr_assert_geq(ward_now(), until);
	until = ward_in(WARD_MS(20));
	cr_assert_eq(ward_submit_n(full.pool, list, 1, until), -ETIMEDOUT);
	cr_assert_geq(ward_now(), until);
	cr_assert_eq(ward_submit(full.pool, &late.task, 1), -ETIMEDOUT,
		     "a point in the past is one look");
	empty(&full);
	cr_assert(stat_is(full.pool, answered, 4));
	job_is_untouched(&late);
	ended(full.pool);
}

/* Fills the ring that is its own, and then waits for room. */
struct submitter {
	pthread_t thread;
	struct ward_pool *pool;
	struct ward_task *task;
	struct job filler[4];
	uint32_t filled;
	_Atomic int32_t tid;
	int err;
};

static void *submits(void *arg)
{
	struct submitter *me = arg;

	for (me->filled = 0; me->filled < 4; me->filled++) {
		struct job *job = &me->filler[me->filled];

		*job = job_of_kind(job_run);
		if (ward_submit(me->pool, &job->task, WARD_NOWAIT))
			break;
	}
	store_release(&me->tid, host_tid());
	me->err = ward_submit(me->pool, me->task, WARD_FOREVER);
	return NULL;
}

static void start_waiting(struct submitter *s, struct full *full,
			  struct job *job)
{
	*s = (struct submitter){ .pool = full->pool, .task = &job->task };
	pthread_create(&s->thread, NULL, submits, s);
	cr_assert(comes_true(load_acquire(&s->tid)));
	cr_assert(comes_true(sleeps_in_futex(load_acquire(&s->tid))));
}

static int result(struct submitter *s)
{
	pthread_join(s->thread, NULL);
	return s->err;
}

static void filled_had(struct submitter *s, int32_t status)
{
	for (uint32_t i = 0; i < s->filled; i++)
		job_had(&s->filler[i], status);
}

Test(submit, waiters_go_on_when_there_is_room)
{
	struct full full;
	static struct submitter s[5];
	struct job late[5];

	fill(&full);
	for (int i = 0; i < 5; i++) {
		late[i] = job_of_kind(job_run);
		start_waiting(&s[i], &full, &late[i]);
	}
	empty(&full);
	for (int i = 0; i < 5; i++) {
		cr_assert_eq(result(&s[i]), 0);
		job_had(&late[i], 0);
		filled_had(&s[i], 0);
	}
	ended(full.pool);
}

/* ---- the end --------------------------------------------------------- */

Test(submit, draining_sends_waiters_away)
{
	struct full full;
	static struct submitter s[3];
	struct job late[3];
	struct ward_task *list[] = { &late[0].task };

	fill(&full);
	for (int i = 0; i < 3; i++) {
		late[i] = job_of_kind(job_run);
		start_waiting(&s[i], &full, &late[i]);
	}
	cr_assert_eq(ward_pool_drain(full.pool, ward_in(WARD_MS(1))),
		     -ETIMEDOUT);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(result(&s[i]), -ESHUTDOWN);
	cr_assert_eq(ward_submit(full.pool, &late[0].task, 0), -ESHUTDOWN);
	cr_assert_eq(ward_submit(full.pool, &late[0].task, WARD_FOREVER),
		     -ESHUTDOWN);
	cr_assert_eq(ward_submit_n(full.pool, list, 1, 0), -ESHUTDOWN);
	empty(&full);
	ended(full.pool);
	for (int i = 0; i < 3; i++) {
		job_is_untouched(&late[i]);
		filled_had(&s[i], 0);
	}
}

Test(submit, destroying_sends_waiters_away)
{
	struct full full;
	static struct submitter s;
	struct job late = job_of_kind(job_run);

	fill(&full);
	start_waiting(&s, &full, &late);
	cr_assert_eq(ward_pool_destroy(full.pool, ward_now()), 1);
	cr_assert_eq(result(&s), -ESHUTDOWN);
	job_is_untouched(&late);
	filled_had(&s, -ECANCELED);
	for (int i = 0; i < 3; i++)
		job_had(&full.queued[i], -ECANCELED);
	gate_open(&full.first.gate);
	job_had(&full.first, -ECANCELED);
}

/* ---- by a fenced attempt --------------------------------------------- */

static struct job stale_late;
static _Atomic int32_t stale_err;
static _Atomic uint32_t stale_put;

/* Fills its local queue and its ring, and is fenced while it waits for more room. */
static int waits_for_room(struct ward_task *task)
{
	struct job *job = job_of(task);
	uint32_t n = 0;

	job_begins(job);
	while (n < 100) {
		nested[n] = job_of_kind(job_run);
		if (ward_submit(again_in, &nested[n].task, 0))
			break;
		n++;
	}
	store_relaxed(&stale_put, n);
	store_relaxed(&stale_err,
		      ward_submit(again_in, &stale_late.task, WARD_FOREVER));
	return job_ends(job);
}

Test(submit, a_fenced_attempt_waits_no_longer)
{
	struct ward_pool_config config = job_config(1);
	struct job job = job_of_kind(waits_for_room);

	config.ring = 4;
	config.max = 1; /* nobody comes to its help */
	again_in = started(&config);
	stale_late = job_of_kind(job_run);
	job.task.policy = &hasty;
	submitted(again_in, &job);
	job_had(&job, -ETIME);
	cr_assert_eq(load_relaxed(&stale_err), -ESTALE);
	cr_assert_eq(load_relaxed(&job.check), -ESTALE);
	cr_assert(stale_put > 3 && stale_put < 100, "%u",
		  load_relaxed(&stale_put));
	for (uint32_t i = 0; i < load_relaxed(&stale_put); i++)
		job_had(&nested[i], 0);
	ended(again_in);
	job_is_untouched(&stale_late);
}

/* The pool that has no room knows nothing of the worker that waits for it. */
Test(submit, a_fenced_attempt_waits_no_longer_in_another_pool)
{
	struct ward_pool *own = pool_of(1);
	struct job job = job_of_kind(waits_for_room);
	struct full full;

	fill(&full);
	again_in = full.pool;
	stale_late = job_of_kind(job_run);
	job.task.policy = &hasty;
	submitted(own, &job);
	job_had(&job, -ETIME);
	cr_assert(stat_is(own, late, 1), "it has come home");
	cr_assert_eq(load_relaxed(&stale_err), -ESTALE);
	empty(&full);
	for (uint32_t i = 0; i < load_relaxed(&stale_put); i++)
		job_had(&nested[i], 0);
	ended(own);
	ended(full.pool);
	job_is_untouched(&stale_late);
}

/* ---- a function and its argument ------------------------------------------- */

static _Atomic uint32_t gone;

static int goes(void *arg)
{
	add_acq_rel((_Atomic uint32_t *)arg, 1);
	return 0;
}

Test(submit, a_function_goes)
{
	struct ward_pool *pool = pool_of(2);

	for (int i = 0; i < 100; i++)
		cr_assert_eq(ward_go(pool, goes, &gone, WARD_FOREVER), 0);
	cr_assert_eq(ward_go(NULL, goes, &gone, 0), -EINVAL);
	cr_assert_eq(ward_go(pool, NULL, &gone, 0), -EINVAL);
	cr_assert_eq(ward_pool_drain(pool, WARD_FOREVER), 0);
	cr_assert_eq(gone, 100);
	cr_assert_eq(ward_go(pool, goes, &gone, 0), -ESHUTDOWN);
	ended(pool);
}
