/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish.c - the steward's part of the pool's page (pool/page.h).
 *
 * Atomic fields are read as by any thread.  The rest, names above all, may be gone at any
 * time: it is read as a debugger does (host_peek), and shown if its owner has not moved
 * meanwhile.  So nobody does anything for it but the steward.
 */
#include "heal/heal.h"
#include "lane/lane.h"

enum {
	EVERY_MS = 100,
	SHARE = 50, /* at most this part of the steward's time */
	MOST_MS = 1000,
	PAGE_BYTES = 4096 /* of memory, or a divisor: all or nothing is readable */
};

/* ---- names ----------------------------------------------------------------------- */

/* Up to the end of the string, of the room, or of what can be read. */
static void peek_text(char *to, size_t len, const char *from)
{
	size_t left = PAGE_BYTES - (uintptr_t)from % PAGE_BYTES;
	size_t first = left < len - 1 ? left : len - 1;

	memset(to, 0, len);
	if (!from || !host_peek(from, to, first) || memchr(to, 0, first))
		return;
	if (first < len - 1 && !host_peek(from + first, to + first, len - 1 - first))
		memset(to + first, 0, len - first);
}

/* The name of the task inside, to be confirmed. */
static void name_task(struct publisher *publisher, const struct slot *slot,
		      uint64_t word, char *to, size_t len)
{
	const struct ward_task *task = load_relaxed(&slot->task);
	enum slot_phase phase = slot_phase(word);
	const char *name;

	if (phase != SLOT_RUN && phase != SLOT_DEAD && phase != SLOT_DONE)
		return;
	if (!task || !host_peek(&task->name, &name, sizeof(name)))
		return;
	peek_text(to, len, name);
	publisher->named[publisher->names++] =
		(struct named){ .slot = slot, .word = word, .name = to };
}

/* A worker that has gone on may have freed what was read as its task's name. */
static void confirm_names(struct publisher *publisher)
{
	if (!publisher->names)
		return;
	host_barrier_heavy(); /* [F] its name was read | still there? */
	for (uint32_t i = 0; i < publisher->names; i++) {
		const struct named *named = &publisher->named[i];

		if (load_acquire(&named->slot->word) != named->word) /* [E] */
			*named->name = '\0';
	}
}

/* ---- workers --------------------------------------------------------------------- */

static uint32_t doing(const struct pool *pool, const struct slot *slot,
		      uint64_t word)
{
	static const uint8_t by_phase[] = {
		[SLOT_OUT] = WARD_PAGE_LOOKS,	     [SLOT_RUN] = WARD_PAGE_RUN,
		[SLOT_DEAD] = WARD_PAGE_DEAD,	     [SLOT_DONE] = WARD_PAGE_DONE,
		[SLOT_RELEASE] = WARD_PAGE_RELEASE, [SLOT_HOOK] = WARD_PAGE_HOOK,
	};

	if (!slot_inside(word) &&
	    load_relaxed(&pool->inbox.bell.sleeper[slot->index].parked))
		return WARD_PAGE_PARKED;
	return by_phase[slot_phase(word)];
}

/* For how long the worker has been where it is, as far as was looked. */
static ward_ns inside_for(struct seen *seen, const struct slot *slot,
			  uint64_t word, uint64_t now)
{
	if (seen->slot != slot || seen->word != word)
		*seen = (struct seen){ .slot = slot, .word = word, .since = now };
	return now - seen->since;
}

/* Of a silence that the steward knows of, up to now. */
static void put_silence(struct ward_page_worker *row, const struct history *history,
			const struct slot *slot, uint64_t word, uint64_t now)
{
	/* Of the seat's last worker, perhaps, whose epochs have the same numbers. */
	if (history->last.gen != slot->index + 1 || history->last.word != word ||
	    !slot_inside(word) ||
	    !history->sampled_at || history->stirred)
		return;
	row->ledger = history->silence;
	row->silence = history->silence.silence + now - history->sampled_at;
}

static void put_worker(struct steward *me, uint32_t n, uint32_t seat,
		       const struct slot *slot, uint64_t now)
{
	struct publisher *publisher = &me->publisher;
	struct ward_page_worker *row = &publisher->part->worker[n];
	uint64_t word = load_acquire(&slot->word); /* [E] */
	struct budgets budgets = budgets_of(me->pool, slot);
	bool bench = seat == seat_of_bench(me->pool);

	*row = (struct ward_page_worker){
		.seat = seat,
		.tid = load_relaxed(&slot->thread.tid),
		.doing = doing(me->pool, slot, word),
		.flags = (slot_waits(slot) ? WARD_PAGE_WAITS : 0) |
			 (bench ? WARD_PAGE_BENCH : 0),
		.inside = inside_for(&publisher->seen[n], slot, word, now),
		.started = load_relaxed(&slot->started),
		.beats = __atomic_load_n(&slot->pulse.beats, __ATOMIC_RELAXED),
		.units = __atomic_load_n(&slot->pulse.units, __ATOMIC_RELAXED),
		.busy_within = budgets.busy,
		.blocked_within = budgets.blocked,
		.progress_within = budgets.progress,
	};
	put_silence(row, &me->history[seat], slot, word, now);
	name_task(publisher, slot, word, row->task, sizeof(row->task));
}

static void put_workers(struct steward *me, uint64_t now)
{
	struct page_pool *part = me->publisher.part;
	uint32_t seats = load_acquire(&me->pool->seats_used);
	uint32_t rooms = me->pool->page.workers, n = 0;

	for (uint32_t i = 0; i <= seats; i++) {
		uint32_t seat = i < seats ? i : seat_of_bench(me->pool);
		const struct slot *slot =
			load_acquire(&me->pool->seat[seat]); /* [U] */

		if (slot && n++ < rooms)
			put_worker(me, n - 1, seat, slot, now);
	}
	part->head.workers = page_table(part, part->worker, rooms, n);
}

static void put_zombies(struct steward *me)
{
	struct publisher *publisher = &me->publisher;
	struct page_pool *part = publisher->part;
	uint32_t n = 0;

	for_each_slot(slot, me->pool) {
		uint64_t life = load_acquire(&slot->thread.life); /* [L] */
		struct ward_page_zombie *row = &part->zombie[n];

		if (LIFE_STATE(life) != LIFE_ZOMBIE || n++ >= PAGE_ZOMBIES)
			continue;
		*row = (struct ward_page_zombie){
			.tid = load_relaxed(&slot->thread.tid),
			.flags = life & LIFE_ASLEEP ? WARD_PAGE_SLEEPS : 0,
			.since = load_relaxed(&slot->fencing.at),
		};
		name_task(publisher, slot, load_acquire(&slot->word), /* [E] */
			  row->task, sizeof(row->task));
	}
	part->head.zombies = page_table(part, part->zombie, PAGE_ZOMBIES, n);
}

/* ---- lanes, and their limits ------------------------------------------------------ */

/* What is not atomic in a lane, which may just be made another one. */
struct lane_says {
	char name[sizeof(((struct lane *)0)->name)];
	const struct lane *under;
};
_Static_assert(offsetof(struct lane, under) - offsetof(struct lane, name) ==
		       offsetof(struct lane_says, under),
	       "they lie beside each other");

static uint32_t row_of(struct lane *const *lanes, uint32_t n, const struct lane *lane)
{
	for (uint32_t i = 0; lane && i < n; i++)
		if (lanes[i] == lane)
			return i;
	return UINT32_MAX;
}

static void put_lane(struct ward_page_lane *row, const struct lane *lane,
		     struct lane *const *lanes, uint32_t n)
{
	struct lane_says says = { .under = NULL };

	*row = (struct ward_page_lane){
		.width = load_relaxed(&lane->width),
		.queued = load_relaxed(&lane->queued),
		.inside = lane_inside(lane),
		.waiting = load_relaxed(&lane->waiting),
		.full = load_relaxed(&lane->full),
		.dropped = load_relaxed(&lane->dropped),
		.recalled = load_relaxed(&lane->recalled),
		.by_callers = load_relaxed(&lane->by_callers),
		.error = load_relaxed(&lane->error),
	};
	host_peek(lane->name, &says, sizeof(says));
	page_text(row->name, sizeof(row->name), says.name);
	row->under = row_of(lanes, n, says.under);
}

/* False: the set is exchanged just now. */
static bool peek_set(const struct lane *lane, struct limit_set *copy)
{
	const struct limit_set *set = load_acquire(&lane->set); /* [lm] */

	return set &&
	       host_peek(set, copy, offsetof(struct limit_set, drawn)) &&
	       copy->n <= LIMIT_SET_MAX && load_acquire(&lane->set) == set;
}

static void put_limit(struct ward_page_limit *row, uint32_t lane,
		      const struct bucket *bucket, uint64_t now)
{
	uint64_t spent = load_relaxed(&bucket->spent);
	uint64_t pace = load_relaxed(&bucket->pace);
	uint64_t interval = pace_interval(pace), ticks = bucket_ticks(now);
	uint64_t content = tick_after(ticks, spent) ? ticks - spent : 0;

	*row = (struct ward_page_limit){
		.lane = lane,
		.burst = (uint32_t)pace_burst(pace),
		.interval = interval,
		.tokens = interval ? lesser(content, pace_span(pace)) / interval : 0,
	};
	if (!row->tokens)
		row->wait = (spent + interval - ticks) >> BUCKET_TICK_BITS;
}

static uint32_t put_limits(struct page_pool *part, uint32_t n, uint32_t row,
			   const struct lane *lane, uint64_t now)
{
	struct limit_set set;
	struct limit limit;

	if (!peek_set(lane, &set))
		return n;
	for (uint32_t i = 0; i < set.n; i++)
		if (host_peek(set.limit[i], &limit, sizeof(limit)) &&
		    n++ < PAGE_LIMITS)
			put_limit(&part->limit[n - 1], row, &limit.bucket, now);
	return n;
}

static void put_lanes(struct steward *me, uint64_t now)
{
	struct page_pool *part = me->publisher.part;
	struct lane *lanes[PAGE_LANES];
	uint32_t n = 0, rows, limits = 0;

	for_each_lane(lane, me->pool)
		if (!load_relaxed(&lane->retired) && n++ < PAGE_LANES)
			lanes[n - 1] = lane;
	part->head.lanes = page_table(part, part->lane, PAGE_LANES, n);
	rows = part->head.lanes.rows;
	for (uint32_t i = 0; i < rows; i++) {
		put_lane(&part->lane[i], lanes[i], lanes, rows);
		limits = put_limits(part, limits, i, lanes[i], now);
	}
	part->head.limits = page_table(part, part->limit, PAGE_LIMITS, limits);
}

/* ---- all of it -------------------------------------------------------------------- */

/* A steward that was kept from running meanwhile seems to have taken long. */
static uint64_t every_after(uint64_t took)
{
	uint64_t most = lesser(took * SHARE, WARD_MS(MOST_MS));

	return most > WARD_MS(EVERY_MS) ? most : WARD_MS(EVERY_MS);
}

static void publish(struct steward *me, enum ward_page_state state, uint64_t now)
{
	struct publisher *publisher = &me->publisher;
	struct page_pool *part = publisher->part;
	struct snapshot *to = &me->pool->page.part[WARD_PAGE_POOL];
	uint64_t number = snapshot_begin(to), took;
	size_t bytes = page_pool_bytes(&me->pool->page);

	publisher->names = 0;
	page_head(&part->head.head, sizeof(part->head), (uint32_t)bytes, now);
	part->head.state = state;
	part->head.term = me->term;
	part->head.every = publisher->every;
	part->head.stats_offset = offsetof(struct page_pool, stats);
	part->head.stats_size = sizeof(part->stats);
	stats_count(me->pool, &part->stats);
	put_workers(me, now);
	put_zombies(me);
	put_lanes(me, now);
	confirm_names(publisher);
	snapshot_put(to, number, (const uint64_t *)(const void *)part, bytes);
	took = host_now() - now;
	publisher->every = every_after(took);
	publisher->due = now + publisher->every;
}

void publish_scan(struct steward *me, uint64_t now)
{
	if (unlikely(me->publisher.part) && now >= me->publisher.due)
		publish(me, WARD_PAGE_AWAKE, now);
}

void publish_sleep(struct steward *me)
{
	if (likely(!me->publisher.part))
		return;
	publish(me, WARD_PAGE_ASLEEP, host_now());
	me->publisher.due = 0; /* it is told at once that somebody is up */
}

int publish_init(struct steward *me)
{
	struct publisher *publisher = &me->publisher;
	uint32_t rooms = me->pool->page.workers;

	if (!page_is_made(&me->pool->page))
		return 0;
	publisher->rooms = rooms;
	publisher->every = WARD_MS(EVERY_MS);
	publisher->part = host_alloc(page_pool_bytes(&me->pool->page));
	publisher->seen = host_alloc(rooms * sizeof(*publisher->seen));
	publisher->named = host_alloc((rooms + PAGE_ZOMBIES) *
				      sizeof(*publisher->named));
	return publisher->part && publisher->seen && publisher->named ? 0 :
									-ENOMEM;
}

void publish_fini(struct steward *me)
{
	struct publisher *publisher = &me->publisher;
	uint32_t rooms = publisher->rooms;

	host_free(publisher->part, page_pool_bytes(&me->pool->page));
	host_free(publisher->seen, rooms * sizeof(*publisher->seen));
	host_free(publisher->named,
		  (rooms + PAGE_ZOMBIES) * sizeof(*publisher->named));
}
