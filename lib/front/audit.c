/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * audit.c - do the pool's numbers add up?
 *
 * The invariants, and when they hold: docs/states.md.  For a pool that stands still every
 * number is read twice, and no thread may be between two steps (one whose worker is
 * neither parked nor inside a task may be in its local queue), nor anything be healed [I].
 */
#include "front/front.h"
#include "heal/heal.h"
#include <stdio.h>
#include <string.h>

struct totals {
	struct ward_stats stats;
	uint64_t life[LIFE_GONE + 1]; /* slots by life */
	uint64_t running;	      /* in run(), the answer their own */
	uint64_t inside;	      /* in run(), the answer taken */
	uint64_t calling;	      /* in done() or release() */
	uint64_t between;	      /* between two steps */
	uint64_t taken, leaving;      /* seats, as counted */
	uint64_t bench;		      /* 1: it is taken */
	uint64_t slots;		      /* that were ever used */
	struct size size;
	uint64_t raised;
	uint64_t moving; /* the sum of all epochs and lives */
};

static void read_slot(struct pool *pool, const struct slot *slot,
		      struct totals *b)
{
	uint64_t life = load_acquire(&slot->thread.life);
	uint64_t word = load_acquire(&slot->word);

	b->life[LIFE_STATE(life)]++;
	b->moving += life + word;
	/* A slot that never had a thread may just be made. */
	b->between += (LIFE_STATE(life) != LIFE_FREE &&
		       load_relaxed(&slot->local.ring.claim)) ||
		      LIFE_STATE(life) == LIFE_STARTING;
	if (!slot_inside(word))
		b->between += LIFE_STATE(life) == LIFE_SEATED &&
			      !load_relaxed(&pool->inbox.bell
						     .sleeper[slot->index]
						     .parked);
	else if (slot_phase(word) != SLOT_RUN)
		b->calling++;
	else if (slot_taken(slot))
		b->inside++;
	else
		b->running++;
}

static void read_totals(struct pool *pool, struct totals *b)
{
	memset(b, 0, sizeof(*b));
	stats_count(pool, &b->stats);
	b->stats.scans = b->stats.looks = 0; /* the steward may go on */
	b->stats.worst_lateness = 0;
	b->slots = load_acquire(&pool->slots_used);
	for (uint32_t i = 0; i < b->slots; i++)
		read_slot(pool, &pool->slot[i], b);
	for (uint32_t i = 0; i < pool->inbox.rings; i++)
		b->between += load_relaxed(&pool->inbox.ring[i].claim) != 0;
	b->between += !bell_still(&pool->inbox.bell);
	b->taken = SEATS_TAKEN(load_acquire(&pool->seat_count.word));
	b->bench = load_acquire(&pool->seat[seat_of_bench(pool)]) != NULL;
	b->leaving = SEATS_LEAVING(load_acquire(&pool->seat_count.word));
	b->size = size_of(load_acquire(&pool->seat_count.size));
	barrier_seq_cst(); /* [I] */
	b->between += load_acquire(&pool->transitions);
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
static void check_always(const struct pool *pool, const struct totals *b,
			 struct ward_audit *audit)
{
	uint64_t found = load_relaxed(&pool->broken);

	at_most(audit, 1, "answered, accepted", b->stats.answered,
		b->stats.accepted);
	at_most(audit, 6, "zombies, caps", b->stats.zombies,
		pool->zombie_cap + pool->asleep_cap);
	at_most(audit, 6, "zombies asleep, cap", b->stats.zombies_asleep,
		pool->asleep_cap);
	at_most(audit, 5, "wanted seats, those there are", b->stats.wanted,
		pool->seats);
	at_most(audit, 5, "least seats, wanted without those lent",
		b->size.least, b->size.base);
	at_most(audit, 5, "wanted seats without those lent, most", b->size.base,
		b->size.most);
	equal(audit, 3, "answers and releases given twice", found >> 3 & 1, 0);
	equal(audit, 8, "ledgers that do not add up", found >> 8 & 1, 0);
}

/* These of a pool that stood still for the length of two readings. */
static void check_still(const struct totals *b, struct ward_audit *audit)
{
	const struct ward_stats *s = &b->stats;
	const uint64_t *life = b->life;
	uint64_t threads = life[LIFE_STARTING] + life[LIFE_SPARE] +
			   life[LIFE_SEATED] + life[LIFE_ZOMBIE] +
			   life[LIFE_DYING] + life[LIFE_GONE];
	uint64_t attempts = s->ended + s->stalled + s->died + s->faulted +
			    b->running;

	/* A callback's task is counted as answered somewhere on its way. */
	at_most(audit, 1, "answered + queued + owed + running, accepted",
		s->answered + s->queued + s->owed + b->running, s->accepted);
	at_most(audit, 1, "accepted, the same and those in callbacks",
		s->accepted,
		s->answered + s->queued + s->owed + b->running + b->calling);
	/* So is its attempt's end, on the way into a callback. */
	at_most(audit, 2, "ended + stalled + died + faulted + running, started",
		attempts, s->started);
	at_most(audit, 2, "started, the same and those in callbacks",
		s->started, attempts + b->calling);
	equal(audit, 4, "threads created, seated + spare + zombie + joined",
	      s->threads_created, threads + s->threads_joined);
	equal(audit, 5, "taken seats, as counted", s->workers, b->taken);
	equal(audit, 5, "workers that are just leaving", b->leaving, 0);
	equal(audit, 5, "wanted seats, base + lent", s->wanted,
	      b->size.base + b->size.lent);
	if (s->idle) /* parked workers are the first to leave */
		at_most(audit, 5, "taken seats beside parked workers, wanted",
			s->workers, s->wanted);
	equal(audit, 5, "seated threads, taken seats", life[LIFE_SEATED],
	      s->workers + b->bench);
	equal(audit, 6, "zombies entered, returned + reaped + out",
	      s->zombies_entered,
	      s->zombies_returned + s->zombies_reaped + s->zombies);
	equal(audit, 6, "zombie slots, zombies out", life[LIFE_ZOMBIE],
	      s->zombies);
	equal(audit, 7, "slots, live + waiting + free", b->slots,
	      threads + life[LIFE_FREE]);
	at_most(audit, 9, "told + suppressed, raised",
		s->reports_told + s->reports_suppressed, b->raised);
	at_most(audit, 9, "raised, told + suppressed + in hand", b->raised,
		s->reports_told + s->reports_suppressed + TELL_ROOM);
	/*
	 * A submitter may stand between its task and the bell, so both side by side
	 * are no fault.  For two scans they are, and the steward counts that.
	 */
	if (s->rescues || !s->queued || !s->idle)
		equal(audit, 10, "queued tasks stayed beside parked workers",
		      s->rescues, 0);
}

int ward_audit(struct ward_pool *handle, struct ward_audit *audit)
{
	struct pool *pool = (struct pool *)handle;
	struct totals first, second;
	int err = audit && audit->size == sizeof(*audit) ? pool_enter(pool) :
							   -EINVAL;

	if (err)
		return err;
	*audit = (struct ward_audit)WARD_AUDIT_INIT;
	read_totals(pool, &first);
	check_always(pool, &first, audit);
	barrier_seq_cst(); /* the second reading is later, whatever is read */
	read_totals(pool, &second);
	if (!memcmp(&first, &second, sizeof(first)) && !first.between)
		check_still(&first, audit);
	return audit->broken ? -EUCLEAN : 0;
}
