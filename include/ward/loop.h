/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop.h - a loop whose iterations run on all workers that have nothing else to do.
 *
 *	static int body(uint64_t begin, uint64_t end, void *arg)
 *	{
 *		float *x = arg;
 *
 *		for (uint64_t i = begin; i < end; i++)
 *			x[i] *= 2;
 *		return 0;
 *	}
 *
 *	err = ward_for(0, n, 1, body, x);	inside of a task's run()
 *
 * The loop is cut only when somebody can have a half: lazy binary splitting (Tzannes,
 * Caragea, Barua and Vishkin, 2010) over forks (fork.h).  As long as a half lies there that
 * nobody has taken, the caller goes on alone, in runs of iterations that grow until one
 * takes some ten microseconds, so a grain of 1 costs no more than a large one.  All that
 * fork.h says of forks holds for the parts.  Loops nest.
 *
 * Between two runs the loop asks as ward_check() does, and beats; each run is a unit of
 * progress.  A body whose grain takes longer than the policy's budgets beats itself.
 *
 * On a thread that is no worker, and outside of run(), it is one call of the body.
 */
#ifndef WARD_LOOP_H
#define WARD_LOOP_H

#include <ward/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Calls 'body' for parts of [begin, end), each iteration once, and returns when all calls
 * have.  A part has at least 'grain' iterations (0: 1), unless the range has fewer, or is
 * what is left at its end.  It runs on any worker: the order is none.
 *	0		all have run
 *	-EINVAL		no body, or begin > end: nothing has run
 *	else		what a body returned, a cause of ward_check(), or of a part that was
 *			stolen (fork.h); no part has begun after that was seen
 */
WARD_API int ward_for(uint64_t begin, uint64_t end, uint64_t grain,
		      int (*body)(uint64_t begin, uint64_t end, void *arg),
		      void *arg);

/* The largest result of a part, bytes. */
#define WARD_REDUCE_MAX 256

/*
 * The same for a loop with a result.  'into' is 'size' bytes, aligned for anything, and
 * holds the neutral element (0 of a sum) at the call.  Parts that other workers may have
 * begin with copies of that; 'merge' adds 'from', of the iterations that follow, to 'into'.
 * So it needs to be associative, and no more.  After an error the result is of some
 * iterations.
 *	-EINVAL		also: no merge, no 'into'
 *	-E2BIG		size > WARD_REDUCE_MAX: nothing has run
 */
WARD_API int ward_reduce(uint64_t begin, uint64_t end, uint64_t grain,
			 int (*body)(uint64_t begin, uint64_t end, void *arg,
				     void *into),
			 void (*merge)(void *arg, void *into, const void *from),
			 void *arg, void *into, size_t size);

#ifdef __cplusplus
}
#endif
#endif
