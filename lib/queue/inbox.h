/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inbox.h - all that a pool's workers take tasks from.
 *
 * A few rings, each with one producer at a time; the local queues of the workers;
 * tasks that are requeued (to run again, or a late answer), or whose time has come;
 * queues for lower priorities, and for what found no room but must not be refused;
 * and the bell.  Together they behave as one queue with many producers and many
 * consumers in which a submitter stopped at any point costs at most one ring.
 *
 *	put:   own local queue > home ring > the next one if its claim is taken
 *	take:  own local queue > returned > requeued and rings in turn (half of one,
 *	       at most a batch) > overflow > other local queues > their forks >
 *	       lower priorities, by rank
 *
 * A ring of the bell follows every put, also one into the worker's own local queue:
 * others may be asleep.
 *
 * Edges, besides those of ring.h and bell.h: [A] a local queue is there | thieves; [D]
 * put | close; [M] take | wait for room; [O] requeue | take requeued; [Q] the last work
 * is done | drain looks.
 */
#ifndef WARD_LIB_QUEUE_INBOX_H
#define WARD_LIB_QUEUE_INBOX_H

#include "base/host.h"
#include "sync/bell.h"
#include "sync/ring.h"
#include "sync/stripes.h"
#include "task/local_queue.h"
#include "queue/later.h"
#include "queue/prio_queue.h"
#include "queue/near.h"
#include <errno.h>
#include <ward/task.h>

enum { CONTROL_STOP = 1, CONTROL_LEAVE = 2 };

#define INBOX_RANKS 4u /* 0 is before all others */

/*
 * Tasks whose attempts are made elsewhere than on a worker (slot_away).  All counts only
 * grow; a task moves on before it is counted where it left, so that a sum which begins
 * with 'returned' never misses one.
 */
struct away {
	struct stripes direct; /* accepted without a queue here */
	/* X: */
	line_aligned _Atomic uint64_t gone; /* from workers */
	_Atomic uint64_t returned; /* by inbox_put(): accepted a second time by that */
	_Atomic uint64_t requeued;
};

struct inbox {
	struct bell bell;
	/* I: */
	struct ring *ring;
	uint32_t rings; /* a power of two, at most 64 */
	struct local_queue **local;
	uint32_t locals;
	uint32_t spin; /* looks of a searcher before it parks */
	void (*woke)(void *arg);
	void *arg;
	struct near *near; /* the order of looks; NULL: all alike */
	/* M: */
	line_aligned _Atomic uint64_t used; /* rings ever put into: bits */
	_Atomic uint32_t locals_used; /* local[0, locals_used) may hold tasks [A] */
	_Atomic uint32_t controls; /* X: to workers between two tasks: CONTROL_* */
	_Atomic uint32_t closed; /* [D] */
	_Atomic uint32_t settled; /* futex: moves when a worker runs out of work
				     while closed */
	_Atomic uint32_t submitters; /* X: in a wait for room, to the last step here */
	/* M: tasks that are or were requeued [O] */
	line_aligned _Atomic uint64_t requeued_in, requeued_out;
	_Atomic uint64_t requeued_fresh; /* requeued, and accepted by that */
	_Atomic uint64_t accepted;   /* those that came to none of these */
	/* X: */
	_Atomic uint32_t entering; /* submitters between inbox_enter() and leave() */
	struct later later;
	struct prio_queue prio[INBOX_RANKS]; /* 0: the overflow */
	struct away away;
};

/*
 * 'rings' rings of 'size' cells and room for 'locals' local queues and as many
 * sleepers.  0 or -ENOMEM; inbox_fini() in either case.  'woke' as in bell_init.  The
 * caller sets 'near' before the first task, and inbox_fini() frees it.
 */
int inbox_init(struct inbox *inbox, uint32_t rings, uint32_t size,
	       uint32_t locals, uint32_t searchers, void (*woke)(void *arg),
	       void *arg);
void inbox_fini(struct inbox *inbox);
/* Makes local queue i, which the caller owns, known to thieves. */
void inbox_add_local(struct inbox *inbox, uint32_t i,
		     struct local_queue *local);

/*
 * Puts up to n tasks with one publication, at least one or an error: -EAGAIN,
 * and *full is the ring that had no room, or NULL if every claim was taken;
 * -ESHUTDOWN.  'mine' is the calling worker's local queue, or NULL.
 */
int inbox_put(struct inbox *inbox, struct local_queue *mine,
	      struct ward_task *const *tasks, uint32_t n, struct ring **full);

/* A task for the worker with that local queue, or NULL at once. */
struct ward_task *inbox_take(struct inbox *inbox, struct local_queue *local);
/*
 * The same for worker i, which searches and sleeps; NULL only when the bell is closed,
 * or there is an order to leave.
 */
static inline struct ward_task *
inbox_next(struct inbox *inbox, struct local_queue *local, uint32_t i);
/*
 * Workers are to leave: an order that is found like a task, so that idle workers come
 * for it, one after the other, until it is taken back.
 */
void inbox_dismiss(struct inbox *inbox);

/*
 * Around a new task's way to what is requeued, or waits for its time: false if the
 * inbox is closed.  True: inbox_leave() is due when the task is there.
 */
bool inbox_enter(struct inbox *inbox);
void inbox_leave(struct inbox *inbox);
/* Puts a task that was accepted elsewhere: there is always room, also when closed. */
void inbox_pass(struct inbox *inbox, struct local_queue *mine,
		struct ward_task *task, uint32_t rank);

/*
 * Refuses tasks from now on and waits until no submitter is between its look
 * and its put.  0 or -ETIMEDOUT (call again).
 */
int inbox_close(struct inbox *inbox, uint64_t until);
/* Is there a thread that waits for room, or has its last step here before it? */
bool inbox_waited_for(const struct inbox *inbox);

/* After work was finished outside inbox_next(): wakes a drain, if there is one. */
void inbox_settle(struct inbox *inbox);

/* ---- the ways of nearly every task ------------------------------------------------ */

enum {
	INBOX_TURN = 64,  /* each such take looks elsewhere first */
	INBOX_SAMPLE = 64 /* each such task of a ring has its times taken */
};

/* After a put: false, if the bell is to be rung. */
static inline bool inbox_told(const struct inbox *inbox)
{
	host_barrier_light(); /* [B] published | does anybody sleep? */
	return likely(bell_quiet(&inbox->bell));
}

static inline void inbox_tell(struct inbox *inbox, _Atomic uint32_t *rung)
{
	if (!inbox_told(inbox))
		bell_ring_asleep(&inbox->bell, rung);
}

/* Between claim and drop: was the inbox closed before the claim? */
static inline bool inbox_is_closed(const struct inbox *inbox)
{
	host_barrier_light(); /* [D] claimed | closed? */
	return load_acquire(&inbox->closed);
}

/*
 * Into the own local queue: how many, -EAGAIN or -ESHUTDOWN.  'stamp' notes the time of a
 * task whose times are to be taken; NULL: -EAGAIN for such a one.
 */
static inline int inbox_put_own(struct inbox *inbox, struct owned_ring *ring,
				struct ward_task *const *tasks, uint32_t n,
				void (*stamp)(struct ward_task *task))
{
	uint64_t accepted;
	uint32_t room;
	int put = -EAGAIN;

	if (!owned_claim(ring))
		return put;
	accepted = load_relaxed(&ring->accepted); /* before, a handler may count */
	if (unlikely(inbox_is_closed(inbox))) {
		put = -ESHUTDOWN;
	} else if (likely(stamp || accepted % INBOX_SAMPLE) &&
		   likely(room = owned_room(ring, n))) {
		n = n < room ? n : room; /* it is: so the compiler knows, of one */
		if (stamp && unlikely(accepted % INBOX_SAMPLE == 0))
			stamp(tasks[0]);
		store_relaxed(&ring->accepted, accepted + n);
		owned_fill(ring, (void *const *)tasks, n);
		put = (int)n;
	}
	owned_drop(ring);
	return put;
}

/*
 * inbox_put() of one task, if nothing stands in its way and its times are not to be
 * taken.  NULL: nothing has happened; else what inbox_tell() is due for.
 */
static hot _Atomic uint32_t *inbox_put_quick(struct inbox *inbox,
					     struct local_queue *mine,
					     struct ward_task *task)
{
	uint32_t home = host_home_seen();
	struct ring *ring = &inbox->ring[(home - 1) & (inbox->rings - 1)];
	void *item = task;
	uint64_t accepted;

	if (unlikely(mine))
		return inbox_put_own(inbox, &mine->ring, &task, 1, NULL) > 0 ?
			       &mine->ring.rung :
			       NULL;
	if (unlikely(!home || !ring_claim(ring)))
		return NULL;
	accepted = load_relaxed(&ring->accepted);
	if (unlikely(inbox_is_closed(inbox) || accepted % INBOX_SAMPLE == 0 ||
		     !ring_room(ring, 1))) {
		ring_drop(ring);
		return NULL;
	}
	/* Before it can be answered: statistics never see more answers than tasks. */
	store_relaxed(&ring->accepted, accepted + 1);
	ring_fill(ring, &item, 1);
	ring_drop(ring);
	return &ring->rung;
}

struct ward_task *inbox_search(struct inbox *inbox, struct local_queue *local,
			       uint32_t i);

static inline struct ward_task *
inbox_next(struct inbox *inbox, struct local_queue *local, uint32_t i)
{
	struct ward_task *task;

	if (likely((local->turn + 1) % INBOX_TURN && (task = owned_take(&local->ring)))) {
		local->turn++;
		return task;
	}
	return inbox_search(inbox, local, i);
}

/* ---- other local queues ------------------------------------------------------------ */

/* A task from the victim, or NULL. */
typedef struct ward_task *inbox_stealer(struct inbox *inbox,
					struct local_queue *local,
					struct local_queue *victim);

/* From a local queue at that distance, or any if 'near' is NULL, from the last one on. */
static hot struct ward_task *inbox_steal_some(struct inbox *inbox,
					      struct local_queue *local,
					      const struct near *near,
					      uint32_t distance,
					      inbox_stealer *steal_it)
{
	uint32_t locals_used = load_acquire(&inbox->locals_used); /* [A] */

	for (uint32_t k = 0; k < locals_used; k++) {
		struct local_queue *victim;
		struct ward_task *task;

		if (++local->victim >= locals_used)
			local->victim = 0;
		victim = inbox->local[local->victim];
		if (victim == local ||
		    (near &&
		     near_distance(near, local, local->victim) != distance))
			continue;
		task = steal_it(inbox, local, victim);
		if (task)
			return task;
	}
	return NULL;
}

/* The nearest first; 'victim' moves on only where all are alike. */
static inline struct ward_task *inbox_steal_near(struct inbox *inbox,
						 struct local_queue *local,
						 inbox_stealer *steal_it)
{
	const struct near *near = inbox->near;
	struct ward_task *task = NULL;
	uint32_t turn = local->victim;

	for (uint32_t far = 0; far <= near->host->farthest && !task; far++)
		task = inbox_steal_some(inbox, local, near, far, steal_it);
	local->victim = turn;
	return task;
}

static hot struct ward_task *inbox_steal(struct inbox *inbox,
					 struct local_queue *local,
					 inbox_stealer *steal_it)
{
	if (unlikely(inbox->near))
		return inbox_steal_near(inbox, local, steal_it);
	return inbox_steal_some(inbox, local, NULL, 0, steal_it);
}

/*
 * Calls 'out' for each task in rings and ranks, in order; true: 'out' has taken it.
 * False: a ring was claimed by another thread, and left alone.
 */
bool inbox_filter(struct inbox *inbox,
		  bool (*out)(void *arg, struct ward_task *task), void *arg);

bool inbox_anything(const struct inbox *inbox);
uint64_t inbox_count(const struct inbox *inbox);    /* tasks to be taken */
uint64_t inbox_accepted(const struct inbox *inbox); /* ever */
/* Those that are elsewhere; exact only while none comes or goes. */
static inline uint64_t inbox_away_count(const struct inbox *inbox)
{
	const struct away *away = &inbox->away;
	uint64_t back = load_acquire(&away->returned) +
			load_acquire(&away->requeued);
	uint64_t out = stripes_sum(&away->direct) + load_acquire(&away->gone);

	return out > back ? out - back : 0;
}
static inline uint64_t inbox_requeued_count(const struct inbox *inbox)
{
	uint64_t out = load_relaxed(&inbox->requeued_out);

	return load_relaxed(&inbox->requeued_in) +
	       load_relaxed(&inbox->requeued_fresh) - out;
}

#endif
