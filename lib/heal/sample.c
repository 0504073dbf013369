/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sample.c - the steward samples a worker: it holds the worker's slot, asks the kernel,
 * and tells what cannot be known here.
 *
 * Edge [U]: a steward holds a slot | the slot has no seat any more.
 */
#include "heal/heal.h"
#include <errno.h>

struct slot *sample_hold(struct steward *me, uint32_t seat)
{
	struct slot *slot = load_acquire(&me->pool->seat[seat]), *seen; /* [U] */

	do {
		seen = slot;
		store_release(&me->at, seen); /* [U] no other is held */
		host_barrier_light(); /* [U] held | it has no seat */
		slot = load_acquire(&me->pool->seat[seat]); /* [U] */
	} while (slot != seen);
	return slot;
}

void sample_drop(struct steward *me)
{
	store_release(&me->at, NULL); /* [U] */
	store_release(&me->also, NULL); /* [U] */
}

const char *sample_blind_to(const struct host_sample *sample)
{
	if (!sample->cpu_known)
		return sample->state_known ?
			       "no CPU times: a livelock is not seen" :
			       "no evidence of threads: only death is seen";
	if (!sample->state_known)
		return "no thread states: blocking is not seen";
	if (!sample->switches_known)
		return "no counts of waits for a CPU: who runs now and then is "
		       "not seen to block";
	return NULL;
}

/* Told once: no evidence of this kind. */
static void tell_blind(struct steward *me, const struct host_sample *sample)
{
	const char *what = me->told_blind ? NULL : sample_blind_to(sample);

	if (!what)
		return;
	me->told_blind = true;
	incident_tell(&me->pool->tell, WARD_R_EVIDENCE, what);
}

int sample_take(struct steward *me, const struct slot *slot,
		const struct history *history, struct host_sample *sample)
{
	int err;

	count_own(&me->heal->looks, 1);
	if (host_life_lost(&slot->thread.liveness))
		return -ESRCH; /* the tid may be another thread's by now */
	/* The first sample only notes where the counters stand. */
	if (!history->sampled_at)
		return host_sample_cpu(&slot->thread.stat_files, sample);
	err = host_sample(&slot->thread.stat_files, sample);
	if (err != -ESRCH)
		tell_blind(me, sample);
	return err;
}

void sample_tell_lacks(struct steward *me)
{
	static const char *const what[HOST_LACKS] = {
		[HOST_NO_SLEEP] = "futexes are refused: threads that wait look "
				  "each millisecond",
		[HOST_NO_END] = "no robust futexes: an end by a raw exit is "
				"seen inside of tasks only",
		[HOST_NO_HOLDER] = "memory may not be read: who holds a futex "
				   "is not seen",
		[HOST_NO_TRACE] = "signals are refused: no backtraces of "
				  "threads that hang",
		[HOST_NO_LOWER] = "scheduling is refused: fenced threads keep "
				  "their priority",
		[HOST_NO_EVENT] = "an event's descriptor is refused: event "
				  "loops are not told right",
		[HOST_NO_CLOSE] = "closing is refused: descriptors are not "
				  "given back",
		[HOST_NO_ALTSTACK] = "no signal stacks: a stack overflow ends "
				     "the process"
	};
	uint32_t lacks = host_lacks();

	if (likely(!(lacks & ~me->told_lacks)))
		return;
	for (uint32_t i = 0; i < HOST_LACKS; i++)
		if ((lacks & ~me->told_lacks) >> i & 1)
			incident_tell(&me->pool->tell, WARD_R_EVIDENCE, what[i]);
	me->told_lacks = lacks;
}
