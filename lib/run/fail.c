/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fail.c - what an attempt says of its failure, and its report: error.h.
 */
#include "tell/dedup.h"
#include "pool/pool.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool quiet(const struct pool *pool, const struct ward_task *task)
{
	return ((task->policy ? task->policy->flags : 0) | pool->policy.flags) &
	       WARD_POLICY_QUIET;
}

/* Is somebody told of it anyhow?  Then it is not for stderr. */
static bool heard(const struct pool *pool, const struct ward_task *task)
{
	return task->done || pool->hooks.dead || quiet(pool, task);
}

/* A record with the caller's place, or NULL. */
static struct incident *describe(struct pool *pool, const struct slot *slot,
				 const struct ward_task *task, int err,
				 uint64_t id)
{
	struct incident *in = incident_open(&pool->tell, WARD_R_ERROR, id);

	if (!in)
		return NULL;
	in->report.err = err;
	in->report.worker = load_relaxed(&slot->seat.number);
	in->report.tid = load_relaxed(&slot->thread.tid);
	if (task) {
		in->report.task = task->name ? task->name : "";
		in->report.attempt = slot->self.attempt;
		in->heard = heard(pool, task);
	}
	return in;
}

/* The steward wakes the scribe for it, at its next scan if the steward is up. */
static void leave(struct pool *pool, struct incident *in)
{
	incident_leave(&pool->tell, in);
	steward_wake(pool); /* [Z] left a report | asleep? */
}

/*
 * Tells what the caller, whose return address lies in *from, has to say, and remembers
 * that it did; a thread that is no worker says nothing.  The code for the caller to return.
 */
__attribute__((format(printf, 7, 0)))
static int say(struct slot *slot, void *const *from, const char *what,
	       uint64_t cause, int err, bool known, const char *format,
	       va_list args)
{
	char text[TELL_TEXT] = "";
	void *frame[WARD_FRAMES];
	struct ward_task *task;
	struct incident *in;
	uint64_t id;
	unsigned n;

	err = err ? err : -EINVAL;
	if (!slot)
		return err;
	id = incident_id();
	task = slot_runs(slot) ? load_relaxed(&slot->task) : NULL;
	/* The arguments may fault: before there is a record to lose. */
	if (format)
		vsnprintf(text, sizeof(text), format, args);
	n = host_frames(from, frame, WARD_FRAMES, dedup_is_floor, &slot->fail.path);
	host_hold();
	in = describe(slot->pool, slot, task, err, id);
	if (in) {
		in->report.what = what;
		in->report.cause = cause;
		in->report.known = known;
		strcpy(in->text, text);
		in->report.message = in->text;
		memcpy(in->frame, frame, n * sizeof(*frame));
		in->report.nframes = n;
		in->report.frames = in->frame;
		leave(slot->pool, in);
	}
	host_unhold();
	slot->fail.told = (struct slot_failure){
		.epoch = load_relaxed(&slot->word), .id = id, .err = err
	};
	return err;
}

int ward_fail(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	err = say(host_self(), host_return_at(), "something failed", 0,
		  err, false, format, args);
	va_end(args);
	return err;
}

int ward_wrap(uint64_t cause, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	err = say(host_self(), host_return_at(),
		  "a module could not do what it was asked to", cause, err,
		  true, format, args);
	va_end(args);
	return err;
}

uint64_t ward_failure(void)
{
	const struct slot *slot = host_self();

	return slot && slot->fail.told.epoch == load_relaxed(&slot->word) ?
		       slot->fail.told.id :
		       0;
}

void ward_raise(int err, const char *format, ...)
{
	static const char nowhere[] =
		"ward: ward_raise() on a thread that is no worker\n";
	struct slot *slot = host_self();
	va_list args;

	if (!slot) {
		host_write_stderr(nowhere, sizeof(nowhere) - 1);
		host_abort();
	}
	va_start(args, format);
	slot->fail.raised = say(slot, host_return_at(),
			   "an attempt was ended where it failed", 0, err,
			   false, format, args);
	va_end(args);
	if (!slot_runs(slot))
		host_escape(&slot->fail.escape, ESCAPE_LEAVE);
	if (slot->forked)
		steal_settle(slot); /* what lies here may be in use */
	host_escape(slot->fail.raise_to ? slot->fail.raise_to : &slot->fail.escape,
		    ESCAPE_RAISED);
}

uint64_t fail_ended(struct pool *pool, struct slot *slot,
		    const struct ward_task *task, int status)
{
	/* The epoch has just been left. */
	bool told = slot_next(slot->fail.told.epoch, SLOT_DEAD) ==
			    load_relaxed(&slot->word) &&
		    slot->fail.told.err == status;
	struct incident *in;
	uint64_t id;

	if (told)
		return slot->fail.told.id;
	if (quiet(pool, task) && !task->done && !pool->hooks.dead &&
	    !pool->hooks.report)
		return 0; /* nobody is told the id */
	id = incident_id();
	in = describe(pool, slot, task, status, id);
	if (in) {
		in->report.what = "a task returned an error that nobody has "
				  "spoken of";
		leave(pool, in);
	}
	return id;
}

/* The kind that was told of the last attempt; one stands for all stalls. */
static const enum ward_kind kind_of[] = { [LOST_STALL] = WARD_R_BLOCKED,
					  [LOST_DEATH] = WARD_R_DEATH,
					  [LOST_ERROR] = WARD_R_ERROR,
					  [LOST_FAULT] = WARD_R_FAULT,
					  [LOST_STOP] = WARD_R_ERROR };

void fail_dead(struct pool *pool, struct ward_task *task, int status)
{
	struct ward_report report;

	if (steal_is_carrier(task))
		return; /* no task of the user's: the join hears of it */
	add_relaxed(&pool->dead_letters, 1);
	if (!pool->hooks.dead)
		return;
	report_init(&report, kind_of[task_priv(task)->why],
		    task_incident(task_priv(task)), pool->name);
	report.err = status;
	report.task = task->name ? task->name : "";
	report.attempt = task_attempt(load_relaxed(&task_priv(task)->word)) - 1;
	report.what = "a task failed for good";
	pool->hooks.dead(pool->hooks.arg, task, &report);
}
