/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool.h - a pool of worker threads that heals itself.
 *
 * A worker that dies, spins without end or sleeps without end inside a task is
 * noticed, its attempt gets an honest end, and another thread takes its seat.
 * docs/healing.md says how, and what it costs.
 */
#ifndef WARD_POOL_H
#define WARD_POOL_H

#include <ward/base.h>
#include <ward/error.h>
#include <ward/report.h>
#include <ward/stats.h>
#include <ward/task.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ward_pool;

/* All may be NULL.  'arg' is handed to each. */
struct ward_hooks {
	/* On each new thread before its first task; the result is
	 * ward_self()->local.  'thread' counts the pool's thread records. */
	void *(*start)(void *arg, unsigned thread);
	/* On a thread that leaves in good order, with what start returned. */
	void (*stop)(void *arg, unsigned thread, void *local);
	/* On the scribe thread (under SCHED_FIFO and SCHED_RR one priority above
	 * the workers, where that may be), one report at a time.  NULL: one line of text
	 * to stderr, at most 10 a second; but what done() hears (WARD_R_ERROR,
	 * WARD_R_FAULT... of a task that has one) is not printed. */
	void (*report)(void *arg, const struct ward_report *report);
	/* Dead letters: on a worker, before done(), for each task whose last
	 * attempt failed (task.h) or was lost for good.  'report' is
	 * what is known by then; its id finds the rest (ward_report_find). */
	void (*dead)(void *arg, struct ward_task *task,
		     const struct ward_report *report);
	void *arg;
};

enum ward_stall_action {
	WARD_STALL_REPLACE, /* fence the attempt, replace the thread */
	WARD_STALL_REPORT,  /* only tell */
	WARD_STALL_ABORT    /* tell, then abort() the process; after 5 s though
				it could not be told, as where the hook hangs */
};

enum { WARD_TRACE_NONE = -1 };

enum {
	/* SIGSEGV, SIGBUS, SIGFPE, SIGILL and abort() inside run() end the
	 * attempt and its thread, not the process.  Only for tasks that hold no
	 * locks and keep nothing half done: docs/healing.md has the price. */
	WARD_POOL_CATCH_FAULTS = 1u << 0,
	/* Begins with 'max' workers, not with 'workers'. */
	WARD_POOL_AHEAD = 1u << 1,
	/* Numbers out of range are made the nearest that is in range, not
	 * refused: workers, max (not below workers), spares, zombies (both), ring (the
	 * next power of two), stack, scan, idle; and in ward_pool_resize(). */
	WARD_POOL_CLAMP = 1u << 2,
	/* ward_pool_start() has the kernel give all memory of rings and workers'
	 * records at once, so that no task waits for a page of them: 8 bytes for
	 * each cell of each ring, of which there are two for each CPU, 4 to 64,
	 * and some 9 KiB for each thread that there may be.  Rings of 2^18 and
	 * more come on huge pages, where the kernel has them (its setting is
	 * "madvise" or "always").  Threads' stacks are not in it. */
	WARD_POOL_PREFAULT = 1u << 3,
	/*
	 * For machines with several caches of the third level, or several NUMA
	 * nodes: the CPUs that share one are a neighbourhood.  Workers are spread
	 * over the neighbourhoods evenly, by the number of their seats, and each
	 * thread is bound to the CPUs of its own when it takes a seat (whatever it
	 * was bound to before, by hooks.start too).  A worker looks for work in its
	 * own neighbourhood first, then in the next nearest; nothing waits for ever
	 * in a far one.  A thread that is not the pool's has its tasks queued near
	 * where it was at its first submit to any pool.
	 * Taken are the CPUs in 'cpus', or those that the caller of
	 * ward_pool_create() may run on, as they are at that moment;
	 * ward_stats.neighbourhoods tells how many were found.  Where there is but
	 * one, the flag changes nothing.
	 */
	WARD_POOL_NEAR = 1u << 4,
	/*
	 * A worker takes one task at a time, not some at once.  Without it: up to 32,
	 * fewer as tasks are found to run longer (1 for those of 1 ms), and what lies
	 * behind a task that runs longer than a scan is shared out.  For tasks whose
	 * times differ much, where none may wait for up to that behind another; costs
	 * a visit to the queue for each.  What a task submits still lies with its own
	 * worker first.
	 */
	WARD_POOL_NO_BATCH = 1u << 5,
	/*
	 * A fenced thread that keeps its CPU goes on at the priority that it has.
	 * Without this flag it runs when nobody else wants to (SCHED_IDLE), and as
	 * before when it comes home, ends, or a worker of the pool is found waiting
	 * for what it holds.  The way back needs RLIMIT_NICE (RLIMIT_RTPRIO) or a
	 * privilege; without either a thread that comes home is ended, and one that
	 * holds a lock may keep it for long while the CPUs are busy.  For pools whose
	 * slow tasks hold locks that other threads of the program want.
	 */
	WARD_POOL_KEEP_PRIORITY = 1u << 6,
	/*
	 * Tells the service manager how the pool is (sd_notify(3): a datagram to
	 * NOTIFY_SOCKET; the environment is read by ward_pool_create(), and left as it is):
	 *	READY=1		before ward_pool_start() returns
	 *	STATUS=...	"4 workers, all well", or what is wrong, the worst first; when
	 *			it has changed, at most once a second
	 *	WATCHDOG=1	twice in the time that it gives (WATCHDOG_USEC), if the pool
	 *			is well
	 *	STOPPING=1	at the begin of the first ward_pool_drain() or _destroy(), and
	 *			as the last word (again, if another was under way): the
	 *			manager's time to stop must be enough for the drain
	 * Well is a pool of which all this holds.  The steward is fresh: it is the one who
	 * feeds.  The queue moves: a worker has answered a task of no work that is put into
	 * it each time; or, half of the time between two feeds later, each worker is
	 * inside a task, and none over its budgets.  A pool with nothing to do moves.
	 * ward_audit() finds nothing broken.  It is not degraded.
	 * Nothing of this waits: a message that the manager does not take is sent again, as
	 * things are then.  One that is refused is told once (WARD_R_EVIDENCE).
	 * Of a process one pool at a time may have the flag, from its create to its
	 * destroy: there is one service manager, with one ear for the process.  Without one,
	 * or where WATCHDOG_PID is another process's, nothing is told, or fed.
	 */
	WARD_POOL_NOTIFY = 1u << 7,
	/*
	 * What the pool does can be seen from outside, by wardtop(1): a page (ward/page.h)
	 * is written some ten times a second, while anything moves.  It is a file,
	 * PID-NAME, for its user's eyes only, in WARD_PUBLISH_DIR, or else in "ward" below
	 * XDG_RUNTIME_DIR, or below /run/user/UID, if that folder is in memory; if not, a
	 * memfd.  Some 110 KiB, and 800 bytes for each worker up to 256.  It is made and filled
	 * by ward_pool_create(), and never grows.
	 * ward_pool_destroy() unlinks the file; one of a process that has ended in another
	 * way stays, for a look at what was last.  Where no page can be made the pool is
	 * made without, and that is told (WARD_R_EVIDENCE).
	 */
	WARD_POOL_PUBLISH = 1u << 8
};

/* Zero is a good default everywhere.  Copied by ward_pool_create(). */
struct ward_pool_config {
	uint32_t size;	    /* set by WARD_POOL_CONFIG_INIT */
	uint32_t flags;	    /* WARD_POOL_* */
	const char *name;   /* up to 11 bytes; threads are name/0, name/1, ...;
			       default "ward" */
	uint32_t workers;   /* 1..4096; default: the CPUs this process may use,
			       by affinity and cgroup quota */
	uint32_t max;	    /* workers..4096: grows on demand up to that.
			       default: it does not; but where workers wait
			       inside tasks and say so, as many may be added, up
			       to twice 'workers' in all, or 4 more */
	uint32_t spares;    /* threads kept ready, 1..1024; default 1, and one
			       more for each 16 workers */
	uint32_t zombies;   /* fenced threads that may be out at once and keep
			       their CPU, 1..4096; default 2 x workers (or
			       max), at least 8 */
	uint32_t ring;	    /* tasks that one submitting thread may have queued;
			       a power of two, 2..2^20; default 4096 */
	enum ward_stall_action on_stall;
	int trace_signo;    /* signal that asks a convicted thread for its
			       backtrace; one that nothing else is used for.
			       default: see ward_pool_create();
			       WARD_TRACE_NONE: no backtraces */
	const char *cpus;   /* "0-7,16": where workers run; default inherited */
	size_t stack;	    /* bytes per thread, beside the program's thread-local
			       variables; default 256 KiB; at least 64 */
	ward_ns scan;	    /* between two looks at busy workers, 1 ms..1 s;
			       default 10 ms */
	ward_ns idle;	    /* workers beyond 'workers' that were not needed for
			       so long leave; from 1 ms, WARD_FOREVER: never;
			       default 30 s */
	const struct ward_policy *policy; /* for tasks without their own;
					     copied */
	const struct ward_hooks *hooks;	  /* copied */
	uint32_t zombies_asleep; /* the same for those that were found asleep:
			       they cost memory, no CPU, 1..4096; default 256,
			       or where 'zombies' is given as many as that */
	uint32_t reserved;  /* 0 */
};
#define WARD_POOL_CONFIG_INIT WARD_SIZED_INIT_(struct ward_pool_config)

/*
 * Makes a pool without starting a thread.  It is the calling process's: a program
 * that forks to become a daemon does that before.
 * Tasks run with the signals blocked that the caller blocks, and besides with all but
 * those that end, stop or measure a process (task.h).  Where trace_signo is 0 the last
 * real-time signal is taken that the process neither handles nor ignores, that the
 * caller does not block, and that no signalfd waits for: who means to use one later
 * does that before, or names another here.  Where there is none, reports have no
 * backtrace, and that is told (WARD_R_EVIDENCE).  The first pool of a process that has a
 * signal decides for all of them.
 * config NULL is all defaults.  Tasks may be submitted at once; they wait.
 * -EINVAL: out NULL, wrong size, unknown flag, value out of range;
 * -EBUSY: trace_signo has a handler; -EALREADY: WARD_POOL_NOTIFY, and another pool of
 * this process has that; -ENAMETOOLONG: name; -ENOMEM; the kernel's own answer where it
 * refuses the clock, futexes, or to have handlers of signals (docs/refusals.md).  On
 * error *out is untouched.
 */
WARD_API WARD_MUST int ward_pool_create(struct ward_pool **out,
					const struct ward_pool_config *config);

/*
 * Starts workers, spares, steward, deputy, clerk and scribe, and returns when each is
 * there.  -EINVAL; -EALREADY: started before; -EAGAIN, -ENOMEM, -EPERM, or what else
 * the kernel answered: a thread could not be made; -EOWNERDEAD: threads kept ending in
 * the start hook; none is left (tasks that were queued may have been answered
 * -ECANCELED); -ECHILD after fork.
 */
WARD_API WARD_MUST int ward_pool_start(struct ward_pool *pool);

/*
 * How many workers there are, and up to how many it grows on demand (0: it does not
 * grow); as in ward_pool_config, before start or while it runs.  What is more than
 * now comes at once, without a wait for it; what is less goes when it is outside a
 * task: no task is interrupted.
 *	0
 *	-EINVAL		pool NULL, workers 0, or max neither 0 nor at least workers
 *	-ERANGE		more than the pool was made for: its max; without one, twice
 *			its workers, or 4 more
 *	-ECHILD		the pool belongs to the parent process
 * In a pool with WARD_POOL_CLAMP the nearest that is possible, and 0.  On an error
 * nothing has changed.  Any thread, tasks too; not in a signal handler.
 */
WARD_API int ward_pool_resize(struct ward_pool *pool, uint32_t workers,
			      uint32_t max);

/*
 * Hands a task to the pool.  It belongs to the pool until release().
 *	0		accepted: done and release will come
 *	-EAGAIN		WARD_NOWAIT, and no room
 *	-ETIMEDOUT	no room until 'until'
 *	-ESHUTDOWN	the pool is draining, or being destroyed
 *	-EBUSY		the task is in a pool already
 *	-ESTALE		called by a fenced attempt that had to wait for room
 *	-ECHILD		the pool belongs to the parent process
 *	-EINVAL		NULL, misaligned, no run, or a policy that is not sound
 *	else		the cause of task->cancel, which was fired before, or while
 *			the call waited for room
 * Any thread.  With WARD_NOWAIT it is lock-free and may be called in a signal
 * handler: a submitter stopped at any point delays none of the others.  From a
 * task of the same pool it goes to the worker's own ring first.
 * In a pool of one worker the tasks of one thread outside it start in the order of
 * their submission, unless another thread shares its ring, or something is told to
 * stop while it waits.  Where order must hold use a lane of width 1.
 */
WARD_API WARD_MUST int ward_submit(struct ward_pool *pool,
				   struct ward_task *task, ward_ns until);

/*
 * Hands over up to n tasks in order, with one publication for all that fit at
 * once.  Returns how many were taken (the first so many), 0..n; if none was,
 * the error that ward_submit() would have given for the first.  n = 0 is 0.
 * -EINVAL: also tasks is NULL, or n is more than 2^31 - 1.
 */
WARD_API WARD_MUST int ward_submit_n(struct ward_pool *pool,
				     struct ward_task *const *tasks, unsigned n,
				     ward_ns until);

/*
 * Runs fn(arg) on a worker: for who has no struct to embed a task in.  One allocation
 * each; a failure (fn returns what run() would) is told as that of any task.  As
 * ward_submit(), and -ENOMEM; not in a signal handler.  What arg points to is the
 * caller's affair: where the attempt is lost, fn may still be inside.
 */
WARD_API WARD_MUST int ward_go(struct ward_pool *pool, int (*fn)(void *arg),
			       void *arg, ward_ns until);

/*
 * Hands over a task that runs at the point 'when', or at once if that has passed;
 * with 'period', again and again: so long after each run that returned 0 has ended.
 * Each run is as good as the first: it may commit, and has all of its policy's reruns.
 * A periodic task is answered when a run fails for good, when it is cancelled, or
 * when the pool drains: -ECANCELED, or 0 if a run is just under way.  What waits for its
 * time takes no room and no thread, and some 40 bytes of the pool's, kept until that ends;
 * on an idle machine it starts within a millisecond of its time.  What has become due runs
 * in the order of its time, and by turns with what was submitted without one.
 *	0		accepted
 *	-EINVAL		as ward_submit(), or 'when' is WARD_FOREVER
 *	-EBUSY, -ESHUTDOWN, -ECHILD	as ward_submit()
 * Any thread, also under locks; does not wait.
 */
WARD_API WARD_MUST int ward_submit_at(struct ward_pool *pool,
				      struct ward_task *task, ward_ns when,
				      ward_ns period);

/*
 * Cancels a task that is in 'pool', with 'cause', a negative errno value (0:
 * -ECANCELED).
 *	0		it will be answered with the cause: run() is not called, or,
 *			after an attempt that failed or was lost, not again; at once,
 *			or, where all workers are busy, about one scan later
 *	-EINPROGRESS	it is inside run(), and is told by ward_check().  How it ends
 *			is up to it, and done() tells; but it is not run again
 *	-ENOENT		it had ended already, and only callbacks are still to come;
 *			or it is in no pool.  Also said of a task that was found free
 *			and submitted again before its last release(), in the instant
 *			in which its last worker leaves it: then it is cancelled all
 *			the same, as with 0
 *	-EALREADY	it was cancelled before
 *	-EINVAL		NULL, or a cause that is no errno value
 *	-ECHILD		the pool belongs to the parent process
 * The call holds the task until it returns: one that waits, or is held by the caller
 * (ward_task_hold()), is not released before.  One that may be inside run() and is
 * not held may end just now: then the caller sees to it that its memory is not freed,
 * nor submitted again, meanwhile.
 * Any thread, also in a signal handler; does not wait.  Microseconds: where the task
 * does not wait in a lane it looks at every worker.
 */
WARD_API int ward_task_cancel(struct ward_pool *pool, struct ward_task *task,
			      int cause);

/* ward_task_recall(): the task is the caller's. */
#define WARD_RECALLED 1

/*
 * As ward_task_cancel(), but where it can the task is given back at once:
 *	WARD_RECALLED	it is the caller's, as if it had never been submitted: no
 *			done(), no release().  Of one that waits in a lane, which no
 *			other thread happens to be at; or for its time, but not again
 *	else		as ward_task_cancel(), and what that says comes true
 * Any thread, also in a signal handler; does not wait.
 */
WARD_API WARD_MUST int ward_task_recall(struct ward_pool *pool,
					struct ward_task *task, int cause);

/*
 * Holds a task's memory: release() is not called before ward_task_drop() was called
 * as often.  For whoever may come to cancel or wait for it, while it may end: such a
 * call on a held task needs no lock and no other count.  done() is not held up, nor
 * the lane that it is in; the end of ward_pool_drain() is.  It holds the pool's memory
 * too, so the drop may come after ward_pool_destroy(); in a child after fork that frees
 * all at once, and no drop may follow.
 * Where the task is not in a pool yet; or inside its run() or done(); or while the
 * task is held already, by others too.  0; -EINVAL: NULL; -ECHILD.
 */
WARD_API WARD_MUST int ward_task_hold(struct ward_pool *pool,
				      struct ward_task *task);

/*
 * Takes one hold back.  If it was the last, and the task is answered, its release()
 * is called: by a worker, or, if the pool was destroyed, by this thread.  If it was
 * not submitted, nothing more happens.  0; -EINVAL: NULL; -ECHILD.  Any thread; not in
 * a signal handler.
 */
WARD_API int ward_task_drop(struct ward_pool *pool, struct ward_task *task);

/*
 * Waits until a task that the caller holds was answered, that is, its done() has
 * returned.  Inside a task it is a declared wait.
 *	0		it was, or it is in no pool; if status is not NULL, *status is
 *			what done() was told, or the cause, if the task was
 *			recalled (for one that was in a pool)
 *	-ETIMEDOUT	not by 'until'
 *	-EDEADLK	called by the task itself
 *	-EINVAL		pool or task is NULL
 *	-ECHILD		the pool belongs to the parent process
 *	else		what ward_check() says to the calling task
 * Any thread; not in a signal handler.
 */
WARD_API int ward_task_wait(struct ward_pool *pool, struct ward_task *task,
			    ward_ns until, int *status);

/*
 * Refuses new tasks, wakes submitters that wait (-ESHUTDOWN), and waits until
 * every accepted task is answered and released.  0; -ETIMEDOUT: not all by
 * then, call again; -EDEADLK: from a thread of this pool; -EINVAL; -ECHILD.
 */
WARD_API int ward_pool_drain(struct ward_pool *pool, ward_ns until);

/*
 * Ends the pool.  New tasks are refused, queued ones get done(-ECANCELED) and
 * release() on the calling thread, running ones see -ESHUTDOWN in ward_check().
 * Attempts that do not end by 'until' are fenced and answered -ECANCELED.
 * Returns 0: nothing is left; n > 0: so many threads are still inside tasks or
 * hooks.
 * Their tasks' release(), and the pool's memory, are given back when they leave, in
 * whatever way: one more thread waits for that.
 * Either way the handle is gone and no thread may be inside another call on it, or
 * begin one: a submit is refused (-ESHUTDOWN) from the first moment of a drain or a
 * destroy to the end of that call, but not after it.
 * -EDEADLK: from a thread of this pool; -EINVAL.  In a child after fork: frees
 * what is the child's and returns 0.
 */
WARD_API int ward_pool_destroy(struct ward_pool *pool, ward_ns until);

/*
 * Fills 'stats' (its size set by WARD_STATS_INIT).  A snapshot taken while the
 * pool runs: each number was true at some instant of the call; answered is read
 * before accepted, so that it is never larger.  Any thread.  -EINVAL; -ECHILD.
 */
WARD_API int ward_pool_stats(struct ward_pool *pool, struct ward_stats *stats);

/* The type of a text by ward_metrics(), for those who fetch it. */
#define WARD_METRICS_TYPE                                                      \
	"application/openmetrics-text; version=1.0.0; charset=utf-8"
/* Bytes that are enough for those of n pools, whatever the numbers. */
#define WARD_METRICS_ROOM(n) (((size_t)(n) + 1) * 28672)

/*
 * Writes the numbers of n pools, as ward_pool_stats() has them, as a text that
 * Prometheus and its like read (OpenMetrics 1.0): families ward_*, with their help and
 * type, in each the pools' samples with the label pool="name".  Spans are in seconds.
 * A histogram has the bounds of ward_stats' buckets, and no _sum, for none is measured.
 * The text ends with "# EOF"; families of the caller's own stand before it.
 * Returns the length that the whole text has, without its NUL, as snprintf() does: where
 * it is not less than 'len' the text was cut, and has no end.  buf may be NULL if len
 * is 0.  The numbers change from call to call, and the length with them.
 *	-EINVAL		NULL, or no pool
 *	-EEXIST		two pools have the same name, or one stands there twice
 *	-ECHILD		a pool belongs to the parent process
 * On an error buf is untouched.  Any thread; not in a signal handler.  It allocates
 * nothing and waits for no task, so that it answers where all workers hang; it takes
 * some 2 KiB of the caller's stack for each pool.
 */
WARD_API int ward_metrics(struct ward_pool *const *pools, unsigned n, char *buf,
			  size_t len);

/*
 * Checks the pool's books against its invariants.  Those that need a still pool
 * are checked if it stands still for the length of the call; 'checked' tells
 * which were.  0: none is broken; -EUCLEAN: audit->broken says which; -EINVAL;
 * -ECHILD.  Any thread.
 */
WARD_API int ward_audit(struct ward_pool *pool, struct ward_audit *audit);

#ifdef __cplusplus
}
#endif
#endif
