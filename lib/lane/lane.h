/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lane.h - what a lane is inside.
 *
 * One thread at a time dispatches it, and no thread waits for it: docs/overview.md.
 *
 * Key invariant: what was entered is seen by a dispatch that begins after it.
 *  1) 'arrived' is 0 while nobody dispatches.  A thread that finds it 0 sets DISPATCHING
 *     and begins; one that finds it otherwise pushes its task there, or, where something
 *     else was entered before, sets NOTED [la].
 *  2) A dispatch ends by swapping DISPATCHING for 0, which fails if anything came.
 *
 * A thread that enters a task into an empty lane, or takes the last one out, need not
 * dispatch:
 *  3) 'count' is the tasks inside, and, above them, what has changed of 'active' past
 *     all dispatches: both in one word.  A task that finds the lane empty is active by
 *     the swap that lets it in; the last one gives its place back by the swap that lets
 *     it out.  A task that waits is inside, so neither passes it over [ln].
 *  4) A task that needs a dispatch was let in after all that came past one before it: so
 *     the dispatch sees those in 'count'.
 *
 * A task is waiting, in the lane's own queue; or active, in the pool; or refused, on
 * its way to an answer without having run.  'count' counts all three as inside, until
 * the answer was given.
 *
 * Cancelled while it waits.  The task's word says that it waits: a canceller marks it, a
 * dispatch takes that off as the task's turn comes, both by swaps of that word.  So
 * either the task was on its way already, or the dispatch leaves it alone, until the
 * canceller has put it on 'struck'; then it is taken out of the queue, wherever it stands.
 *
 * Limits.  One task at a time has its tokens drawn ahead, and waits in the pool for
 * the point in time at which they are its own; so a lane that is cancelled wastes the
 * tokens of one.  That point, 'grant', is the lane's, for it moves as the limits are
 * changed: by a swap, in a dispatch, unless the task has taken it to begin, by a swap
 * too [gr].  Other limits are a set that is left in 'wanted'; the old set is touched no
 * more when 'changing' is down and nobody holds it (limit_set.h).
 *
 * Under another lane.  It asks for a place there by a task that never runs (run is NULL).
 * A place that finds no task goes back.  So a lane whose memory is to be given back waits
 * for what it has asked, and touches the other lane no more after that.
 *
 * Lanes are made of memory that belongs to lanes as long as the pool is there, for the
 * thread that counts the last task out touches its lane a little longer.  The last
 * dispatch of a lane's life gives its memory back, and does not end: so destroy waits for
 * nobody, and a thread that comes too late finds it dispatching [lt].  A zombie may know
 * the lane's token, and fire it: so where one of its tasks left with a thread inside, the
 * memory is made another lane only when no thread is inside of a run() that it lost.
 */
#ifndef WARD_LIB_LANE_LANE_H
#define WARD_LIB_LANE_LANE_H

#include "task/cancel.h"
#include "lane/limit_set.h"
#include "pool/pool.h"
#include <ward/lane.h>

/* In 'arrived', below the last task that came. */
#define LANE_DISPATCHING ((uintptr_t)1)
#define LANE_NOTED ((uintptr_t)2) /* something else was entered */

/* Beside WARD_LANE_*, in 'flags'. */
#define LANE_HAS_POLICY (1u << 31)
#define LANE_RIVALS (1u << 30) /* one of its tasks may commit */

/* In 'sweep'. */
#define LANE_SWEEP_ALL 1u /* all, if the lane was cancelled */
#define LANE_SWEEP_STRUCK 2u
#define LANE_SWEEP_TOLD 4u /* some of them, by what they carry */
#define LANE_SWEEP_LIMITS 8u /* there are other limits */

/* Once and for good, by the first need: for limits, or for lanes under it. */
enum lane_use { LANE_UNDECIDED, LANE_LIMITED, LANE_SHARED };

enum lane_answer { LANE_NO_ANSWER, LANE_PLACE, LANE_NO_PLACE };

/* In 'count': the last to leave destroys the lane. */
#define LANE_ABANDONED (1u << 31)

/*
 * The letters are those of base/atomic.h; T is the thread that dispatches.  All but 'pool',
 * 'sets' and 'all' is made anew for another lane's life, before a task can enter it [lt].
 */
struct lane {
	/* X: one line, with what T needs at each dispatch */
	line_aligned _Atomic uint64_t count; /* moved:32, abandoned:1, inside:31 [ln] */
	_Atomic uintptr_t arrived; /* tasks, last first; NOTED; DISPATCHING [la] */
	_Atomic uint32_t sweep;	   /* what to look for in the queue: LANE_SWEEP_* */
	_Atomic uint32_t retired;  /* M: T gives its memory back */
	/* When the 'reserved' task may begin; taken, 0, as it does [gr] */
	_Atomic uint64_t grant;
	/* T: */
	uint32_t active, moved_seen;
	_Atomic uint32_t waiting; /* tasks */
	bool reserved; /* an active task waits for the limits' grant */
	bool asks, placed; /* for a place of 'under'; it has one for the next task */
	uint8_t rank;	   /* I */
	struct ward_task *first, *last;

	/* I: and what changes once; the next line, up to the token's state */
	line_aligned _Atomic uint32_t width; /* X: active at most; 0: any, for good */
	_Atomic uint32_t most;		     /* X: inside at most; 0: any */
	uint32_t flags, magic; /* magic: handle.h; DEAD between two lives */
	struct limit_set *_Atomic set; /* T: its limits, or NULL [lm] */
	_Atomic uint32_t closed; /* M */
	_Atomic int32_t error;	 /* M: the first */
	struct pool *pool;
	struct ward_port *port;
	struct wait_queue empty; /* X */
	struct ward_cancel token; /* X: with letters of its own: cancel.h */

	/* X: */
	struct wait_queue room;
	_Atomic uint32_t queued; /* waiting at most; 0: any */
	_Atomic uint32_t changing; /* changes of its limits that T has not made [lu] */
	struct limit_set *_Atomic wanted; /* the next; taken by T, or with another change [la] */
	struct limit_set *_Atomic sets; /* M: all, also of lives before [lm] */
	_Atomic uint32_t use; /* M: enum lane_use */
	struct ward_task *_Atomic struck; /* cancelled while they waited [la] */
	_Atomic uint64_t dropped, recalled; /* T: of waiting tasks */
	_Atomic uint64_t full, by_callers; /* found no room; were run by callers */
	_Atomic uint32_t timed;	  /* M: a task came to wait for its time first */
	_Atomic uint32_t zombie_left; /* M: a task left with a zombie inside */
	struct ward_task *_Atomic winner; /* M: of rivals */

	struct ward_watch watch, link, up; /* of the token; to its parent, and under's */
	/* I: */
	struct ward_policy policy;
	char name[16];
	struct lane *under; /* whose places its tasks take, too, or NULL */
	_Atomic uint32_t lower; /* X: lanes under it that were not destroyed [lu] */
	struct ward_task asker; /* T: what asks for them there */
	_Atomic uint32_t answer; /* X: enum lane_answer, by T of 'under' [la] */

	/* L: pool->lanes_lock */
	struct lane *next, *before; /* of lanes in use */
	struct lane *all; /* of all; for good */
	struct lane *free; /* O, arrived: DISPATCHING for good; of lanes not in use */
};

_Static_assert(offsetof(struct lane, width) == WARD_LINE, "X and T: one line");
_Static_assert(offsetof(struct lane, token) + sizeof(uint64_t) == 2 * WARD_LINE,
	       "what each task asks of it: the next line");

/* ---- lane.c ----------------------------------------------------------------------- */

enum { LANE_FULL = 1 }; /* no errno value: that may be a cause */

/* Lets a task in; LANE_FULL: no room.  *active: it is so at once. */
int lane_let_in(struct lane *lane, bool *active);
/* Lets up to n tasks in, which wait for their turn: how many. */
uint32_t lane_let_in_some(struct lane *lane, uint32_t n);
/* Enters a task that was let in so.  The caller's last step with the task. */
void lane_enter(struct lane *lane, struct ward_task *task, bool active);
/* Enters tasks that were let in so, in order.  The caller's last step with them. */
void lane_enter_some(struct lane *lane, struct ward_task *const *tasks,
		     uint32_t n);
/* Something else than a task was entered: a dispatch sees to it. */
void lane_note(struct lane *lane);
/*
 * A task was answered and given back; 'refused': it had never been active.  The caller's
 * last step with the lane.
 */
void lane_leave(struct lane *lane, bool refused);

static inline uint32_t lane_inside(const struct lane *lane)
{
	return (uint32_t)load_acquire(&lane->count) & ~LANE_ABANDONED; /* [ln] */
}

/* False: the lane has no reason to stop a task that is about to begin: stop.h. */
static inline bool lane_asks(const struct lane *lane)
{
	return load_relaxed(&token_of(&lane->token)->state) != 0;
}

/*
 * Destroys the lane as soon as it is empty; no task enters any more.  Its token is
 * unlinked from its parent at once, which may be gone after the call.
 */
void lane_abandon(struct lane *lane);
/* A dispatch looks which of the waiting tasks are still to run: LANE_SWEEP_*. */
void lane_sweep(struct lane *lane, uint32_t what);
/* The caller has marked a waiting task, which is its own until this call. */
void lane_strike(struct lane *lane, struct ward_task *task);
/* Takes a waiting task that the caller has marked out of the queue; true: the caller's. */
bool lane_take_back(struct lane *lane, struct ward_task *task);
/*
 * Of an empty lane that no task enters any more: 0; -EBUSY: its token has children, or
 * watches.  The thread that put the last task in may still be dispatching.
 */
int lane_destroy(struct lane *lane);
/* Before a task's done(): the status that it is told.  'failed': the task did. */
int lane_ended(struct lane *lane, struct ward_task *task, int status, bool failed);
/* May the task's effect be seen?  Of rivals one commits. */
bool lane_commit(struct lane *lane, struct ward_task *task);
/* When the task that waits for the limits' grant has it; other limits may move it. */
uint64_t lane_granted_at(const struct ward_task *task);
/*
 * The task that waited for the limits' grant is about to begin, or to be answered, at the
 * time in its private words.  False: the grant has moved.
 */
bool lane_takes_grant(struct lane *lane, struct ward_task *task);
/* The task is answered without its grant. */
void lane_drops_grant(struct lane *lane, struct ward_task *task);
/* Leaves other limits for a dispatch to take. */
void lane_change_limits(struct lane *lane, struct limit_set *set);
/* False: the lane was decided otherwise. */
bool lane_decide(struct lane *lane, enum lane_use use);

/* ---- lane_list.c: the lanes of a pool ------------------------------------------------ */

/* Those that were ever used: their memory stays as long as the pool. */
#define for_each_lane(lane_, pool)                                             \
	for (struct lane *lane_ = load_acquire(&(pool)->lanes_all); lane_; /* [ll] */ \
	     lane_ = lane_->all)

/* Is any task in any lane?  After the inbox was closed. */
bool lanes_busy(struct pool *pool);
/* Tasks that wait for their turn in a lane. */
uint64_t lanes_waiting(const struct pool *pool);
/* The inbox was closed: callers that wait for room need not. */
void lanes_closed(struct pool *pool);
void lanes_free(struct pool *pool);

/* The lane's memory, used before or new; NULL: none. */
struct lane *lane_alloc(struct pool *pool);
/* In the last dispatch. */
void lane_give_back(struct lane *lane);
void lane_list(struct pool *pool, struct lane *lane);
void lane_unlist(struct pool *pool, struct lane *lane);

/* ---- for what is built on lanes --------------------------------------------------- */

/*
 * Before the first task: the first that commits, or ends well, wins; the token is fired
 * then, and the others end with something else than 0.
 */
static inline void lane_of_rivals(struct lane *lane)
{
	lane->flags |= LANE_RIVALS;
}

#endif
