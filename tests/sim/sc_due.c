/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_due.c - the tournament of what is due: put, taken, expedited at once; somebody is
 * stopped at any step of it; and stewards that are.
 */
#include "base/host.h"
#include "sim.h"
#include "task/task_priv.h"
#include "queue/inbox.h"
#include "lane/stop.h"
#include <errno.h>
#include <string.h>

enum { ITEMS = 6 };

static struct due due;
static char item[ITEMS];
static uint32_t had[ITEMS], taken;
static _Atomic uint32_t where[ITEMS];

static offstage bool took(const void *it)
{
	size_t i = (size_t)((const char *)it - item);

	if (!it)
		return false;
	check(i < ITEMS && !had[i]++);
	taken++;
	return true;
}

static void set_up(void)
{
	memset(&due, 0, sizeof(due));
	memset(had, 0, sizeof(had));
	taken = 0;
	for (int i = 0; i < ITEMS; i++)
		atomic_init(&where[i], 0);
	check(due_init(&due) == 0);
}

static void put(uint32_t i, uint64_t at)
{
	uint32_t leaf = due_open(&due, &item[i], 1);

	check(leaf);
	store_release(&where[i], leaf);
	due_show(&due, leaf, at, i);
}

static bool take(uint64_t until)
{
	uint32_t kinds;

	return took(due_take(&due, until, &kinds, NULL));
}

/* ---- everybody at once ---------------------------------------------------------- */

static void puts_and_takes(void *arg)
{
	uint32_t first = (uint32_t)(uintptr_t)arg;

	due_grow(&due);
	put(first, 10 - first);
	put(first + 1, 7);
	due_expedite(&due, load_acquire(&where[2 - first]), &item[2 - first]);
	take(DUE_NEVER);
}

static void due_all(void)
{
	host_thread t[2];

	set_up();
	for (uint32_t i = 0; i < 2; i++)
		check(!host_spawn(&t[i], NULL, puts_and_takes, NULL,
				  (void *)(uintptr_t)(i * 2)));
	for (uint32_t i = 0; i < 2; i++)
		host_join(t[i], HOST_FOREVER);
	while (take(DUE_NEVER))
		;
	check(taken == 4);
	check(due_first(&due) == DUE_NEVER);
	due_fini(&due);
}
SCENARIO(due_all, "what waits for its time is lost, or taken twice", .share = 2);

/* An item that was shown is there for every thread that looks after that. */
static void puts_one(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;

	put(i, 5 + i);
	check(due_first(&due) <= 5 + i || load_relaxed(&where[5]));
}

static void due_put(void)
{
	host_thread t[2];

	set_up();
	for (uint32_t i = 0; i < 2; i++)
		check(!host_spawn(&t[i], NULL, puts_one, NULL,
				  (void *)(uintptr_t)i));
	puts_one((void *)2);
	for (uint32_t i = 0; i < 2; i++)
		host_join(t[i], HOST_FOREVER);
	for (uint32_t i = 0; i < 3; i++) {
		check(take(5 + i));
		check(had[i]);
	}
	due_fini(&due);
}
SCENARIO(due_put, "who was shown is not found, or not in time", .share = 2);

static void takes(void *arg)
{
	(void)arg;
	take(DUE_NEVER);
}

/* A leaf is used again while a taker looks away. */
static void due_again(void)
{
	host_thread t;

	set_up();
	put(0, 5);
	check(!host_spawn(&t, NULL, takes, NULL, NULL));
	take(DUE_NEVER);
	put(1, 5);
	host_join(t, HOST_FOREVER);
	while (take(DUE_NEVER))
		;
	check(taken == 2);
	due_fini(&due);
}
SCENARIO(due_again, "who looked away takes what has gone", .bound = 2);

/* Another comes before it, just as it is expedited: it is found first all the same. */
static void puts_before(void *arg)
{
	(void)arg;
	put(1, 30);
}

static void due_hurried(void)
{
	host_thread t;

	set_up();
	put(0, 50);
	check(!host_spawn(&t, NULL, puts_before, NULL, NULL));
	check(due_expedite(&due, load_acquire(&where[0]), &item[0]));
	host_join(t, HOST_FOREVER);
	check(due_first(&due) == 0);
	check(take(0));
	check(had[0]);
	due_fini(&due);
}
SCENARIO(due_hurried, "who is hurried stands behind who came meanwhile",
	 .bound = 2);

/* ---- somebody is stopped ----------------------------------------------------------- */

static void takes_item(uint32_t i)
{
	uint32_t kinds;

	check(due_take_item(&due, load_acquire(&where[i]), &item[i], &kinds));
	took(&item[i]);
}

static void takes_first(void *arg)
{
	(void)arg;
	takes_item(0);
}

static void takes_last(void *arg)
{
	(void)arg;
	takes_item(3);
}

/*
 * A thread puts its item behind another's, and is content with that; that one is taken
 * by a thread that is stopped, and a third that judges just then has seen neither.
 */
static void due_behind(void)
{
	host_thread t[2];

	set_up();
	put(3, 200);
	put(4, 10);
	put(2, 100);
	put(0, 1);
	takes_item(4); /* its leaf is the next one's */
	check(!host_spawn(&t[0], NULL, takes_first, NULL, NULL));
	check(!host_spawn(&t[1], NULL, takes_last, NULL, NULL));
	put(1, 50);
	host_join(t[1], HOST_FOREVER);
	check(due_first(&due) <= 50); /* the other may be anywhere */
	host_join(t[0], HOST_FOREVER);
	due_fini(&due);
}
SCENARIO(due_behind, "who stood behind one that was taken stands behind others",
	 .stop = 0x2);

static void meddles(void *arg)
{
	(void)arg;
	take(DUE_NEVER);
	put(5, sim_choose(2) ? 1 : 100);
	due_expedite(&due, load_acquire(&where[2]), &item[2]);
	take(DUE_NEVER);
}

static offstage void all_but(uint32_t most)
{
	uint32_t missing = 0;

	for (int i = 0; i < 5; i++)
		missing += !had[i];
	check(missing <= most);
}

static void due_stop(void)
{
	host_thread t;
	uint32_t in_hand = 0;

	set_up();
	for (uint32_t i = 0; i < 3; i++)
		put(i, 50 + i);
	check(!host_spawn(&t, NULL, meddles, NULL, NULL));
	due_grow(&due);
	put(3, 40);
	if (sim_choose(2))
		take(DUE_NEVER);
	host_join(t, HOST_FOREVER);
	put(4, 60);
	in_hand = sim_stopped() >= 0;
	while (take(DUE_NEVER))
		;
	all_but(in_hand); /* that is with the stopped thread */
	due_fini(&due);
}
SCENARIO(due_stop, "who is stopped hides what others have put", .stop = 0x2);

/* ---- stewards ------------------------------------------------------------------------ */

static struct inbox inbox;
static struct local_queue local;
static struct ward_task task[3];
static _Atomic uint32_t rung, out;
static uint32_t came;

static void ring(void *arg)
{
	(void)arg;
	add_acq_rel(&rung, 1);
	host_wake(&rung, INT32_MAX);
}

static void watches(void *arg)
{
	(void)arg;
	while (load_acquire(&out) < 3) {
		uint32_t seen = load_acquire(&rung);
		uint64_t next = later_due(&inbox, host_now());

		host_wait(&rung, seen, next);
	}
}

/* An inbox, and so many tasks that are requeued to it. */
static void set_up_later(uint32_t n)
{
	memset(task, 0, sizeof(task));
	atomic_init(&out, 0);
	check(inbox_init(&inbox, 1, 2, 1, 1, NULL, NULL) == 0);
	for (uint32_t i = 0; i < n; i++)
		task_open_requeued(task_priv(&task[i]), 0);
}

static struct pool pool; /* that does not stop, and nothing else */

/* One begins to wait for a long time, just as that is done to it. */
static void cut_short(void (*how)(void *arg))
{
	host_thread t;

	inbox.later.told_by = stop_by;
	inbox.later.tell_by = pool_tell_by;
	inbox.later.arg = &pool;
	check(!host_spawn(&t, NULL, how, NULL, NULL));
	later_put(&inbox, &task[0], host_now() + 1000000000, true);
	host_join(t, HOST_FOREVER);
	check(later_take(&inbox) == &task[0]);
	inbox_fini(&inbox);
}

static void cancels(void *arg)
{
	(void)arg;
	or_acq_rel(&task_priv(&task[0])->word, TASK_CANCELLED);
	host_barrier_heavy(); /* [ca] */
	later_expedite(&inbox, &task[0]);
}

/* As it begins to wait it is cancelled: one of the two sees the other. */
static void later_cancel(void)
{
	set_up_later(1);
	cut_short(cancels);
}
SCENARIO(later_cancel, "who is cancelled as it begins to wait waits its time",
	 .bound = 2);

static struct ward_cancel token;

static void fires_and_looks(void *arg)
{
	(void)arg;
	ward_cancel_fire(&token, -ECANCELED);
	later_look(&inbox, true);
}

/* Its token is fired instead, beside a thread that looks through all that waits. */
static void later_told(void)
{
	set_up_later(1);
	ward_cancel_init(&token);
	task[0].cancel = &token;
	cut_short(fires_and_looks);
}
SCENARIO(later_told, "who is told to stop as it begins to wait waits its time",
	 .bound = 2);

/* Each puts one, and takes until there is nothing: as for an orphaned pool. */
static void pays(void *arg)
{
	later_requeue(&inbox, arg, true);
	while (later_take(&inbox))
		add_acq_rel(&out, 1);
}

static void later_pay(void)
{
	host_thread t;

	set_up_later(2);
	check(!host_spawn(&t, NULL, pays, NULL, &task[0]));
	pays(&task[1]);
	host_join(t, HOST_FOREVER);
	check(load_relaxed(&out) == 2);
	check(!inbox_anything(&inbox));
	inbox_fini(&inbox);
}
SCENARIO(later_pay, "two find nothing, and each leaves his to the other",
	 .bound = 2);

/* A thread that found nothing is slow to say so, and it is untrue by then. */
static void finds_all(void *arg)
{
	(void)arg;
	while (later_take(&inbox))
		add_acq_rel(&out, 1);
}

static void later_dry(void)
{
	host_thread t;

	set_up_later(2);
	later_return(&inbox, &task[0]);
	check(!host_spawn(&t, NULL, finds_all, NULL, NULL));
	finds_all(NULL);
	later_return(&inbox, &task[1]);
	host_join(t, HOST_FOREVER);
	finds_all(NULL);
	check(load_relaxed(&out) == 2);
	inbox_fini(&inbox);
}
SCENARIO(later_dry, "nothing was ripe, is said of what has come since", .bound = 2);

static offstage void in_order(const struct ward_task *t)
{
	check(t == &task[came]); /* not twice, and none before its time */
	check(task_priv(t)->wait.at <= host_now());
	came++;
}

static void works(void *arg)
{
	(void)arg;
	while (load_relaxed(&out) < 3) {
		struct ward_task *t = inbox_next(&inbox, &local, 0);

		check(t);
		in_order(t);
		add_acq_rel(&out, 1);
	}
	ring(NULL);
}

/* A steward is stopped anywhere, and its deputy has taken over. */
static void later_stop(void)
{
	host_thread t[3];
	uint64_t now = host_now();

	memset(&local, 0, sizeof(local));
	atomic_init(&rung, 0);
	came = 0;
	set_up_later(3);
	inbox.later.ring = ring;
	local_init(&local, 0);
	inbox_add_local(&inbox, 0, &local);
	check(!host_spawn(&t[0], NULL, watches, NULL, NULL));
	check(!host_spawn(&t[1], NULL, watches, NULL, NULL));
	check(!host_spawn(&t[2], NULL, works, NULL, NULL));
	later_put(&inbox, &task[0], now + 200, true);
	ring(NULL);
	later_put(&inbox, &task[1], now + 1000, true);
	later_put(&inbox, &task[2], now + 1000, true);
	ring(NULL);
	host_join(t[2], HOST_FOREVER);
	check(came == 3);
	check(!load_relaxed(&inbox.later.waiting));
	sim_enough();
}
SCENARIO(later_stop, "a steward that is stopped takes tasks that wait with it",
	 .stop = 0x2);
