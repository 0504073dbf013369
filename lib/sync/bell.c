/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bell.c - see bell.h for the word and the invariants.
 *
 * Edges: [B] publish | park: light barrier of the publisher, heavy barrier of the
 * sleeper.  [S] publish | leave the search: seq_cst fences on both sides, or in a
 * rush a heavy one of the leaver alone.
 * [W] pop | woken: the waker's swap of the word, read with acquire by the woken
 * thread, which believes nothing but that word.  [T] push: the swap releases
 * ->next to the popper.  [X] closed | park: heavy barriers on both sides.  [d] a
 * rescue dropped the sleeper | it sees so.
 */
#include "sync/bell.h"
#include "base/check.h"
#include "base/host.h"

#define TOP_ONE ((uint64_t)1 << BELL_TOP_SHIFT)
#define WAKING_ONE ((uint64_t)1 << BELL_WAKING_SHIFT)
#define SEARCH_ONE ((uint64_t)1 << BELL_SEARCH_SHIFT)
#define RUSH ((uint64_t)1 << BELL_RUSH_SHIFT)
#define TAG_ONE ((uint64_t)1 << BELL_TAG_SHIFT)

static uint64_t with_top(uint64_t word, uint32_t top)
{
	return (word & ~(BELL_FIELD * TOP_ONE)) + top * TOP_ONE + TAG_ONE;
}

static uint64_t with_waking(uint64_t word, uint32_t waking)
{
	return (word & ~(BELL_FIELD * WAKING_ONE)) + waking * WAKING_ONE;
}

void bell_init(struct bell *bell, struct bell_sleeper *sleeper, uint32_t n,
	       uint32_t searchers, bool (*anything)(void *arg),
	       void (*woke)(void *arg), void *arg)
{
	atomic_init(&bell->word, 0);
	atomic_init(&bell->closed, 0);
	bell->sleeper = sleeper;
	bell->sleepers = n;
	bell->searchers = searchers;
	bell->anything = anything;
	bell->woke = woke;
	bell->arg = arg;
	for (uint32_t i = 0; i < n; i++) {
		atomic_init(&sleeper[i].rung, 0);
		atomic_init(&sleeper[i].next, 0);
		atomic_init(&sleeper[i].parked, 0);
		atomic_init(&sleeper[i].dropped, 0);
	}
}

/*
 * A swap, not a store: if several threads shake one sleeper, each passes on the
 * earlier ones' 'dropped' and 'closed', and the sleeper, which takes back only the
 * last 'rung', sees them all.
 */
static void shake(struct bell *bell, uint32_t i)
{
	swap_acq_rel(&bell->sleeper[i].rung, 1); /* [W] */
	host_wake(&bell->sleeper[i].rung, 1);
}

/* Gives the token to the top sleeper of 'seen'; false: the word has changed. */
static bool wake_top(struct bell *bell, uint64_t seen)
{
	uint32_t i = BELL_TOP(seen) - 1;
	uint32_t next = load_relaxed(&bell->sleeper[i].next); /* [T] */
	uint64_t word = with_waking(with_top(seen, next), i + 1);

	if (!cas_acq_rel(&bell->word, &seen, word)) /* [W] */
		return false;
	WARD_ASSERT(i < bell->sleepers && next <= bell->sleepers);
	shake(bell, i);
	if (bell->woke)
		bell->woke(bell->arg);
	return true;
}

/* A publisher's note: fences:8, and the tag of the wakeup that it has repeated. */
#define NOTE_TAG(note) ((note)&0xffffff)
#define NOTE_BARRIER_ONE (1u << 24)

static void note_tag(_Atomic uint32_t *rung, uint64_t word)
{
	if (rung)
		store_relaxed(rung, BELL_TAG(word));
}

/* The publisher has fenced once more for nothing. */
static void note_barrier(struct bell *bell, _Atomic uint32_t *rung,
			 uint64_t word)
{
	uint32_t note;

	if (!rung)
		return;
	note = load_relaxed(rung) + NOTE_BARRIER_ONE;
	if (note / NOTE_BARRIER_ONE >= BELL_RUSH_AFTER) {
		/* If the word moved, the next publisher may. */
		cas_acq_rel(&bell->word, &word, word | RUSH);
		note = NOTE_TAG(note);
	}
	store_relaxed(rung, note);
}

/* Has this publisher repeated the futex call of the wakeup under way? */
static bool repeated(_Atomic uint32_t *rung, uint64_t word)
{
	return rung && NOTE_TAG(load_relaxed(rung)) == BELL_TAG(word);
}

void bell_ring_asleep(struct bell *bell, _Atomic uint32_t *rung)
{
	uint64_t word = load_relaxed(&bell->word);

	if (BELL_RUSH(word) && BELL_WAKING(word) && repeated(rung, word))
		return; /* the woken will search, and leave with a heavy barrier [S] */
	barrier_seq_cst(); /* [S] published | left the search? */
	for (;;) {
		word = load_acquire(&bell->word); /* [T] */
		if (BELL_SEARCH(word) ||
		    (BELL_WAKING(word) && repeated(rung, word))) {
			note_barrier(bell, rung, word);
			return;
		}
		if (BELL_WAKING(word)) {
			shake(bell, BELL_WAKING(word) - 1);
			note_tag(rung, word); /* only now that it is done */
			return;
		}
		if (!BELL_TOP(word))
			return;
		if (wake_top(bell, word)) {
			note_tag(rung, with_top(word, 0));
			return;
		}
	}
}

bool bell_search(struct bell *bell)
{
	uint64_t word = load_relaxed(&bell->word);

	do {
		if (BELL_SEARCH(word) >= bell->searchers)
			return false;
	} while (!cas_acq_rel(&bell->word, &word, word + SEARCH_ONE));
	return true;
}

void bell_found(struct bell *bell)
{
	uint64_t word = load_relaxed(&bell->word);

	while (!cas_acq_rel(&bell->word, &word, (word - SEARCH_ONE) & ~RUSH))
		;
	WARD_ASSERT(BELL_SEARCH(word)); /* the caller, at least */
	/* The futex call for one that is being woken may never come: see 4). */
	if ((!BELL_TOP(word) && !BELL_WAKING(word)) ||
	    (BELL_SEARCH(word) > 1 && !BELL_RUSH(word)))
		return;
	/* [S] left, before the last look */
	if (BELL_RUSH(word))
		host_barrier_heavy();
	else
		barrier_seq_cst();
	if (bell->anything(bell->arg))
		bell_ring_asleep(bell, NULL);
}

/* The caller was taken off the stack, or dropped by a rescue. */
static bool take_token(struct bell *bell, uint32_t i)
{
	struct bell_sleeper *me = &bell->sleeper[i];
	uint64_t word = load_acquire(&bell->word); /* [W] */

	while (BELL_WAKING(word) == i + 1) {
		store_relaxed(&me->parked, 0);
		if (cas_acq_rel(&bell->word, &word,
				with_waking(word, 0) + SEARCH_ONE))
			return true;
	}
	if (!load_acquire(&me->dropped)) /* [d] */
		return false;
	store_relaxed(&me->dropped, 0);
	store_relaxed(&me->parked, 0);
	add_acq_rel(&bell->word, SEARCH_ONE);
	return true;
}

bool bell_park(struct bell *bell, uint32_t i, bool searching)
{
	struct bell_sleeper *me = &bell->sleeper[i];
	uint64_t word = load_relaxed(&bell->word), pushed;

	store_relaxed(&me->rung, 0);
	store_relaxed(&me->parked, 1);
	do {
		store_relaxed(&me->next, BELL_TOP(word)); /* [T] */
		pushed = with_top(word, i + 1);
		if (searching)
			pushed -= SEARCH_ONE;
		if (!BELL_SEARCH(pushed) && !BELL_WAKING(pushed))
			pushed &= ~RUSH;
	} while (!cas_acq_rel(&bell->word, &word, pushed));
	WARD_ASSERT(BELL_SEARCH(word) >= searching && BELL_TOP(word) != i + 1);

	host_barrier_heavy(); /* [B] [S] [X] asleep, before the last look */
	if (bell->anything(bell->arg))
		bell_ring_asleep(bell, NULL);

	while (!take_token(bell, i)) {
		if (load_acquire(&bell->closed)) { /* [X] */
			store_relaxed(&me->parked, 0);
			return false;
		}
		host_wait(&me->rung, 0, HOST_FOREVER);
		swap_acq_rel(&me->rung, 0); /* [W] */
	}
	/* The waker may be held between the pop and its call of woke(). */
	if (bell->woke)
		bell->woke(bell->arg);
	return true;
}

void bell_close(struct bell *bell)
{
	store_release(&bell->closed, 1);
	host_barrier_heavy(); /* [X] closed, before rung; in park the other way */
	for (uint32_t i = 0; i < bell->sleepers; i++)
		shake(bell, i);
}

bool bell_still(const struct bell *bell)
{
	uint64_t word = load_acquire(&bell->word);

	return BELL_SEARCH(word) == 0 && BELL_WAKING(word) == 0;
}

bool bell_rescue(struct bell *bell)
{
	uint64_t word = load_acquire(&bell->word);
	uint32_t held = BELL_WAKING(word);

	if (!BELL_TOP(word)) {
		if (held) /* its waker may be stopped */
			shake(bell, held - 1);
		return held;
	}
	if (!wake_top(bell, word))
		return false;
	if (held) {
		/* On no stack and without the token it must not wait. */
		store_release(&bell->sleeper[held - 1].dropped, 1); /* [d] */
		shake(bell, held - 1);
	}
	return true;
}
