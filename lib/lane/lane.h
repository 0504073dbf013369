/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lane.h - what a lane is inside.
 *
 * A lane is turned: a task that came, a place that became free, a token that was
 * fired are entered, and then one thread at a time does what follows from that.  Who
 * enters something and finds nobody turning, turns; else the one who turns will see
 * it before he leaves.  So nobody ever waits for a lane, nor for whom turns it, and
 * what follows needs no atomics.
 *
 * Key invariant: what was entered is seen by a turn that begins after it.
 *  1) 'arrived' is 0 while nobody turns.  Who finds it 0 sets DISPATCHING and turns; who
 *     finds it otherwise pushes his task there, or, where something else was entered
 *     before, sets NOTED [la].
 *  2) Who turns leaves by swapping DISPATCHING for 0, which fails if anything came.
 *
 * Most lanes are empty most of the time.  Who enters a task and is alone, and who
 * leaves and was alone, need not turn:
 *  3) 'count' is the tasks inside, and, above them, what has changed of 'active' past
 *     all turns: both in one word.  A task that finds nobody inside is active by the
 *     swap that lets it in; the last one takes its place back by the swap that lets
 *     it out.  Whoever waits is inside, so neither passes anybody over [ln].
 *  4) Who turns for a task was let in after all that came past a turn before it: so
 *     it sees them in 'count'.
 *
 * A task is waiting, in the lane's own queue; or active, in the pool; or refused, on
 * its way to an answer without having run.  'count' counts all three as inside, until
 * the answer was given.
 *
 * Cancelled while it waits.  The task's word says that it waits: who cancels it marks
 * it, who turns the lane takes that off as its turn comes, both by swaps of that word.
 * So either it was on its way already, or it is left alone by who turns, until who
 * marked it has put it on 'struck'; then it is taken out of the queue, wherever it
 * stands.
 *
 * Limits.  One task at a time has its tokens drawn ahead, and waits in the pool for
 * the point in time at which they are its own; so a lane that is cancelled wastes the
 * tokens of one.  That point, 'grant', is the lane's, for it moves as the limits are
 * changed: by a swap, by who turns the lane, unless the task has taken it to begin, by a
 * swap too [gr].  Other limits are a set that is left in 'wanted'; the old set is touched
 * no more when 'changing' is down and nobody holds it (limit_set.h).
 *
 * Under another lane.  A lane that is under one has its tasks take a place there too.
 * It asks for one at a time, by a task that never runs (run is NULL): that one waits in
 * the other lane's queue like any other, so lanes and tasks there come in turn, and the
 * place that it gets is the one of the next task of the lane that asked.  An answer that
 * finds no task goes back.  So a lane whose memory is to be given back waits for what it
 * has asked, and touches the other one no more after that.
 *
 * Lanes are made of memory that belongs to lanes as long as the pool is there, for
 * whoever counts the last task out touches its lane a little longer.  The last turn of
 * a lane's life gives its memory back, and is not left: so destroy waits for nobody,
 * and who comes too late turns nothing [lt].  A zombie may know the lane's token, and
 * fire it: so where one of its tasks left with somebody inside, the memory is made
 * another lane only when no thread is inside of a run() that it lost.
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
#define LANE_SWEEP_ALL 1u
#define LANE_SWEEP_STRUCK 2u
#define LANE_SWEEP_TOLD 4u /* some of them, by what they carry */
#define LANE_SWEEP_LIMITS 8u /* there are other limits */

/* Once and for good, by the first who needs it so: limits, or lanes under it. */
enum lane_use { LANE_UNDECIDED, LANE_LIMITED, LANE_SHARED };

enum lane_answer { LANE_NO_ANSWER, LANE_PLACE, LANE_NO_PLACE };

/* In 'count': whoever leaves it empty destroys it. */
#define LANE_ABANDONED (1u << 31)

/*
 * The letters are those of base/atomic.h.  All but 'pool', 'sets' and 'all' is made anew by
 * who takes the memory for another lane's life, before anybody can enter it [lt].
 */
struct lane {
	/* X: one line, with what T needs at each turn */
	line_aligned _Atomic uint64_t count; /* moved:32, abandoned:1, inside:31 [ln] */
	_Atomic uintptr_t arrived; /* tasks, last first; NOTED; DISPATCHING [la] */
	_Atomic uint32_t sweep;	   /* who waits is not to run any more: LANE_SWEEP_* */
	_Atomic uint32_t retired;  /* M: who turns it gives its memory back */
	/* When the one that is 'reserved' may begin; taken, 0, as it does [gr] */
	_Atomic uint64_t grant;
	/* T: */
	uint32_t active, moved_seen;
	_Atomic uint32_t waiting; /* tasks */
	bool reserved; /* one of the active waits for the limits' grant */
	bool asks, placed; /* for a place of 'under'; it has one for the next task */
	uint8_t rank;	   /* I */
	struct ward_task *first, *last;

	/* I: and what changes once; the next line, up to the token's state */
	line_aligned _Atomic uint32_t width; /* X: active at most; 0: any, for good */
	_Atomic uint32_t most;		     /* X: inside at most; 0: any */
	uint32_t flags, magic; /* magic: handle.h; DEAD between two lives */
	struct limit_set *_Atomic set; /* T: its limits, or NULL [lm] */
	_Atomic uint32_t closed; /* M */
	_Atomic int32_t error;	 /* M: the first one */
	struct pool *pool;
	struct ward_port *port;
	struct wait_queue empty; /* X */
	struct ward_cancel token; /* X: with letters of its own: cancel.h */

	/* X: */
	struct wait_queue room;
	_Atomic uint32_t queued; /* waiting at most; 0: any */
	_Atomic uint32_t changing; /* changes of its limits that are not seen to [lu] */
	struct limit_set *_Atomic wanted; /* the next set; taken by who turns it [la] */
	struct limit_set *_Atomic sets; /* M: all, also of lives before [lm] */
	_Atomic uint32_t use; /* M: enum lane_use */
	struct ward_task *_Atomic struck; /* cancelled while they waited [la] */
	_Atomic uint64_t dropped, recalled; /* T: of those that waited */
	_Atomic uint64_t full, by_callers; /* who found no room; whom callers ran */
	_Atomic uint32_t timed;	  /* M: some came to wait for their time first */
	_Atomic uint32_t zombie_left; /* M: one left, and one who lost it was inside */
	struct ward_task *_Atomic winner; /* M: of rivals */

	struct ward_watch watch, link, up; /* of the token; to its parent, and under's */
	/* I: */
	struct ward_policy policy;
	char name[16];
	struct lane *under; /* whose places its tasks take, too, or NULL */
	struct ward_task asker; /* T: what asks for them there */
	_Atomic uint32_t answer; /* X: enum lane_answer, by who turns 'under' [la] */

	/* L: pool->lanes_lock */
	struct lane *next, *before; /* of those that are in use */
	struct lane *all; /* of all; then for good */
	struct lane *free; /* O, arrived: DISPATCHING for good; of those that are not */
};

_Static_assert(offsetof(struct lane, width) == WARD_LINE, "X and T: one line");
_Static_assert(offsetof(struct lane, token) + sizeof(uint64_t) == 2 * WARD_LINE,
	       "what each task asks of it: the next one");

/* ---- lane.c: turning -------------------------------------------------------------- */

enum { LANE_FULL = 1 }; /* no errno value: that may be a cause */

/* One more inside; LANE_FULL: there are as many as may be.  *active: it is so at once. */
int lane_let_in(struct lane *lane, bool *active);
/* Up to n more, which wait for their turn: how many. */
uint32_t lane_let_in_some(struct lane *lane, uint32_t n);
/* A task that is the lane's, and was let in so.  The caller's last step with it. */
void lane_enter(struct lane *lane, struct ward_task *task, bool active);
/* Some that were let in so, in order.  The caller's last step with them. */
void lane_enter_some(struct lane *lane, struct ward_task *const *tasks,
		     uint32_t n);
/* Another width, or another bound, is there. */
void lane_look_again(struct lane *lane);
/*
 * One was answered and given back; 'refused': it had never been active.  The caller's
 * last step with the lane.
 */
void lane_leave(struct lane *lane, bool refused);

static inline uint32_t lane_inside(const struct lane *lane)
{
	return (uint32_t)load_acquire(&lane->count) & ~LANE_ABANDONED; /* [ln] */
}

/* False: it has no reason why one that is about to begin is not to: stop.h. */
static inline bool lane_asks(const struct lane *lane)
{
	return load_relaxed(&token_of(&lane->token)->state) != 0;
}

/*
 * Destroys it, as soon as it is empty; nobody enters any more.  The token that its own
 * was linked to is let go of at once: it may be gone when this returns.
 */
void lane_abandon(struct lane *lane);
/* The lane was cancelled: who waits in it is not to run. */
void lane_sweep(struct lane *lane);
/* A task that waits in it was cancelled, by the caller, who answers for it till then. */
void lane_strike(struct lane *lane, struct ward_task *task);
/* The same; true: it is out of the queue, and was let out, and nobody else has it. */
bool lane_take_back(struct lane *lane, struct ward_task *task);
/*
 * It is empty, and nobody enters any more: 0; -EBUSY: its token has children, or watches.
 * Somebody may still be turning it, who put the last one in.
 */
int lane_destroy(struct lane *lane);
/* Nobody has it, or will: its memory is given back by who turns it. */
void lane_retire(struct lane *lane);
/* By who answers one, before done(): how it ended for the lane.  'failed': by itself. */
int lane_ended(struct lane *lane, struct ward_task *task, int status, bool failed);
/* May the task's effect be seen?  Among rivals one's may. */
bool lane_commit(struct lane *lane, struct ward_task *task);
/* When the one that waits for it has its limits' grant: another time, with others. */
uint64_t lane_granted_at(const struct ward_task *task);
/*
 * The one that waited for the limits' grant is about to begin, or to be answered, for what
 * its books say of its time.  False: the grant is another one by now.
 */
bool lane_takes_grant(struct lane *lane, struct ward_task *task);
/* It is answered without. */
void lane_drops_grant(struct lane *lane, struct ward_task *task);
/* Other limits: whoever turns the lane takes the set, once. */
void lane_change_limits(struct lane *lane, struct limit_set *set);
/* False: it was decided otherwise. */
bool lane_decide(struct lane *lane, enum lane_use use);

/* Those that wait in it look whether they are still to run. */
void lane_look(struct lane *lane);

/* ---- lane_list.c: the lanes of a pool ------------------------------------------------ */

/* Is any task in any lane?  For who has closed the inbox. */
bool lanes_busy(struct pool *pool);
/* Tasks that wait for their turn in a lane. */
uint64_t lanes_waiting(struct pool *pool);
/* The inbox was closed: who waits for room need not. */
void lanes_closed(struct pool *pool);
void lanes_free(struct pool *pool);

/* The lane's memory, used before or new; NULL: none. */
struct lane *lane_alloc(struct pool *pool);
/* By who turns it, for the last time. */
void lane_give_back(struct lane *lane);
void lane_list(struct pool *pool, struct lane *lane);
void lane_unlist(struct pool *pool, struct lane *lane);

/* ---- lanes.c: for those that are built on lanes --------------------------------------- */

/* Before the first task: the first that commits, or ends well, wins; the token is
 * fired then, and the others end with something else than 0. */
void lane_of_rivals(struct lane *lane);

#endif
