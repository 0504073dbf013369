/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lost.c - attempts that lost their worker, and workers that were lost.
 *
 * An attempt whose answer was taken away is answered by another: its task goes
 * on the owed list, from which any worker takes it before anything else, and
 * destroy when there is none.
 */
#include "work/pool.h"
#include "work/book.h"
#include <errno.h>

/* May the task run again?  Spends the budgets of its policy. */
static bool may_rerun(struct pool *pool, const struct ward_task *task,
		      struct book *book, enum lost_why why)
{
	const struct ward_policy *policy = task->policy ? task->policy :
							  &pool->policy;
	uint32_t runs = policy->runs ? policy->runs : pool->policy.runs;

	if (why == LOST_STOP || load_relaxed(&pool->stopping) ||
	    book_attempt(load_relaxed(&book->word)) >= runs)
		return false;
	if (why == LOST_STALL)
		return book->stalls < policy->stalls && ++book->stalls;
	return book->deaths < policy->deaths && ++book->deaths;
}

static int status_of(enum lost_why why)
{
	static const int status[] = { [LOST_STALL] = -ETIME,
				      [LOST_DEATH] = -EOWNERDEAD,
				      [LOST_STOP] = -ECANCELED };

	return status[why];
}

static void lost_run(struct pool *pool, struct ward_task *task,
		     enum lost_why why, bool inside, uint64_t incident)
{
	struct book *book = book_of(task);
	bool again;

	if (book_attempt(load_relaxed(&book->word)) == 1) {
		book->stalls = 0;
		book->deaths = 0;
	}
	again = may_rerun(pool, task, book, why);
	store_relaxed(&book->incident, incident);
	book->status = status_of(why);
	if (book_lose(book, inside, again ? BOOK_RERUN : BOOK_LOST, BOOK_LOST))
		again = false;
	if (again)
		add_relaxed(&pool->reruns, 1);
	inbox_owe(&pool->inbox, task);
}

/* done() was called, release() was not, and its thread will not come to it. */
static void owe_release(struct pool *pool, struct ward_task *task)
{
	struct book *book = book_of(task);
	uint64_t word = load_relaxed(&book->word);

	while (!cas_acq_rel(&book->word, &word,
			    book_with_state(word, BOOK_DONE)))
		;
	inbox_owe(&pool->inbox, task);
}

void lost_attempt(struct pool *pool, struct ward_task *task,
		  enum slot_phase phase, enum lost_why why, bool inside,
		  uint64_t incident)
{
	if (phase == SLOT_RUN) {
		add_relaxed(why == LOST_DEATH ? &pool->died : &pool->stalled,
			    1);
		lost_run(pool, task, why, inside, incident);
		return;
	}
	/*
	 * A callback loses no answer.  While its thread lives it may still
	 * return and go on to release(); a dead one's release() is owed.
	 */
	if (inside)
		return;
	if (phase == SLOT_DONE)
		owe_release(pool, task);
	else
		add_relaxed(&pool->released, 1);
}

/* A thread that has lost its attempt to the steward is dead, not come home. */
static void lost_zombie(struct pool *pool, struct ward_task *task,
			enum slot_phase phase)
{
	if (phase != SLOT_RUN) {
		lost_attempt(pool, task, phase, LOST_DEATH, false, 0);
	} else if (book_home(book_of(task))) {
		add_relaxed(&pool->unreleased, -(uint64_t)1);
		owe_release(pool, task);
	}
}

bool lost_settle(struct pool *pool, struct slot *slot, struct ward_task *task)
{
	struct book *book = book_of(task);
	uint64_t word = load_acquire(&book->word);

	switch (book_state(word)) {
	case BOOK_RERUN:
		if (!load_relaxed(&pool->stopping))
			return true;
		worker_answer(pool, slot, task, -ECANCELED);
		break;
	case BOOK_DONE:
		worker_release(pool, slot, task);
		break;
	default:
		worker_answer(pool, slot, task, book->status);
	}
	return false;
}

/* ---- threads ------------------------------------------------------------------ */

static void report_death(struct pool *pool, struct slot *slot, bool raw,
			 bool inside, uint64_t id)
{
	struct incident *in = incident_open(&pool->tell, WARD_R_DEATH, id);

	if (!in)
		return;
	in->report.worker = load_relaxed(&slot->seat);
	in->report.tid = load_relaxed(&slot->tid);
	in->report.attempt = slot->self.attempt;
	in->report.what =
		raw ? "a worker's thread ended by a raw exit" :
		inside ? "a worker's thread left inside a task" :
			 "a worker's thread left outside any task";
	if (in->report.worker < pool->seats)
		in->heal = &pool->healed[in->report.worker];
	incident_raise(&pool->tell, in);
}

/* The answer of the attempt that a dead thread was inside of. */
static bool take_from_dead(struct slot *slot, uint64_t word, bool last_will)
{
	if (last_will)
		return slot_end(slot);
	/* The word stands still now, so an ASK under way will be a TAKEN. */
	while (!slot_fence(slot, word)) {
		if (slot_taken(slot))
			return false;
		host_yield();
	}
	return true;
}

void lost_thread(struct pool *pool, struct slot *slot, bool last_will)
{
	uint64_t life = load_acquire(&slot->life), word; /* [L] */
	uint64_t when = host_now(), id = incident_id();
	struct ward_task *task;
	enum slot_phase phase;
	enum slot_life was;

	books_open(pool);
	do {
		was = LIFE_STATE(life);
		if (was == LIFE_GONE || was == LIFE_FREE) {
			books_close(pool); /* another has buried it */
			return;
		}
	} while (!life_step(slot, &life, LIFE_GONE));

	word = load_acquire(&slot->word); /* [E] */
	task = load_relaxed(&slot->task);
	phase = load_relaxed(&slot->phase);
	if (was == LIFE_SEATED)
		seat_vacate(pool, slot, when);
	else if (was == LIFE_ZOMBIE) {
		add_relaxed(&pool->zombies_reaped, 1);
		sub_acq_rel(&pool->zombies_out, 1);
	} else if (was == LIFE_BORN) {
		sub_acq_rel(&pool->born, 1);
	}
	if (slot_inside(word)) {
		if (take_from_dead(slot, word, last_will))
			lost_attempt(pool, task, phase, LOST_DEATH, false, id);
		else
			lost_zombie(pool, task, phase);
	}
	add_relaxed(&pool->deaths, 1);
	report_death(pool, slot, !last_will, slot_inside(word), id);
	books_close(pool);
	inbox_settle(&pool->inbox);
	worker_left(pool);
}
