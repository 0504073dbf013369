/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Callers that wait: ward_cells_call() by itself, and with all else that a call may have.
 */
#include "cell/cell.h"
#include "cell_ask.h"
#include "filter.h"
#include <pthread.h>
#include <sys/wait.h>

CELLS_ARE_THERE;

#define SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define CALLED(...) CELLS_TEST(cells_call, __VA_ARGS__)

static _Thread_local uint32_t done_here;
static struct ward_cells *cells_of_threads; /* set before a test makes one */

static void done_counts(struct ward_call *call, int status)
{
	done_here++;
	ask_done(call, status);
}

static struct ask *waited(struct ask *ask, enum order order, int n)
{
	ask_init(ask, order, n);
	ask->call.release = NULL;
	ask->call.done = done_counts;
	return ask;
}

/* The status; the call is the caller's again. */
static int called(struct ward_cells *cells, struct ask *ask)
{
	int status = 1, err = ward_cells_call(cells, &ask->call, ward_in(IN_TIME), &status);

	cr_assert_eq(err, 0, "call: %d", err);
	cr_assert_eq(load_relaxed(&ask->dones), 1);
	cr_assert_eq(load_relaxed(&ask->status), status);
	cr_assert_null(ask->call.out);
	cr_assert_eq(ask->call.priv_number, 0);
	return status;
}

static void call_one(struct ward_cells *cells, enum order order, int n, int status)
{
	struct ask ask;
	int got = called(cells, waited(&ask, order, n));

	cr_assert_eq(got, status, "order %u: %d, not %d", order, got, status);
}

/* ---- one call ---------------------------------------------------------------- */

CALLED(an_answer_comes_to_its_caller, 1, 1)
{
	struct ask ask;

	for (int i = 1; i <= 100; i++) {
		cr_assert_eq(called(cells, waited(&ask, ASK_ECHO, i)), 0);
		cr_assert_eq(done_here, (uint32_t)i);
		cr_assert_eq(ask.out_size, sizeof(ask.request));
		cr_assert_eq(memcmp(&ask.answer, &ask.request, sizeof(ask.request)), 0);
	}
	cr_assert_eq(counted(cells).answered, 100);
}

CALLED(no_status_is_asked_for, 1, 1)
{
	struct ask ask;

	waited(&ask, ASK_ECHO, 0)->call.done = NULL;
	cr_assert_eq(ward_cells_call(cells, &ask.call, WARD_FOREVER, NULL), 0);
}

CALLED(errors, 1, 1)
{
	call_one(cells, ASK_STATUS, -EDOM, -EDOM);
	call_one(cells, ASK_RAISE, -EDOM, -EDOM);
	call_one(cells, ASK_STATUS, -ECANCELED, -ECANCELED);
	call_one(cells, ASK_ECHO, 0, 0);
	cr_assert_eq(stats_of(pool).failed, 2);
}

CALLED(cells_that_end, 1, 2)
{
	struct ward_policy again = { .size = sizeof(again), .deaths = 2 };
	struct ask ask;

	call_one(cells, ASK_KILL, 0, -EOWNERDEAD);
	call_one(cells, ASK_COMMIT_KILL, 0, -EOWNERDEAD);
	waited(&ask, ASK_ONCE, 2)->call.task.policy = &again;
	cr_assert_eq(called(cells, &ask), 0);
	cr_assert_eq(ask.answer.n, 3); /* the attempt */
	waited(&ask, ASK_SPIN, 0)->call.task.policy = &hasty;
	cr_assert_eq(called(cells, &ask), -ETIME);
	call_one(cells, ASK_ECHO, 0, 0);
}

static struct ward_pool *holders;
static _Atomic uint32_t dropped;

static void *holds(void *arg)
{
	struct ask *ask = arg;
	int status = 1;

	cr_assert(at_gate(1, 1));
	open_gate(1);
	cr_assert_eq(ward_task_wait(holders, &ask->call.task, WARD_FOREVER, &status), 0);
	cr_assert_eq(status, 0);
	cr_assert_not_null(ask->call.out); /* it is not released */
	store_release(&dropped, 1);
	cr_assert_eq(ward_task_drop(holders, &ask->call.task), 0);
	return NULL;
}

CALLED(one_that_another_thread_holds, 1, 1)
{
	struct ask ask;
	pthread_t t;

	holders = pool;
	waited(&ask, ASK_WAIT, 0)->request.gate = 1;
	cr_assert_eq(ward_task_hold(pool, &ask.call.task), 0);
	cr_assert_eq(pthread_create(&t, NULL, holds, &ask), 0);
	cr_assert_eq(called(cells, &ask), 0);
	cr_assert(load_acquire(&dropped));
	pthread_join(t, NULL);
}

static _Atomic uint32_t caller_tid;

static void *calls_one(void *arg)
{
	struct ask *ask = arg;

	store_release(&caller_tid, (uint32_t)host_tid());
	cr_assert_eq(called(cells_of_threads, ask), 0);
	return NULL;
}

/* Its call goes on in another cell: so it keeps nothing of the one that has ended. */
CALLED(one_whose_call_was_moved_lets_the_cell_go, 1, 1)
{
	struct ask first, ask;
	pthread_t t;

	asked(cells, ask_at(&first, ASK_WAIT, 1));
	cr_assert(at_gate(1, 1));
	waited(&ask, ASK_WAIT, 0)->request.gate = 2;
	cells_of_threads = cells;
	cr_assert_eq(pthread_create(&t, NULL, calls_one, &ask), 0);
	cr_assert(count_is(cells, sent, 2));
	/* On the answers of this cell. */
	cr_assert(comes_true(sleeps_in_futex((int32_t)load_acquire(&caller_tid))));
	cr_assert_eq(kill(ward_cells_pid(cells, 0), SIGKILL), 0);
	ask_had(&first, -EOWNERDEAD);
	cr_assert(at_gate(2, 1));
	cr_assert(count_is(cells, leaving, 0));
	open_gate(2);
	pthread_join(t, NULL);
}

/* ---- refused ----------------------------------------------------------------- */

CALLED(wrong_calls, 1, 1)
{
	struct ask ask;

	waited(&ask, ASK_ECHO, 0);
	cr_assert_eq(ward_cells_call(NULL, &ask.call, WARD_FOREVER, NULL), -EINVAL);
	cr_assert_eq(ward_cells_call(cells, NULL, WARD_FOREVER, NULL), -EINVAL);
	ask.call.release = ask_release;
	cr_assert_eq(ward_cells_call(cells, &ask.call, WARD_FOREVER, NULL), -EINVAL);
	ask.call.release = NULL;
	ask.call.in_size = 257;
	cr_assert_eq(ward_cells_call(cells, &ask.call, WARD_FOREVER, NULL), -EMSGSIZE);
	ask_is_untouched(&ask);
	cr_assert_eq(called(cells, waited(&ask, ASK_ECHO, 0)), 0);
}

CALLED(no_room, 1, 1)
{
	static struct ask ask[8];
	struct ask late;

	for (int i = 0; i < 8; i++)
		asked(cells, ask_at(&ask[i], ASK_WAIT, 1));
	waited(&late, ASK_ECHO, 0);
	cr_assert_eq(ward_cells_call(cells, &late.call, WARD_NOWAIT, NULL), -EAGAIN);
	cr_assert_eq(ward_cells_call(cells, &late.call, ward_in(1), NULL), -ETIMEDOUT);
	ask_is_untouched(&late);
	open_gate(1);
	cr_assert_eq(called(cells, &late), 0);
	for (int i = 0; i < 8; i++)
		ask_had(&ask[i], 0);
}

Test(cells_call, refused_once_it_is_drained)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_cells *cells = cells_of(pool, 1);
	struct ask ask;

	cr_assert_eq(ward_cells_drain(cells, ward_in(IN_TIME)), 0);
	waited(&ask, ASK_ECHO, 0);
	cr_assert_eq(ward_cells_call(cells, &ask.call, WARD_FOREVER, NULL), -ESHUTDOWN);
	ask_is_untouched(&ask);
	cells_end(pool, cells);
}

/* ---- told to stop ------------------------------------------------------------ */

CALLED(a_deadline, 1, 1)
{
	struct ward_cancel token = { { 0 } };
	struct ask ask;

	cr_assert_eq(ward_cancel_deadline(&token, ward_in(WARD_MS(10))), 0);
	waited(&ask, ASK_CHECK, 0)->call.task.cancel = &token;
	cr_assert_eq(called(cells, &ask), -ETIMEDOUT);
	waited(&ask, ASK_ECHO, 0)->call.task.cancel = &token;
	cr_assert_eq(ward_cells_call(cells, &ask.call, WARD_FOREVER, NULL), -ETIMEDOUT);
	call_one(cells, ASK_ECHO, 0, 0);
}

/* It hears nothing: the deadline ends it with its cell. */
CALLED(a_deadline_over_one_that_hangs, 1, 1)
{
	struct ward_policy policy = { .size = sizeof(policy),
				      .busy_within = WARD_S(60),
				      .blocked_within = WARD_MS(20) };
	struct ward_cancel token = { { 0 } };
	struct ask ask;

	cr_assert_eq(ward_cancel_deadline(&token, ward_in(WARD_MS(10))), 0);
	waited(&ask, ASK_BEAT, 0)->call.task.cancel = &token;
	ask.call.task.policy = &policy;
	cr_assert_eq(called(cells, &ask), -ECANCELED);
	call_one(cells, ASK_ECHO, 0, 0);
}

static void *cancels(void *arg)
{
	struct ask *ask = arg;
	struct ward_cells *cells = cells_of_threads;

	cr_assert(at_gate(1, 1));
	cr_assert_eq(ward_cells_cancel(cells, &ask->call, -EPIPE), 0);
	return NULL;
}

CALLED(cancelled_by_another_thread, 1, 1)
{
	struct ask ask;
	pthread_t t;

	waited(&ask, ASK_CHECK, 0)->request.gate = 1;
	cells_of_threads = cells;
	cr_assert_eq(pthread_create(&t, NULL, cancels, &ask), 0);
	cr_assert_eq(called(cells, &ask), -EPIPE);
	pthread_join(t, NULL);
}

/* ---- in lanes and ports -------------------------------------------------------- */

CALLED(in_a_lane, 1, 1)
{
	struct ward_lane *lane = lane_of(pool, .active = 1);
	struct ask ask;

	for (int i = 0; i < 20; i++) {
		waited(&ask, ASK_ECHO, i)->call.lane = lane;
		cr_assert_eq(called(cells, &ask), 0);
	}
	waited(&ask, ASK_KILL, 0)->call.lane = lane;
	cr_assert_eq(called(cells, &ask), -EOWNERDEAD);
	cr_assert_eq(done_here, 0); /* a worker's */
	given_back(lane);
}

static void *runs_port(void *arg)
{
	int n = 0;

	while (!n)
		n = ward_port_run(arg, 0);
	cr_assert_eq(n, 1);
	return NULL;
}

CALLED(answered_by_a_port, 1, 1)
{
	struct ward_port *port;
	struct ward_lane *lane;
	struct ask ask;
	pthread_t t;

	cr_assert_eq(ward_port_create(&port), 0);
	lane = lane_of(pool, .port = port);
	cr_assert_eq(pthread_create(&t, NULL, runs_port, port), 0);
	waited(&ask, ASK_ECHO, 0)->call.lane = lane;
	cr_assert_eq(called(cells, &ask), 0);
	cr_assert_eq(done_here, 0);
	pthread_join(t, NULL);
	given_back(lane);
	cr_assert_eq(ward_port_destroy(port), 0);
}

/* ---- inside a task ------------------------------------------------------------- */

struct asks {
	struct ward_task task;
	struct ward_cells *cells;
	struct ask ask;
	int err, status;
	_Atomic uint32_t over;
};

static int asks_run(struct ward_task *task)
{
	struct asks *asks = ward_entry(task, struct asks, task);

	asks->err = ward_cells_call(asks->cells, &asks->ask.call, WARD_FOREVER,
				    &asks->status);
	return 0;
}

static void asks_release(struct ward_task *task)
{
	store_release(&ward_entry(task, struct asks, task)->over, 1);
}

static void ask_in_task(struct ward_pool *pool, struct asks *asks)
{
	asks->task.run = asks_run;
	asks->task.release = asks_release;
	cr_assert_eq(ward_submit(pool, &asks->task, WARD_FOREVER), 0);
}

/* Its only worker waits: an answer needs none, a call that is made again another. */
CALLED(by_tasks_of_its_pool, 1, 2)
{
	static const struct { enum order order; int n, status; } each[] = {
		{ ASK_ECHO, 0, 0 }, { ASK_STATUS, -EDOM, -EDOM },
		{ ASK_KILL, 0, -EOWNERDEAD }, { ASK_ECHO, 0, 0 }
	};

	for (size_t i = 0; i < SIZE(each); i++) {
		struct asks asks = { .cells = cells };

		waited(&asks.ask, each[i].order, each[i].n);
		ask_in_task(pool, &asks);
		cr_assert(comes_true(load_acquire(&asks.over)));
		cr_assert_eq(asks.err, 0);
		cr_assert_eq(asks.status, each[i].status);
	}
}

/* Where the task is told to stop, so is its call. */
CALLED(by_a_task_that_is_cancelled, 1, 1)
{
	struct ward_cancel token = { { 0 } };
	struct asks asks = { .cells = cells };

	asks.task.cancel = &token;
	waited(&asks.ask, ASK_CHECK, 0)->request.gate = 1;
	ask_in_task(pool, &asks);
	cr_assert(at_gate(1, 1));
	ward_cancel_fire(&token, -EPIPE);
	cr_assert(comes_true(load_acquire(&asks.over)));
	cr_assert_eq(asks.err, 0);
	cr_assert_eq(asks.status, -EPIPE);
}

static uint32_t listeners(const struct ward_cells *cells)
{
	const struct cell_shared *shared = cells->cell[0].shared;

	return load_relaxed(&shared->waits);
}

/* Its thread may have a low priority from then on: others are not to wait for it. */
CALLED(by_a_task_that_is_fenced, 1, 1)
{
	struct ward_policy policy = hasty;
	struct asks asks = { .cells = cells };

	policy.declared_within = WARD_MS(20);
	asks.task.policy = &policy;
	waited(&asks.ask, ASK_SILENT, 0)->request.gate = 1;
	ask_in_task(pool, &asks);
	cr_assert(at_gate(1, 1));
	cr_assert(stat_is(pool, zombies_entered, 1));
	cr_assert(comes_true(!listeners(cells)));
	open_gate(1);
	cr_assert(comes_true(load_acquire(&asks.over)));
	cr_assert(stat_is(pool, zombies, 0));
	cr_assert_eq(asks.err, 0);
	cr_assert_eq(load_relaxed(&asks.ask.dones), 1);
}

/* ---- beside each other --------------------------------------------------------- */

enum { THREADS = 4, TIMES = 200 };

static void *calls_often(void *arg)
{
	struct ward_cells *cells = arg;
	static struct ask other[THREADS][TIMES];
	static _Atomic uint32_t next;
	struct ask *mine = other[add_relaxed(&next, 1)];

	for (int i = 0; i < TIMES; i++) {
		struct ask ask;

		/* Some kill their cell. */
		waited(&ask, i % 50 == 49 ? ASK_KILL : ASK_ECHO, i);
		cr_assert_eq(ward_cells_call(cells, &ask.call, WARD_FOREVER, NULL), 0);
		cr_assert_eq(ask.dones, 1);
		cr_assert(i % 50 == 49 ? ask.status == -EOWNERDEAD : !ask.status,
			  "%d: %d", i, ask.status);
		asked(cells, ask_init(&mine[i], ASK_ECHO, i));
	}
	for (int i = 0; i < TIMES; i++)
		ask_had(&mine[i], 0);
	return NULL;
}

static void many(struct ward_cells *cells)
{
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&t[i], NULL, calls_often, cells), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(counted(cells).calls, 0);
}

CALLED(callers_of_one_cell_beside_others_that_do_not_wait, 2, 1)
{
	many(cells);
}

CALLED(callers_of_many_cells_beside_others_that_do_not_wait, 2, 3)
{
	many(cells);
}

Test(cells_call, cells_that_are_recycled)
{
	struct ward_cells_config config = cells_config(1);
	struct ward_pool *pool = pool_of(1);
	struct ward_cells *cells;

	config.recycle_calls = 3;
	cells = cells_with(pool, &config);
	cr_assert(comes_true((call_one(cells, ASK_ECHO, 0, 0),
			      counted(cells).recycled > 2)));
	cells_end(pool, cells);
}

/* It looks for itself then. */
Test(cells_call, without_futex_waitv)
{
	struct ward_pool *pool;
	struct ward_cells *cells;

	cr_assert(refuse_call(449, ENOSYS));
	pool = pool_of(1);
	cells = cells_of(pool, 1);
	for (int i = 0; i < 5; i++)
		call_one(cells, ASK_ECHO, i, 0);
	call_one(cells, ASK_KILL, 0, -EOWNERDEAD);
	call_one(cells, ASK_ECHO, 0, 0);
	cells_end(pool, cells);
}

Test(cells_call, a_child_of_fork)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_cells *cells = cells_of(pool, 1);
	struct ask ask;
	pid_t child;
	int status;

	needs_a_whole_child();
	waited(&ask, ASK_ECHO, 0);
	child = fork();
	if (!child)
		_exit(ward_cells_call(cells, &ask.call, WARD_FOREVER, NULL) != -ECHILD);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && !WEXITSTATUS(status));
	cr_assert_eq(called(cells, &ask), 0);
	cells_end(pool, cells);
}
