/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * task.h - one unit of work, and what code inside it may call.
 *
 * A task is embedded in the user's own struct; submitting it allocates nothing.
 * The all-zero struct with .run set is a valid task.  Life of an accepted task:
 *
 *	submit -> run (one attempt; more if the policy asks) -> done -> release
 *
 * 'done' is called exactly once and 'release' exactly once after it, whatever
 * happened: the task ended, its worker was lost, the pool was destroyed.  done
 * may come while a thread that lost its attempt is still inside run(); release
 * comes when no thread is, and only then does the memory belong to the user
 * again: it may be freed or submitted anew from inside release().
 */
#ifndef WARD_TASK_H
#define WARD_TASK_H

#include <ward/base.h>
#include <ward/cancel.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * How patiently an attempt is watched and what follows when it is lost.  Zero
 * means: the pool's policy decides; what the pool leaves at zero is as below.
 * Must not change, and must stay valid, while a task that points to it is in a
 * pool.  Sound, and not refused (-EINVAL), is one with its size, no unknown flag, and a
 * backoff_max that is 0 or not below backoff_min.
 */
struct ward_policy {
	uint32_t size;		 /* set by WARD_POLICY_INIT */
	uint32_t flags;		 /* WARD_POLICY_*; a task's own add to the pool's */
	uint32_t runs;		 /* attempts in all; default: as the next four say,
				    and where they are zero, too: at most once */
	uint32_t stalls;	 /* reruns after a stall */
	uint32_t deaths;	 /* reruns after a death */
	uint32_t errors;	 /* reruns after run() failed */
	uint32_t faults;	 /* reruns after a caught fault */
	uint32_t reserved;	 /* must be 0 */
	/* A rerun waits for a random time up to backoff_min, doubled for each
	 * rerun before it, but no more than backoff_max ("exponential backoff,
	 * full jitter").  backoff_min 0: it does not wait; max 0: 1000 x min. */
	ward_ns backoff_min, backoff_max;
	ward_ns busy_within;	 /* silent on its own CPU so long: livelock; 1 s */
	ward_ns blocked_within;	 /* silent and asleep in the kernel so long: 10 s */
	ward_ns progress_within; /* beats without ward_progress() so long, of own
				    CPU or sleep; default: not asked for */
	ward_ns declared_within; /* sum of declared blocks between two signs of
				    life that is believed; of progress, where
				    that is asked for; 1 h */
	ward_ns start_within;	 /* from its submit, or from the point for which
				    ward_submit_at() has it come (each time): if
				    it has not started by then, wherever it waits,
				    it does not run, and is answered -ETIMEDOUT;
				    default: any time.  What did start in time is
				    run again at any time.  Costs a look at the
				    clock at each submit */
};
#define WARD_POLICY_INIT WARD_SIZED_INIT_(struct ward_policy)

enum {
	/* A failure of a task without done() is not told, where the pool has no
	 * report hook either.  Without this it is a line on stderr. */
	WARD_POLICY_QUIET = 1u << 0
};

/*
 * 'status' of done(): what run() returned, or the 'err' of ward_raise(); or, if
 * the attempt was lost,
 *	-ETIME		it stalled and was convicted (livelock or blocked)
 *	-EOWNERDEAD	its thread died inside run()
 *	-EFAULT		it faulted, in a pool that catches faults
 *	-ECANCELED	the pool was destroyed before it ran, or while it ran
 * or, if it never ran, or was not to run again,
 *	-ETIMEDOUT	it was not started within start_within
 *	the cause	its token was fired, or it was cancelled
 * Anything but 0 is a failure: it is told, and may be run again.  Except for what
 * never ran, and for how work ends that was asked to: -ECANCELED always; and of a task
 * that was told to stop the cause (of its token, its lane's, or of ward_task_cancel()),
 * -ESTALE, and, of a pool that is being destroyed, -ESHUTDOWN.  ward_incident() tells the
 * report's id.
 */
struct ward_task {
	int (*run)(struct ward_task *task);
	void (*done)(struct ward_task *task, int status); /* may be NULL */
	void (*release)(struct ward_task *task);	  /* may be NULL */
	const struct ward_policy *policy; /* NULL: the pool's */
	struct ward_cancel *cancel;	  /* NULL: none; seen by ward_check();
					     ends a submit that waits, too, and
					     a task that waits, for whatever:
					     done() comes about a scan later */
	const char *name;		  /* static string for reports, or NULL */
	uint64_t priv[10];		  /* the library's; zero before first use */
};
#ifdef __cplusplus
#define WARD_TASK_INIT(fn) { (fn), 0, 0, 0, 0, 0, { 0 } }
#else
#define WARD_TASK_INIT(fn) { .run = (fn) }
#endif

/*
 * The id of the report that tells how the task's last attempt failed or was lost;
 * 0 if none was, or nothing could be told.  From inside done(), release() or dead(),
 * or while the task is the user's.
 */
WARD_API uint64_t ward_incident(const struct ward_task *task);

/*
 * Signals.  On a worker SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU,
 * SIGCONT, SIGXCPU, SIGPROF and SIGVTALRM are open where they were for the caller of
 * ward_pool_create(), so that programs which a task starts can be ended, and profilers
 * see tasks.  All other asynchronous ones are blocked, and a program that a task
 * starts inherits that: SIGCHLD, SIGALRM, SIGPIPE, SIGUSR1...  Where it needs them,
 * posix_spawnattr_setsigmask() or the start hook opens them.  A program that waits for one
 * of those that are open (sigwait(), signalfd(), pselect()) blocks it before it makes the
 * pool, as before it makes any thread.
 *
 * One more is open, by which the pool asks an attempt that it has convicted where it
 * is.  Where the attempt goes on after that (it comes home; or the pool only tells,
 * on_stall), calls that no SA_RESTART restarts have ended early with EINTR: poll(),
 * epoll_wait(), select(), nanosleep(), sleep(), and reads with a timeout.
 * trace_signo WARD_TRACE_NONE turns that off.
 */

/* ---- for code inside run(), done(), release(), dead() and the start hook -- */

/* The calling worker; NULL on every thread that is no worker. */
struct ward_self {
	uint32_t size;
	uint32_t attempt;  /* of the task now running, from 1; else 0 */
	uint32_t worker;   /* the seat, from 0; UINT32_MAX in done() and release()
			      of what never ran, or not again, where a spare
			      thread answers it because all workers are busy */
	uint32_t reserved;
	const char *pool;  /* the pool's name */
	void *local;	   /* what hooks.start returned on this thread */
};
WARD_API const struct ward_self *ward_self(void);

/* The two words a worker writes and the steward reads.  Private; inlined. */
struct ward_pulse {
	uint64_t beats;
	uint64_t units;
};
#if defined(__GNUC__)
extern WARD_API __thread struct ward_pulse *ward_pulse_
	__attribute__((tls_model("initial-exec")));

/*
 * "I am alive."  Resets the silence of the attempt that calls it.  No more than
 * a load and a store of the worker's own line.  Nothing on any other thread.
 */
static inline void ward_beat(void)
{
	struct ward_pulse *pulse = ward_pulse_;

	if (pulse)
		__atomic_store_n(&pulse->beats, pulse->beats + 1,
				 __ATOMIC_RELAXED);
}

/*
 * "I got on by 'units'."  A beat too.  Where the policy has progress_within,
 * beats alone do not excuse for longer than that.  Zero units is a mere beat.
 */
static inline void ward_progress(uint64_t units)
{
	struct ward_pulse *pulse = ward_pulse_;

	if (pulse) {
		__atomic_store_n(&pulse->units, pulse->units + units,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&pulse->beats, pulse->beats + 1,
				 __ATOMIC_RELAXED);
	}
}
#endif

/*
 * A beat, and the question whether to go on:
 *	0		go on
 *	-ESTALE		this attempt was fenced; nothing it does counts any more
 *	-ESHUTDOWN	the pool is being destroyed
 *	-ECHILD		this is a copy of the worker, in a forked child
 *	else		the cause with which the task was cancelled
 *			(ward_task_cancel), or of its cancel token
 * 0 on a thread that is no worker, and between tasks.
 */
WARD_API int ward_check(void);

/*
 * Asks for the right to let this attempt's effect be seen: 0 for at most one
 * attempt of a task, -ESTALE for every other (fenced, cancelled before, or another
 * committed).  A committed task is never run again.  -EPERM outside run().
 */
WARD_API int ward_commit(void);

/*
 * The attempt's fence number, for effects outside of the process: a store that
 * remembers the highest number it has seen, and refuses lower ones, cannot be
 * written by an attempt after a later one of the same task has written.  The
 * same number for the same attempt; greater for each later one, of any task; and
 * in the next process too, as long as the wall clock does not go back.
 *	0		*fence is the number
 *	-ESTALE		this attempt was fenced
 *	-EPERM		outside run()
 *	-EINVAL		fence is NULL
 */
WARD_API int ward_fence(uint64_t *fence);

/*
 * Declares a wait that may last until 'until': not held against the attempt up
 * to then.  leave() ends it.  Not nested: a new enter() replaces the point.
 * The declared time between two beats is believed up to declared_within; where the policy
 * has progress_within, between two calls of ward_progress().  Outside of run() both do
 * nothing.
 * While tasks lie queued and no worker is free, the pool adds one in place of each that
 * waits (ward_pool_config.max), which leaves again after that.
 */
WARD_API void ward_block_enter(ward_ns until);
WARD_API void ward_block_leave(void);

/*
 * Waits until then, or until ward_check() would not say 0: returns what it says.
 * No sign of life, and not declared: it is sleep like any other.  On a thread that
 * is no worker, and between tasks, a mere sleep.
 */
WARD_API int ward_pause(ward_ns until);

/*
 * Sleeps while *word is 'seen', for an event of the program's own, of which ward_wake()
 * tells: the waiter's half of a futex.  Inside a task it is a declared wait, so that
 * another worker may be lent meanwhile.
 *	0		*word is something else
 *	-ETIMEDOUT	not by 'until'
 *	-EINVAL		word is NULL or misaligned
 *	else		what ward_check() says to the calling task
 * Any thread; not in a signal handler.
 */
WARD_API WARD_MUST int ward_block_on(const uint32_t *word, uint32_t seen,
				     ward_ns until);

/*
 * Wakes all that sleep on 'word', after it was changed.  One system call, whether anybody
 * sleeps or not; *word is not touched, and may be gone.  Any thread, also a signal handler.
 */
WARD_API void ward_wake(const uint32_t *word);

/*
 * Before the steward convicts the caller as blocked, at half of its budget,
 * fn(arg) is called once on the scribe thread: it may close, shut down or post
 * what the caller waits for.  ward_unblock(NULL, NULL) takes it back and waits
 * for an fn that is running just then; it is also taken back when run()
 * returns, or the thread leaves inside it.  By then run()'s own stack is gone:
 * where arg lies there and the thread may leave, a cleanup handler takes it
 * back.  -EPERM outside run().
 */
WARD_API int ward_unblock(void (*fn)(void *arg), void *arg);

#ifdef __cplusplus
}
#endif
#endif
