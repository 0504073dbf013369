/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limit.c - limit.h at work: a set is drawn from one limit after the other, and if
 * one has none, the draws before it are undone.  A look at all limits comes first, so
 * that this happens only when another thread draws at the same time.
 */
#include "lane/limit.h"
#include "base/host_about.h"
#include "lane/stop.h"
#include "lane/wait.h"

static inline uint64_t pace(const struct limit *limit)
{
	return load_relaxed(&limit->bucket.pace);
}

/* ---- a set's limits, and those above ------------------------------------------ */

/* The limit's index; hold->n: it is not there. */
static unsigned find(const struct limit_hold *hold, const struct limit *limit)
{
	unsigned i = 0;

	while (i < hold->n && hold->limit[i] != limit)
		i++;
	return i;
}

static bool holds(const struct limit_hold *hold, const struct limit *limit)
{
	return find(hold, limit) < hold->n;
}

static int gather_one(struct limit_hold *hold, struct limit *limit)
{
	if (!limit)
		return -EINVAL;
	/* The limits above a known one are known, too. */
	for (; limit && !holds(hold, limit); limit = limit->above) {
		if (!pace(limit))
			return -EINVAL;
		if (hold->n == WARD_LIMITS_MAX)
			return -E2BIG;
		hold->limit[hold->n++] = limit;
	}
	return 0;
}

static int gather(struct limit_hold *hold, struct ward_limit *const *limits,
		  unsigned nlimits)
{
	int err = nlimits && !limits ? -EINVAL : 0;

	hold->n = 0;
	for (unsigned i = 0; i < nlimits && !err; i++)
		err = gather_one(hold, limit_of(limits[i]));
	return err;
}

int limit_check(struct ward_limit *const *limits, unsigned nlimits)
{
	struct limit_hold hold;

	return gather(&hold, limits, nlimits);
}

static int too_many(const struct limit_hold *hold, uint32_t n)
{
	for (unsigned i = 0; i < hold->n; i++)
		if (n > pace_burst(pace(hold->limit[i])))
			return -EINVAL;
	return 0;
}

/* ---- all or none ------------------------------------------------------------- */

static bool look(const struct limit_hold *hold, uint32_t n, ward_ns now,
		 uint64_t ahead)
{
	struct draw draw;

	for (unsigned i = 0; i < hold->n; i++)
		if (!bucket_look(load_relaxed(&hold->limit[i]->bucket.spent),
				 pace(hold->limit[i]), n, now, ahead, &draw))
			return false;
	return true;
}

static bool draw(struct limit_hold *hold, uint32_t n, ward_ns now,
		 uint64_t ahead)
{
	unsigned all = hold->n;

	if (all > 1 && !look(hold, n, now, ahead))
		return false;
	for (hold->n = 0; hold->n < all; hold->n++) {
		if (bucket_draw(&hold->limit[hold->n]->bucket, n, now, ahead,
				&hold->draw[hold->n]))
			continue;
		limit_undo(hold, NULL);
		return false;
	}
	return true;
}

bool limit_undo(const struct limit_hold *hold, const struct limit_hold *but)
{
	bool all = true;

	for (unsigned i = hold->n; i--;)
		if (!but || !holds(but, hold->limit[i]))
			all &= bucket_undo(&hold->limit[i]->bucket,
					   &hold->draw[i]);
	return all;
}

static ward_ns due(const struct limit_hold *hold, ward_ns now)
{
	ward_ns latest = now;

	for (unsigned i = 0; i < hold->n; i++) {
		ward_ns at = bucket_due(&hold->draw[i], now);

		latest = at > latest ? at : latest;
	}
	return latest;
}

static int refusal(ward_ns until)
{
	if (until == WARD_NOWAIT)
		return -EAGAIN;
	return until == WARD_FOREVER ? -EOVERFLOW : -ETIMEDOUT;
}

int limit_reserve(struct limit_hold *hold, struct ward_limit *const *limits,
		  unsigned nlimits, uint32_t n, ward_ns now, ward_ns until,
		  ward_ns *grant)
{
	int err = gather(hold, limits, nlimits);

	if (!err)
		err = too_many(hold, n);
	if (err)
		return err;
	*grant = now;
	if (n == 0)
		hold->n = 0;
	if (!draw(hold, n, now, bucket_ahead(now, until)))
		return refusal(until);
	*grant = due(hold, now);
	return 0;
}

/* ---- another set ---------------------------------------------------------------- */

ward_ns limit_change(struct limit_hold *next, const struct limit_hold *last,
		     struct ward_limit *const *limits, unsigned nlimits,
		     ward_ns now)
{
	unsigned was;

	if (gather(next, limits, nlimits)) /* they were put under others since */
		next->n = 0;
	for (unsigned i = 0; i < next->n; i++) {
		was = find(last, next->limit[i]);
		if (was < last->n)
			next->draw[i] = last->draw[was];
		else /* false: due in years, and not drawn */
			bucket_draw(&next->limit[i]->bucket, 1, now,
				    BUCKET_AHEAD_MAX, &next->draw[i]);
	}
	return due(next, now);
}

/* ---- public -------------------------------------------------------------------- */

int limit_wait(ward_ns grant, _Atomic uint32_t *gone, struct ward_cancel *token,
	       struct ward_cancel *other)
{
	struct wait_entry entry;
	int cause, why;

	wait_prepare(&entry, gone, grant, WAIT_BLOCK);
	wait_token(&entry, token);
	wait_token(&entry, other);
	why = wait_event(&entry, (cause = ward_cancel_cause(token)) ||
				 (cause = ward_cancel_cause(other)) ||
				 (gone && load_acquire(gone) &&
				  (cause = LIMIT_GONE)));
	/* In time, or because the task is to stop, perhaps for its deadline. */
	if (why == -ETIMEDOUT)
		return stop_self(host_self());
	return why ? why : cause;
}

/* After an error *hold means nothing. */
static int take_into(struct limit_hold *hold, struct ward_limit *const *limits,
		     unsigned nlimits, uint32_t n, ward_ns now, ward_ns until,
		     _Atomic uint32_t *gone, struct ward_cancel *token,
		     struct ward_cancel *other)
{
	ward_ns grant;
	int err = limit_reserve(hold, limits, nlimits, n, now, until, &grant);

	if (err || grant <= now)
		return err;
	err = limit_wait(grant, gone, token, other);
	if (err)
		limit_undo(hold, NULL);
	return err;
}

int limit_take(struct ward_limit *const *limits, unsigned nlimits, uint32_t n,
	       ward_ns now, ward_ns until, _Atomic uint32_t *gone,
	       struct ward_cancel *token, struct ward_cancel *other)
{
	struct limit_hold hold;

	return take_into(&hold, limits, nlimits, n, now, until, gone, token,
			 other);
}

/* The common question: are there n in this one limit? */
static inline enum about look_alone(struct limit *limit, uint32_t n,
				    const struct host_about *about)
{
	uint64_t word;

	if (unlikely(!about->known || !limit || limit->above))
		return UNSURE;
	word = pace(limit);
	if (unlikely(!word || !n || n > pace_burst(word)))
		return UNSURE;
	return bucket_draw_about(&limit->bucket, n, about->from, about->to);
}

static inline int take_alone(struct ward_limit *const *limits, uint32_t n,
			     ward_ns until, struct ward_cancel *token)
{
	struct host_about about = host_about();
	enum about there = look_alone(limit_of(*limits), n, &about);

	if (likely(there == DRAWN))
		return 0;
	if (there == NONE && until == WARD_NOWAIT)
		return -EAGAIN;
	return limit_take(limits, 1, n, host_now_noted(&about), until, NULL,
			  token, NULL);
}

int ward_limit_take(struct ward_limit *const *limits, unsigned nlimits,
		    uint32_t n, ward_ns until, struct ward_cancel *token)
{
	if (likely(nlimits == 1 && limits))
		return take_alone(limits, n, until, token);
	return limit_take(limits, nlimits, n, host_now(), until, NULL, token,
			  NULL);
}

int ward_limit_take_noted(struct ward_limit *const *limits, unsigned nlimits,
			  uint32_t n, ward_ns until, struct ward_cancel *token,
			  struct ward_limit_receipt *receipt)
{
	struct limit_hold *hold = (struct limit_hold *)receipt;
	int err;

	if (!hold)
		return -EINVAL;
	err = take_into(hold, limits, nlimits, n, host_now(), until, NULL, token,
			NULL);
	if (err)
		hold->n = 0;
	return err;
}

int ward_limit_give_back(struct ward_limit_receipt *receipt)
{
	struct limit_hold *hold = (struct limit_hold *)receipt;
	bool all;

	if (!hold)
		return -EINVAL;
	all = limit_undo(hold, NULL);
	hold->n = 0;
	return all ? 0 : -ESTALE;
}

static int pace_for(double per_s, uint32_t burst, uint64_t *out)
{
	if (!(per_s > 0) || per_s > BUCKET_RATE_MAX || !burst ||
	    burst > BUCKET_BURST_MAX)
		return -EINVAL;
	*out = pace_of(per_s, burst);
	return *out ? 0 : -ERANGE;
}

int ward_limit_init(struct ward_limit *handle, double per_s, uint32_t burst)
{
	struct limit *limit = limit_of(handle);
	uint64_t word;
	int err = limit ? pace_for(per_s, burst, &word) : -EINVAL;

	if (err)
		return err;
	host_init(); /* before there is a half of any fence */
	*handle = (struct ward_limit){ { 0 } };
	bucket_init(&limit->bucket, word, host_now());
	return 0;
}

int ward_limit_set(struct ward_limit *handle, double per_s, uint32_t burst)
{
	struct limit *limit = limit_of(handle);
	uint64_t word;
	int err =
		limit && pace(limit) ? pace_for(per_s, burst, &word) : -EINVAL;

	if (!err)
		store_relaxed(&limit->bucket.pace, word);
	return err;
}

int ward_limit_fini(struct ward_limit *handle)
{
	struct limit *limit = limit_of(handle);

	if (!limit || !pace(limit))
		return -EINVAL;
	if (load_acquire(&limit->users)) /* [lu] */
		return -EBUSY;
	store_relaxed(&limit->bucket.pace, 0);
	return 0;
}

int ward_limit_under(struct ward_limit *handle, struct ward_limit *above)
{
	struct limit *limit = limit_of(handle);
	struct limit_hold hold = { .n = 0 };
	int err = limit && pace(limit) ? 0 : -EINVAL;

	if (!err && above)
		err = gather_one(&hold, limit_of(above));
	if (!err && holds(&hold, limit))
		err = -ELOOP;
	if (!err && hold.n == WARD_LIMITS_MAX)
		err = -E2BIG;
	if (!err)
		limit->above = limit_of(above);
	return err;
}

double ward_limit_strictest(struct ward_limit *const *limits, unsigned nlimits)
{
	struct limit_hold hold;
	double least = 0;

	if (gather(&hold, limits, nlimits))
		return 0;
	for (unsigned i = 0; i < hold.n; i++) {
		double rate = pace_rate(pace(hold.limit[i]));

		least = !i || rate < least ? rate : least;
	}
	return least;
}
