/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * door.c - a stay sleeps on up to five words at once: the door's, its own slot's
 * (moved by who fences it, or stops its pool [G]), that of its task's token, and those
 * of two others.  It sleeps no longer than to their deadlines.
 */
#include "work/door.h"
#include "work/stop.h"
#include <errno.h>

static void watch(struct door_stay *stay, _Atomic uint32_t *word)
{
	stay->watch[stay->words++].word = word;
}

void door_watch(struct door_stay *stay, const struct ward_cancel *cancel)
{
	watch(stay, cancel_word(cancel));
	stay->cancel[stay->cancels++] = cancel;
}

/* The task, or its callback, is not silent while it waits here, up to then. */
static void declare(struct door_stay *stay, struct slot *slot)
{
	const struct ward_cancel *cancel = ward_token(); /* in a callback NULL */

	stay->declared = load_relaxed(&slot->declared);
	if (slot_runs(slot))
		slot->traces = 1;
	store_relaxed(&slot->declared, stay->until ? stay->until : 1);
	if (cancel)
		door_watch(stay, cancel);
}

void door_enter(struct door_stay *stay, struct door *door, ward_ns until)
{
	struct slot *slot = host_self();

	*stay = (struct door_stay){ .door = door, .until = until };
	watch(stay, &door->word);
	if (slot && slot_inside(load_relaxed(&slot->word))) {
		stay->slot = slot;
		watch(stay, &slot->pause);
		declare(stay, slot);
		store_release(&slot->waits_on, &slot->pause);
		crew_will_wait(slot->pool);
	}
	add_acq_rel(&door->inside, 1);
	host_fence_heavy(); /* [y] I wait | is it there?  [G] | fenced? */
}

void door_look(struct door_stay *stay)
{
	for (unsigned i = 0; i < stay->words; i++)
		stay->watch[i].seen = load_acquire(stay->watch[i].word);
}

int door_nap(struct door_stay *stay, ward_ns until)
{
	int err = stop_self(stay->slot);
	ward_ns end = until;

	if (err)
		return err;
	for (unsigned i = 0; i < stay->cancels; i++)
		end = cancel_until(stay->cancel[i], end);
	err = host_wait_any(stay->watch, stay->words, end);
	return end == until ? err : 0; /* a deadline: the look finds it */
}

int door_sleep(struct door_stay *stay)
{
	if (stay->slot)
		ward_beat();
	return door_nap(stay, stay->until);
}

void door_leave(struct door_stay *stay)
{
	sub_acq_rel(&stay->door->inside, 1);
	if (!stay->slot)
		return;
	store_relaxed(&stay->slot->waits_on, NULL);
	store_relaxed(&stay->slot->declared, stay->declared);
}

void door_open_for_one(struct door *door)
{
	add_acq_rel(&door->word, 1);
	host_wake(&door->word, 1);
}

void door_open(struct door *door)
{
	add_acq_rel(&door->word, 1);
	host_wake(&door->word, INT32_MAX);
}
