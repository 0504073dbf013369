/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_hedge.c - hedges: decided while they are being started; a commit whose attempt is
 * lost on its way; and what is the user's again in release().
 */
#include "base/host.h"
#include "front/front.h"
#include "names.h"
#include "sim.h"
#include "lane/stop.h"
#include <errno.h>
#include <string.h>
#include <ward/hedge.h>

static struct pool *pool;
static struct ward_cancel *token;

/* offstage */
static uint32_t begun, decided, released;
static bool started;
static unsigned starter;

static void set_up(void)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	config.workers = config.max = 1;
	config.spares = config.zombies = 1;
	config.ring = 4;
	config.trace_signo = WARD_TRACE_NONE;
	check(pool_new(&pool, &config) == 0);
	name_pool(pool);
	sim_private(&ward_pulse_);
	token = host_alloc(sizeof(*token));
	begun = decided = released = 0;
	started = false;
}

static offstage void count(uint32_t *what)
{
	++*what;
}

static offstage void is_started(void)
{
	started = true;
}

static offstage bool over(void)
{
	return started && released;
}

/* ---- a worker, of a kind ---------------------------------------------------------- */

static void serve(struct ward_task *task)
{
	struct task_priv *priv = task_priv(task);
	uint64_t word = load_acquire(&priv->word);
	int why;

	if (task_state(word) != TASK_QUEUED) {
		if (!worker_settle(pool, NULL, task))
			return;
		task_move(priv, TASK_QUEUED, 0);
	}
	why = stop_begin(pool, task);
	worker_answer(pool, NULL, task, why ? why : task->run(task));
}

static void works(void *arg)
{
	struct local_queue local;

	(void)arg;
	local_init(&local, 0);
	while (!over()) {
		struct ward_task *task = inbox_take(&pool->inbox, &local);

		if (task)
			serve(task);
		else
			host_yield();
	}
}

/* ---- decided while it is being started ---------------------------------------------- */

static int tries(void *arg, unsigned n)
{
	(void)arg;
	count(&begun);
	return n ? 0 : -EIO;
}

static int wins(void *arg, unsigned n)
{
	(void)arg;
	(void)n;
	count(&begun);
	return 0;
}

static void is_decided(void *arg, int winner, int status)
{
	(void)arg;
	check(winner >= 0 && !status);
	count(&decided);
}

/* The hedge's memory is given back to the host: a late touch is seen. */
static void release(void *arg)
{
	(void)arg;
	check(ward_cancel_fini(token) == 0);
	host_free(token, sizeof(*token));
	count(&released);
}

/* The timer would come in an hour: nobody waits for that. */
static void hedge_starts(int (*run)(void *, unsigned),
			 struct ward_hedge_config config)
{
	host_thread worker;

	set_up();
	config.size = sizeof(config);
	config.tries = 2;
	config.run = run;
	if (!config.done)
		config.done = is_decided;
	config.release = release;
	config.cancel = token;
	check(host_spawn(&worker, NULL, works, NULL, NULL) == 0);
	check(ward_hedge_start(NULL, (struct ward_pool *)pool, &config) == 0);
	is_started();
	while (!over()) {
		later_due(&pool->inbox, host_now());
		host_yield();
	}
	host_join(worker, HOST_FOREVER);
	check(decided == 1 && released == 1);
	check(!load_relaxed(&pool->inbox.later.waiting));
	pool_put(pool);
	check(sim_unfreed() == 0);
}

static void hedge_timer(void)
{
	hedge_starts(wins, (struct ward_hedge_config){ .delay = WARD_S(3600) });
}
SCENARIO(hedge_timer, "a hedge that was decided waits for its timer, or its token is "
	 "touched after release()", .share = 2, .bound = 1, .steps = 20000);

static void hedge_next(void)
{
	hedge_starts(tries,
		     (struct ward_hedge_config){ .delay = WARD_S(3600) });
	check(begun == 2);
}
SCENARIO(hedge_next, "a try that fails while the hedge is being started brings none",
	 .share = 4, .steps = 20000);

static int fails(void *arg, unsigned n)
{
	(void)arg;
	(void)n;
	return -EIO;
}

static void is_lost(void *arg, int winner, int status)
{
	(void)arg;
	check(winner == -1 && status == -EIO);
	check(sim_me() != starter);
	count(&decided);
}

/* The budget refuses the second try, while the first one fails. */
static void hedge_lost(void)
{
	struct ward_hedge_config config = { .done = is_lost };
	struct ward_limit budget;

	starter = sim_me();
	check(ward_limit_init(&budget, 1 / 3600.0, 1) == 0);
	config.budget = &budget;
	check(ward_limit_take(&config.budget, 1, 1, WARD_NOWAIT, NULL) == 0);
	hedge_starts(fails, config);
}
SCENARIO(hedge_lost, "done() is called by who starts the hedge", .bound = 1,
	 .steps = 20000);

/* ---- a commit on its way ------------------------------------------------------------- */

static struct ward_lane *lane;
static struct ward_task task[2];
static int got[2];

static int no_run(struct ward_task *t)
{
	(void)t;
	return 0;
}

/* As ward_commit(), once it has seen that it is not fenced. */
static void commits(void *arg)
{
	uintptr_t i = (uintptr_t)arg;

	got[i] = task_commit(task_priv(&task[i]), 1) &&
		 lane_commit((struct lane *)lane, &task[i]);
}

/* The first try was lost: it is answered. */
static void answers(void *arg)
{
	struct lane *in = (struct lane *)lane;
	bool *won = arg;

	task_lose(task_priv(&task[0]), true, TASK_RERUN, TASK_LOST);
	check(lane_ended(in, &task[0], -ETIME, true) == -ETIME);
	*won = load_acquire(&in->winner) == &task[0];
}

static void hedge_commit(void)
{
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;
	host_thread t[3];
	bool won = false;

	set_up();
	check(ward_lane_create(&lane, (struct ward_pool *)pool, &config) == 0);
	lane_of_rivals((struct lane *)lane);
	memset(task, 0, sizeof(task));
	for (int i = 0; i < 2; i++) {
		task[i].run = no_run;
		task_open_lane(task_priv(&task[i]), (struct lane *)lane, false);
	}
	check(host_spawn(&t[0], NULL, commits, NULL, (void *)0) == 0);
	check(host_spawn(&t[1], NULL, commits, NULL, (void *)1) == 0);
	check(host_spawn(&t[2], NULL, answers, NULL, &won) == 0);
	for (int i = 0; i < 3; i++)
		host_join(t[i], HOST_FOREVER);
	check(got[0] == won);
	check(got[0] + got[1] == 1);
	check(ward_lane_destroy(lane) == 0);
	host_free(token, sizeof(*token));
	pool_put(pool);
	check(sim_unfreed() == 0);
}
SCENARIO(hedge_commit, "a try is answered as lost, and then its commit is granted",
	 .bound = 1, .share = 2);
