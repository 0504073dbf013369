/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue/inbox.h"
#include "task/task_priv.h"
#include <errno.h>
#include <string.h>

enum {
	LINGER = 4,    /* looks before a worker counts as searching */
	PAUSE_MAX = 32, /* of host_relax() between two looks */
	YIELDED = 1000, /* ns; a yield to nobody takes less */
	SHARED = 64	/* searches until a CPU that is shared is tried again */
};

/* ---- up and down ---------------------------------------------------------- */

static bool anything(void *arg)
{
	const struct inbox *inbox = arg;

	return load_acquire(&inbox->controls) & CONTROL_LEAVE ||
	       inbox_anything(inbox);
}

static void woke(void *arg)
{
	struct inbox *inbox = arg;

	inbox->woke(inbox->arg);
}

int inbox_init(struct inbox *inbox, uint32_t rings, uint32_t size,
	       uint32_t locals, uint32_t searchers,
	       void (*on_wake)(void *arg), void *arg)
{
	struct bell_sleeper *sleeper;

	memset(inbox, 0, sizeof(*inbox));
	inbox->rings = rings;
	inbox->locals = locals;
	inbox->spin = 32;
	inbox->woke = on_wake;
	inbox->arg = arg;
	inbox->local = host_alloc(locals * sizeof(*inbox->local));
	sleeper = host_alloc(locals * sizeof(*sleeper));
	inbox->ring = host_alloc(rings * sizeof(*inbox->ring));
	bell_init(&inbox->bell, sleeper, sleeper ? locals : 0, searchers,
		  anything, on_wake ? woke : NULL, inbox);
	if (!inbox->local || !sleeper || !inbox->ring ||
	    due_init(&inbox->later.due))
		return -ENOMEM;
	for (uint32_t i = 0; i < rings; i++) {
		ck_ring_buffer_t *cell = host_alloc(size * sizeof(*cell));

		if (!cell)
			return -ENOMEM;
		ring_init(&inbox->ring[i], cell, size);
	}
	return 0;
}

void inbox_fini(struct inbox *inbox)
{
	for (uint32_t i = 0; inbox->ring && i < inbox->rings; i++)
		if (inbox->ring[i].cell)
			host_free(inbox->ring[i].cell,
				  (inbox->ring[i].mask + 1) *
					  sizeof(ck_ring_buffer_t));
	host_free(inbox->ring, inbox->rings * sizeof(*inbox->ring));
	host_free(inbox->bell.sleeper,
		  inbox->locals * sizeof(*inbox->bell.sleeper));
	host_free(inbox->local, inbox->locals * sizeof(*inbox->local));
	near_free(inbox->near);
	due_fini(&inbox->later.due);
}

void inbox_add_local(struct inbox *inbox, uint32_t i, struct local_queue *local)
{
	if (inbox->local[i])
		return; /* known since another thread had it */
	inbox->local[i] = local;
	if (load_relaxed(&inbox->locals_used) <= i)
		store_release(&inbox->locals_used, i + 1); /* [A] local[i] first */
}

/* ---- looking ---------------------------------------------------------------- */

bool inbox_anything(const struct inbox *inbox)
{
	uint64_t used = load_relaxed(&inbox->used);
	uint32_t locals_used = load_acquire(&inbox->locals_used); /* [A] */

	if (later_anything(&inbox->later))
		return true;
	for (; used; used &= used - 1)
		if (ring_count(&inbox->ring[__builtin_ctzll(used)]))
			return true;
	for (uint32_t i = 0; i < locals_used; i++)
		if (owned_count(&inbox->local[i]->ring) ||
		    deque_offers(&inbox->local[i]->deque))
			return true;
	for (uint32_t i = 0; i < INBOX_RANKS; i++)
		if (!prio_empty(&inbox->prio[i]))
			return true;
	return false;
}

uint64_t inbox_count(const struct inbox *inbox)
{
	uint32_t locals_used = load_acquire(&inbox->locals_used); /* [A] */
	uint64_t n = 0;

	for (uint32_t i = 0; i < inbox->rings; i++)
		n += ring_count(&inbox->ring[i]);
	for (uint32_t i = 0; i < locals_used; i++)
		n += owned_count(&inbox->local[i]->ring);
	for (uint32_t i = 0; i < INBOX_RANKS; i++)
		n += prio_count(&inbox->prio[i]);
	return n;
}

uint64_t inbox_accepted(const struct inbox *inbox)
{
	/* First: see struct away. */
	uint64_t n = -load_acquire(&inbox->away.returned);
	uint32_t locals_used = load_acquire(&inbox->locals_used); /* [A] */

	for (uint32_t i = 0; i < inbox->rings; i++)
		n += load_relaxed(&inbox->ring[i].accepted);
	for (uint32_t i = 0; i < locals_used; i++)
		n += load_relaxed(&inbox->local[i]->ring.accepted);
	for (uint32_t i = 0; i < INBOX_RANKS; i++)
		n += load_relaxed(&inbox->prio[i].in);
	return n + load_relaxed(&inbox->requeued_fresh) +
	       stripes_sum(&inbox->away.direct) +
	       load_relaxed(&inbox->accepted);
}

/* ---- putting ---------------------------------------------------------------- */

/* Its times are to be taken; a task that may not wait for ever is stamped already. */
static cold void stamp_sample(struct ward_task *task)
{
	struct task_priv *priv = task_priv(task);

	if (!(load_relaxed(&priv->word) & TASK_STAMPED))
		task_stamp(priv, host_now());
}

/* Between claim and drop. */
static inline int put_claimed(struct inbox *inbox, struct ring *ring,
			      struct ward_task *const *tasks, uint32_t n)
{
	uint32_t put;

	if (unlikely(inbox_is_closed(inbox)))
		return -ESHUTDOWN;
	put = ring_room(ring, n);
	if (unlikely(put == 0))
		return -EAGAIN;
	if (unlikely(load_relaxed(&ring->accepted) % INBOX_SAMPLE == 0))
		stamp_sample(tasks[0]);
	count_own(&ring->accepted, put); /* before they can be answered */
	ring_fill(ring, (void *const *)tasks, put);
	return (int)put;
}

/* A thread's first home leads to a ring near it. */
static cold uint32_t first_home(const struct inbox *inbox)
{
	uint64_t near = inbox->near ? near_here(inbox->near) : 0;

	return near ? host_home_among(near, inbox->rings) : host_home_first();
}

int inbox_put(struct inbox *inbox, struct local_queue *mine,
	      struct ward_task *const *tasks, uint32_t n, struct ring **full)
{
	uint32_t home = host_home_seen();
	int put;

	home = likely(home) ? home - 1 : first_home(inbox);

	if (mine) {
		put = inbox_put_own(inbox, &mine->ring, tasks, n, stamp_sample);
		if (put > 0)
			inbox_tell(inbox, &mine->ring.rung);
		if (put != -EAGAIN)
			return put;
	}
	for (uint32_t k = 0; k < inbox->rings; k++) {
		uint32_t i = (home + k) & (inbox->rings - 1);
		struct ring *ring = &inbox->ring[i];

		if (unlikely(!ring_claim(ring)))
			continue;
		if (unlikely(!(load_relaxed(&inbox->used) >> i & 1)))
			or_relaxed(&inbox->used, (uint64_t)1 << i);
		put = put_claimed(inbox, ring, tasks, n);
		ring_drop(ring);
		if (likely(put > 0))
			inbox_tell(inbox, &ring->rung);
		*full = ring;
		return put;
	}
	*full = NULL;
	return -EAGAIN;
}

/* ---- room ------------------------------------------------------------------- */

/* By a taker, after its swap. */
static inline void room_made(struct ring *ring)
{
	host_barrier_light(); /* [M] taken | does anybody wait? */
	if (likely(!load_relaxed(&ring->room.inside)) ||
	    ring_count(ring) > ring->mask / 2)
		return;
	wait_wake(&ring->room);
}

/* Once is enough: later claimers and enterers see 'closed'. */
static bool wait_zero(const _Atomic uint32_t *word, uint64_t until)
{
	while (load_acquire(word)) { /* [P] [D] */
		if (host_now() >= until)
			return false;
		host_yield();
	}
	return true;
}

int inbox_close(struct inbox *inbox, uint64_t until)
{
	uint32_t locals_used;

	store_release(&inbox->closed, 1);
	host_barrier_heavy(); /* [D] closed | who has claimed? */
	locals_used = load_acquire(&inbox->locals_used); /* [A] */
	for (uint32_t i = 0; i < inbox->rings; i++)
		wait_wake(&inbox->ring[i].room);
	for (uint32_t i = 0; i < inbox->rings; i++)
		if (!wait_zero(&inbox->ring[i].claim, until))
			return -ETIMEDOUT;
	for (uint32_t i = 0; i < locals_used; i++)
		if (!wait_zero(&inbox->local[i]->ring.claim, until))
			return -ETIMEDOUT;
	return wait_zero(&inbox->entering, until) ? 0 : -ETIMEDOUT;
}

bool inbox_waited_for(const struct inbox *inbox)
{
	if (load_acquire(&inbox->submitters)) /* [u] */
		return true;
	for (uint32_t i = 0; i < inbox->rings; i++)
		if (load_acquire(&inbox->ring[i].room.inside))
			return true;
	return false;
}

/* As in put_claimed(), for a task that needs no ring. */
bool inbox_enter(struct inbox *inbox)
{
	add_acq_rel(&inbox->entering, 1);
	host_barrier_light(); /* [D] on my way | closed? */
	if (load_acquire(&inbox->closed)) {
		sub_acq_rel(&inbox->entering, 1);
		return false;
	}
	return true;
}

void inbox_leave(struct inbox *inbox)
{
	sub_acq_rel(&inbox->entering, 1); /* [D] */
}

/* ---- requeued ------------------------------------------------------------------- */

void inbox_pass(struct inbox *inbox, struct local_queue *mine,
		struct ward_task *task, uint32_t rank)
{
	struct ring *full;

	if (rank == 0 && inbox_put(inbox, mine, &task, 1, &full) > 0)
		return;
	prio_put(&inbox->prio[rank], task);
	inbox_tell(inbox, NULL);
}

/* ---- taking ----------------------------------------------------------------- */

/* A batch: the first to the caller, the rest into its local queue. */
static inline struct ward_task *keep(struct inbox *inbox, struct local_queue *local,
				     void *const *got, uint32_t n)
{
	if (n == 0)
		return NULL;
	for (uint32_t i = 0; i < n; i++)
		prefetch_own(got[i]); /* written when it ends */
	if (n > 1) {
		uint32_t kept = 1;

		/* It was empty, but a signal handler may have submitted since.
		 * Claimed against one that submits just now. */
		owned_claim(&local->ring);
		kept += owned_put(&local->ring, got + 1, n - 1);
		owned_drop(&local->ring);
		inbox_tell(inbox, &local->ring.rung);
		while (unlikely(kept < n))
			later_return(inbox, got[kept++]);
	}
	return got[0];
}

/* Half of the tasks in 'from'. */
static inline struct ward_task *
take_batch(struct inbox *inbox, struct local_queue *local, struct ring *from)
{
	void *got[LOCAL_BATCH];

	return keep(inbox, local, got, ring_take(from, got, local->batch, true));
}

static struct ward_task *take_one(struct ring *from)
{
	void *task;

	return ring_take(from, &task, 1, false) ? task : NULL;
}

/* From one of the 'used' rings; a batch only if the own local queue is empty. */
static struct ward_task *take_ring(struct inbox *inbox,
				   struct local_queue *local, uint64_t used,
				   bool batch)
{
	if (!used)
		return NULL;
	for (uint32_t k = 0; k < inbox->rings; k++) {
		uint32_t i = (local->last + k) & (inbox->rings - 1);
		struct ring *ring = &inbox->ring[i];
		struct ward_task *task;

		if (!(used >> i & 1))
			continue;
		task = batch ? take_batch(inbox, local, ring) : take_one(ring);
		if (task) {
			local->last = i;
			room_made(ring);
			return task;
		}
	}
	return NULL;
}

/* The nearest first; 'last' moves on in take_in_turn() only. */
static __attribute__((noinline)) struct ward_task *
take_near(struct inbox *inbox, struct local_queue *local)
{
	const struct near *near = inbox->near;
	uint64_t used = load_relaxed(&inbox->used);
	struct ward_task *task = NULL;
	uint32_t turn = local->last;

	for (uint32_t far = 0; far <= near->host->farthest && !task; far++)
		task = take_ring(inbox, local,
				 used & near_rings(near, local, far), true);
	local->last = turn;
	return task;
}

static struct ward_task *steal_batch(struct inbox *inbox,
				     struct local_queue *local,
				     struct local_queue *victim)
{
	void *got[LOCAL_BATCH];

	return keep(inbox, local, got,
		    owned_steal(&victim->ring, got, local->batch, true, true));
}

/* Not inline: most takes end before it. */
static __attribute__((noinline)) struct ward_task *
steal(struct inbox *inbox, struct local_queue *local)
{
	return inbox_steal(inbox, local, steal_batch);
}

/*
 * One from a local queue whose owner has not come to it since the last turn: such an owner
 * hangs.
 */
static struct ward_task *steal_stuck(struct inbox *inbox, struct local_queue *local)
{
	uint32_t locals_used = load_acquire(&inbox->locals_used); /* [A] */
	struct local_queue *victim;
	void *task;

	if (locals_used < 2)
		return NULL;
	victim = inbox->local[local->victim % locals_used];
	if (victim != local && owned_index(&victim->ring) == local->victim_at &&
	    owned_steal(&victim->ring, &task, 1, false, false)) {
		local->victim_at++;
		return task;
	}
	local->victim = (local->victim + 1) % locals_used;
	local->victim_at = owned_index(&inbox->local[local->victim]->ring);
	return NULL;
}

/*
 * Puts the task behind the local queue, whose oldest makes room for it and runs: tasks
 * of one submitter keep their order.
 */
static struct ward_task *queue_behind(struct inbox *inbox,
				      struct local_queue *local,
				      struct ward_task *task)
{
	struct ward_task *first;
	void *last = task;

	owned_claim(&local->ring); /* as in keep() */
	first = owned_take(&local->ring);
	if (first)
		owned_put(&local->ring, &last, 1);
	owned_drop(&local->ring);
	if (!first)
		return task;
	inbox_tell(inbox, &local->ring.rung);
	return first;
}

/*
 * The n-th turn: each rank comes before all others half as often as the one before
 * it, so the lowest priority waits for 16 turns of all workers at most.
 */
static struct ward_task *take_aged(struct inbox *inbox, uint32_t n)
{
	for (uint32_t i = 0; i < INBOX_RANKS; i++)
		if (n % (2u << i) == 1u << i)
			return prio_take(&inbox->prio[i]);
	return NULL;
}

static struct ward_task *take_prio(struct inbox *inbox)
{
	struct ward_task *task = NULL;

	for (uint32_t i = 1; i < INBOX_RANKS && !task; i++)
		task = prio_take(&inbox->prio[i]);
	return task;
}

/* One from the next ring, behind all that was taken before. */
static struct ward_task *take_ring_in_turn(struct inbox *inbox,
					   struct local_queue *local)
{
	struct ward_task *task;

	local->last++;
	task = take_ring(inbox, local, load_relaxed(&inbox->used), false);
	return task ? queue_behind(inbox, local, task) : NULL;
}

/*
 * Now and then the order is reversed, so that no task waits for ever behind others
 * that never end: nested work in the own local queue, one ring that is always full.
 * Requeued tasks, the local queue of a worker that hangs, however far, and the next
 * ring come first by turns.
 */
static cold struct ward_task *take_in_turn(struct inbox *inbox,
					   struct local_queue *local)
{
	uint32_t n = local->turn / INBOX_TURN;
	struct ward_task *task = take_aged(inbox, n);

	for (uint32_t k = n / 2; !task && k < n / 2 + 3; k++) {
		if (k % 3 == 0)
			task = later_take(inbox);
		else if (k % 3 == 1)
			task = steal_stuck(inbox, local);
		else
			task = take_ring_in_turn(inbox, local);
	}
	return task;
}

/*
 * Requeued tasks and the rings, one by one while there are both, so that neither waits
 * for all of the other.  Returned tasks come first: they are older than all in a ring.
 */
static cold struct ward_task *take_requeued(struct inbox *inbox,
					    struct local_queue *local)
{
	struct later_place place;
	struct ward_task *task =
		local->turn % 2 ?
			later_take(inbox) :
			later_take_until(inbox, LATER_RETURNED, &place);

	if (!task && unlikely(inbox->near))
		task = take_near(inbox, local);
	else if (!task)
		task = take_ring(inbox, local, load_relaxed(&inbox->used),
				 false);
	return task ? task : later_take(inbox);
}

struct ward_task *inbox_take(struct inbox *inbox, struct local_queue *local)
{
	struct ward_task *task;

	if (unlikely(++local->turn % INBOX_TURN == 0)) {
		owned_bias(&local->ring);
		task = take_in_turn(inbox, local);
		if (task)
			return task;
	}
	task = owned_take(&local->ring);
	if (likely(task))
		return task;
	if (unlikely(later_anything(&inbox->later)) &&
	    (task = take_requeued(inbox, local)))
		return task;
	if (unlikely(inbox->near))
		task = take_near(inbox, local);
	else
		task = take_ring(inbox, local, load_relaxed(&inbox->used),
				 true);
	if (likely(task))
		return task;
	task = prio_take(&inbox->prio[0]);
	if (!task)
		task = steal(inbox, local);
	if (!task && local->steal_fork)
		task = local->steal_fork(inbox, local);
	return task ? task : take_prio(inbox);
}

/*
 * A look at a ring that is just being filled takes the cache line from the submitter,
 * for one task.  So the pause between two looks grows while they find little, and
 * shrinks while they find plenty: up to about a microsecond, a fraction of a wakeup.
 */
static void learn_pause(struct local_queue *local)
{
	uint32_t got = 1 + owned_count(&local->ring);

	if (got < local->batch / 4 && local->pause < PAUSE_MAX)
		local->pause *= 2;
	else if (got > local->batch / 2 && local->pause > 1)
		local->pause /= 2;
}

static inline void relax_for(uint32_t pause)
{
	while (pause--)
		host_relax();
}

/*
 * The first look after a task.  A worker whose tasks are brief is back too soon, so it
 * pauses before this look, too; longer tasks are pause enough.
 */
static struct ward_task *look_first(struct inbox *inbox,
				    struct local_queue *local)
{
	struct ward_task *task;

	if (!load_relaxed(&local->ring.brief) || local->shared || owned_count(&local->ring))
		return inbox_take(inbox, local);
	relax_for(local->pause - 1);
	task = inbox_take(inbox, local);
	if (likely(task))
		learn_pause(local);
	return task;
}

/*
 * A worker that shares its CPU waits for nothing by looking on: its submitter runs when it
 * does not.  Two yields, one after the other, that gave the CPU to somebody say so; for
 * the next searches it parks at once.
 */
static void yield(struct local_queue *local)
{
	uint64_t from = host_now();

	host_yield();
	if (host_now() - from < YIELDED)
		local->yielded = 0;
	else if (!local->yielded)
		local->yielded = 1;
	else
		local->shared = SHARED;
}

static bool shares_cpu(struct local_queue *local)
{
	return local->shared && local->shared--;
}

/* Looks that often.  Before long it also yields its CPU, which a submitter may share. */
static struct ward_task *look_on(struct inbox *inbox, struct local_queue *local,
				 uint32_t looks)
{
	struct ward_task *task;

	for (uint32_t i = 0; i < looks; i++) {
		relax_for(local->pause);
		if (i >= LINGER)
			yield(local);
		task = inbox_take(inbox, local);
		if (task) {
			learn_pause(local);
			return task;
		}
	}
	return NULL;
}

/*
 * Each task comes out at the front and goes in at the end, once round: under the claim
 * nobody else puts, so there is room, and the order stays.  Takers meanwhile get some
 * too early.  One at a time, so that a thread that is stopped here has only one.
 */
static bool filter_ring(struct inbox *inbox, struct ring *ring,
			bool (*out)(void *arg, struct ward_task *task),
			void *arg)
{
	uint32_t end;
	void *task;

	if (!ring_count(ring))
		return true;
	if (!ring_claim(ring))
		return false;
	end = ck_pr_load_uint(&ring->ck.p_tail); /* ours: P */
	while ((int32_t)(end - ck_pr_load_uint(&ring->ck.c_head)) > 0 &&
	       ring_take(ring, &task, 1, false))
		if (!out(arg, task) && !ring_put(ring, &task, 1))
			later_requeue(inbox, task, false);
	ring_drop(ring);
	room_made(ring);
	inbox_tell(inbox, NULL); /* others may have found it empty */
	return true;
}

bool inbox_filter(struct inbox *inbox,
		  bool (*out)(void *arg, struct ward_task *task), void *arg)
{
	bool all = true;

	for (uint32_t i = 0; i < INBOX_RANKS; i++)
		prio_filter(&inbox->prio[i], out, arg);
	inbox_tell(inbox, NULL);
	for (uint32_t i = 0; i < inbox->rings; i++)
		all &= filter_ring(inbox, &inbox->ring[i], out, arg);
	return all;
}

void inbox_settle(struct inbox *inbox)
{
	host_barrier_light(); /* [Q] released | does a drain wait? */
	if (likely(!load_relaxed(&inbox->closed)))
		return;
	add_acq_rel(&inbox->settled, 1);
	host_wake(&inbox->settled, INT32_MAX);
}

struct ward_task *inbox_search(struct inbox *inbox, struct local_queue *local,
			       uint32_t i)
{
	struct ward_task *task = look_first(inbox, local);
	bool searching;

	if (likely(task))
		return task;
	searching = !shares_cpu(local);
	if (searching && (task = look_on(inbox, local, LINGER)))
		return task;
	searching = searching && bell_search(&inbox->bell);
	for (;;) {
		if (searching) {
			task = inbox_take(inbox, local);
			if (task ||
			    (task = look_on(inbox, local, inbox->spin))) {
				bell_found(&inbox->bell);
				return task;
			}
		}
		inbox_settle(inbox);
		if (unlikely(load_acquire(&inbox->controls) & CONTROL_LEAVE)) {
			if (searching)
				bell_found(&inbox->bell);
			return NULL;
		}
		searching = bell_park(&inbox->bell, i, searching);
		if (!searching)
			return NULL;
	}
}

void inbox_dismiss(struct inbox *inbox)
{
	or_acq_rel(&inbox->controls, CONTROL_LEAVE); /* [cw] */
	inbox_tell(inbox, NULL);
}
