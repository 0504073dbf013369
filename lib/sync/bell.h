/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bell.h - parking: sleepers, searchers, and wakeups.
 *
 * All of it is one word, so each step is one compare-and-swap:
 *
 *	tag:24  rush:1  searching:13  waking:13  top:13
 *
 * 'top' is the most recently parked sleeper (plus one; 0: none), the head of
 * a stack linked through sleeper[].next; 'tag' moves with every push and pop,
 * so that a stale swap fails.  'waking' is a sleeper that was taken off the
 * stack and has not begun to search yet.  'searching' counts threads that look
 * for work and promise to look everywhere once more before they park.
 *
 * Key invariant: published work is seen by a searcher, or by a thread that is
 * about to park, or a sleeper is woken for it.
 *  1) A publisher publishes, then looks at the word [B]; a thread that parks
 *     pushes itself, then looks for work [B].  One of them sees the other.
 *  2) A publisher wakes a sleeper, unless there is none, or another thread searches,
 *     or a wakeup is under way.  It fences before it believes the last two [S],
 *     unless the word says 'rush'.
 *  3) A searcher that leaves with work looks again if it was the last [S] and
 *     there is a sleeper, and wakes one more if anything remains.  If it leaves in a
 *     rush it ends the rush, fences heavily [S] for all publishers, and always looks.
 *  4) A waking thread becomes a searcher.  Its waker may be stopped before the
 *     futex call: a publisher that meets the token repeats the call, once per ring; so
 *     does a searcher that leaves with work and sees more, and the steward's rescue.
 *
 * At most one wakeup is under way; the woken thread wakes the next by 3).
 *
 * The rush.  A publisher's fence waits for its own stores to leave for the other
 * cores, at each task; that is most of a task's cost where a searcher is out for long
 * (it waits for a CPU, or for enough to take).  A publisher that has fenced often
 * enough beside one proclaims a rush: now the searcher pays, once, as it leaves.
 *
 *              ring   search  park   close
 *   ring        *      *       *      *      *: any number of threads at once
 *   park                       1/i           1/i: sleeper i is one thread
 */
#ifndef WARD_LIB_SYNC_BELL_H
#define WARD_LIB_SYNC_BELL_H

#include "base/atomic.h"

#define BELL_MAX 8190u /* sleepers */

struct bell_sleeper {
	line_aligned _Atomic uint32_t rung; /* X: futex: 1 when woken */
	_Atomic uint32_t next;		    /* W: the sleeper below, plus one */
	_Atomic uint32_t parked;	    /* W: 1 from push to waking up */
	_Atomic uint32_t dropped;	    /* X: 1: a rescue took its token away */
};

struct bell {
	line_aligned _Atomic uint64_t word; /* X */
	/* I: */
	line_aligned struct bell_sleeper *sleeper;
	uint32_t sleepers;
	uint32_t searchers; /* at most so many search at once */
	bool (*anything)(void *arg); /* is any work to be seen? */
	void (*woke)(void *arg);     /* a sleeper was taken off the stack; or NULL */
	void *arg;
	_Atomic uint32_t closed; /* M */
};

enum {
	BELL_TOP_SHIFT = 0,
	BELL_WAKING_SHIFT = 13,
	BELL_SEARCH_SHIFT = 26,
	BELL_RUSH_SHIFT = 39,
	BELL_TAG_SHIFT = 40
};
/* Fences in a row beside a searcher until a rush; about what one heavy barrier
 * costs.  At most 255. */
#ifndef BELL_RUSH_AFTER
#define BELL_RUSH_AFTER 128u
#endif
#define BELL_FIELD 8191u
#define BELL_TOP(w) ((uint32_t)((w) >> BELL_TOP_SHIFT) & BELL_FIELD)
#define BELL_WAKING(w) ((uint32_t)((w) >> BELL_WAKING_SHIFT) & BELL_FIELD)
#define BELL_SEARCH(w) ((uint32_t)((w) >> BELL_SEARCH_SHIFT) & BELL_FIELD)
#define BELL_RUSH(w) ((bool)((w) >> BELL_RUSH_SHIFT & 1))
#define BELL_TAG(w) ((uint32_t)((w) >> BELL_TAG_SHIFT))

/* 'sleeper' has n entries.  'searchers' at least 1. */
void bell_init(struct bell *bell, struct bell_sleeper *sleeper, uint32_t n,
	       uint32_t searchers, bool (*anything)(void *arg),
	       void (*woke)(void *arg), void *arg);

/*
 * After every publication of work.  In 'rung', or NULL, this publisher notes the
 * wakeup that it has repeated and how often it has fenced.  Lock-free; no system call
 * unless there are sleepers and no searcher.
 */
cold void bell_ring_asleep(struct bell *bell, _Atomic uint32_t *rung);

/* The caller has fenced, lightly.  False: bell_ring_asleep() decides. */
static inline bool bell_quiet(const struct bell *bell)
{
	uint64_t word = load_relaxed(&bell->word);

	return (word & ((uint64_t)BELL_FIELD << BELL_TOP_SHIFT |
			(uint64_t)BELL_FIELD << BELL_WAKING_SHIFT)) == 0 ||
	       (BELL_RUSH(word) && BELL_SEARCH(word));
}

/* True: the caller searches now, and must leave by found() or park(). */
bool bell_search(struct bell *bell);
/* The searcher found work, which it has published as far as it shares it. */
void bell_found(struct bell *bell);
/*
 * Sleeps as sleeper i until woken; 'searching': the caller does until then.  True: the
 * caller searches now.  False: the bell is closed.
 */
bool bell_park(struct bell *bell, uint32_t i, bool searching);
/* Wakes all sleepers, for good. */
void bell_close(struct bell *bell);
/* True if no thread searches, and none is being woken. */
bool bell_still(const struct bell *bell);

/* True if besides none sleeps: all are at work. */
static inline bool bell_deserted(const struct bell *bell)
{
	uint64_t word = load_relaxed(&bell->word);

	return !BELL_TOP(word) && !BELL_WAKING(word) && !BELL_SEARCH(word);
}

/*
 * By the steward, for a thread that is held between its wakeup and its search: gives
 * the token to the next sleeper; if there is none, repeats the wakeup.  True if it
 * woke one.
 */
bool bell_rescue(struct bell *bell);

#endif
