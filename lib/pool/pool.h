/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool.h - a pool: its inbox, its threads' slots, its seats.
 *
 * slot[] has one record per thread that may exist at once (workers + spares +
 * zombies); a record stays where it is for the life of the pool, and is used again
 * for another thread only after its thread was joined and no steward looks at it.
 * seat[i] is a published pointer to the slot of the worker that sits there; NULL:
 * the seat is not wanted (seat_count.h), or vacant.
 *
 * Invariants:
 *  1) A slot's life moves by compare-and-swap on one word with a gen, so of several
 *     threads that would end or move it, one does.
 *  2) The thread that moves a life out of SEATED vacates the seat; after that, and
 *     after a thread became a spare, seats and spares are matched.  Both publish,
 *     fence and then match [V], so that no seat stays vacant beside a spare.
 *  3) zombies_out never exceeds the caps: only the steward, or destroy after it,
 *     adds to it.
 */
#ifndef WARD_LIB_POOL_POOL_H
#define WARD_LIB_POOL_POOL_H

#include "base/handle.h"
#include "base/host_lock.h"
#include "sync/stack.h"
#include "sync/wait_queue.h"
#include "tell/incident.h"
#include "task/task_priv.h"
#include "pool/page.h"
#include "pool/seat_count.h"
#include "queue/inbox.h"
#include "task/slot.h"
#include <errno.h>
#include <ward/pool.h>

/* GIVEN_UP: a start failed, and left a thread that hangs. */
enum started { STARTED = 1, GIVEN_UP };

/* The letters are those of base/atomic.h. */
struct pool {
	struct inbox inbox; /* the hot part, first; with letters of its own */

	/* I: by pool_new() */
	uint32_t magic; /* handle.h; DEAD when its memory goes */
	struct host_listed listed; /* L, in host_list.c */
	uint32_t seats, slots, spares_wanted;
	uint32_t zombie_cap, asleep_cap; /* zombies with their CPU; those asleep */
	struct slot *slot;
	void *_Atomic *fork; /* the cells of the slots' deques */
	struct ward_policy policy; /* with every zero replaced */
	struct ward_hooks hooks;
	struct host_cpus *cpus;
	size_t stack;
	uint64_t scan;
	uint64_t idle; /* until a worker that was added on demand leaves */
	uint64_t made_at;
	bool clamp; /* sizes out of range are made to fit */
	enum ward_stall_action on_stall;
	int trace_signo;  /* -1: none */
	uint64_t signals; /* those that tasks take: host_spawn.open */
	bool catch_faults;
	bool lowers; /* zombies that keep their CPU */
	bool prefault;
	bool no_batch;
	bool notifies; /* the service manager */
	char name[12];

	/* X: seats and spares: seat.c, and thread.c on their way up */
	struct slot *_Atomic *seat; /* NULL, or the slot that sits there [U] */
	_Atomic uint64_t *vacated;  /* O, seat: time when it fell vacant; 0: it did not */
	_Atomic uint64_t *healed;   /* the same; W, who sits there: how long it took */
	struct seat_count seat_count;
	_Atomic uint32_t seats_used; /* M: from here on none was ever used */
	_Atomic uint32_t slots_used; /* M: the same; C, and E before it is there */
	_Atomic uint32_t relief; /* a worker waits beside work: steward, look [rl] */
	struct stack spares;
	_Atomic uint32_t spares_ready;	/* on the stack, and on the bench */
	_Atomic uint32_t starting;	/* on their way up */
	_Atomic uint32_t lives_changed; /* M: futex of spares: look again [x] */
	_Atomic uint32_t zombies_out;	 /* life_zombie() adds: S, then E */
	_Atomic uint32_t zombies_asleep; /* the same: those asleep */

	/* front/pool.c */
	_Atomic uint32_t started;  /* X, then E: enum started */
	_Atomic uint32_t stopping; /* E: threads leave [x] */
	_Atomic uint32_t orphaned; /* E: no worker and no owner: orphaned_answer() [J] */
	_Atomic uint32_t refs;	   /* X: threads, and the owner */
	_Atomic uint32_t alive; /* X: futex: threads that may touch the pool */

	/* X: the helpers' bells */
	_Atomic uint32_t steward_word;	 /* M: futex */
	_Atomic uint32_t steward_asleep; /* 0, or the steward's term plus one */
	_Atomic uint32_t clerk_word;	 /* M: futex */
	struct tell tell;		 /* with letters of its own */
	struct page page;		 /* the same */

	/* X: counters; none on the path of a task */
	_Atomic uint64_t refused, reruns, stalled, died, deaths, acquitted, heals;
	_Atomic uint64_t faulted, failed, dead_letters;
	/* Attempts elsewhere than on workers (slot_away), when they have ended. */
	_Atomic uint64_t away_started, away_ended;
	_Atomic uint64_t released; /* by threads that are no workers */
	_Atomic uint64_t unreleased; /* ANSWERED tasks, with a thread still inside [r] */
	_Atomic uint64_t zombies_entered, zombies_returned, zombies_reaped;
	_Atomic uint64_t threads_created, threads_joined;
	_Atomic uint64_t failed_starts; /* died before their first seat; E makes it 0 */
	_Atomic uint64_t arrived;   /* threads that came up, past hooks.start */
	_Atomic uint64_t broken;    /* bits: A3, and other invariants found broken */
	struct histogram heal_time;

	/* X: */
	_Atomic uint64_t rng;	    /* for the jitter of backoffs: lost.c */
	struct wait_queue answered; /* callers that wait for one held task: recall.c */
	_Atomic uint32_t misused;   /* M: pool_tell_span() has told */
	_Atomic uint32_t degraded;  /* S: verdict.c */
	_Atomic uint32_t transitions; /* threads between two of the audited numbers [I] */

	/* Waiting tasks that are told to stop: sweep.c */
	_Atomic uint64_t told_by; /* X: no later than the first; HOST_FOREVER: none [tb] */
	_Atomic uint64_t swept; /* O, the bench: not again before that */

	/* L: lanes_lock: lanes.c */
	struct host_lock lanes_lock;
	struct lane *lanes;		 /* those in use */
	struct lane *_Atomic lanes_all;	 /* M: read without the lock, too [ll] */
	struct lane *_Atomic lanes_free; /* X: put without the lock; taken under it */
	struct lane *_Atomic lanes_unsafe; /* the same; not while a zombie is out */

	/* X: of cells, by the collectors of all sets */
	struct pool_cells {
		_Atomic uint64_t working, born, unborn, died, killed, garbled, recycled;
		_Atomic uint64_t lost, moved; /* calls */
	} cells;

	/* M: of tasks that are counted elsewhere, too, and so are not given back: recall.c */
	int (*_Atomic counted_run)(struct ward_task *task);

	void (*free)(struct pool *pool); /* I: by the last pool_put() */
	/* E: the steward's and the clerk's */
	void *helpers;
	void (*helpers_free)(void *helpers); /* with the pool's memory */
};

/* By each public call: 0; -EINVAL: NULL, or no pool; -ECHILD: a parent's. */
static inline int pool_enter(const struct pool *pool)
{
	return handle_enter(pool, HANDLE_POOL);
}

/*
 * Healing moves several numbers that belong together.  While it does, they are not
 * audited: [I] in the middle | the audit's two readings.
 */
static inline void transition_begin(struct pool *pool)
{
	add_acq_rel(&pool->transitions, 1);
	barrier_seq_cst(); /* [I] */
}

static inline void transition_end(struct pool *pool)
{
	uint32_t transitions = sub_acq_rel(&pool->transitions, 1); /* [I] */

	WARD_ASSERT(transitions);
}

/* Those that were ever used; the slot is declared here. */
#define for_each_slot(slot_, pool)                                               \
	for (struct slot *slot_ = (pool)->slot;                                  \
	     slot_ < (pool)->slot + load_acquire(&(pool)->slots_used); slot_++)

/* ---- a slot's life, see thread.h ------------------------------------------- */

/* One step, with the next gen.  False: the life is not *seen, which is updated. */
static inline bool life_step(struct slot *slot, uint64_t *seen, uint32_t to)
{
	enum slot_life from = LIFE_STATE(*seen);
	bool moved = cas_acq_rel(&slot->thread.life, seen, /* [L] */
				 (LIFE_GEN(*seen) + 1) << 8 | to);

	WARD_ASSERT(!moved || life_may(from, LIFE_STATE(to)));
	return moved;
}

static inline bool life_move(struct slot *slot, uint64_t seen, uint32_t to)
{
	return life_step(slot, &seen, to);
}

/*
 * From SEATED; false: the life has moved.  zombies_out moves first, so that zombies
 * that keep their CPU may be counted one more than there are, but never one less.
 */
static inline bool life_zombie(struct pool *pool, struct slot *slot,
			       uint64_t seen, bool asleep)
{
	add_acq_rel(&pool->zombies_out, 1);
	add_acq_rel(&pool->zombies_asleep, asleep);
	if (life_move(slot, seen, LIFE_ZOMBIE | (asleep ? LIFE_ASLEEP : 0))) {
		add_relaxed(&pool->zombies_entered, 1);
		return true;
	}
	sub_acq_rel(&pool->zombies_asleep, asleep);
	sub_acq_rel(&pool->zombies_out, 1);
	return false;
}

/* A zombie, whose life was 'life', came home or ended: 'count' counts those. */
static inline void life_no_zombie(struct pool *pool, uint64_t life,
				  _Atomic uint64_t *count)
{
	add_relaxed(count, 1);
	if (life & LIFE_ASLEEP)
		(void)WARD_CHECK(sub_acq_rel(&pool->zombies_asleep, 1));
	(void)WARD_CHECK(sub_acq_rel(&pool->zombies_out, 1));
}

/* ---- pool.c ------------------------------------------------------------------ */

void pool_put(struct pool *pool); /* the last one frees it */
/* A thread has done its last with the pool. */
void pool_left(struct pool *pool);
/* The steward is to look before its next scan; also the inbox's later.ring. */
void steward_ring(void *pool);
/* By a thread that leaves the park, if the steward sleeps; also the bell's 'woke'. */
void steward_wake(void *pool);
void clerk_wake(struct pool *pool);
/* Work is queued, and no worker sleeps that might be woken for it, or searches. */
bool pool_needs_workers(const struct pool *pool);
/* The calling worker waits inside a task from now on: work is not to wait with it. */
void pool_worker_waits(struct pool *pool);
bool policy_is_sound(const struct ward_policy *policy);
/* One attempt, for a second would repeat what was done; and the pool's budgets. */
extern const struct ward_policy policy_once;

/* The value of a task's own policy; 0: that of the pool's. */
static inline uint64_t policy_pick(uint64_t own, uint64_t pools)
{
	return own ? own : pools;
}

/* The error for which the task is not to be taken in, or 0. */
static inline int task_refuse(const struct ward_task *task)
{
	if (!task || (uintptr_t)task % _Alignof(struct ward_task) ||
	    !task->run || (task->policy && !policy_is_sound(task->policy)))
		return -EINVAL;
	if (task_state(load_acquire(&task_priv(task)->word)) != TASK_FREE) /* [K] */
		return -EBUSY;
	return 0;
}

/* The calling worker's own; NULL: the thread is no worker of this pool. */
static inline struct local_queue *pool_local(const struct pool *pool)
{
	struct slot *slot = slot_here();

	return slot && slot->pool == pool ? &slot->local : NULL;
}

/* Reports, once, an 'until' that is a span. */
cold void pool_tell_span(struct pool *pool);

/* Checks the 'until' of a call that waits. */
static inline void pool_until(struct pool *pool, uint64_t until)
{
	if (unlikely(until < pool->made_at && until))
		pool_tell_span(pool);
}

/*
 * A task that is told to stop by then (stop_by(), called before) can be found now: the
 * steward has it looked for.
 */
static inline void pool_tell_by(struct pool *pool, uint64_t by)
{
	uint64_t seen = load_relaxed(&pool->told_by);

	while (unlikely(by < seen) &&
	       !cas_acq_rel(&pool->told_by, &seen, by)) /* [tb] */
		;
}

#endif
