/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * incarnation.c - one run of a ward's function: its start, its end, its pulse.
 *
 * A restart needs no memory: an incarnation that is over is kept for the next.  There
 * are two at least: the next one starts before the last one's task is given back.
 */
#include "flow/tree.h"
#include "front/front.h"
#include "task/backoff.h"
#include <errno.h>

enum { SPARES = 2 }; /* kept by a ward */

static struct incarnation *incarnation_of(struct ward_task *task)
{
	return ward_entry(task, struct incarnation, task);
}

/* ---- memory ---------------------------------------------------------------------- */

static void keep(struct ward *ward, struct incarnation *it)
{
	it->spare = ward->spare;
	ward->spare = it;
	ward->spares++;
}

int incarnation_reserve(struct ward *ward)
{
	while (ward->spares < SPARES) {
		struct incarnation *it = host_alloc(sizeof(*it));

		if (!it)
			return -ENOMEM;
		keep(ward, it);
	}
	return 0;
}

static struct incarnation *take(struct ward *ward)
{
	struct incarnation *it = ward->spare;

	if (!it)
		return host_alloc(sizeof(*it));
	ward->spare = it->spare;
	ward->spares--;
	*it = (struct incarnation){ 0 };
	return it;
}

void incarnation_unreserve(struct ward *ward)
{
	while (ward->spares)
		host_free(take(ward), sizeof(struct incarnation));
}

static void put(struct incarnation *it)
{
	struct ward *ward = it->ward;

	if (!ref_drop(&it->refs))
		return;
	tree_lock(ward->tree);
	if (ward->spares < SPARES) {
		keep(ward, it);
		it = NULL;
	}
	tree_unlock(ward->tree);
	host_free(it, sizeof(*it));
	member_put(&ward->me);
}

/* ---- a run ----------------------------------------------------------------------- */

/* False: it was told to stop before. */
static bool begin(struct incarnation *it)
{
	struct ward *ward = it->ward;
	struct slot *slot = host_self();
	bool counts;

	tree_lock(ward->tree);
	counts = ward->now == it && !it->asked;
	if (counts) {
		it->begun = true;
		it->since = host_now();
		it->slot = slot;
		it->beats = slot->pulse.beats;
		it->units = slot->pulse.units;
		ward->starts++;
		ward->tree->moved = true;
		ward->me.once = ward->spec.restart == WARD_NEVER;
		if (ward->me.above->phase == PHASE_STARTING)
			tree_settle(ward->me.above);
	}
	tree_unlock(ward->tree);
	return counts;
}

static int run(struct ward_task *task)
{
	struct incarnation *it = incarnation_of(task);

	if (!begin(it))
		return -ECANCELED;
	return it->ward->spec.run(it->ward->spec.arg);
}

struct incarnation *incarnation_here(void)
{
	struct slot *slot = host_self();
	struct ward_task *task;

	if (!slot || !slot_runs(slot))
		return NULL;
	task = slot_task(slot); /* also in a fork that was stolen */
	return task->run == run ? incarnation_of(task) : NULL;
}

/* ---- its end --------------------------------------------------------------------- */

static void set_backoff(struct ward *ward, const struct incarnation *it)
{
	const struct ward_spec *spec = &ward->spec;
	uint64_t most = backoff_most(spec->backoff_min, spec->backoff_max);
	ward_ns now = host_now();

	if (now - it->since > most)
		ward->row = 0;
	ward->row++;
	ward->not_before = now + backoff_draw(&ward->tree->pool->rng,
					      spec->backoff_min,
					      spec->backoff_max, ward->row);
	if (ward->not_before < now)
		ward->not_before = WARD_FOREVER - 1;
}

static bool runs_again(const struct ward *ward, int status)
{
	return ward->spec.restart == WARD_ALWAYS ||
	       (ward->spec.restart == WARD_ON_FAILURE && status);
}

/* By itself: it was not told to stop. */
static void ended(struct ward *ward, struct incarnation *it)
{
	struct ward_steward *steward = ward->me.above;

	if (it->status)
		ward->failures++;
	if (!runs_again(ward, it->status)) {
		member_gone(&ward->me);
		return;
	}
	set_backoff(ward, it);
	if (!member_is_stopping(&ward->me))
		supervisor_failed(steward, &ward->me, it->status, it->incident);
}

/* After spec.ended(). */
static void run_ended(struct incarnation *it)
{
	struct ward *ward = it->ward;
	struct ward_steward *steward = ward->me.above;

	if (ward->now != it)
		return;
	member_hold(&steward->me);
	ward->now = NULL;
	ward->status = it->status;
	ward->me.state = MEMBER_DOWN;
	timer_unset(&ward->stop);
	if (ward->leaving || ward->tree->closed)
		member_gone(&ward->me);
	else if (!it->asked)
		ended(ward, it);
	else if (!member_is_stopping(&ward->me))
		ward->me.ops->up(&ward->me); /* ward_restart() */
	tree_settle(steward);
	member_put(&steward->me);
}

static struct incarnation *ended_of(struct deferred *deferred)
{
	return ward_entry(deferred, struct incarnation, ended);
}

static void call_ended(struct deferred *deferred)
{
	struct incarnation *it = ended_of(deferred);

	it->ward->spec.ended(it->ward->spec.arg, it->status);
}

static void ended_told(struct deferred *deferred)
{
	struct incarnation *it = ended_of(deferred);

	tree_lock(it->ward->tree);
	run_ended(it);
	tree_unlock(it->ward->tree);
}

static void put_ended(struct deferred *deferred)
{
	put(ended_of(deferred));
}

/* The run may still go on, fenced. */
static void done(struct ward_task *task, int status)
{
	struct incarnation *it = incarnation_of(task);
	struct ward *ward = it->ward;
	struct pool *pool;

	tree_lock(ward->tree);
	incarnation_poll(it);
	it->status = status;
	it->incident = ward_incident(task);
	if (!it->begun || !ward->spec.ended) {
		run_ended(it);
		tree_unlock(ward->tree);
		return;
	}
	pool = ward->tree->closed ? NULL : ward->tree->pool;
	it->ended.call = call_ended;
	it->ended.complete = ended_told;
	it->ended.put = put_ended;
	tree_unlock(ward->tree);
	add_acq_rel(&it->refs, 1);
	deferred_submit(&it->ended, pool, ward->spec.name);
}

static void release(struct ward_task *task)
{
	put(incarnation_of(task));
}

/* ---- starting and stopping ------------------------------------------------------- */

bool incarnation_start(struct ward *ward)
{
	struct incarnation *it = take(ward);

	if (!it)
		return false;
	it->ward = ward;
	it->task = (struct ward_task){ .run = run,
				       .done = done,
				       .release = release,
				       .policy = &ward->policy,
				       .cancel = &it->cancel,
				       .name = ward->spec.name };
	store_relaxed(&it->refs, 1);
	member_hold(&ward->me);
	if (submit_at(ward->tree->pool, &it->task, 0, 0)) { /* the pool is destroyed */
		keep(ward, it);
		sub_acq_rel(&ward->me.refs, 1); /* the caller has another */
		ward->me.state = MEMBER_DOWN;
		return true;
	}
	ward->now = it;
	ward->me.state = MEMBER_UP;
	return true;
}

void incarnation_stop(struct ward *ward)
{
	struct incarnation *it = ward->now;

	it->asked = true;
	ward_cancel_fire(&it->cancel, -ECANCELED);
	if (!it->begun) { /* it never will */
		ward->now = NULL;
		ward->me.state = MEMBER_DOWN;
		return;
	}
	ward->me.state = MEMBER_STOPPING;
	timer_set(&ward->stop, ward_in(ward->spec.stop_within));
}

/* ---- its pulse ------------------------------------------------------------------- */

/*
 * The slot of a thread that died may be another's by now, which shows its own task, or
 * none, before it beats.
 */
void incarnation_poll(struct incarnation *it)
{
	struct ward *ward = it->ward;
	struct slot *slot = it->slot;
	uint64_t beats, units;

	if (!slot || ward->now != it)
		return;
	beats = __atomic_load_n(&slot->pulse.beats, __ATOMIC_RELAXED);
	units = __atomic_load_n(&slot->pulse.units, __ATOMIC_RELAXED);
	atomic_thread_fence(memory_order_acquire);
	if (load_relaxed(&slot->task) != &it->task)
		return;
	ward->beats += beats - it->beats;
	ward->units += units - it->units;
	it->beats = beats;
	it->units = units;
}
