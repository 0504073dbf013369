/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * create.c - a pool's configuration and memory: up step by step, down in one place.
 */
#include "base/host_symbol.h"
#include "front/front.h"
#include "lane/stop.h"
#include <string.h>

#define MS 1000000u
#define FLAGS                                                                  \
	(WARD_POOL_CATCH_FAULTS | WARD_POOL_AHEAD | WARD_POOL_CLAMP |          \
	 WARD_POOL_PREFAULT | WARD_POOL_NEAR | WARD_POOL_NO_BATCH |            \
	 WARD_POOL_KEEP_PRIORITY | WARD_POOL_NOTIFY | WARD_POOL_PUBLISH)
#define STACK_MIN (64u << 10)

enum { SEATS = 4096, ZOMBIES_ASLEEP = 256 };

/* ---- configuration ------------------------------------------------------------- */

static uint32_t workers_of(const struct ward_pool_config *c)
{
	uint32_t w = c->workers ? c->workers : host_cpu_count();

	return w > SEATS ? SEATS : w;
}

static int check_pool(const struct ward_pool_config *c)
{
	if (c->size != sizeof(*c) || c->flags & ~FLAGS || c->reserved ||
	    (unsigned)c->on_stall > WARD_STALL_ABORT ||
	    c->trace_signo < WARD_TRACE_NONE || c->trace_signo > 64 ||
	    (c->policy && !policy_is_sound(c->policy)))
		return -EINVAL;
	if (c->name && strnlen(c->name, 12) > 11)
		return -ENAMETOOLONG;
	return 0;
}

/* Zero stays zero.  *out: it did not fit. */
static uint64_t fit(uint64_t value, uint64_t low, uint64_t high, bool *out)
{
	uint64_t in = !value ? 0 : value < low ? low : value > high ? high : value;

	*out |= in != value;
	return in;
}

/* Makes the numbers fit.  False: they did not. */
static bool fit_all(struct ward_pool_config *c)
{
	bool out = c->ring & (c->ring - 1);

	c->workers = (uint32_t)fit(c->workers, 1, SEATS, &out);
	c->max = (uint32_t)fit(c->max, workers_of(c), SEATS, &out);
	c->spares = (uint32_t)fit(c->spares, 1, 1024, &out);
	c->zombies = (uint32_t)fit(c->zombies, 1, SEATS, &out);
	c->zombies_asleep = (uint32_t)fit(c->zombies_asleep, 1, SEATS, &out);
	c->ring = (uint32_t)fit(c->ring, 2, 1u << 20, &out);
	while (c->ring & (c->ring - 1))
		c->ring += c->ring & -c->ring;
	c->stack = fit(c->stack, STACK_MIN, SIZE_MAX / 2, &out);
	c->scan = fit(c->scan, 1 * MS, 1000 * MS, &out);
	c->idle = fit(c->idle, 1 * MS, UINT64_MAX, &out);
	return !out;
}

static uint64_t or_default(uint64_t value, uint64_t fallback)
{
	return value ? value : fallback;
}

static void set_policy(struct pool *pool, const struct ward_policy *policy)
{
	static const struct ward_policy none = WARD_POLICY_INIT;

	pool->policy = policy ? *policy : none;
	policy = &pool->policy;
	pool->policy.busy_within = or_default(policy->busy_within, WARD_S(1));
	pool->policy.blocked_within =
		or_default(policy->blocked_within, WARD_S(10));
	pool->policy.declared_within =
		or_default(policy->declared_within, WARD_S(3600));
}

static uint32_t ring_count_for(unsigned cpus)
{
	uint32_t rings = 4;

	while (rings < 2 * cpus && rings < 64)
		rings *= 2;
	return rings;
}

static uint32_t room_to_lend(uint32_t workers)
{
	uint32_t seats = workers < 4 ? workers + 4 : 2 * workers;

	return seats < SEATS ? seats : SEATS;
}

/* First of those asleep; one of each is left, for seats and spares are not so many. */
static void fewer_zombies(struct pool *pool, uint32_t n)
{
	uint32_t asleep = n < pool->asleep_cap ? n : pool->asleep_cap - 1;

	pool->asleep_cap -= asleep;
	pool->zombie_cap -= n - asleep;
	pool->slots = BELL_MAX;
}

static void set_sizes(struct pool *pool, const struct ward_pool_config *c)
{
	uint32_t w = workers_of(c), most = c->max ? c->max : w;
	struct size size = { .least = w, .most = most, .base = w };

	if (c->flags & WARD_POOL_AHEAD)
		size.base = most;
	size.open = !c->max;
	pool->seats = c->max ? most : room_to_lend(w);
	seats_init(&pool->seat_count, &size);
	pool->spares_wanted = (uint32_t)or_default(c->spares, 1 + w / 16);
	pool->zombie_cap =
		(uint32_t)or_default(c->zombies, most < 4 ? 8 : 2 * most);
	pool->asleep_cap = (uint32_t)or_default(
		c->zombies_asleep, or_default(c->zombies, ZOMBIES_ASLEEP));
	/* One more, for the bench. */
	pool->slots = pool->seats + 1 + pool->spares_wanted + pool->zombie_cap +
		      pool->asleep_cap;
	if (pool->slots > BELL_MAX)
		fewer_zombies(pool, pool->slots - BELL_MAX);
	pool->stack = or_default(c->stack, 256 << 10);
	pool->scan = or_default(c->scan, 10 * MS);
	pool->idle = or_default(c->idle, WARD_S(30));
	pool->clamp = c->flags & WARD_POOL_CLAMP;
	pool->lowers = !(c->flags & WARD_POOL_KEEP_PRIORITY);
	pool->prefault = c->flags & WARD_POOL_PREFAULT;
	pool->no_batch = c->flags & WARD_POOL_NO_BATCH;
	pool->notifies = c->flags & WARD_POOL_NOTIFY;
	pool->on_stall = c->on_stall;
}

/* ---- memory ------------------------------------------------------------------------ */

/* Of a pool that was made, or a part of it: what is 0 is not there. */
static void pool_free(struct pool *pool)
{
	pool->magic = HANDLE_DEAD;
	host_unlist(&pool->listed);
	if (pool->helpers_free)
		pool->helpers_free(pool->helpers);
	for_each_slot(slot, pool)
		if (slot->pool) {
			host_stat_close(&slot->thread.stat_files);
			host_alt_stack_free(slot->fail.alt_stack);
		}
	page_free(&pool->page);
	lanes_free(pool);
	inbox_fini(&pool->inbox);
	tell_fini(&pool->tell);
	host_cpus_free(pool->cpus);
	host_free(pool->slot, pool->slots * sizeof(*pool->slot));
	host_free(pool->fork, pool->slots * DEQUE_SIZE * sizeof(*pool->fork));
	host_free(pool->seat, (pool->seats + 1) * sizeof(*pool->seat));
	host_free(pool->vacated, (pool->seats + 1) * sizeof(*pool->vacated));
	host_free(pool->healed, (pool->seats + 1) * sizeof(*pool->healed));
	host_free(pool->spares.next, pool->slots * sizeof(*pool->spares.next));
	host_free(pool, sizeof(*pool));
	host_symbol_drop();
}

static void scribe_ended(void *pool)
{
	pool_put(pool);
}

static int set_cpus(struct pool *pool, const char *list)
{
	int saved = errno, err = 0;

	errno = EINVAL;
	if (list && !(pool->cpus = host_cpus_parse(list)))
		err = errno == ENOMEM ? -ENOMEM : -EINVAL;
	errno = saved;
	return err;
}

/* Without neighbourhoods if the host knows none. */
static int set_near(struct pool *pool)
{
	struct host_near *host = host_near_find(pool->cpus);
	struct inbox *inbox = &pool->inbox;

	if (host)
		inbox->near = near_new(host, inbox->rings, inbox->locals);
	return host && !inbox->near ? -ENOMEM : 0;
}

static int claim_signals(struct pool *pool, int signo)
{
	int err = 0;

	pool->signals = host_signals();
	pool->trace_signo = WARD_TRACE_NONE;
	if (signo != WARD_TRACE_NONE)
		err = host_trace_install(signo, &pool->trace_signo);
	if (err == -EBUSY && signo == 0)
		err = 0; /* tell_untraced() says so */
	if (pool->trace_signo > 0)
		pool->signals |= UINT64_C(1) << (pool->trace_signo - 1);
	return err;
}

/* The scribe tells it once it runs. */
static void tell_untraced(struct pool *pool)
{
	incident_tell(&pool->tell, WARD_R_EVIDENCE,
		      "no backtraces: every real-time signal is blocked, ignored "
		      "or handled; trace_signo may name one");
}

static int set_tell(struct pool *pool, const struct ward_pool_config *c)
{
	int err = tell_init(&pool->tell, pool->name, pool->hooks.report,
			    pool->hooks.arg);

	pool->tell.ended = scribe_ended;
	pool->tell.whom = pool;
	if (!err && pool->trace_signo < 0 && c->trace_signo != WARD_TRACE_NONE)
		tell_untraced(pool);
	return err;
}

static void tell_page(struct pool *pool, const char *what, int err)
{
	struct incident *in =
		incident_open(&pool->tell, WARD_R_EVIDENCE, incident_id());

	if (!in)
		return;
	in->report.what = what;
	in->report.err = err;
	incident_raise(&pool->tell, in);
}

/* A pool works without its page as well; no folder is as it should be in a service. */
static int set_page(struct pool *pool)
{
	int why, err = page_make(&pool->page, pool->name, pool->seats, &why);

	if (err)
		tell_page(pool, "no page is published", err);
	else if (why && why != -ENOENT)
		tell_page(pool, "no file for the page: it is a memfd", why);
	if (err)
		return 0;
	pool->tell.shown.part = host_alloc(sizeof(*pool->tell.shown.part));
	if (!pool->tell.shown.part)
		return -ENOMEM;
	pool->tell.shown.to = &pool->page.part[WARD_PAGE_REPORTS];
	return 0;
}

static int set_inbox(struct pool *pool, const struct ward_pool_config *c)
{
	int err = inbox_init(&pool->inbox, ring_count_for(host_cpu_present()),
			     (uint32_t)or_default(c->ring, 4096), pool->slots,
			     1, steward_wake, pool);

	pool->inbox.later.ring = steward_ring;
	pool->inbox.later.told_by = stop_by;
	pool->inbox.later.tell_by = pool_tell_by;
	pool->inbox.later.granted_at = lane_granted_at;
	pool->inbox.later.arg = pool;
	if (!err && c->flags & WARD_POOL_NEAR)
		err = set_near(pool);
	return err;
}

static int set_slots(struct pool *pool)
{
	uint32_t seats = pool->seats + 1, slots = pool->slots;

	pool->slot = host_alloc(slots * sizeof(*pool->slot));
	pool->fork = host_alloc(slots * DEQUE_SIZE * sizeof(*pool->fork));
	pool->seat = host_alloc(seats * sizeof(*pool->seat));
	pool->vacated = host_alloc(seats * sizeof(*pool->vacated));
	pool->healed = host_alloc(seats * sizeof(*pool->healed));
	stack_init(&pool->spares,
		   host_alloc(slots * sizeof(*pool->spares.next)));
	if (!pool->slot || !pool->fork || !pool->seat || !pool->vacated ||
	    !pool->healed || !pool->spares.next)
		return -ENOMEM;
	return 0;
}

/* The steps that cannot fail. */
static void set_words(struct pool *pool, const struct ward_pool_config *c)
{
	strcpy(pool->name, c->name && *c->name ? c->name : "ward");
	pool->magic = handle_magic(HANDLE_POOL);
	set_sizes(pool, c);
	set_policy(pool, c->policy);
	if (c->hooks)
		pool->hooks = *c->hooks;
	pool->catch_faults = c->flags & WARD_POOL_CATCH_FAULTS;
	pool->made_at = host_now();
	atomic_init(&pool->refs, 1);
	pool->free = pool_free;
	atomic_init(&pool->rng, pool->made_at);
	atomic_init(&pool->told_by, HOST_FOREVER);
}

/* The steps that can fail: what a failed one leaves, pool_free() takes. */
static int set_up(struct pool *pool, const struct ward_pool_config *c)
{
	int err = claim_signals(pool, c->trace_signo);

	if (!err && pool->catch_faults)
		err = fault_install();
	if (!err)
		err = set_cpus(pool, c->cpus);
	if (!err)
		err = set_tell(pool, c);
	if (!err && c->flags & WARD_POOL_PUBLISH)
		err = set_page(pool);
	if (!err)
		err = set_inbox(pool, c);
	if (!err)
		err = set_slots(pool);
	return err;
}

int pool_new(struct pool **out, const struct ward_pool_config *config)
{
	static const struct ward_pool_config none = WARD_POOL_CONFIG_INIT;
	struct ward_pool_config own = config ? *config : none;
	struct pool *pool;
	bool fits = fit_all(&own) || own.flags & WARD_POOL_CLAMP;
	int err = fits ? check_pool(&own) : -EINVAL;

	if (!err)
		err = host_init();
	if (err)
		return err;
	host_on_fork(thread_forked);
	pool = host_alloc(sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	host_list(&pool->listed);
	host_symbol_hold();
	set_words(pool, &own);
	err = set_up(pool, &own);
	if (err)
		pool_free(pool);
	else
		*out = pool;
	return err;
}
