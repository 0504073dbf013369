/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_lane.c - lanes with few threads around them: order and width, dispatch and
 * leaving, entries meanwhile, the end of a lane, other limits; the queues of lower
 * ranks, ports, and the last tasks of an orphaned pool.
 */
#include "lane/stop.h"
#include "base/host.h"
#include "front/front.h"
#include "names.h"
#include "sim.h"
#include "lane/port.h"
#include <errno.h>
#include <string.h>

#define TASKS 4

static struct pool *pool;
static struct ward_lane *lane;
static struct ward_port *port;

static struct piece {
	struct ward_task task;
	uint32_t scratch; /* plain: run() writes it, release() too */
	/* offstage */
	uint32_t runs, done, released;
	int status;
	bool sent;
} piece[TASKS];
static uint32_t turn; /* plain: of a lane of width 1, one after the other */

/* offstage */
static uint32_t inside, most, order[TASKS], ran, gone, submitters;

static struct piece *piece_of(struct ward_task *task)
{
	return (struct piece *)task;
}

static offstage void enter_run(struct piece *p)
{
	check(!p->runs++ && !p->done);
	order[ran++] = (uint32_t)(p - piece);
	inside++;
	check(!most || inside <= most);
}

static offstage void leave_run(void)
{
	inside--;
}

static int run(struct ward_task *task)
{
	struct piece *p = piece_of(task);

	enter_run(p);
	p->scratch++;
	if (most == 1)
		turn++;
	leave_run();
	return 0;
}

static offstage void is_done(struct piece *p, int status)
{
	check(!p->done++ && !p->released);
	p->status = status;
}

static void done(struct ward_task *task, int status)
{
	is_done(piece_of(task), status);
}

static offstage void is_released(struct piece *p)
{
	check(p->done == 1 && !p->released++);
	gone++;
}

static void release(struct ward_task *task)
{
	piece_of(task)->scratch = 0;
	is_released(piece_of(task));
}

static void set_up(uint32_t wide)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	config.workers = config.max = 1;
	config.spares = config.zombies = 1;
	config.ring = 4;
	config.trace_signo = WARD_TRACE_NONE;
	check(pool_new(&pool, &config) == 0);
	name_pool(pool);
	sim_private(&ward_pulse_);
	memset(piece, 0, sizeof(piece));
	for (uint32_t i = 0; i < TASKS; i++) {
		piece[i].task.run = run;
		piece[i].task.done = done;
		piece[i].task.release = release;
		sim_name(&piece[i], "piece[%u]", i);
	}
	most = wide;
	inside = ran = gone = turn = submitters = 0;
}

static void make(struct ward_lane_config config)
{
	struct lane *in;

	config.size = sizeof(config);
	check(ward_lane_create(&lane, (struct ward_pool *)pool, &config) == 0);
	in = (struct lane *)lane;
	sim_name((void *)(uintptr_t)&in->count, "lane.count");
	sim_name((void *)(uintptr_t)&in->arrived, "lane.arrived");
	sim_name((void *)(uintptr_t)&in->sweep, "lane.sweep");
	sim_name((void *)(uintptr_t)&in->grant, "lane.grant");
	sim_name((void *)(uintptr_t)&in->closed, "lane.closed");
	sim_name((void *)(uintptr_t)&in->room, "lane.room");
	sim_name((void *)(uintptr_t)&in->empty, "lane.empty");
}

static void set_up_narrow(void)
{
	set_up(1);
	make((struct ward_lane_config){ .active = 1 });
}

static void set_up_port(void)
{
	set_up(0);
	check(ward_port_create(&port) == 0);
}

/* All memory of lanes is there to be used again. */
static void all_given_back(void)
{
	uint32_t all = 0, free = 0;

	for (struct lane *l = load_relaxed(&pool->lanes_all); l; l = l->all)
		all++;
	for (struct lane *l = load_acquire(&pool->lanes_free); l; l = l->free)
		free++;
	for (struct lane *l = load_acquire(&pool->lanes_unsafe); l; l = l->free)
		free++;
	check(all == free);
}

static void pool_gone(void)
{
	all_given_back();
	pool_put(pool);
	check(sim_unfreed() == 0);
}

static void tear_down(void)
{
	check(ward_lane_destroy(lane) == 0);
	pool_gone();
}

/* ---- workers, of a kind: they take, run and answer ---------------------------------- */

static void serve(struct ward_task *task)
{
	struct task_priv *priv = task_priv(task);
	uint64_t word = load_acquire(&priv->word);
	int why;

	if (task_state(word) != TASK_QUEUED) {
		check(!worker_settle(pool, NULL, task));
		return;
	}
	if (word & TASK_GRANT)
		do {
			if (later_again(&pool->inbox, task)) {
				steward_ring(pool);
				return;
			}
		} while (!lane_takes_grant(priv->lane, task));
	why = stop_begin(pool, task);
	worker_answer(pool, NULL, task, why ? why : task->run(task));
}

static void take_one(struct local_queue *local)
{
	struct ward_task *task = inbox_take(&pool->inbox, local);

	if (task)
		serve(task);
	else
		host_yield();
}

static offstage bool all_gone(uint32_t n)
{
	return gone >= n;
}

/* Until so many are released. */
static void works(void *arg)
{
	uint32_t n = (uint32_t)(uintptr_t)arg;
	struct local_queue local;

	local_init(&local, 0);
	while (!all_gone(n))
		take_one(&local);
}

static offstage void is_sent(uint32_t i)
{
	piece[i].sent = true;
}

static void send(uint32_t i)
{
	is_sent(i);
	check(ward_lane_submit(lane, &piece[i].task, WARD_FOREVER) == 0);
}

static void sends_two(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;
	struct ward_task *both[] = { &piece[i].task, &piece[i + 1].task };

	if (sim_choose(2)) {
		is_sent(i);
		is_sent(i + 1);
		check(ward_lane_submit_n(lane, both, 2, WARD_FOREVER) == 2);
		return;
	}
	send(i);
	send(i + 1);
}

static void sends_one(void *arg)
{
	send((uint32_t)(uintptr_t)arg);
}

static host_thread begin(void (*fn)(void *), uintptr_t arg)
{
	host_thread thread;

	check(host_spawn(&thread, NULL, fn, NULL, (void *)arg) == 0);
	return thread;
}

static void end(host_thread thread)
{
	host_join(thread, HOST_FOREVER);
}

static offstage void in_order(void)
{
	uint32_t at[TASKS] = { 0 };

	for (uint32_t i = 0; i < ran; i++)
		at[order[i]] = i;
	check(ran == 4 && at[0] < at[1] && at[2] < at[3]);
}

static offstage void all_had(uint32_t n, int status)
{
	for (uint32_t i = 0; i < n; i++) {
		check(piece[i].released == 1);
		check(piece[i].status == 0 || piece[i].status == status);
		check((piece[i].runs == 1) == (piece[i].status == 0));
	}
}

/* ---- order, width ---------------------------------------------------------------------- */

static void lane_key(void)
{
	host_thread t[4];

	set_up(1);
	make((struct ward_lane_config){ .active = 1, .prio = sim_choose(2) });
	t[0] = begin(sends_two, 0);
	t[1] = begin(sends_two, 2);
	t[2] = begin(works, 4);
	t[3] = begin(works, 4);
	for (int i = 0; i < 4; i++)
		end(t[i]);
	check(ward_lane_join(lane, WARD_FOREVER) == 0);
	in_order();
	all_had(4, 0);
	tear_down();
}
SCENARIO(lane_key, "two of a key run at once, out of order, or not at all",
	 .share = 4, .rare = 2, .steps = 20000);

static void lane_wide(void)
{
	host_thread t[3];

	set_up(2);
	make((struct ward_lane_config){ .active = 2 });
	t[0] = begin(sends_two, 0);
	t[1] = begin(sends_one, 2);
	t[2] = begin(works, 3);
	works((void *)(uintptr_t)3);
	for (int i = 0; i < 3; i++)
		end(t[i]);
	all_had(3, 0);
	check(ward_lane_join(lane, WARD_FOREVER) == 0);
	tear_down();
}
SCENARIO(lane_wide, "a free place is forgotten, or taken twice", .share = 2,
	 .rare = 2, .steps = 20000);

/* A task less, so that one may be alone when the other comes. */
static void lane_alone(void)
{
	host_thread t[2];

	set_up_narrow();
	t[0] = begin(sends_one, 0);
	t[1] = begin(works, 2);
	send(1);
	end(t[0]);
	end(t[1]);
	check(ward_lane_join(lane, WARD_FOREVER) == 0);
	all_had(2, 0);
	tear_down();
}
SCENARIO(lane_alone, "who leaves passes over who comes", .share = 2);

/* ---- the end of a lane ------------------------------------------------------------------- */

/* The joiner makes a new one, perhaps of that memory, before the submitter has left. */
static void lane_again(void)
{
	host_thread t[3];

	set_up(0);
	make((struct ward_lane_config){ .active = 1 });
	send(0);
	t[0] = begin(works, 4);
	t[1] = begin(sends_one, 1);
	while (!all_gone(2))
		host_yield();
	check(ward_lane_join(lane, WARD_FOREVER) == 0);
	check(ward_lane_destroy(lane) == 0);
	make((struct ward_lane_config){ .active = 1 });
	most = 1;
	t[2] = begin(sends_one, 2);
	send(3);
	for (int i = 0; i < 3; i++)
		end(t[i]);
	check(ward_lane_join(lane, WARD_FOREVER) == 0);
	all_had(4, 0);
	tear_down();
}
SCENARIO(lane_again, "who leaves a lane late meddles with the next one", .share = 2,
	 .rare = 2, .steps = 20000);

static _Atomic uint32_t owners;

/* As a hedge: the last owner lets go of it. */
static void lets_go(void)
{
	if (sub_acq_rel(&owners, 1) == 1)
		lane_abandon((struct lane *)lane);
}

static void release_and_let_go(struct ward_task *task)
{
	release(task);
	lets_go();
}

static void lane_abandoned(void)
{
	host_thread t;

	set_up(0);
	make((struct ward_lane_config){ 0 });
	store_relaxed(&owners, 3);
	for (uint32_t i = 0; i < 2; i++) {
		piece[i].task.release = release_and_let_go;
		send(i);
	}
	t = begin(works, 2);
	lets_go();
	end(t);
	check(load_acquire(&pool->refs) == 1);
	check(!pool->lanes);
	pool_gone();
}
SCENARIO(lane_abandoned, "a lane that nobody has is destroyed twice, or never",
	 .bound = 1, .share = 2);

/* ---- close, cancel -------------------------------------------------------------------------- */

static offstage void counts(void)
{
	submitters++;
}

static void tries(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;
	int err = ward_lane_submit(lane, &piece[i].task, WARD_NOWAIT);

	if (!err)
		is_sent(i);
	check(!err || err == -ESHUTDOWN);
	counts();
}

static offstage uint32_t sent(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < TASKS; i++)
		n += piece[i].sent;
	return n;
}

static offstage bool over(void)
{
	return submitters == 2 && gone == sent();
}

static void works_until_over(void *arg)
{
	struct local_queue local;

	(void)arg;
	local_init(&local, 0);
	while (!over())
		take_one(&local);
}

/* Once it was closed and seen empty, nothing is accepted any more. */
static void lane_closed(void)
{
	host_thread t[3];
	uint32_t seen;

	set_up(0);
	make((struct ward_lane_config){ .active = sim_choose(2) });
	t[0] = begin(tries, 0);
	t[1] = begin(tries, 1);
	t[2] = begin(works_until_over, 0);
	check(ward_lane_close(lane, 0) == 0);
	while (ward_lane_count(lane)) /* a join is a fence, too */
		host_yield();
	seen = gone;
	for (int i = 0; i < 3; i++)
		end(t[i]);
	check(gone == seen && sent() == seen);
	check(ward_lane_join(lane, WARD_FOREVER) == 0);
	tear_down();
}
SCENARIO(lane_closed, "a task comes in after the closed lane was seen empty",
	 .share = 2);

static void cancels(void *arg)
{
	(void)arg;
	check(ward_lane_cancel(lane, -EINTR));
}

static void nothing(void *arg)
{
	(void)arg;
}

static void lane_cancelled(void)
{
	host_thread t[2];

	set_up_narrow();
	for (uint32_t i = 0; i < 3; i++)
		send(i);
	t[0] = begin(cancels, 0);
	t[1] = begin(works, 3);
	works((void *)(uintptr_t)3);
	end(t[0]);
	end(t[1]);
	check(ward_lane_join(lane, WARD_FOREVER) == (piece[2].runs ? 0 : -EINTR));
	all_had(3, -EINTR);
	tear_down();
}
SCENARIO(lane_cancelled, "who waits in a cancelled lane waits for ever",
	 .share = 2, .steps = 20000);

/* ---- under another --------------------------------------------------------------------- */

static struct ward_lane *above;

static void make_two(void)
{
	make((struct ward_lane_config){ .active = 1 });
	above = lane;
	make((struct ward_lane_config){ .under = above });
}

static void sends_above(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;

	is_sent(i);
	check(ward_lane_submit(above, &piece[i].task, WARD_FOREVER) == 0);
}

static void tear_both_down(void)
{
	check(ward_lane_join(above, WARD_FOREVER) == 0);
	check(ward_lane_destroy(above) == 0);
	pool_gone();
}

/* Two below and one above, for one place. */
static void lane_shared(void)
{
	host_thread t[3];

	set_up(1);
	make_two();
	t[0] = begin(sends_two, 0);
	t[1] = begin(sends_above, 2);
	t[2] = begin(works, 3);
	works((void *)(uintptr_t)3);
	for (int i = 0; i < 3; i++)
		end(t[i]);
	all_had(3, 0);
	check(ward_lane_destroy(lane) == 0);
	tear_both_down();
}
SCENARIO(lane_shared, "a shared place is had twice, lost, or not given back",
	 .share = 4, .rare = 2, .steps = 20000);

/* The lane may have asked, and be gone before there is an answer. */
static void lane_shared_ends(void)
{
	host_thread t[3];

	set_up(1);
	make_two();
	sends_above((void *)(uintptr_t)1);
	t[0] = begin(works, 2);
	t[1] = begin(works, 2);
	send(0);
	t[2] = begin(cancels, 0);
	while (ward_lane_count(lane))
		host_yield();
	end(t[2]);
	check(ward_lane_join(lane, WARD_FOREVER) == (piece[0].runs ? 0 : -EINTR));
	check(ward_lane_destroy(lane) == 0);
	end(t[0]);
	end(t[1]);
	all_had(2, -EINTR);
	tear_both_down();
}
SCENARIO(lane_shared_ends, "what is asked for one that has ended is lost",
	 .share = 2, .rare = 2, .steps = 20000);

static void cancels_above(void *arg)
{
	(void)arg;
	check(ward_lane_cancel(above, -EINTR));
}

static void lane_shared_cancelled(void)
{
	host_thread t[2];

	set_up(1);
	make_two();
	send(0);
	send(1);
	t[0] = begin(cancels_above, 0);
	t[1] = begin(works, 2);
	works((void *)(uintptr_t)2);
	end(t[0]);
	end(t[1]);
	all_had(2, -EINTR);
	ward_lane_join(lane, WARD_FOREVER);
	check(ward_lane_destroy(lane) == 0);
	tear_both_down();
}
SCENARIO(lane_shared_cancelled, "who asks in a cancelled lane waits for ever",
	 .share = 2, .steps = 20000);

/* As it turns the one or the other: all calls return, and other lanes go on. */
static void lane_shared_stop(void)
{
	struct ward_lane_config other = WARD_LANE_CONFIG_INIT;
	struct ward_lane *apart = NULL;
	struct local_queue local; /* what is in it stays there */
	host_thread t;
	int err;

	local_init(&local, 0);
	set_up(0);
	make_two();
	other.active = 1;
	check(ward_lane_create(&apart, (struct ward_pool *)pool, &other) == 0);
	sends_above((void *)(uintptr_t)2);
	t = begin(sends_two, 0);
	is_sent(3);
	check(ward_lane_submit(apart, &piece[3].task, WARD_FOREVER) == 0);
	check(ward_lane_resize(above, 2, 0) == 0);
	check(ward_lane_set_limits(lane, NULL, 0) == 0);
	while (!all_gone(2))
		take_one(&local);
	end(t);
	check(ward_lane_join(apart, WARD_FOREVER) == 0);
	check(ward_lane_destroy(apart) == 0);
	ward_lane_cancel(above, -EINTR);
	check(ward_lane_close(lane, 0) == 0);
	err = ward_lane_destroy(lane);
	check(!err || err == -EBUSY);
	if (sim_stopped() >= 0)
		sim_enough();
	while (!all_gone(4))
		take_one(&local);
	all_had(4, -EINTR);
	if (err)
		check(ward_lane_destroy(lane) == 0);
	ward_lane_join(above, WARD_FOREVER);
	check(ward_lane_destroy(above) == 0);
	pool_gone();
}
SCENARIO(lane_shared_stop, "who is stopped in two lanes holds up a third", .stop = 0x2,
	 .share = 2, .steps = 20000);

/* ---- recalled ------------------------------------------------------------------------------ */

/* The memory is the user's: what is in it is nobody else's to touch. */
static void release_and_wipe(struct ward_task *task)
{
	task_priv(task)->before = NULL;
	task_priv(task)->struck = NULL;
	task_priv(task)->cause = 0;
	release(task);
}

static offstage void is_back(uint32_t i)
{
	check(!piece[i].runs && !piece[i].done);
	piece[i].sent = false;
	gone++;
}

static void recalls(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;
	bool back = sim_choose(2);
	struct ward_pool *p = (struct ward_pool *)pool;
	int said = back ? ward_task_recall(p, &piece[i].task, -EINTR) :
			  ward_task_cancel(p, &piece[i].task, -EINTR);

	check(said == 0 || said == -ENOENT || (back && said == WARD_RECALLED));
	if (said != WARD_RECALLED)
		return;
	task_priv(&piece[i].task)->before = NULL;
	task_priv(&piece[i].task)->struck = NULL;
	is_back(i);
}

static offstage void had_or_is_back(void)
{
	for (uint32_t i = 0; i < TASKS; i++) {
		struct piece *p = &piece[i];

		check(p->released == p->sent && p->done == p->sent);
		check(!p->sent || (p->runs == 1 ? p->status == 0 :
						  p->status == -EINTR));
		check(p->sent || !p->runs);
	}
}

static offstage void as_they_came(void)
{
	for (uint32_t i = 1; i < ran; i++)
		check(order[i] > order[i - 1]);
}

static void lane_recalled(void)
{
	host_thread t[3];

	set_up_narrow();
	for (uint32_t i = 0; i < TASKS; i++) {
		piece[i].task.release = release_and_wipe;
		if (i < TASKS - 1)
			send(i);
	}
	t[0] = begin(recalls, 1);
	t[1] = begin(recalls, 2);
	t[2] = begin(works, TASKS);
	send(TASKS - 1);
	works((void *)(uintptr_t)TASKS);
	for (int i = 0; i < 3; i++)
		end(t[i]);
	ward_lane_join(lane, WARD_FOREVER);
	had_or_is_back();
	as_they_came();
	tear_down();
}
SCENARIO(lane_recalled, "who is taken out of the queue is forgotten, or had twice",
	 .share = 4, .rare = 2, .steps = 20000);

/* Perhaps before it has arrived there. */
static void lane_recalled_early(void)
{
	host_thread t[2];

	set_up_narrow();
	for (uint32_t i = 0; i < 3; i++)
		piece[i].task.release = release_and_wipe;
	send(0);
	t[0] = begin(sends_one, 1);
	t[1] = begin(works, 3);
	recalls((void *)(uintptr_t)1);
	send(2);
	for (int i = 0; i < 2; i++)
		end(t[i]);
	ward_lane_join(lane, WARD_FOREVER);
	had_or_is_back();
	tear_down();
}
SCENARIO(lane_recalled_early, "who is taken out before he is in is in for ever",
	 .share = 2, .rare = 2, .steps = 20000);

/* ---- room --------------------------------------------------------------------------------- */

static void lane_room(void)
{
	host_thread t[3];

	set_up(1);
	make((struct ward_lane_config){ .active = 1,
					.flags = WARD_LANE_HANDOVER });
	t[0] = begin(sends_one, 0);
	t[1] = begin(sends_one, 1);
	t[2] = begin(works, 3);
	send(2);
	for (int i = 0; i < 3; i++)
		end(t[i]);
	all_had(3, 0);
	check(ward_lane_join(lane, WARD_FOREVER) == 0);
	tear_down();
}
SCENARIO(lane_room, "who waits for room sleeps on beside it", .share = 2,
	 .steps = 20000);

static void sends_or_not(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;
	int err = ward_lane_submit(lane, &piece[i].task, WARD_FOREVER);

	check(!err || err == -EINTR || err == -ESHUTDOWN);
	if (!err)
		is_sent(i);
	counts();
}

/* The place stays taken: the end is told all the same. */
static void lane_room_ends(void)
{
	bool closes = sim_choose(2);
	host_thread t;

	set_up(0);
	make((struct ward_lane_config){ .active = 1,
					.flags = WARD_LANE_HANDOVER });
	send(0);
	t = begin(sends_or_not, 1);
	if (closes)
		check(ward_lane_close(lane, 0) == 0);
	else
		cancels(NULL);
	end(t);
	check(!piece[1].sent);
	works((void *)(uintptr_t)1);
	check(ward_lane_join(lane, WARD_FOREVER) == (closes ? 0 : -EINTR));
	tear_down();
}
SCENARIO(lane_room_ends, "who waits for room is not told of the end", .bound = 1);

/* ---- limits ------------------------------------------------------------------------------- */

static struct ward_limit limit;

/* The steward, of a kind. */
static void wakes(void *arg)
{
	uint32_t n = (uint32_t)(uintptr_t)arg;

	while (!all_gone(n)) {
		later_due(&pool->inbox, host_now());
		host_wait(&pool->steward_word, load_relaxed(&pool->steward_word),
			  host_now() + 1000000);
	}
}

static void lane_granted_or_not(void)
{
	struct ward_limit *limits[] = { &limit };
	host_thread t[3];

	set_up(0);
	check(ward_limit_init(&limit, 1000, 1) == 0);
	make((struct ward_lane_config){ .active = sim_choose(2),
					.limits = limits,
					.nlimits = 1 });
	for (uint32_t i = 0; i < 3; i++)
		send(i);
	t[0] = begin(sim_choose(2) ? cancels : nothing, 0);
	t[1] = begin(wakes, 3);
	t[2] = begin(works, 3);
	for (int i = 0; i < 3; i++)
		end(t[i]);
	ward_lane_join(lane, WARD_FOREVER);
	all_had(3, -EINTR);
	check(!load_relaxed(&pool->inbox.later.waiting));
	tear_down();
}
SCENARIO(lane_granted_or_not, "a grant is forgotten, and those behind it",
	 .share = 2, .rare = 2, .steps = 30000);

/* ---- other limits ------------------------------------------------------------------------- */

static struct ward_limit quick;
static struct ward_limit *only_slow[] = { &limit };
static struct ward_limit *only_quick[] = { &quick };
static struct ward_limit *both[] = { &limit, &quick };
static uint64_t began;

#define MS UINT64_C(1000000)

/* One has a token an hour, the other one a millisecond. */
static void make_limited(struct ward_lane_config config)
{
	check(ward_limit_init(&limit, 1 / 3600.0, 1) == 0);
	check(ward_limit_init(&quick, 1000, 1) == 0);
	config.limits = sim_choose(2) ? only_slow : both;
	config.nlimits = config.limits == both ? 2 : 1;
	make(config);
}

static void set_limits(struct ward_limit *const *limits, uint32_t n)
{
	check(ward_lane_set_limits(lane, limits, n) == 0);
}

static void changes(void *arg)
{
	(void)arg;
	set_limits(sim_choose(2) ? only_quick : both, 1);
	set_limits(sim_choose(2) ? only_quick : only_slow, sim_choose(2));
}

/* The user's again, for whatever. */
static void wipe_limits(void)
{
	memset(&limit, 7, sizeof(limit));
	memset(&quick, 7, sizeof(quick));
}

static void limits_untouched(void)
{
	for (size_t i = 0; i < sizeof(limit); i++)
		check(((unsigned char *)&limit)[i] == 7 &&
		      ((unsigned char *)&quick)[i] == 7);
}

/* Nobody has to wait for an hour: that would be more steps than there are. */
static void lane_limits(void)
{
	host_thread t[4];

	set_up(0);
	make_limited((struct ward_lane_config){ .active = sim_choose(2) });
	for (uint32_t i = 0; i < 3; i++)
		send(i);
	t[0] = begin(changes, 0);
	t[1] = begin(sim_choose(2) ? changes : nothing, 0);
	t[2] = begin(wakes, 3);
	t[3] = begin(works, 3);
	end(t[0]);
	end(t[1]);
	set_limits(NULL, 0);
	end(t[2]);
	end(t[3]);
	check(ward_lane_join(lane, WARD_FOREVER) == 0);
	check(ward_limit_fini(&limit) == 0 && ward_limit_fini(&quick) == 0);
	wipe_limits();
	all_had(3, 0);
	check(!load_relaxed(&pool->inbox.later.waiting));
	tear_down();
}
SCENARIO(lane_limits, "who waits for limits that were taken away waits on",
	 .share = 4, .rare = 2, .steps = 40000);

static void changes_once(void *arg)
{
	(void)arg;
	set_limits(only_quick, 1);
}

/* One change takes the place of another that nobody has made yet. */
static void lane_limits_joined(void)
{
	host_thread t[2];

	set_up(0);
	make_limited((struct ward_lane_config){ .active = 1 });
	t[0] = begin(changes_once, 0);
	t[1] = begin(changes_once, 0);
	check(ward_lane_join(lane, WARD_FOREVER) == 0);
	end(t[0]);
	end(t[1]);
	tear_down();
}
SCENARIO(lane_limits_joined, "a join sleeps on beside two changes of limits");

static int run_by_quick(struct ward_task *task)
{
	check(ran < (host_now() - began) / MS);
	return run(task);
}

static _Atomic uint32_t nobody; /* moves it */

static void changes_there_and_back(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2; i++) {
		set_limits(only_slow, 1);
		set_limits(only_quick, 1);
	}
}

/* All run by 'quick': whether one has begun, and what it drew is spent, is decided once. */
static void lane_limits_exact(void)
{
	host_thread t[3];

	set_up(0);
	make_limited((struct ward_lane_config){ 0 });
	began = host_now();
	check(ward_limit_take(both, 2, 1, WARD_NOWAIT, NULL) == 0);
	set_limits(only_quick, 1);
	for (uint32_t i = 0; i < 3; i++) {
		piece[i].task.run = run_by_quick;
		send(i);
	}
	t[0] = begin(wakes, 3);
	t[1] = begin(works, 3);
	t[2] = begin(works, 3);
	for (int i = 0; i < 2; i++) {
		host_wait(&nobody, 0, began + (1 + (uint64_t)i) * MS);
		changes_there_and_back(NULL);
	}
	for (int i = 0; i < 3; i++)
		end(t[i]);
	check(ward_lane_join(lane, WARD_FOREVER) == 0);
	all_had(3, 0);
	tear_down();
}
SCENARIO(lane_limits_exact, "a token is given back by one that has begun", .share = 4,
	 .rare = 2, .steps = 40000);

/* The last touch of a limit comes before the lane's end. */
static void lane_limits_end(void)
{
	host_thread t[2];

	set_up(0);
	make_limited((struct ward_lane_config){ 0 });
	t[0] = begin(sends_one, 0);
	t[1] = begin(works, 1);
	set_limits(only_quick, sim_choose(2));
	while (!all_gone(1))
		host_yield();
	check(ward_lane_join(lane, WARD_FOREVER) == 0);
	check(ward_lane_destroy(lane) == 0);
	wipe_limits();
	end(t[0]);
	end(t[1]);
	limits_untouched();
	all_had(1, 0);
	pool_gone();
}
SCENARIO(lane_limits_end, "a lane that has ended touches its limits", .share = 2,
	 .rare = 2, .steps = 30000);

/* Runs it by itself, for there is no room. */
static bool is_free(struct ward_limit *of)
{
	int err = ward_limit_fini(of);

	check(err == 0 || err == -EBUSY);
	return !err;
}

static void changes_to_quick(void *arg)
{
	(void)arg;
	set_limits(only_quick, 1);
}

/* A thread that changes them, or draws by itself, is stopped: no other waits for it. */
static void lane_limits_stop(void)
{
	bool slow_free, quick_free;
	host_thread t[2];

	set_up(0);
	make_limited((struct ward_lane_config){ .queued = 1,
						.flags = WARD_LANE_CALLER_RUNS });
	send(0);
	t[0] = begin(changes_to_quick, 0);
	t[1] = begin(sends_one, 1);
	changes_to_quick(NULL);
	slow_free = is_free(&limit);
	if (slow_free)
		memset(&limit, 7, sizeof(limit));
	end(t[0]);
	set_limits(NULL, 0);
	end(t[1]);
	slow_free = slow_free || is_free(&limit);
	quick_free = is_free(&quick);
	if (sim_stopped() >= 0)
		sim_enough();
	check(slow_free && quick_free);
	wipe_limits();
	works((void *)(uintptr_t)2);
	check(ward_lane_join(lane, WARD_FOREVER) == 0);
	all_had(2, 0);
	tear_down();
}
SCENARIO(lane_limits_stop, "who is stopped as limits change holds up others",
	 .stop = 0x6, .share = 4, .rare = 2, .steps = 30000);

/* ---- lower ranks ---------------------------------------------------------------------------- */

static struct prio_queue lower;
static uint32_t taken[TASKS];

static void puts_two(void *arg)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;

	for (uint32_t k = i; k < i + 2; k++) {
		piece[k].scratch = 7;
		prio_put(&lower, &piece[k].task);
	}
}

static offstage bool took(struct ward_task *task)
{
	uint32_t i = (uint32_t)(piece_of(task) - piece);

	check(!taken[i]++);
	check(i % 2 == 0 || taken[i - 1]); /* each putter's in order */
	gone++;
	return true;
}

static void takes(void *arg)
{
	struct ward_task *task;

	(void)arg;
	while (!all_gone(4)) {
		task = prio_take(&lower);
		if (task) {
			check(piece_of(task)->scratch++ == 7);
			took(task);
		} else {
			host_yield();
		}
	}
}

static void lane_lower(void)
{
	host_thread t[3];

	memset(&lower, 0, sizeof(lower));
	memset(taken, 0, sizeof(taken));
	memset(piece, 0, sizeof(piece));
	gone = 0;
	t[0] = begin(puts_two, 0);
	t[1] = begin(puts_two, 2);
	t[2] = begin(takes, 0);
	takes(NULL);
	for (int i = 0; i < 3; i++)
		end(t[i]);
	check(!prio_count(&lower) && prio_empty(&lower));
	check(!prio_take(&lower));
}
SCENARIO(lane_lower, "a task of low rank is lost, or taken twice", .share = 2);

/* ---- ports ---------------------------------------------------------------------------------- */

static void lane_port(void)
{
	host_thread t[2];

	set_up_port();
	make((struct ward_lane_config){ .port = port, .active = sim_choose(2) });
	send(0);
	send(1);
	t[0] = begin(works, 2);
	t[1] = begin(works, 2);
	while (!all_gone(2)) {
		sim_event_wait();
		check(ward_port_run(port, sim_choose(2)) >= 0);
	}
	check(ward_lane_join(lane, WARD_FOREVER) == 0);
	all_had(2, 0);
	check(ward_lane_destroy(lane) == 0);
	check(ward_port_destroy(port) == 0);
	end(t[0]);
	end(t[1]);
	pool_gone();
}
SCENARIO(lane_port, "the loop is not told, or the port is gone too early",
	 .share = 2, .steps = 20000);

/* Its attempt was lost: another thread answers it, and the zombie comes home. */
static void answers_lost(void *arg)
{
	(void)arg;
	worker_answer(pool, NULL, &piece[0].task, -ETIME);
}

static void comes_home(void *arg)
{
	struct task_priv *priv = task_priv(&piece[0].task);

	(void)arg;
	piece[0].scratch++;
	if (!task_put(priv))
		return;
	add_relaxed(&pool->unreleased, -(uint64_t)1);
	check(load_relaxed(&priv->word) & TASK_PORT);
	port_post_late(pool, &piece[0].task);
}

static void lane_port_late(void)
{
	struct local_queue local;
	host_thread t[2];

	set_up_port();
	make((struct ward_lane_config){ .port = port });
	send(0);
	local_init(&local, 0);
	check(inbox_take(&pool->inbox, &local) == &piece[0].task);
	task_lose(task_priv(&piece[0].task), true, TASK_LOST, TASK_LOST);
	t[0] = begin(answers_lost, 0);
	t[1] = begin(comes_home, 0);
	sim_event_wait();
	check(ward_port_run(port, 0) >= 1);
	check(ward_lane_destroy(lane) == 0);
	while (ward_port_destroy(port)) {
		check(ward_port_run(port, 0) >= 0);
		host_yield();
	}
	check(all_gone(1));
	check(piece[0].status == -ETIME);
	end(t[0]);
	end(t[1]);
	check(!load_relaxed(&pool->unreleased));
	check(load_relaxed(&pool->inbox.requeued_in) ==
	      load_relaxed(&pool->inbox.requeued_out));
	pool_gone();
}
SCENARIO(lane_port_late, "a port goes before the last release() that is due there",
	 .bound = 1, .steps = 20000);

/* ---- a pool that has gone -------------------------------------------------------------------- */

static _Atomic uint32_t taken_in;

static void sends_to_closing(void *arg)
{
	struct ward_task *task = &piece[(uintptr_t)arg].task;
	int err = ward_lane_submit((struct ward_lane *)lane, task, WARD_NOWAIT);

	check(err == 0 || err == -ESHUTDOWN);
	add_relaxed(&taken_in, !err);
}

/* A submitter that is refused leaves its place to one that was not. */
static void lane_refused_last(void)
{
	host_thread t[2];

	set_up(0);
	make((struct ward_lane_config){ .active = 1 });
	store_relaxed(&taken_in, 0);
	store_relaxed(&pool->stopping, 1);
	t[0] = begin(sends_to_closing, 0);
	t[1] = begin(sends_to_closing, 1);
	inbox_close(&pool->inbox, HOST_FOREVER);
	store_release(&pool->orphaned, 1);
	host_barrier_heavy();
	orphaned_answer(pool);
	end(t[0]);
	end(t[1]);
	check(all_gone(load_relaxed(&taken_in)));
	tear_down();
}
SCENARIO(lane_refused_last, "a task waits for ever behind one that was refused");

/* Each hands something on, and runs what the pool has left. */
static void pays(void *arg)
{
	struct piece *p = &piece[(uintptr_t)arg];

	later_put(&pool->inbox, &p->task, host_now() + 1000, true);
	orphaned_answer(pool);
}

static void lane_orphans(void)
{
	host_thread t[2];

	set_up(0);
	store_relaxed(&pool->orphaned, 1);
	store_relaxed(&pool->stopping, 1);
	for (uint32_t i = 0; i < 2; i++)
		task_open_requeued(task_priv(&piece[i].task), 0);
	for (uintptr_t i = 0; i < 2; i++)
		t[i] = begin(pays, i);
	for (uintptr_t i = 0; i < 2; i++)
		end(t[i]);
	check(gone == 2);
	pool_put(pool);
}
SCENARIO(lane_orphans, "two pay for a pool that has gone, and leave it to the other");
