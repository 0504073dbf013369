/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rescue.c - work and sleepers side by side, and nothing moves: a thread is held between
 * its wakeup and its search, or before it has woken another, or is short of CPU.
 *
 * The first two are known by their state, and another worker is woken at once.  The
 * last would not get a CPU either; but after a second one is woken all the same, and
 * counted: the bell should not have needed that wakeup.  A second in which the steward
 * was late does not count: the process was stopped, or its machine.
 */
#include "heal/heal.h"

/* Is a worker held (by a debugger, say) between its wakeup and its search? */
static bool somebody_held(struct steward *me)
{
	bool held = false;
	uint32_t seats = load_acquire(&me->pool->seats_used);

	for (uint32_t i = 0; i < seats && !held; i++) {
		struct slot *slot;
		struct host_sample sample;

		slot = sample_hold(me, i);
		held = slot && !slot_inside(load_acquire(&slot->word)) &&
		       !host_sample(&slot->thread.stat_files, &sample) &&
		       (sample.state == 'T' || sample.state == 't');
	}
	sample_drop(me);
	return held;
}

void rescue_sleepers(struct steward *me, uint64_t now)
{
	uint64_t present = now - me->late;
	struct inbox *inbox = &me->pool->inbox;
	uint64_t word = load_acquire(&inbox->bell.word), still;

	if (!(BELL_TOP(word) || BELL_WAKING(word)) ||
	    word != me->bell_seen || !inbox_anything(inbox)) {
		me->bell_seen = word;
		me->bell_since = present;
		return;
	}
	still = present - me->bell_since;
	if (!BELL_TOP(word)) { /* the waker may be held: one more costs nothing */
		if (still >= 2 * me->pool->scan)
			bell_rescue(&inbox->bell);
	} else if (still >= WARD_S(1)) {
		if (bell_rescue(&inbox->bell))
			count_own(&me->heal->rescues, 1);
	} else if (still >= 2 * me->pool->scan && somebody_held(me)) {
		bell_rescue(&inbox->bell);
	}
}
