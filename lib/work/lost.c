/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lost.c - attempts that lost their worker, and workers that were lost.
 *
 * An attempt whose answer was taken away is answered by another: its task goes
 * where what is owed is (later.h), from which any worker takes it in its turn, and
 * destroy when there is none.  Whether it runs again, after what backoff, is
 * decided here too, also for attempts that failed without being lost.
 */
#include "work/backoff.h"
#include "work/port.h"
#include "work/stop.h"
#include <string.h>

static const struct ward_policy *policy_of(const struct pool *pool,
					   const struct ward_task *task)
{
	return task->policy ? task->policy : &pool->policy;
}

static uint32_t allowed(const struct ward_policy *policy, enum lost_why why)
{
	switch (why) {
	case LOST_STALL:
		return policy->stalls;
	case LOST_DEATH:
		return policy->deaths;
	case LOST_ERROR:
		return policy->errors;
	case LOST_FAULT:
		return policy->faults;
	default:
		return 0;
	}
}

/* Attempts so far: of this run, if it is one of many. */
static uint32_t attempts(const struct book *book)
{
	uint32_t n = 1;

	for (int why = 0; why < LOST_STOP; why++)
		n += book->reruns[why];
	return n;
}

/*
 * May the task run again?  Spends the budgets of its policy, and of the pool's
 * where that leaves them open.
 */
static bool may_rerun(struct pool *pool, const struct ward_task *task,
		      struct book *book, enum lost_why why)
{
	const struct ward_policy *pools = &pool->policy;
	const struct ward_policy *own = policy_of(pool, task);
	uint32_t attempt = book_attempt(load_relaxed(&book->word));
	uint64_t runs = policy_pick(own->runs, pools->runs); /* 0: any */

	/* The number has 16 bits, and must not come round to 1. */
	if (why == LOST_STOP || load_relaxed(&pool->stopping) ||
	    load_relaxed(&book->word) & BOOK_CANCELLED ||
	    (runs && attempts(book) >= runs) ||
	    attempt >= UINT16_MAX - 1)
		return false;
	if (book->reruns[why] >=
	    policy_pick(allowed(own, why), allowed(pools, why)))
		return false;
	book->reruns[why]++;
	return true;
}

/* How long a rerun waits that follows attempt n. */
static uint64_t backoff(struct pool *pool, const struct ward_task *task,
			uint32_t n)
{
	const struct ward_policy *own = policy_of(pool, task);

	return backoff_draw(
		&pool->dice,
		policy_pick(own->backoff_min, pool->policy.backoff_min),
		policy_pick(own->backoff_max, pool->policy.backoff_max), n);
}

static int status_of(enum lost_why why)
{
	static const int status[] = { [LOST_STALL] = -ETIME,
				      [LOST_DEATH] = -EOWNERDEAD,
				      [LOST_FAULT] = -EFAULT,
				      [LOST_STOP] = -ECANCELED };

	return status[why];
}

/* Ends the attempt in the task's book.  True: it is to run again. */
static bool end_attempt(struct pool *pool, struct ward_task *task,
			enum lost_why why, int status, bool inside,
			uint64_t incident)
{
	struct book *book = book_of(task);
	bool again;

	if (book_attempt(load_relaxed(&book->word)) == 1)
		memset(book->reruns, 0, sizeof(book->reruns));
	again = may_rerun(pool, task, book, why);
	store_relaxed(&book->incident, incident);
	book->status = status;
	book->why = (uint16_t)why;
	if (book_lose(book, inside, again ? BOOK_RERUN : BOOK_LOST, BOOK_LOST))
		again = false;
	if (load_relaxed(&book->word) & BOOK_UNWANTED)
		book->status = book->cause; /* taken beside who did not call run() */
	if (again)
		add_relaxed(&pool->reruns, 1);
	return again;
}

static void run_again(struct pool *pool, struct ward_task *task)
{
	uint32_t n = book_attempt(load_relaxed(&book_of(task)->word)) - 1;
	uint64_t wait = backoff(pool, task, n), now, by;

	if (!wait) {
		by = stop_by(pool, task);
		inbox_owe(&pool->inbox, task);
		pool_tell_by(pool, by);
		return;
	}
	now = host_now();
	later_put(&pool->inbox, task,
		  wait < HOST_FOREVER - now ? now + wait : HOST_FOREVER - 1,
		  false);
	steward_ring(pool); /* [w] */
}

static void lost_run(struct pool *pool, struct ward_task *task,
		     enum lost_why why, bool inside, uint64_t incident)
{
	if (end_attempt(pool, task, why, status_of(why), inside, incident))
		run_again(pool, task);
	else
		later_owe_first(&pool->inbox, task);
}

bool lost_again(struct pool *pool, struct slot *slot, struct ward_task *task,
		int status, uint64_t incident)
{
	if (!end_attempt(pool, task, LOST_ERROR, status, false, incident))
		return false;
	slot_end(slot); /* before another may begin it */
	run_again(pool, task);
	lost_pay(pool); /* destroy does not wait for who was fenced just now */
	return true;
}

/*
 * A callback is due, by 'state', and its thread will not come to it.  First, for that
 * is what the bench sees to where all workers are busy.
 */
static void owe(struct pool *pool, struct ward_task *task,
		enum book_state state)
{
	book_move(book_of(task), state, 0);
	later_owe_first(&pool->inbox, task);
}

void lost_attempt(struct pool *pool, struct ward_task *task,
		  enum slot_phase phase, enum lost_why why, bool inside,
		  uint64_t incident)
{
	if (phase == SLOT_RUN) {
		add_relaxed(why == LOST_DEATH ? &pool->died :
			    why == LOST_FAULT ? &pool->faulted :
						&pool->stalled,
			    1);
		lost_run(pool, task, why, inside, incident);
		return;
	}
	if (phase == SLOT_HOOK)
		return;
	/*
	 * A callback loses no answer.  While its thread lives it may still
	 * return and go on to the next one; what a dead one left is owed.
	 */
	if (inside)
		return;
	if (phase == SLOT_DEAD)
		owe(pool, task, BOOK_TOLD);
	else if (phase == SLOT_DONE)
		owe(pool, task, BOOK_DONE);
	else
		add_acq_rel(&pool->released, 1); /* [r] */
}

void lost_hold(struct pool *pool, struct ward_task *task)
{
	if (!book_home(book_of(task)))
		return;
	add_relaxed(&pool->unreleased, -(uint64_t)1);
	if (load_relaxed(&book_of(task)->word) & BOOK_PORT)
		port_post_late(pool, task);
	else
		owe(pool, task, BOOK_DONE);
}

/* A thread that has lost its attempt to the steward is dead, not come home. */
static void lost_zombie(struct pool *pool, struct ward_task *task,
			enum slot_phase phase)
{
	if (phase != SLOT_RUN)
		lost_attempt(pool, task, phase, LOST_DEATH, false, 0);
	else
		lost_hold(pool, task);
}

bool lost_settle(struct pool *pool, struct slot *slot, struct ward_task *task)
{
	struct book *book = book_of(task);
	uint64_t word = load_acquire(&book->word);

	switch (book_state(word)) {
	case BOOK_RERUN:
		if (!stop_with_pool(pool, word))
			return true;
		worker_answer(pool, slot, task,
			      book_refuse(book, BOOK_QUEUED,
					  word & BOOK_WAITS ? BOOK_REFUSED : 0,
					  -ECANCELED));
		break;
	case BOOK_DONE:
		worker_release(pool, slot, task);
		break;
	default:
		worker_answer(pool, slot, task, book->status);
	}
	return false;
}

void lost_hand(struct pool *pool, struct slot *slot)
{
	void *task;

	/* Thieves come to it last, under load hardly ever. */
	while (ring_take(&slot->hand.ring, &task, 1, false)) {
		uint64_t by = stop_by(pool, task);

		if (later_has_come(by)) {
			later_owe_first(&pool->inbox, task);
			continue;
		}
		inbox_return(&pool->inbox, task);
		pool_tell_by(pool, by);
	}
}

/*
 * The calling worker's, if it is outside of all: a callback that ends its thread must
 * be seen in an epoch, or what was due after it is owed by nobody.
 */
static struct slot *payer(const struct pool *pool)
{
	struct slot *slot = host_self();

	return slot && slot->pool == pool &&
			       !slot_inside(load_relaxed(&slot->word)) ?
		       slot :
		       NULL;
}

/* Callbacks may lead here again: who is at it finds what they have brought. */
void lost_cancel_queued(struct pool *pool)
{
	const void *outer = host_mine();
	struct slot *slot = payer(pool);
	struct hand hand;
	struct ward_task *task;

	if (outer == pool)
		return;
	host_set_mine(pool);
	hand_init(&hand, 0);
	hand.batch = 1; /* whose callback ends its thread has no other in hand */
	while ((task = inbox_take(&pool->inbox, &hand))) {
		uint64_t word = load_acquire(&book_of(task)->word); /* [K] */

		if (book_state(word) == BOOK_QUEUED)
			worker_answer(pool, slot, task,
				      book_refuse(book_of(task), BOOK_QUEUED,
						  0, -ECANCELED));
		else
			lost_settle(pool, slot, task);
	}
	host_set_mine(outer);
}

void lost_pay_all(struct pool *pool)
{
	later_open(&pool->inbox);
	lost_cancel_queued(pool);
}

/* ---- threads ------------------------------------------------------------------ */

/* What was inside of a thread when it ended. */
struct end {
	struct ward_task *task;
	enum slot_phase phase;
	bool inside;
	const char *name; /* of the task, if it is ours to read */
	uint32_t attempt;
	enum lost_why why;
	bool heard; /* its done() will hear of it */
	bool left;  /* others are inside of forks on its stack */
};

static void tell_fault(struct incident *in, const struct host_fault *fault)
{
	in->report.kind = WARD_R_FAULT;
	in->report.signo = fault->signo;
	in->report.addr = fault->addr;
	in->report.what = "a task faulted; its thread is replaced";
	memcpy(in->frame, fault->frame, sizeof(in->frame));
	in->report.frames = in->frame;
	in->report.nframes = fault->n;
}

static void report_death(struct pool *pool, struct slot *slot, bool raw,
			 const struct end *end, uint64_t when, uint64_t id)
{
	struct incident *in = incident_open(&pool->tell, WARD_R_DEATH, id);

	if (!in)
		return;
	in->report.at = when;
	in->report.worker = load_relaxed(&slot->seat);
	in->report.tid = load_relaxed(&slot->tid);
	in->report.task = end->name;
	in->report.attempt = end->attempt;
	in->report.what = raw ? "a worker's thread ended by a raw exit" :
			  end->inside && end->phase == SLOT_RUN ?
				"a worker's thread left inside a task" :
			  end->inside ?
				"a worker's thread left inside a callback" :
				"a worker's thread left outside any task";
	if (slot->fault.signo)
		tell_fault(in, &slot->fault);
	in->report.err = end->inside && end->phase == SLOT_RUN ?
				 status_of(end->why) :
				 0;
	in->heard = end->heard;
	if (in->report.worker < pool->seats)
		in->heal = &pool->healed[in->report.worker];
	incident_raise(&pool->tell, in);
}

/* The answer of the attempt that a dead thread was inside of. */
static bool take_from_dead(struct slot *slot, uint64_t word, bool last_will)
{
	if (last_will)
		return slot_end(slot);
	/* The word stands still now: it is ours, or was taken before. */
	return slot_fence(slot, word, ASKER_BURIAL);
}

static void take_over(struct pool *pool, struct slot *slot, uint64_t word,
		      struct end *end, bool last_will, uint64_t id)
{
	if (!take_from_dead(slot, word, last_will)) {
		if (!end->left) /* else when it is buried */
			lost_zombie(pool, end->task, end->phase);
		return;
	}
	if (end->phase == SLOT_RUN) { /* ours now, so it may be read */
		end->name = end->task->name ? end->task->name : "";
		end->heard = end->why == LOST_FAULT && end->task->done;
		end->attempt = book_attempt(
			load_relaxed(&book_of(end->task)->word));
	}
	lost_attempt(pool, end->task, end->phase, end->why, end->left, id);
}

/* It died in the release() of a lane's task: its place is free all the same. */
static void leave_lane(struct slot *slot, const struct end *end)
{
	struct lane_place place = slot->leaves;

	slot->leaves.lane = NULL;
	if (end->phase == SLOT_RELEASE && place.lane)
		lane_leave(place.lane, place.refused);
}

/*
 * A thread that ended without a last will, and others are inside of forks that lie
 * on its stack: then it is still inside of its task, until they are done.
 */
static void mourn(struct slot *slot, struct end *end)
{
	end->left = end->phase == SLOT_RUN && slot->forked && theft_left(slot);
	slot->mourned = end->left ? end->task : NULL;
}

bool lost_mourned(struct pool *pool, struct slot *slot)
{
	struct ward_task *task = slot->mourned;

	if (theft_mourns(slot))
		return false;
	slot->mourned = NULL;
	if (task) {
		lost_zombie(pool, task, SLOT_RUN);
		inbox_settle(&pool->inbox);
		lost_pay(pool);
	}
	return true;
}

static void leave_place(struct pool *pool, struct slot *slot,
			uint64_t life, uint32_t seat, uint64_t when)
{
	enum slot_life was = LIFE_STATE(life);

	if (was == LIFE_SEATED) {
		seat_vacate(pool, slot, seat, when);
	} else if (was == LIFE_ZOMBIE) {
		life_no_zombie(pool, life, &pool->zombies_reaped);
	} else if (was == LIFE_BORN) {
		add_relaxed(&pool->stillborn, 1);
		sub_acq_rel(&pool->born, 1);
	}
}

bool lost_thread(struct pool *pool, struct slot *slot, uint64_t life,
		 bool last_will)
{
	uint64_t when = host_now(), id, word;
	uint32_t seat = load_relaxed(&slot->seat);
	enum slot_life was = LIFE_STATE(life);
	struct end end = { .name = "" };

	if (was == LIFE_FREE || was >= LIFE_DYING)
		return !last_will; /* another has buried it */
	books_open(pool);
	if (!life_step(slot, &life, LIFE_DYING)) {
		books_close(pool);
		return false;
	}
	/* Until it is GONE the clerk leaves the record to us. */
	id = incident_id();
	word = load_acquire(&slot->word); /* [E] */
	end.task = load_relaxed(&slot->task);
	end.phase = slot_phase(word);
	end.inside = slot_inside(word);
	end.why = slot->fault.signo ? LOST_FAULT : LOST_DEATH;
	if (!last_will) {
		unblock_bury(slot);
		mourn(slot, &end);
	}
	/* The answer first: who is parked comes for it sooner than a spare. */
	if (end.inside)
		take_over(pool, slot, word, &end, last_will, id);
	add_relaxed(&pool->deaths, 1); /* nobody sees more heals than deaths */
	lost_hand(pool, slot); /* before the next one comes for newer ones */
	leave_place(pool, slot, life, seat, when);
	leave_lane(slot, &end);
	report_death(pool, slot, !last_will, &end, when, id);
	if (last_will) /* only now: leaving wakes those who watch */
		host_life_leave(&slot->breath);
	life_move(slot, load_acquire(&slot->life), LIFE_GONE);
	books_close(pool);
	inbox_settle(&pool->inbox);
	lost_pay(pool);
	pool_left(pool);
	return true;
}

void lost_bury(struct pool *pool)
{
	uint32_t slots = load_acquire(&pool->slots_used);

	for (uint32_t i = 0; i < slots; i++) {
		struct slot *slot = &pool->slot[i];
		/* Before the evidence, so that it is this life's. */
		uint64_t life = load_acquire(&slot->life); /* [L] */

		if (LIFE_STATE(life) != LIFE_FREE &&
		    LIFE_STATE(life) < LIFE_DYING &&
		    host_life_lost(&slot->breath))
			lost_thread(pool, slot, life, false);
	}
}
