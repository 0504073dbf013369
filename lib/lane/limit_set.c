/* SPDX-License-Identifier: BSD-2-Clause */
#include "lane/limit_set.h"
#include "base/host.h"

static void count_users(const struct limit_set *set, uint32_t by)
{
	for (uint32_t i = 0; i < set->n; i++)
		add_acq_rel(&limit_of(set->limit[i])->users, by); /* [lu] */
}

/* A set that was used before, CLOSED for the caller. */
static struct limit_set *reuse(struct limit_set *_Atomic *all)
{
	struct limit_set *set = load_acquire(all); /* [lm] */
	uint32_t free;

	for (; set; set = set->next) {
		free = 0;
		if (cas_acq_rel(&set->refs, &free, LIMIT_SET_CLOSED)) /* [lm] */
			return set;
	}
	return NULL;
}

static struct limit_set *add(struct limit_set *_Atomic *all)
{
	struct limit_set *set = host_alloc(sizeof(*set));
	struct limit_set *first = load_relaxed(all);

	if (!set)
		return NULL;
	store_relaxed(&set->refs, LIMIT_SET_CLOSED);
	do {
		set->next = first;
	} while (!cas_acq_rel(all, &first, set)); /* [lm] */
	return set;
}

struct limit_set *limit_set_new(struct limit_set *_Atomic *all,
				struct ward_limit *const *limits, uint32_t n)
{
	struct limit_set *set = reuse(all);

	if (!set)
		set = add(all);
	if (!set)
		return NULL;
	set->n = n;
	for (uint32_t i = 0; i < n; i++)
		set->limit[i] = limits[i];
	set->drawn.n = 0;
	store_relaxed(&set->gone, 0);
	count_users(set, 1);
	store_release(&set->refs, 1); /* [lm] */
	return set;
}

void limit_sets_free(struct limit_set *all)
{
	struct limit_set *next;

	for (; all; all = next) {
		next = all->next;
		host_free(all, sizeof(*all));
	}
}

/* False: it has no reference, nor will before it is made anew. */
static bool hold(struct limit_set *set)
{
	uint32_t refs = load_relaxed(&set->refs);

	do {
		if (!refs || refs & LIMIT_SET_CLOSED)
			return false;
	} while (!cas_acq_rel(&set->refs, &refs, refs + 1)); /* [lm] */
	return true;
}

struct limit_set *limit_set_get(struct limit_set *_Atomic *from)
{
	struct limit_set *set;

	while ((set = load_acquire(from))) { /* [lm] */
		if (!hold(set))
			continue;
		if (load_acquire(from) == set) /* [lm] still the lane's */
			return set;
		limit_set_put(set);
	}
	return NULL;
}

void limit_set_put(struct limit_set *set)
{
	uint32_t refs = load_relaxed(&set->refs);

	while (!cas_acq_rel(&set->refs, &refs, /* [lm] */
			    refs == 1 ? LIMIT_SET_CLOSED : refs - 1))
		;
	if (refs > 1)
		return;
	count_users(set, -UINT32_C(1));
	store_release(&set->refs, 0); /* [lm] */
}

void limit_set_end(struct limit_set *set)
{
	swap_acq_rel(&set->gone, 1);
	host_wake(&set->gone, INT32_MAX);
}
