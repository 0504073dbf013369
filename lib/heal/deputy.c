/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deputy.c - the deputy watches the steward, and takes over from one that hangs.
 *
 * The steward sets itself a deadline at its loop's top (for ever while the pool
 * sleeps, and then nobody watches).  The deputy looks a second after that, and takes over
 * from a steward that is still away: the term moves on.  It is a steward itself, made
 * before it is needed.  And the deputy speaks for the steward where the scribe does not.
 *
 * Key invariant: what a steward does counts in its own term only.
 *  1) It looks at the term at its loop's top, before each seat and before each act;
 *     when that has moved on it leaves [a].
 *  2) Its memory is its own, so that it can spoil no other's.
 *  3) Between that look and its last swap it may be held.  Its fence bears its term, so
 *     it takes no answer that another steward asked for; every other word that it
 *     swaps has a generation.
 *  4) Tasks that wait for their time are no steward's: it says up to when they are
 *     expired, and workers take them (later.h).
 *
 * One answer stays out: a steward that is held between a fence that it won and the
 * hand-over (memory and wakeups, no call that waits) has that answer until it goes on.
 * If destroy has left it by then, it gives the answer as its last step.
 */
#include "heal/heal.h"
#include <stdio.h>

/* How late it may be before the deputy samples it. */
#ifndef DEPUTY_AWAY_MS
#define DEPUTY_AWAY_MS 1000
#endif

/* How often it is found so after that, not short of CPU. */
#ifndef DEPUTY_LOOKS
#define DEPUTY_LOOKS 1
#endif

enum { SURE_MS = 100 };

/* What a deputy remembers of the steward. */
struct watchdog {
	uint64_t deadline; /* that it was over, */
	uint64_t since;	  /* when that was found, */
	uint64_t cpu;	  /* its CPU time then, */
	unsigned looks;	  /* and how often it was found so since */
};

void deputy_tells(struct steward *me)
{
	struct heal *heal = me->heal;
	struct host_stat_files files =
		host_stat_of(load_relaxed(&me->before->tid));
	struct incident *in;

	clerk_wake(heal->pool);
	in = incident_open(&heal->pool->tell, WARD_R_STEWARD, incident_id());
	if (!in)
		return;
	in->report.what = "the steward hung; another has taken over";
	in->report.tid = files.tid;
	host_syscall(&files, &in->report.syscall, &in->report.syscall_arg);
	incident_raise(&heal->pool->tell, in);
}

/* 0 where it is not known; *ready: it is seen ready to run. */
static uint64_t cpu_of(const struct steward *steward, bool *ready)
{
	struct host_stat_files files = host_stat_of(load_relaxed(&steward->tid));
	struct host_sample sample;
	bool seen = host_sample(&files, &sample) == 0;

	*ready = seen && sample.state == 'R';
	return seen && sample.cpu_known ? sample.cpu : 0;
}

/*
 * From two samples, some time apart.  A steward that is ready to run and was given next
 * to nothing in between is not to blame.
 */
static bool watchdog_hangs(const struct steward *steward, struct watchdog *watchdog,
			   uint64_t now)
{
	bool ready;
	uint64_t cpu = cpu_of(steward, &ready);

	if (!ready || cpu - watchdog->cpu >= (now - watchdog->since) / 2)
		return true;
	watchdog->since = now;
	watchdog->cpu = cpu;
	return false;
}

/* When to ask again; 0: it hangs. */
static uint64_t watchdog_check(const struct steward *steward,
			       struct watchdog *watchdog, uint64_t now)
{
	uint64_t deadline = load_acquire(&steward->deadline); /* [a] */
	uint64_t away = steward->pool->scan + WARD_MS(DEPUTY_AWAY_MS);
	bool ready;

	if (deadline == HOST_FOREVER)
		return HOST_FOREVER;
	if (!load_relaxed(&steward->tid))
		return now + away; /* on its way up */
	if (now < deadline || now - deadline < away)
		return deadline > HOST_FOREVER - away ? HOST_FOREVER :
						       deadline + away;
	if (watchdog->deadline != deadline)
		*watchdog = (struct watchdog){ .deadline = deadline,
					       .since = now,
					       .cpu = cpu_of(steward, &ready) };
	else if (now - watchdog->since >= WARD_MS(SURE_MS) &&
		 watchdog_hangs(steward, watchdog, now) &&
		 ++watchdog->looks >= DEPUTY_LOOKS)
		return 0;
	return now + WARD_MS(SURE_MS);
}

/* No name, no memory, no lock, and no wait. */
static void complain(struct heal *heal)
{
	uint32_t bits = load_relaxed(&heal->complaints);
	char line[160];

	if (!bits)
		return;
	bits = swap_acq_rel(&heal->complaints, 0);
	for (uint32_t i = 0; i < HELPERS; i++) {
		int len;

		if (!(bits & 1u << i))
			continue;
		len = snprintf(line, sizeof(line), "ward: %s: %s\n",
			       heal->pool->name, helper_hangs[i]);
		host_try_stderr(line, (size_t)len);
	}
}

bool deputy_waits(struct steward *me)
{
	struct heal *heal = me->heal;
	struct watchdog watchdog = { 0 };

	for (;;) {
		uint32_t seen = load_acquire(&heal->deputy_word);
		uint64_t until;

		if (load_acquire(&heal->steward_stop))
			return false;
		until = watchdog_check(me->before, &watchdog, host_now());
		if (!until)
			break;
		complain(heal);
		store_relaxed(&me->deadline, until);
		store_relaxed(&me->heard, seen);
		host_wait(&heal->deputy_word, seen, until);
	}
	return true;
}
