/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork.h - work that is cut in parts inside of a task: fork, go on, join.
 *
 *	struct sum { struct ward_fork fork; ... };
 *
 *	struct ward_group group = { 0 };
 *	struct sum left = { .fork.run = sum_run, ... };
 *
 *	ward_fork(&group, &left.fork);	idle workers may take it from here on
 *	right = ...;			go on
 *	err = ward_join(&group);	it has ended now, here or elsewhere
 *
 * Forks stay on the worker that made them, the newest first, until another one has
 * nothing else to do: that one steals the oldest.  A fork that nobody steals is a
 * plain call by ward_join(), and costs nanoseconds.  Forks fork in their turn.
 *
 * A fork is part of the attempt of the task that made it, wherever it runs: the same
 * token, attempt, right to commit, fence number and checkpoints, and the same lane and
 * ward that it must not wait for.  It hears in ward_check() and where it waits in the
 * library that the task was cancelled or fenced, and of the end of the pool; one that is
 * stolen after that does not begin, and join returns the cause.  It has the patience of
 * the same policy.  It must be fit to run on another thread than its maker's: ward_self()
 * tells of that one's worker.  There it is
 * supervised like an attempt of its own.  What becomes of it comes out of
 * ward_join() where it was stolen; where it was not, it happened in the attempt:
 *
 *			stolen: join returns		not stolen
 *	run() fails	its error			join returns the error
 *	ward_raise()	its error			ends the attempt
 *	fault, caught	-EFAULT				ends the attempt
 *	thread leaves	-EOWNERDEAD			ends the attempt
 *	hangs		nothing, see below		the attempt hangs
 *
 * A stolen fork that hangs is convicted, and its thread replaced.  But join cannot
 * return while that thread is still inside of it, since it uses the frame that join
 * would return to.  So the attempt that waits for it is convicted at once, too, and
 * answered -ETIME, as it would be had it run the fork itself; or, if the thread
 * comes home first, join returns -ETIME.
 *
 * Memory.  Fork and group are the caller's, and usually on its stack.  They must
 * stay until their join has returned.  An attempt that leaves run() otherwise
 * (ward_raise(), a caught fault, the end of its thread) takes its forks back that
 * nobody has begun, and waits for the others before it leaves; one that returns
 * from run() without having joined, too, but then the frame is gone already.  An
 * exception must not leave a frame with forks.
 */
#ifndef WARD_FORK_H
#define WARD_FORK_H

#include <ward/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One part.  In a group the library does not touch it after run() has returned. */
struct ward_fork {
	int (*run)(struct ward_fork *fork); /* 0, or a negative errno value */
	uint64_t priv[2];
};

/* What is joined together.  All-zero is empty, and so it is after a join. */
struct ward_group {
	uint64_t priv[4];
};

/*
 * Makes 'fork' a part of 'group'.  The fork may run now, in the call, if there is
 * no room for more (some hundred wait already on this worker); or later in
 * ward_join(), or on another worker of the pool.  Its memory is the library's
 * until the join.
 *	0		it will have run when ward_join() returns
 *	-EINVAL		NULL, or no run
 *	-EPERM		the group has forks of another thread
 * Any thread; not in a signal handler.  Outside of run(), and on a thread that is
 * no worker, the fork runs now.
 */
WARD_API int ward_fork(struct ward_group *group, struct ward_fork *fork);

/*
 * Runs what is left of the group, and waits for what others have begun of it;
 * while it waits it runs parts of just those.  0; the first error of its forks;
 * -ESTALE: the attempt was fenced, forks that nobody had begun were left out.
 * -EINVAL: NULL; -EPERM: not the thread that forked, which has not joined.
 *
 * To be called by who forked, before it leaves its frame.  It is a sign of life
 * and of progress (one unit).  The wait is no silence as long as those who run the
 * forks are not convicted themselves.
 */
WARD_API int ward_join(struct ward_group *group);

/*
 * One part without a group: the form for fine recursion.  As ward_fork(); its memory is
 * the library's until ward_join_call() has returned, and until then it is not forked again.
 *	0		it will have run when ward_join_call() returns
 *	-EINVAL		NULL, or no run
 */
WARD_API int ward_fork_call(struct ward_fork *fork);

/*
 * As ward_join(), of that fork.  'run' is the fork's own: where nobody has stolen it, that
 * is a call which the compiler knows, and may inline.
 *	0		run() returned 0, or it was joined already
 *	-ESTALE		the attempt was fenced, and nobody had begun the fork
 *	-EINVAL		NULL, or a fork of a group
 *	-EPERM		not the thread that forked
 *	else		what run() returned, or what became of it where it was stolen
 */
WARD_API int ward_join_call(struct ward_fork *fork,
			    int (*run)(struct ward_fork *fork));

#if defined(__GNUC__)
#define WARD_RARE_(condition) __builtin_expect(!!(condition), 0)
#else
#define WARD_RARE_(condition) (condition)
#endif

/*
 * Defines a function of one argument that can be forked:
 *
 *	WARD_FORKABLE(uint64_t, fib_call, unsigned, n)
 *	{
 *		struct fib_call_part left;
 *		...
 *		fib_call_fork(&left, n - 1);
 *		right = fib_call(n - 2);
 *		return fib_call_join(&left) + right;
 *	}
 *
 * The function is static.  A part whose join failed (see ward_join_call()) has an 'error',
 * and a result of all-zero bits.
 */
#define WARD_FORKABLE(type, name, argument, as)                                \
	static type name(argument as);                                         \
	struct name##_part {                                                   \
		struct ward_fork fork;                                         \
		argument as;                                                   \
		type result;                                                   \
		int error;                                                     \
	};                                                                     \
	static inline int name##_run(struct ward_fork *fork)                   \
	{                                                                      \
		struct name##_part *part =                                     \
			ward_entry(fork, struct name##_part, fork);            \
                                                                               \
		part->result = name(part->as);                                 \
		return 0;                                                      \
	}                                                                      \
	static inline void name##_fork(struct name##_part *part,               \
				       argument as)                            \
	{                                                                      \
		part->fork.run = name##_run;                                   \
		part->as = as;                                                 \
		(void)ward_fork_call(&part->fork);                             \
	}                                                                      \
	static inline type name##_join(struct name##_part *part)               \
	{                                                                      \
		static struct name##_part none; /* C++: not const */           \
                                                                               \
		part->error = ward_join_call(&part->fork, name##_run);         \
		if (WARD_RARE_(part->error))                                   \
			part->result = none.result;                            \
		return part->result;                                           \
	}                                                                      \
	static type name(argument as)

#if defined(__GNUC__)
/*
 * Private: what the four calls do where nothing is rare, inlined, because a fork that
 * nobody steals is to cost no more than a call.  The library defines them from the same
 * text, so all that holds of it is proven there (lib/sync/deque.h).
 */

/*
 * A worker's words, at ward_pulse_.  Their places go with that name: never changed.  The
 * library has another type for them, so these accesses may alias.
 */
struct ward_fork_words_ {
	struct ward_pulse pulse;
	uint64_t hidden_1[2]; /* [0]: another for each attempt (ward/cxx/asio.h) */
	uint64_t fence; /* not 0: the attempt was, or may be, fenced */
	uint64_t hidden_2[3];
	uint64_t bottom; /* of the deque */
	uint64_t room;
	struct ward_fork **cell;
	const uint64_t *asleep;
	const bool *light;
	uint64_t hidden_3[3];
	uint64_t split;
} __attribute__((__may_alias__));

#ifndef WARD_FORK_CELLS_
#define WARD_FORK_CELLS_ 512
#endif
#define WARD_FORK_ALONE_ ((uint64_t)1) /* in place of a group */
#define WARD_FORK_ASKED_ ((uint64_t)1 << 32)  /* in 'split' */
#define WARD_FORK_ASLEEP_ ((uint64_t)0x3ffffff) /* in '*asleep' */

#ifndef WARD_LOAD_ /* the simulator has its own */
#define WARD_OWN_(p) (*(p)) /* that nobody else writes */
#define WARD_LOAD_(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define WARD_STORE_(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define WARD_RELEASE_(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define WARD_LIGHT_() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#endif
#ifndef WARD_FORK_CALL_
#define WARD_FORK_CALL_                                                        \
	extern inline __attribute__((__gnu_inline__, __always_inline__))
#define WARD_FORK_PART_ WARD_FORK_CALL_
#endif

WARD_API int ward_fork_slow_(struct ward_group *group, struct ward_fork *fork);
WARD_API int ward_join_slow_(struct ward_group *group);
WARD_API int ward_fork_call_slow_(struct ward_fork *fork);
WARD_API int ward_join_call_slow_(struct ward_fork *fork);
WARD_API int ward_fork_tell_(void);

WARD_FORK_PART_ struct ward_fork_words_ *ward_fork_words_(void)
{
	return (struct ward_fork_words_ *)(void *)ward_pulse_;
}

/* There is room. */
WARD_FORK_PART_ int ward_fork_push_(struct ward_fork_words_ *words,
				    uint64_t bottom, struct ward_fork *fork)
{
	WARD_STORE_(&words->cell[bottom % WARD_FORK_CELLS_], fork);
	WARD_RELEASE_(&words->bottom, bottom + 1); /* [dp] */
	WARD_LIGHT_(); /* [B] forked | does anybody sleep? */
	if (WARD_RARE_(WARD_LOAD_(words->asleep) & WARD_FORK_ASLEEP_ ||
		       WARD_LOAD_(&words->split) & WARD_FORK_ASKED_ ||
		       !__atomic_load_n(words->light, __ATOMIC_RELAXED)))
		return ward_fork_tell_();
	return 0;
}

/* The newest fork, if it is the owner's alone, and 'only' or of that group; or NULL. */
WARD_FORK_PART_ struct ward_fork *ward_fork_take_(struct ward_fork_words_ *words,
						  struct ward_group *group,
						  struct ward_fork *only)
{
	uint64_t bottom = WARD_OWN_(&words->bottom) - 1;
	struct ward_fork *fork;
	uint32_t above;

	WARD_RELEASE_(&words->bottom, bottom); /* [dp] */
	WARD_LIGHT_(); /* [dt] lowered | is the limit below? */
	above = (uint32_t)bottom - (uint32_t)WARD_LOAD_(&words->split);
	if (!WARD_RARE_((int32_t)above < 0)) {
		fork = WARD_OWN_(&words->cell[bottom % WARD_FORK_CELLS_]);
		if (!WARD_RARE_((group ? fork->priv[0] != (uintptr_t)group :
					 fork != only) ||
				WARD_LOAD_(&words->fence)))
			return fork;
	}
	WARD_RELEASE_(&words->bottom, bottom + 1); /* [dp] it is there still */
	return NULL;
}

/* ward_progress(1): units alone are a beat, too. */
WARD_FORK_PART_ void ward_fork_progress_(struct ward_fork_words_ *words)
{
	__atomic_store_n(&words->pulse.units, words->pulse.units + 1,
			 __ATOMIC_RELAXED);
}

WARD_FORK_CALL_ int ward_fork(struct ward_group *group, struct ward_fork *fork)
{
	struct ward_fork_words_ *words = ward_fork_words_();
	uint64_t bottom;

	if (WARD_RARE_(!words || !group || !fork || !fork->run ||
		       (group->priv[0] && group->priv[0] != (uintptr_t)words)))
		return ward_fork_slow_(group, fork);
	bottom = WARD_OWN_(&words->bottom);
	if (WARD_RARE_(bottom == words->room))
		return ward_fork_slow_(group, fork);
	group->priv[0] = (uintptr_t)words;
	group->priv[1]++;
	fork->priv[0] = (uintptr_t)group;
	return ward_fork_push_(words, bottom, fork);
}

/* Of one fork: what is left of a wider group costs a call. */
WARD_FORK_CALL_ int ward_join(struct ward_group *group)
{
	struct ward_fork_words_ *words = ward_fork_words_();
	struct ward_fork *fork;
	int status;

	if (WARD_RARE_(!group || group->priv[0] != (uintptr_t)words ||
		       group->priv[1] != 1 ||
		       !(fork = ward_fork_take_(words, group, NULL))))
		return ward_join_slow_(group);
	group->priv[1] = 0;
	status = fork->run(fork);
	if (WARD_RARE_(status) && !group->priv[2])
		group->priv[2] = (uint64_t)(int64_t)status;
	/* What it has forked itself into the group is there still. */
	if (WARD_RARE_(group->priv[2] | group->priv[1]))
		return ward_join_slow_(group);
	ward_fork_progress_(words);
	group->priv[0] = 0;
	return 0;
}

WARD_FORK_CALL_ int ward_fork_call(struct ward_fork *fork)
{
	struct ward_fork_words_ *words = ward_fork_words_();
	uint64_t bottom;

	if (WARD_RARE_(!words || !fork || !fork->run))
		return ward_fork_call_slow_(fork);
	bottom = WARD_OWN_(&words->bottom);
	if (WARD_RARE_(bottom == words->room))
		return ward_fork_call_slow_(fork);
	fork->priv[0] = WARD_FORK_ALONE_;
	WARD_STORE_(&fork->priv[1], (uintptr_t)words);
	return ward_fork_push_(words, bottom, fork);
}

WARD_FORK_CALL_ int ward_join_call(struct ward_fork *fork,
				   int (*run)(struct ward_fork *fork))
{
	struct ward_fork_words_ *words = ward_fork_words_();

	if (WARD_RARE_(!words || !fork || !run ||
		       !ward_fork_take_(words, NULL, fork)))
		return ward_join_call_slow_(fork);
	fork->priv[0] = 0;
	ward_fork_progress_(words);
	return run(fork);
}
#endif

#ifdef __cplusplus
}
#endif
#endif
