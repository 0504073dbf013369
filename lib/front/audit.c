/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * audit.c - do the books add up?
 *
 * Most invariants hold between numbers that different threads write, so they
 * can only be checked of a pool that stands still: every number is read twice,
 * and those checks count only if the two readings are the same and nobody is
 * between two steps.
 */
#include "front/front.h"
#include "heal/heal.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct books {
	struct ward_stats stats;
	uint64_t life[LIFE_GONE + 1]; /* slots by life */
	uint64_t running;	      /* in run(), the answer their own */
	uint64_t inside;	      /* in run(), the answer taken */
	uint64_t raised, ready;
	uint64_t moving; /* sums of all epochs and turns */
};

static void read_books(struct pool *pool, struct books *b)
{
	memset(b, 0, sizeof(*b));
	b->stats.size = sizeof(b->stats);
	ward_pool_stats((struct ward_pool *)pool, &b->stats);
	b->stats.scans = b->stats.looks = 0; /* the steward may go on */
	b->stats.worst_lateness = 0;
	for (uint32_t i = 0; i < pool->slots; i++) {
		const struct slot *slot = &pool->slot[i];
		uint64_t life = load_acquire(&slot->life);
		uint64_t word = load_acquire(&slot->word);

		b->life[LIFE_STATE(life)]++;
		b->moving += life + word;
		if (slot_inside(word) &&
		    load_relaxed(&slot->phase) == SLOT_RUN) {
			if (slot_taken(slot))
				b->inside++;
			else
				b->running++;
		}
	}
	b->raised = load_relaxed(&pool->tell.raised);
}

static void broken(struct ward_audit *audit, unsigned n, const char *what,
		   uint64_t left, uint64_t right)
{
	if (!audit->broken)
		snprintf(audit->first, sizeof(audit->first),
			 "A%u: %s: %llu against %llu", n, what,
			 (unsigned long long)left, (unsigned long long)right);
	audit->broken |= 1u << n;
}

static void equal(struct ward_audit *audit, unsigned n, const char *what,
		  uint64_t left, uint64_t right)
{
	audit->checked |= 1u << n;
	if (left != right)
		broken(audit, n, what, left, right);
}

static void at_most(struct ward_audit *audit, unsigned n, const char *what,
		    uint64_t left, uint64_t right)
{
	audit->checked |= 1u << n;
	if (left > right)
		broken(audit, n, what, left, right);
}

/* These hold at every instant. */
static void check_always(const struct pool *pool, const struct books *b,
			 struct ward_audit *audit)
{
	uint64_t found = load_relaxed(&pool->broken);

	at_most(audit, 1, "answered, accepted", b->stats.answered,
		b->stats.accepted);
	at_most(audit, 6, "zombies, cap", b->stats.zombies, pool->zombie_cap);
	equal(audit, 3, "answers and releases given twice", found >> 3 & 1, 0);
	equal(audit, 8, "ledgers that do not add up", found >> 8 & 1, 0);
}

/* These of a pool that stood still for the length of two readings. */
static void check_still(const struct pool *pool, const struct books *b,
			struct ward_audit *audit)
{
	const struct ward_stats *s = &b->stats;
	const uint64_t *life = b->life;
	uint64_t threads = life[LIFE_BORN] + life[LIFE_SPARE] +
			   life[LIFE_SEATED] + life[LIFE_ZOMBIE] +
			   life[LIFE_GONE];

	equal(audit, 1, "accepted, answered + queued + owed + running",
	      s->accepted, s->answered + s->queued + s->owed + b->running);
	equal(audit, 2, "started, ended + stalled + died + running", s->started,
	      s->ended + s->stalled + s->died + b->running);
	equal(audit, 4, "threads created, seated + spare + zombie + joined",
	      s->threads_created, threads + s->threads_joined);
	equal(audit, 5, "seats, seated + vacant", pool->seats,
	      s->workers + s->vacant);
	equal(audit, 5, "seated threads, taken seats", life[LIFE_SEATED],
	      s->workers);
	equal(audit, 6, "zombies entered, returned + reaped + out",
	      s->zombies_entered,
	      s->zombies_returned + s->zombies_reaped + s->zombies);
	equal(audit, 6, "zombie slots, zombies out", life[LIFE_ZOMBIE],
	      s->zombies);
	equal(audit, 7, "slots, live + waiting + free", pool->slots,
	      threads + life[LIFE_FREE]);
	at_most(audit, 9, "told + suppressed, raised",
		s->reports_told + s->reports_suppressed, b->raised);
	at_most(audit, 9, "raised, told + suppressed + in hand", b->raised,
		s->reports_told + s->reports_suppressed + TELL_RECORDS);
	if (!s->vacant && !s->degraded)
		equal(audit, 10, "queued tasks beside parked workers",
		      s->queued && s->idle, 0);
}

int ward_audit(struct ward_pool *handle, struct ward_audit *audit)
{
	struct pool *pool = (struct pool *)handle;
	struct books first, second;

	if (!pool || !audit || audit->size != sizeof(*audit))
		return -EINVAL;
	if (pool_foreign(pool))
		return -ECHILD;
	*audit = (struct ward_audit)WARD_AUDIT_INIT;
	read_books(pool, &first);
	check_always(pool, &first, audit);
	fence_seq_cst(); /* the second reading is later, whatever is read */
	read_books(pool, &second);
	if (!memcmp(&first, &second, sizeof(first)) &&
	    bell_still(&pool->inbox.bell) && !first.life[LIFE_BORN])
		check_still(pool, &first, audit);
	return audit->broken ? -EUCLEAN : 0;
}
