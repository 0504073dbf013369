/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_trace.c - a thread's backtrace, taken by the thread itself.
 *
 * The asker marks the thread's record, sends it a signal, and sleeps on the mark
 * until its deadline.  The handler answers if its thread has a record that is
 * asked; so a stray signal, or one that comes too late, does nothing.
 *
 *	FREE > ASKED > WRITING > ANSWERED > ASKED ...
 *	ASKED > FREE: the asker takes the question back
 *
 * Only the thread itself leaves ASKED for WRITING, and only then writes frames;
 * one that is stopped while it writes keeps the record until it goes on.
 *
 * A question is about one epoch: a thread that has gone on meanwhile says only that.
 * The signal is not sent to a thread that has ended, whose number may be another's,
 * nor while the application has a handler there.  If the thread blocks the signal,
 * there is no answer in time.
 *
 * Edge [j]: frames written | read by the asker; and the question, the other way.
 */
#include "base/host_inside.h"

#include <errno.h>
#include <signal.h>
#include <unwind.h>

enum { FREE, ASKED, ANSWERED, WRITING };

static host_thread_local struct host_trace *here;

/* ---- the thread that is asked ----------------------------------------------- */

/*
 * A task's own alternate stack may be small.  Where there is none, the kernel has found
 * room already, but no more may be left.
 */
#define ROOM (16u << 10)

static bool has_room(void)
{
	uintptr_t at = (uintptr_t)__builtin_frame_address(0);
	stack_t now;

	return sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_ONSTACK) &&
	       at - (uintptr_t)now.ss_sp > ROOM;
}

static void write_frames(struct host_trace *trace, const void *context)
{
	trace->n = host_interrupted(trace->frame, context);
	if (!trace->n)
		trace->n = host_backtrace(trace->frame, HOST_FRAMES);
}

static bool gone_on(const struct host_trace *trace)
{
	return load_relaxed(trace->word) != trace->epoch;
}

/* As backtrace(), which knows no end but the last frame. */
struct walk {
	void *const *at;
	void **frame;
	unsigned n, room;
	bool (*end)(const void *frame);
	struct host_path *path;
};

/* The place of the return address into this frame, on most machines. */
static void *const *return_at(struct _Unwind_Context *context)
{
	return (void *const *)_Unwind_GetCFA(context) - 1;
}

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;
	struct host_path *path = walk->path;
	void *frame = (void *)(uintptr_t)_Unwind_GetIP(context);
	void *const *at = return_at(context);

	if (walk->n == 0 && at < walk->at)
		return _URC_NO_REASON; /* the caller's own, and ours */
	if (!frame || walk->n == walk->room || walk->end(frame))
		return _URC_END_OF_STACK;
	/* A frame whose place is not known could not be found again. */
	if (at == walk->at && *at == frame)
		path->at = at;
	if (path->at && *at != frame)
		path->at = NULL;
	path->step[walk->n].at = at;
	path->step[walk->n].frame = frame;
	walk->frame[walk->n++] = frame;
	return _URC_NO_REASON;
}

/* The return addresses lie between the guards of a sanitizer. */
__attribute__((no_sanitize("address")))
static bool trodden(const struct host_path *path, void *const *at)
{
	if (path->n == 0 || path->at != at)
		return false;
	for (unsigned i = 0; i < path->n; i++)
		if (*path->step[i].at != path->step[i].frame)
			return false;
	return true;
}

unsigned host_frames(void *const *at, void **frame, unsigned n,
		     bool (*end)(const void *frame), struct host_path *path)
{
	struct walk walk = { at, frame, 0, n, end, path };

	if (trodden(path, at) && path->n <= n) {
		for (unsigned i = 0; i < path->n; i++)
			frame[i] = path->step[i].frame;
		return path->n;
	}
	path->at = NULL;
	path->n = 0;
	_Unwind_Backtrace(step, &walk);
	if (path->at)
		path->n = walk.n;
	return walk.n;
}

static void on_signal(void *context)
{
	struct host_trace *trace = here;
	uint32_t asked = ASKED;

	if (trace && cas_acquire(&trace->state, &asked, WRITING)) {
		if (gone_on(trace))
			trace->n = -ESRCH;
		else if (has_room())
			write_frames(trace, context);
		else
			trace->n = -ETIMEDOUT;
		store_release(&trace->state, ANSWERED); /* [j] */
		host_wake(&trace->state, 1);
	}
}

void host_trace_here(struct host_trace *trace, const _Atomic uint64_t *word,
		     const struct host_life *life)
{
	if (trace && trace->word != word) { /* else as its last thread did */
		trace->word = word;
		trace->life = life;
	}
	here = trace;
	host_on_signal(on_signal);
}

/* ---- the thread that asks --------------------------------------------------- */

/* True if the record may be asked; false while a late answer is being written. */
static bool ask(struct host_trace *trace, uint64_t epoch)
{
	uint32_t seen = load_relaxed(&trace->state);

	while (seen != WRITING) {
		trace->epoch = epoch; /* not read before ASKED */
		if (cas_acq_rel(&trace->state, &seen, ASKED)) /* [j] */
			return true;
	}
	return false;
}

int host_trace_ask(struct host_trace *trace, int32_t tid, uint64_t epoch,
		   uint64_t until)
{
	uint32_t seen;
	bool waited = false;

	if (!host_trace_open() || !trace->word)
		return -ETIMEDOUT;
	if (load_acquire(trace->word) != epoch ||
	    (trace->life && host_life_lost(trace->life)))
		return -ESRCH;
	if (ask(trace, epoch) && !host_signal_send(tid))
		waited = true; /* for nothing: it cannot be asked */
	for (;;) {
		seen = load_acquire(&trace->state); /* [j] */
		if (seen == ANSWERED)
			return trace->n;
		if (seen == ASKED && waited &&
		    cas_acquire(&trace->state, &seen, FREE))
			return -ETIMEDOUT;
		if (seen == FREE || (seen == WRITING && waited))
			return -ETIMEDOUT;
		if (!waited)
			waited = host_wait(&trace->state, seen, until) ==
				 -ETIMEDOUT;
	}
}
