/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cancel.h - asking work to stop.
 *
 * A token is fired once, with a cause, and stays fired.  It fires when somebody
 * fires it, when a token that it is linked to fires, or when its deadline comes.
 * Tasks that carry it (task->cancel) see it in ward_check(); nothing is
 * interrupted.  What waits inside the library on behalf of such a task ends:
 * ward_pause(), a bridge, a submit for which there is no room.  And so does the task
 * that waits itself, for its turn, its time, a rerun, a limit: it is answered with the
 * cause about one scan later (ward_pool_config.scan), also if all workers are busy.
 *
 *	live, no deadline	cause 0; the look is one load
 *	live until ...		cause 0; the look reads the clock, too
 *	fired			the first cause, for good
 *
 * A token has no thread of its own.  That its deadline has come is found by who
 * looks: every call here does, and ward_check() of each task that carries it.
 * The first look fires it with -ETIMEDOUT, and tells those who watch it.
 *
 * Callbacks are called by the thread that fires; or, if another thread is just
 * then inside ward_cancel_watch(), _unwatch(), _link(), _fini() or _deadline() of
 * the same token, that one, before its call returns.  So firing waits for nobody.
 * A child fires in the same way: it may be live for a moment though its parent has
 * fired, until the call that fires that, or such a call of another thread, is over.
 * No lock is held meanwhile: a callback may submit, fire any token, and watch and
 * take back watches of any, its own too.  It must return: no ward_raise(), no
 * pthread_exit(); and a fault in it is not caught.
 *
 * Callers may be any thread, inside tasks or outside; in signal handlers only
 * ward_cancel_fire() and ward_cancel_cause(), and then callbacks may run there.
 * In the child of a fork a token that other threads of the parent were using may
 * be looked at, fired and made anew with ward_cancel_init(), no more.
 */
#ifndef WARD_CANCEL_H
#define WARD_CANCEL_H

#include <ward/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Caller-owned, all-zero is live.  Must outlive every task that carries it, every
 * link to or from it, and every call on it.
 */
struct ward_cancel {
	uint64_t priv[8];
};

/*
 * One watch or one link, caller-owned; all-zero but for 'fn' before its first use.
 * It must stay until it was told or taken back; a link until it was taken back.
 */
struct ward_watch {
	void (*fn)(struct ward_watch *watch, int cause);
	uint64_t priv[6];
};

/* Makes the token live (again).  Not while anybody carries, watches or links it. */
WARD_API void ward_cancel_init(struct ward_cancel *token);

/*
 * Before its memory is used for something else, if it was ever linked or watched, or
 * another thread may have fired it: takes the links to its parents back, and waits for
 * a thread that is telling it just now, and for the call that fired it, until they have
 * done with it.  (So who wakes up in ward_cancel_wait() may end it; a call that may
 * still come to fire it, and finds it fired, is its owner's to prevent.)
 *	0		no other token knows it any more
 *	-EBUSY		a watch was neither told nor taken back, or a child is
 *			still linked to it; nothing has changed
 *	-EDEADLK	from inside a callback of it, or of a child of it
 *	-EINVAL		token is NULL
 */
WARD_API int ward_cancel_fini(struct ward_cancel *token);

/*
 * Fires the token with 'cause', a negative errno value; 0 or a positive value
 * stands for -ECANCELED.  True for the one call that fired it, false if it was
 * fired before (the first cause stays), or its deadline has come, or token is NULL.
 * Any thread, also a signal handler; lock-free but for what callbacks do.
 */
WARD_API bool ward_cancel_fire(struct ward_cancel *token, int cause);

/*
 * The cause, or 0 while the token is live or NULL.  One load, and a look at the
 * clock where it has a deadline.
 */
WARD_API int ward_cancel_cause(const struct ward_cancel *token);

/*
 * From 'at' on (CLOCK_MONOTONIC, as everywhere; WARD_FOREVER changes nothing) the
 * token's cause is -ETIMEDOUT.  Of several deadlines the earliest counts; children
 * have it too, also those that are linked later.  One that has passed fires it at
 * once.  0, also if it was fired before; -EINVAL: token is NULL.
 */
WARD_API int ward_cancel_deadline(struct ward_cancel *token, ward_ns at);

/*
 * Another deadline in place of the one that the token has, a later one too;
 * WARD_FOREVER: none.  What it has from the tokens that it is linked to holds all the
 * same.  Not while it is just being linked to one; not in a signal handler.
 *	0		it is so
 *	-EALREADY	it was fired, or its deadline has come; nothing has changed
 *	-EBUSY		others are linked to it, and have its deadline for good
 *	-EINVAL		token is NULL
 */
WARD_API int ward_cancel_move(struct ward_cancel *token, ward_ns at);

/*
 * watch->fn(watch, cause) is called exactly once, when the token fires: at once,
 * before this returns, if it has fired.  From then on the watch is the caller's
 * again: fn may free it or use it anew.  The token that a ward runs with is fired
 * under a lock of its stewards: there fn must not call what is in steward.h.
 *	0		it was told, or will be
 *	-EBUSY		it is on a token already
 *	-EINVAL		an argument, or watch->fn, is NULL
 */
WARD_API int ward_cancel_watch(struct ward_cancel *token,
			       struct ward_watch *watch);

/*
 * Takes a watch back, or a link ('token' is the parent then).  True: it was not
 * told, and will not be.  False: it was, or is not on this token.  When it
 * returns, the callback (of a link: the child's callbacks) is not running and will
 * not run, except from inside of it, where it returns at once.  It waits for that,
 * so two callbacks must not take each other back.
 */
WARD_API bool ward_cancel_unwatch(struct ward_cancel *token,
				  struct ward_watch *watch);

/*
 * From now on 'child' fires when 'parent' does, with its cause, and has its
 * deadline; at once, if it has fired.  Any number of parents ("or"), any depth:
 * telling needs no more stack.  A circle is of no use but does no harm: it fires as
 * a whole.  watch->fn is not used.  Ends with ward_cancel_unwatch(parent, watch) or
 * ward_cancel_fini(child), either of which comes before the parent's own end.
 *	0		linked
 *	-EBUSY		the watch is on a token already
 *	-EINVAL		an argument is NULL, or child and parent are the same
 */
WARD_API int ward_cancel_link(struct ward_cancel *child,
			      struct ward_cancel *parent,
			      struct ward_watch *watch);

/*
 * Sleeps until the token fires.  Inside of a task also until ward_check() would
 * not say 0; like ward_pause() it is no sign of life, and not declared.
 *	0		it has fired: ward_cancel_cause() says why
 *	-ETIMEDOUT	it has not by 'until'
 *	-EINVAL		token is NULL
 *	else		what ward_check() says
 */
WARD_API int ward_cancel_wait(struct ward_cancel *token, ward_ns until);

/*
 * The token of the task that the caller is inside of, to pass down; NULL if it has
 * none, or outside of run().
 */
WARD_API struct ward_cancel *ward_token(void);

#ifdef __cplusplus
}
#endif
#endif
