/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limit.h - so many a second, and no more.
 *
 * A limit is a bucket of tokens: it holds 'burst' of them, begins full, and gets
 * 'per_s' new ones a second for as long as it is not full.  Tokens are taken
 * before the limited thing is done.
 *
 * Takers get never more than burst + per_s * time, in whatever time one looks
 * at: counted at the points in time to which tokens are granted.  A taker that waits
 * is granted tokens that are not there yet, and returns at that point, or as much
 * later as the machine is late; also, where another of several limits makes it wait
 * longer.  No rounding is ever in favour of the taker: the rate is too small by up
 * to a part in 67 million and 1/32 ns for each token.
 *
 * Several limits are taken from together, all or none: an array of them, and of each
 * all those that it is under (ward_limit_under()).  So a set may contain sets.  A
 * limit that is in a set in several ways counts once.
 *
 * Lock-free: nobody who is stopped anywhere keeps others from taking.  A limit costs
 * nothing while nobody takes, and owns nothing: there is no end to it but that of
 * its memory; ward_limit_fini() says when that may be, where lanes have it.  It is for
 * one process; a copy in a forked child is another limit.
 */
#ifndef WARD_LIMIT_H
#define WARD_LIMIT_H

#include <ward/base.h>
#include <ward/cancel.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Caller-owned: static, on the stack, inside your own struct.  Must not move, and
 * must outlive everybody who takes from it, and all that is under it. */
struct ward_limit {
	uint64_t priv[4];
};

/* As many limits as a set may have, counting those that others are under. */
#define WARD_LIMITS_MAX 16

/*
 * A full bucket, under nothing.  Not while it is in use.
 *	0
 *	-EINVAL		limit is NULL; per_s is not a number, not above 0, or above
 *			1e9; burst is not 1..2^31
 *	-ERANGE		burst / per_s is more than two years
 */
WARD_API WARD_MUST int ward_limit_init(struct ward_limit *limit, double per_s,
				       uint32_t burst);

/*
 * Changes rate and burst while it is in use; who takes just now does so by the old
 * ones or by the new ones.  What is saved up is counted in time, not in tokens:
 * after a rest of a second it is a second's tokens of the new rate, no more than the
 * new burst.  Points in time that were granted stay.  Any thread; errors as init,
 * -EINVAL also if it was never initialised.
 */
WARD_API int ward_limit_set(struct ward_limit *limit, double per_s,
			    uint32_t burst);

/*
 * Before its memory is used for something else, if a lane that lives on had it: lanes have
 * let go of it, and touch it no more.  (For those who take from it by themselves, and for
 * limits under it, its owner knows.)
 *	0		it may be initialised anew
 *	-EBUSY		it is one of a lane's limits; or was, and a thread of that lane has
 *			not done with it: ask again.  Nothing has changed
 *	-EINVAL		limit is NULL, or is not initialised
 * Any thread; does not wait.
 */
WARD_API int ward_limit_fini(struct ward_limit *limit);

/*
 * From now on, who takes from 'limit' takes as much from 'above' and from all that
 * that is under.  NULL: it is under nothing again.  Not while anybody is taking.
 *	0
 *	-EINVAL		limit is NULL, or one of them is not initialised
 *	-ELOOP		above is limit, or under it
 *	-E2BIG		that would make more than WARD_LIMITS_MAX
 */
WARD_API int ward_limit_under(struct ward_limit *limit,
			      struct ward_limit *above);

/*
 * Takes n tokens from each of nlimits limits, and of what they are under; from all,
 * or from none.  WARD_NOWAIT: now or not at all.  Else waits for them; where it is
 * already known that they come after 'until', it returns at once.
 *	0		taken (n or nlimits may be 0: of nothing)
 *	-EAGAIN		WARD_NOWAIT, and they are not there
 *	-ETIMEDOUT	they would come later than until; it did not wait
 *	-EOVERFLOW	they would come in more than four years
 *	-EINVAL		n is more than a burst; limits, or one of them, is NULL or
 *			was never initialised
 *	-E2BIG		more than WARD_LIMITS_MAX
 *	else		it was told to stop while it waited: the cause of 'token'
 *			(may be NULL), or what ward_check() says
 * A taker that stops waiting gives its grant back, where nobody was granted any after
 * it; else the grant is lost: to give it away now would be more than the burst.
 *
 * Waiting is a declared block, as ward_block_enter().  First come, first granted; but
 * a set that waits for one limit has taken from the others meanwhile.  Any thread or
 * task; with WARD_NOWAIT also a signal handler.
 */
WARD_API WARD_MUST int ward_limit_take(struct ward_limit *const *limits,
				       unsigned nlimits, uint32_t n,
				       ward_ns until,
				       struct ward_cancel *token);

/* What was taken; the caller's, and of no meaning to it. */
struct ward_limit_receipt {
	uint64_t priv[1 + 3 * WARD_LIMITS_MAX];
};

/* As ward_limit_take(), and notes in *receipt (not NULL) what it took: what failed, none. */
WARD_API WARD_MUST int
ward_limit_take_noted(struct ward_limit *const *limits, unsigned nlimits,
		      uint32_t n, ward_ns until, struct ward_cancel *token,
		      struct ward_limit_receipt *receipt);

/*
 * Gives back what a receipt says, unused, as if it had never been taken; but from each
 * limit only if nobody has taken from that since: with others behind it, what comes
 * back would be had a second time, above the burst.  After it the receipt is empty.
 *	0		all of it (or the receipt was empty)
 *	-ESTALE		of some limits it stays spent
 *	-EINVAL		receipt is NULL
 * One thread at a time for each receipt; the limits must still be there.
 */
WARD_API int ward_limit_give_back(struct ward_limit_receipt *receipt);

/*
 * Tokens a second of the strictest of them all: what the set lets through for long.
 * 0 if there is none, or for what ward_limit_take() would refuse.
 */
WARD_API double ward_limit_strictest(struct ward_limit *const *limits,
				     unsigned nlimits);

#ifdef __cplusplus
}
#endif
#endif
