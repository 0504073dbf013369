/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inbox.c - see inbox.h.
 */
#include "work/inbox.h"
#include "work/book.h"
#include <errno.h>

enum {
	LINGER = 4,    /* looks before a worker counts as a searcher */
	PAUSE_MAX = 32 /* of host_relax() between two looks */
};

/* ---- up and down ---------------------------------------------------------- */

static bool anything(void *arg)
{
	const struct inbox *inbox = arg;

	return load_acquire(&inbox->orders) & ORDER_LEAVE ||
	       inbox_anything(inbox);
}

static void woke(void *arg)
{
	struct inbox *inbox = arg;

	inbox->woke(inbox->arg);
}

int inbox_init(struct inbox *inbox, uint32_t rings, uint32_t size,
	       uint32_t hands, uint32_t searchers,
	       void (*on_wake)(void *arg), void *arg)
{
	struct bell_sleeper *sleeper;

	inbox->rings = rings;
	inbox->hands = hands;
	inbox->spin = 32;
	inbox->woke = on_wake;
	inbox->arg = arg;
	inbox->near = NULL;
	atomic_init(&inbox->used, 0);
	atomic_init(&inbox->peopled, 0);
	atomic_init(&inbox->orders, 0);
	atomic_init(&inbox->closed, 0);
	atomic_init(&inbox->settled, 0);
	atomic_init(&inbox->submitters, 0);
	atomic_init(&inbox->owed_in, 0);
	atomic_init(&inbox->owed_out, 0);
	atomic_init(&inbox->owed_fresh, 0);
	atomic_init(&inbox->accepted, 0);
	inbox->hand = host_alloc(hands * sizeof(*inbox->hand));
	sleeper = host_alloc(hands * sizeof(*sleeper));
	inbox->ring = host_alloc(rings * sizeof(*inbox->ring));
	bell_init(&inbox->bell, sleeper, sleeper ? hands : 0, searchers,
		  anything, on_wake ? woke : NULL, inbox);
	if (!inbox->hand || !sleeper || !inbox->ring ||
	    later_init(&inbox->later))
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
		  inbox->hands * sizeof(*inbox->bell.sleeper));
	host_free(inbox->hand, inbox->hands * sizeof(*inbox->hand));
	near_free(inbox->near);
	later_fini(&inbox->later);
}

void inbox_add_hand(struct inbox *inbox, uint32_t i, struct hand *hand)
{
	if (inbox->hand[i])
		return; /* it was another thread's before, and is known */
	inbox->hand[i] = hand;
	if (load_relaxed(&inbox->peopled) <= i)
		store_release(&inbox->peopled, i + 1); /* [A] the hand first */
}

/* ---- looking ---------------------------------------------------------------- */

bool inbox_anything(const struct inbox *inbox)
{
	uint64_t used = load_relaxed(&inbox->used);
	uint32_t peopled = load_acquire(&inbox->peopled); /* [A] */

	if (later_anything(&inbox->later))
		return true;
	for (; used; used &= used - 1)
		if (ring_count(&inbox->ring[__builtin_ctzll(used)]))
			return true;
	for (uint32_t i = 0; i < peopled; i++)
		if (ring_count(&inbox->hand[i]->ring) ||
		    deque_count(&inbox->hand[i]->deque))
			return true;
	for (uint32_t i = 0; i < INBOX_RANKS; i++)
		if (!lower_empty(&inbox->lower[i]))
			return true;
	return false;
}

uint64_t inbox_count(const struct inbox *inbox)
{
	uint32_t peopled = load_acquire(&inbox->peopled); /* [A] */
	uint64_t n = 0;

	for (uint32_t i = 0; i < inbox->rings; i++)
		n += ring_count(&inbox->ring[i]);
	for (uint32_t i = 0; i < peopled; i++)
		n += ring_count(&inbox->hand[i]->ring);
	for (uint32_t i = 0; i < INBOX_RANKS; i++)
		n += lower_count(&inbox->lower[i]);
	return n;
}

uint64_t inbox_accepted(const struct inbox *inbox)
{
	uint32_t peopled = load_acquire(&inbox->peopled); /* [A] */
	uint64_t n = 0;

	for (uint32_t i = 0; i < inbox->rings; i++)
		n += load_relaxed(&inbox->ring[i].accepted);
	for (uint32_t i = 0; i < peopled; i++)
		n += load_relaxed(&inbox->hand[i]->ring.accepted);
	for (uint32_t i = 0; i < INBOX_RANKS; i++)
		n += load_relaxed(&inbox->lower[i].in);
	return n + load_relaxed(&inbox->owed_fresh) +
	       load_relaxed(&inbox->accepted);
}

/* ---- putting ---------------------------------------------------------------- */

/* Its times are taken; but one that may not wait for ever has its stamp. */
static cold void sample(struct book *book)
{
	if (!(load_relaxed(&book->word) & BOOK_STAMPED))
		book_stamp(book, host_now());
}

/* Between claim and drop: refused if the inbox was closed before the claim. */
static inline int put_claimed(struct inbox *inbox, struct ring *ring,
			      struct ward_task *const *tasks, uint32_t n)
{
	uint32_t put;

	host_fence_light(); /* [D] claimed | closed? */
	if (unlikely(load_acquire(&inbox->closed)))
		return -ESHUTDOWN;
	put = ring_room(ring, n);
	if (unlikely(put == 0))
		return -EAGAIN;
	if (unlikely(load_relaxed(&ring->accepted) % INBOX_SAMPLE == 0))
		sample(book_of(tasks[0]));
	/* Before it can be answered: nobody sees more answers than tasks. */
	count_own(&ring->accepted, put);
	ring_fill(ring, (void *const *)tasks, put);
	return (int)put;
}

static int put_in_hand(struct inbox *inbox, struct ring *ring,
		       struct ward_task *const *tasks, uint32_t n)
{
	int put;

	/* Only this thread claims it, but a handler may interrupt a put. */
	if (load_relaxed(&ring->claim))
		return -EAGAIN;
	store_relaxed(&ring->claim, 1);
	put = put_claimed(inbox, ring, tasks, n);
	ring_drop(ring);
	if (put > 0)
		inbox_tell(inbox, &ring->rung);
	return put;
}

/* A thread's first number leads to a ring near where it is. */
static cold uint32_t first_home(const struct inbox *inbox)
{
	uint64_t near = inbox->near ? near_here(inbox->near) : 0;

	return near ? host_home_among(near, inbox->rings) : host_home_first();
}

int inbox_put(struct inbox *inbox, struct hand *mine,
	      struct ward_task *const *tasks, uint32_t n, struct ring **full)
{
	uint32_t home = host_home_seen();
	int put;

	home = likely(home) ? home - 1 : first_home(inbox);

	if (mine) {
		put = put_in_hand(inbox, &mine->ring, tasks, n);
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
	host_fence_light(); /* [M] taken | does anybody wait? */
	if (likely(!load_relaxed(&ring->room.inside)) ||
	    ring_count(ring) > ring->mask / 2)
		return;
	wait_wake(&ring->room);
}

int inbox_close(struct inbox *inbox, uint64_t until)
{
	uint32_t peopled;

	store_release(&inbox->closed, 1);
	host_fence_heavy(); /* [D] closed | who has claimed? */
	peopled = load_acquire(&inbox->peopled); /* [A] */
	for (uint32_t i = 0; i < inbox->rings; i++)
		wait_wake(&inbox->ring[i].room);
	for (uint32_t i = 0; i < inbox->rings + peopled; i++) {
		struct ring *ring = i < inbox->rings ?
					    &inbox->ring[i] :
					    &inbox->hand[i - inbox->rings]->ring;

		/* Free once is enough: who claims later sees 'closed'. */
		while (load_acquire(&ring->claim)) { /* [P] */
			if (host_now() >= until)
				return -ETIMEDOUT;
			host_yield();
		}
	}
	while (load_acquire(&inbox->entering)) { /* [D] */
		if (host_now() >= until)
			return -ETIMEDOUT;
		host_yield();
	}
	return 0;
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

/* The same question as in put_claimed(), for who needs no ring. */
bool inbox_enter(struct inbox *inbox)
{
	add_acq_rel(&inbox->entering, 1);
	host_fence_light(); /* [D] on my way | closed? */
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

/* ---- owed ------------------------------------------------------------------- */

void inbox_owes(struct inbox *inbox)
{
	add_relaxed(&inbox->owed_in, 1);
}

void inbox_owe(struct inbox *inbox, struct ward_task *task)
{
	later_owe(inbox, task, false);
}

void inbox_return(struct inbox *inbox, struct ward_task *task)
{
	later_return(inbox, task);
}

void inbox_pass(struct inbox *inbox, struct hand *mine, struct ward_task *task,
		uint32_t rank)
{
	struct ring *full;

	if (rank == 0 && inbox_put(inbox, mine, &task, 1, &full) > 0)
		return;
	lower_put(&inbox->lower[rank], task);
	inbox_tell(inbox, NULL);
}

/* ---- taking ----------------------------------------------------------------- */

/* Half of what 'from' has; the first to the caller, the rest into its hand. */
static inline struct ward_task *take_batch(struct inbox *inbox,
					   struct hand *hand, struct ring *from)
{
	void *got[HAND_BATCH];
	uint32_t n = ring_take(from, got, hand->batch, true);

	if (n == 0)
		return NULL;
	for (uint32_t i = 0; i < n; i++)
		prefetch_own(got[i]); /* written when it ends */
	if (n > 1) {
		/* It is empty: the caller looked there first.  Claimed for the
		 * sake of a signal handler that submits just now. */
		store_relaxed(&hand->ring.claim, 1);
		ring_put(&hand->ring, got + 1, n - 1);
		ring_drop(&hand->ring);
		inbox_tell(inbox, &hand->ring.rung);
	}
	return got[0];
}

static struct ward_task *take_one(struct ring *from)
{
	void *task;

	return ring_take(from, &task, 1, false) ? task : NULL;
}

/* From one of these rings; a batch only if the own hand is empty. */
static struct ward_task *take_ring(struct inbox *inbox, struct hand *hand,
				   uint64_t used, bool batch)
{
	if (!used)
		return NULL;
	for (uint32_t k = 0; k < inbox->rings; k++) {
		uint32_t i = (hand->last + k) & (inbox->rings - 1);
		struct ring *ring = &inbox->ring[i];
		struct ward_task *task;

		if (!(used >> i & 1))
			continue;
		task = batch ? take_batch(inbox, hand, ring) : take_one(ring);
		if (task) {
			hand->last = i;
			room_made(ring);
			return task;
		}
	}
	return NULL;
}

/* The nearest first; whose turn it is moves on in take_in_turn() only. */
static __attribute__((noinline)) struct ward_task *
take_near(struct inbox *inbox, struct hand *hand)
{
	const struct near *near = inbox->near;
	uint64_t used = load_relaxed(&inbox->used);
	struct ward_task *task = NULL;
	uint32_t turn = hand->last;

	for (uint32_t far = 0; far <= near->host->farthest && !task; far++)
		task = take_ring(inbox, hand,
				 used & near_rings(near, hand, far), true);
	hand->last = turn;
	return task;
}

static struct ward_task *steal_batch(struct inbox *inbox, struct hand *hand,
				     struct hand *victim)
{
	return take_batch(inbox, hand, &victim->ring);
}

/* A function of its own: most takes end before it. */
static __attribute__((noinline)) struct ward_task *steal(struct inbox *inbox,
							 struct hand *hand)
{
	return inbox_rob(inbox, hand, steal_batch);
}

static struct ward_task *steal_one(struct inbox *inbox, struct hand *hand,
				   struct hand *victim)
{
	(void)inbox;
	(void)hand;
	return take_one(&victim->ring);
}

/*
 * What was taken before it stays before it: tasks of one submitter keep their
 * order.  The oldest in the hand makes room for it and is the one to run.
 */
static struct ward_task *queue_behind(struct inbox *inbox, struct hand *hand,
				      struct ward_task *task)
{
	struct ward_task *first;
	void *last = task;

	store_relaxed(&hand->ring.claim, 1); /* as in take_batch() */
	first = take_one(&hand->ring);
	if (first)
		ring_put(&hand->ring, &last, 1);
	ring_drop(&hand->ring);
	if (!first)
		return task;
	inbox_tell(inbox, &hand->ring.rung);
	return first;
}

/*
 * The n-th turn: each rank comes before all others half as often as the one before
 * it, so what has the lowest priority waits for 16 turns of all workers at most, and
 * never for ever.
 */
static struct ward_task *take_aged(struct inbox *inbox, uint32_t n)
{
	for (uint32_t i = 0; i < INBOX_RANKS; i++)
		if (n % (2u << i) == 1u << i)
			return lower_take(&inbox->lower[i]);
	return NULL;
}

static struct ward_task *take_lower(struct inbox *inbox)
{
	struct ward_task *task = NULL;

	for (uint32_t i = 1; i < INBOX_RANKS && !task; i++)
		task = lower_take(&inbox->lower[i]);
	return task;
}

/* One from a ring, by turns, behind what was taken before. */
static struct ward_task *take_ring_in_turn(struct inbox *inbox,
					   struct hand *hand)
{
	struct ward_task *task;

	hand->last++; /* another ring's turn */
	task = take_ring(inbox, hand, load_relaxed(&inbox->used), false);
	return task ? queue_behind(inbox, hand, task) : NULL;
}

/*
 * Now and then the order is turned round, so that nothing waits for ever behind
 * what never ends: nested work in the own hand, one ring that is always full,
 * tasks in the hand of a worker that hangs, what is far from all who work, what is
 * owed.  Each of these comes first by turns.
 */
static cold struct ward_task *take_in_turn(struct inbox *inbox,
					   struct hand *hand)
{
	uint32_t n = hand->turn / INBOX_TURN;
	struct ward_task *task = take_aged(inbox, n);

	for (uint32_t k = n / 2; !task && k < n / 2 + 3; k++) {
		if (k % 3 == 0)
			task = later_take(inbox);
		else if (k % 3 == 1)
			task = inbox_rob_some(inbox, hand, NULL, 0, steal_one);
		else
			task = take_ring_in_turn(inbox, hand);
	}
	return task;
}

/*
 * What is owed and what is in the rings, one by one while there are both, so that
 * neither waits for all of the other.  But what was taken and returned is older than
 * all that is in a ring.
 */
static cold struct ward_task *take_owed(struct inbox *inbox, struct hand *hand)
{
	struct ward_task *task = hand->turn % 2 ? later_take(inbox) :
						  later_take_first(inbox);

	if (!task && unlikely(inbox->near))
		task = take_near(inbox, hand);
	else if (!task)
		task = take_ring(inbox, hand, load_relaxed(&inbox->used), false);
	return task ? task : later_take(inbox);
}

struct ward_task *inbox_take(struct inbox *inbox, struct hand *hand)
{
	struct ward_task *task;

	if (unlikely(++hand->turn % INBOX_TURN == 0) &&
	    (task = take_in_turn(inbox, hand)))
		return task;
	task = take_one(&hand->ring);
	if (likely(task))
		return task;
	if (unlikely(later_anything(&inbox->later)) &&
	    (task = take_owed(inbox, hand)))
		return task;
	if (unlikely(inbox->near))
		task = take_near(inbox, hand);
	else
		task = take_ring(inbox, hand, load_relaxed(&inbox->used), true);
	if (likely(task))
		return task;
	task = lower_take(&inbox->lower[0]);
	if (!task)
		task = steal(inbox, hand);
	if (!task && hand->thieve)
		task = hand->thieve(inbox, hand);
	return task ? task : take_lower(inbox);
}

/*
 * A look that finds the ring just filled takes the line from the submitter that
 * fills it, and one task for the trouble.  So the pause between two looks grows
 * while they find little, and shrinks while they find plenty: up to about a
 * microsecond, a fraction of what a wakeup costs.
 */
static void learn(struct hand *hand)
{
	uint32_t got = 1 + ring_count(&hand->ring);

	if (got < hand->batch / 4 && hand->pause < PAUSE_MAX)
		hand->pause *= 2;
	else if (got > hand->batch / 2 && hand->pause > 1)
		hand->pause /= 2;
}

static inline void rest(uint32_t pause)
{
	while (pause--)
		host_relax();
}

/*
 * The first look after a task.  A worker whose tasks are brief is back too soon if its
 * last look found little: then the pause comes before this look, too.  Where tasks are
 * longer, they are pause enough.
 */
static struct ward_task *look_first(struct inbox *inbox, struct hand *hand)
{
	struct ward_task *task;

	if (!hand->brief || ring_count(&hand->ring))
		return inbox_take(inbox, hand);
	rest(hand->pause - 1);
	task = inbox_take(inbox, hand);
	if (likely(task))
		learn(hand);
	return task;
}

/*
 * Looks until there is a task, or 'looks' are over.  Before long it also gives
 * its CPU away between two looks: a submitter may share it.
 */
static struct ward_task *look_on(struct inbox *inbox, struct hand *hand,
				 uint32_t looks)
{
	struct ward_task *task;

	for (uint32_t i = 0; i < looks; i++) {
		rest(hand->pause);
		if (i >= LINGER)
			host_yield();
		task = inbox_take(inbox, hand);
		if (task) {
			learn(hand);
			return task;
		}
	}
	return NULL;
}

/*
 * Each comes out at the front and goes in at the end, once round: while the claim is
 * held nobody else puts, so there is room, and the order is what it was.  Who takes
 * meanwhile takes one of them sooner than those before it.  One at a time, so that who
 * is stopped here has one.
 */
static bool sift_ring(struct inbox *inbox, struct ring *ring,
		      bool (*out)(void *arg, struct ward_task *task), void *arg)
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
			inbox_owe(inbox, task);
	ring_drop(ring);
	room_made(ring);
	inbox_tell(inbox, NULL); /* it may have been found empty */
	return true;
}

bool inbox_sift(struct inbox *inbox,
		bool (*out)(void *arg, struct ward_task *task), void *arg)
{
	bool all = true;

	for (uint32_t i = 0; i < INBOX_RANKS; i++)
		lower_sift(&inbox->lower[i], out, arg);
	inbox_tell(inbox, NULL);
	for (uint32_t i = 0; i < inbox->rings; i++)
		all &= sift_ring(inbox, &inbox->ring[i], out, arg);
	return all;
}

void inbox_settle(struct inbox *inbox)
{
	host_fence_light(); /* [Q] released | does a drain wait? */
	if (likely(!load_relaxed(&inbox->closed)))
		return;
	add_acq_rel(&inbox->settled, 1);
	host_wake(&inbox->settled, INT32_MAX);
}

struct ward_task *inbox_search(struct inbox *inbox, struct hand *hand,
			       uint32_t i)
{
	struct ward_task *task = look_first(inbox, hand);
	bool searching;

	if (likely(task || (task = look_on(inbox, hand, LINGER))))
		return task;
	searching = bell_search(&inbox->bell);
	for (;;) {
		if (searching) {
			task = inbox_take(inbox, hand);
			if (task || (task = look_on(inbox, hand, inbox->spin))) {
				bell_found(&inbox->bell);
				return task;
			}
		}
		inbox_settle(inbox);
		if (unlikely(load_acquire(&inbox->orders) & ORDER_LEAVE)) {
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
	or_acq_rel(&inbox->orders, ORDER_LEAVE); /* [l] */
	inbox_tell(inbox, NULL);
}
