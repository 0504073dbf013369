/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steward.h - long-running threads of the program's own under a steward.
 *
 * A ward is a function that runs until it is told to stop.  Its steward starts it
 * on a thread, watches that as it watches a pool's workers (death, livelock,
 * blocking, no progress), and starts it again when it has ended, as its restart
 * mode says.  A ward that keeps ending spends its steward's restart intensity;
 * then the steward stops all of its wards and tells its own steward, which may
 * start them all anew, and so on up to the root.  When that gives up, all of its
 * wards are gone for good.  (The words are those of Erlang/OTP's supervisors; the
 * intensity fades by half in 'within'.)
 *
 * All stewards of a tree stand on one pool, which their root owns.  A ward is
 * inside a task there, so everything that task.h offers to code inside run() is
 * offered to a ward: ward_check(), ward_beat(), ward_raise(), ward_fence() ...
 *
 * Every call here may be made on any thread, also in a ward or a callback,
 * except where it says otherwise; none in a signal handler.
 */
#ifndef WARD_STEWARD_H
#define WARD_STEWARD_H

#include <ward/base.h>
#include <ward/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ward_steward;
struct ward;
struct ward_bridge;

enum ward_strategy {
	WARD_ONE_FOR_ONE, /* a ward that ended is restarted, no other is touched */
	WARD_ONE_FOR_ALL, /* all others are stopped, then all are started */
	WARD_REST_FOR_ONE /* so with those that were started after it */
};

enum ward_restart {
	WARD_ALWAYS,	 /* whatever it ended with */
	WARD_ON_FAILURE, /* unless it returned 0 */
	WARD_NEVER
};

/* What a root does that has given up, after it stopped its wards and told. */
enum ward_last {
	WARD_LAST_TELL,	  /* no more: gave_up() may do it */
	WARD_LAST_STARVE, /* stops feeding the service manager's watchdog;
			     with WARD_STEWARD_NOTIFY only */
	WARD_LAST_ABORT	  /* prints the report, abort() */
};

enum {
	/* The tree's pool has WARD_POOL_NOTIFY: it tells the service manager how
	 * it is, and feeds it while it is well.  STOPPING=1 comes with the root's
	 * ward_steward_stop() or _destroy().  Root only. */
	WARD_STEWARD_NOTIFY = 1u << 0,
	/* 'restarts' is none, and not its default: gives up at the first end that
	 * would be one.  'restarts' must be 0. */
	WARD_STEWARD_NO_RESTARTS = 1u << 1
};

/* Zero is a good default everywhere.  Copied. */
struct ward_steward_config {
	uint32_t size;	/* set by WARD_STEWARD_CONFIG_INIT */
	uint32_t flags; /* WARD_STEWARD_* */
	const char *name; /* up to 11 bytes; default "steward" */
	struct ward_steward *parent; /* NULL: a root */
	enum ward_strategy strategy;
	/* More restarts than this, counted with half-life 'within': give up.
	 * Default 3 within 5 s. */
	uint32_t restarts;
	ward_ns within;
	/* On a worker, when this steward has given up and its wards have ended;
	 * before its parent is told. */
	void (*gave_up)(void *arg, struct ward_steward *steward);
	void *arg;
	/* The rest is the root's only; a steward with a parent leaves it zero. */
	enum ward_last last;
	uint32_t wards; /* that run at once in the whole tree, 1..1024; default 16 */
	const struct ward_pool_config *pool; /* of the threads: 'workers' and
						'name' are replaced; or NULL */
};
#define WARD_STEWARD_CONFIG_INIT WARD_SIZED_INIT_(struct ward_steward_config)

/* Zero is a good default where no word says otherwise.  Copied. */
struct ward_spec {
	uint32_t size;	/* set by WARD_SPEC_INIT */
	uint32_t flags; /* must be 0 */
	const char *name; /* static string for reports, or NULL */
	int (*run)(void *arg); /* the ward; required */
	void *arg;
	/* On a worker, once for each end of run(), before any restart: with what
	 * it returned or, if it was lost, as done() is told (task.h).  A thread
	 * that lost the attempt may still be inside run().  It is a task of its
	 * own: if it hangs or dies, that is told, and the ward goes on. */
	void (*ended)(void *arg, int status);
	enum ward_restart restart;
	uint32_t reserved; /* must be 0 */
	ward_ns busy_within, blocked_within, progress_within; /* as in ward_policy */
	ward_ns stop_within; /* from the request to stop until it is fenced; 5 s */
	ward_ns backoff_min, backoff_max; /* as in ward_policy, from one restart to
					     the next; forgotten after a run that
					     was longer than backoff_max (which is
					     0, or not below backoff_min) */
	size_t state;	     /* bytes that ward_checkpoint() may keep, up to
				1 GiB; 0: none */
	struct ward_bridge *bridge; /* closed when the ward is gone for good */
};
#define WARD_SPEC_INIT WARD_SIZED_INIT_(struct ward_spec)

/*
 * Makes a steward; a root also starts its threads.
 * -EINVAL: NULL, wrong size, unknown flag or value, root's settings on a child;
 * -ENAMETOOLONG; -ENOMEM; -ESHUTDOWN: the parent is stopping; and what
 * ward_pool_create() (-EALREADY: another pool tells the service manager) and
 * ward_pool_start() may answer.  On error *out is untouched.
 */
WARD_API WARD_MUST int
ward_steward_create(struct ward_steward **out,
		    const struct ward_steward_config *config);

/*
 * Stops every ward below, in the reverse order of their start, each by its own
 * deadline, and stewards below in the same order.  Nothing is started after.
 * 0;
 * -ETIMEDOUT: not all have ended by then: call again; -EDEADLK: on a thread of
 * this tree; -EINVAL; -ECHILD.
 */
WARD_API int ward_steward_stop(struct ward_steward *steward, ward_ns until);

/*
 * Stops it, if that was not done, and frees it, and all stewards below it.  The
 * handles of those are gone, too; wards stay valid for those who hold them.
 * Returns 0, or how many threads are still inside of wards (a root only, as
 * ward_pool_destroy()); -EDEADLK; -EINVAL.  Of a steward that is no root 0: what
 * has not ended by then is stopped without its handle.  In a child after fork it
 * frees the pool's copy, and returns 0.
 */
WARD_API int ward_steward_destroy(struct ward_steward *steward, ward_ns until);

/*
 * Starts a ward.  The caller holds one reference: ward_put() it, also if *out is
 * not wanted any more at once.  -EINVAL; -ENOMEM; -EAGAIN: as many wards as
 * 'wards' are in this tree; -ESHUTDOWN: the steward, or one above, is stopping or
 * has given up; -ECHILD.  On error *out is untouched.  *out is set before run()
 * begins.
 */
WARD_API WARD_MUST int ward_start(struct ward **out,
				  struct ward_steward *steward,
				  const struct ward_spec *spec);

/*
 * Asks the ward to stop for good, and waits for it: ward_check() inside it says
 * -ECANCELED, ward_pause() returns.  If it has not ended in spec.stop_within it is
 * fenced.  0: it is gone, or lost to its fence; -ETIMEDOUT; -EDEADLK: from inside
 * of itself, or of its 'ended'; -EINVAL; -ECHILD; and in a task what ward_check()
 * says: the caller was told to stop meanwhile.
 */
WARD_API int ward_stop(struct ward *ward, ward_ns until);

/*
 * The same for one incarnation: another is started when it has ended, and counts
 * neither as failure nor for the intensity; one that waits for its backoff is
 * started at once.  Does not wait; also from inside of it.  0; -ESHUTDOWN: it, or
 * a steward above, is stopping or gone; -EINVAL; -ECHILD.
 */
WARD_API int ward_restart(struct ward *ward);

/*
 * Waits until the ward is gone for good; *status (may be NULL) is what its last
 * incarnation ended with.  Answers as ward_stop().
 */
WARD_API int ward_wait(struct ward *ward, ward_ns until, int *status);

/* Gives the caller's reference back.  The ward goes on. */
WARD_API void ward_put(struct ward *ward);

/* What is to be seen of a ward from outside. */
struct ward_view {
	uint32_t size;
	uint32_t starts;   /* incarnations so far */
	uint32_t failures; /* of those that ended: not with 0, and not asked to */
	int32_t status;	   /* what the last one that ended, ended with */
	bool running, gone;
	uint64_t beats, units; /* of all its incarnations: they never go back */
};
#define WARD_VIEW_INIT WARD_SIZED_INIT_(struct ward_view)
/* -EINVAL: NULL, wrong size; -ECHILD. */
WARD_API int ward_view(struct ward *ward, struct ward_view *view);

/*
 * Waits until the ward's pulse has moved on from *beats and *units, and tells them
 * anew.  Lossy (it sees the last, not each), looks once a millisecond, never slows
 * the ward.  In a task or another ward it is a declared block, as ward_block_enter(), no
 * sign of life, and ends when that is told to stop.  0; -ETIMEDOUT: a silent producer;
 * -EPIPE: gone for good, and nothing new; -EINVAL; -ECHILD; or what ward_check() says.
 */
WARD_API int ward_pulse_wait(struct ward *ward, uint64_t *beats, uint64_t *units,
			     ward_ns until);

/* ---- for code inside a ward ------------------------------------------------- */

/*
 * Keeps len bytes for the next incarnation, with a number of the caller's own.
 * The next one sees all of it, or all of what was kept before; never a part.  Once
 * a later incarnation has asked, or kept something, no earlier one keeps any more.
 *	-EINVAL		buf is NULL
 *	-EPERM		not in a ward, or spec.state is 0
 *	-EMSGSIZE	len is more than spec.state
 *	-ESTALE		this incarnation was fenced
 *	-ENOMEM		no memory, at the first two of a ward; or 62 of its lost
 *			incarnations are held inside of this call
 */
WARD_API int ward_checkpoint(const void *buf, size_t len, uint64_t seq);

/*
 * What the last checkpoint of this ward was, in this incarnation or an earlier
 * one.  *len is the room in buf, and then what was kept.  seq may be NULL.
 *	-EINVAL		buf or len is NULL
 *	-EPERM		as above
 *	-ENODATA	nothing was kept
 *	-EMSGSIZE	*len says how much room it needs
 *	-ESTALE		this incarnation was fenced; buf may hold anything
 */
WARD_API int ward_resume(void *buf, size_t *len, uint64_t *seq);

#ifdef __cplusplus
}
#endif
#endif
