/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker.c - what a worker does with tasks: take, begin, run, end, done, release; and
 * how it comes home after it was fenced.
 */
#include "run/worker.h"
#include "tell/dedup.h"
#include "lane/port.h"
#include "task/priority.h"
#include "lane/stop.h"

cold void worker_budgets(struct slot *slot, const struct ward_policy *policy)
{
	slot->own_budgets = policy != NULL;
	store_relaxed(&slot->budget[0], policy ? policy->busy_within : 0);
	store_relaxed(&slot->budget[1], policy ? policy->blocked_within : 0);
	store_relaxed(&slot->budget[2], policy ? policy->progress_within : 0);
	store_relaxed(&slot->budget[3], policy ? policy->declared_within : 0);
}

/* ---- answering ----------------------------------------------------------------- */

/*
 * Before another may answer it, or have it back and submit it again: who cancels it
 * then must not take this worker for one that has it.
 */
static inline uint64_t part_from(struct slot *slot, uint64_t epoch)
{
	return slot && slot_phase(epoch) != SLOT_RELEASE ?
		       slot_go_on(slot, epoch, SLOT_RELEASE) :
		       epoch;
}

/* Of a task that was lost before, or is none of ours any more: false. */
static bool close_lost(struct pool *pool, struct slot *slot, uint64_t *epoch,
		       struct task_priv *priv)
{
	uint64_t word = load_relaxed(&priv->word);

	if (task_state(word) == TASK_FREE) {
		or_relaxed(&pool->broken, 1u << 3); /* A3: given back before */
		return false;
	}
	/* Before another thread may take it off again. */
	add_acq_rel(&pool->unreleased, 1); /* [r] */
	task_move(priv, TASK_DONE, 0); /* else it seems to be queued */
	*epoch = part_from(slot, *epoch);
	if (!task_answer(priv))
		return false;
	sub_acq_rel(&pool->unreleased, 1); /* [r] */
	return true;
}

/* The task is about to leave its lane. */
static inline struct lane_place place_of(struct ward_task *task, uint64_t word)
{
	struct lane_place place = { .lane = task_priv(task)->lane,
				    .refused = word & TASK_REFUSED };

	if (unlikely(word & TASK_GRANT)) /* it has not begun, nor ever will */
		lane_drops_grant(place.lane, task);
	if (task->policy == &place.lane->policy)
		task->policy = NULL; /* the user's was none */
	return place;
}

/*
 * It has left it; a zombie of it may still be out, or somebody hold it, and what those
 * leave behind is for the lane's port, which stays for it: *port.
 */
static struct lane_place out_of_lane(struct ward_task *task,
				     struct ward_port **port)
{
	struct task_priv *priv = task_priv(task);
	uint64_t word = load_relaxed(&priv->word), flag = 0;
	struct lane_place place;

	if (!(word & TASK_LANE))
		return (struct lane_place){ .lane = NULL };
	place = place_of(task, word);
	if (place.lane->port) {
		*port = priv->port = place.lane->port;
		port_hold(*port);
		flag = TASK_PORT;
	}
	while (!cas_acq_rel(&priv->word, &word, /* [K] */
			    (word & ~TASK_LANE) | flag))
		;
	return place;
}

static void leave_lane(struct slot *slot, struct lane_place place)
{
	if (!place.lane)
		return;
	lane_leave(place.lane, place.refused);
	if (slot)
		slot->leaves.lane = NULL;
}

/* Of a lane, and nobody else has anything to say about it. */
static struct lane_place close_plainly(struct slot *slot,
				       struct ward_task *task, uint64_t word)
{
	struct lane_place place = place_of(task, word);

	slot->leaves = place; /* should release() be its end */
	store_release(&task_priv(task)->word, task_shut(word));
	return place;
}

/*
 * True if release() is due, and the caller's.  Else the status stays, for
 * ward_task_wait(): who holds the task may have come in its done().
 */
static cold bool close_book(struct pool *pool, struct slot *slot,
			    uint64_t *epoch, struct ward_task *task, int status,
			    struct lane_place *place)
{
	struct ward_port *port = NULL;
	bool lost = task_attempt(load_relaxed(&task_priv(task)->word)) > 1;

	*place = out_of_lane(task, &port);
	task_priv(task)->status = status;
	if (close_lost(pool, slot, epoch, task_priv(task))) {
		if (port) /* nobody has it any more */
			port_unhold(port);
		if (slot)
			slot->leaves = *place; /* should release() be its end */
		return true;
	}
	wait_tell(&pool->answered); /* [y] who waits for it holds it */
	if (place->lane && lost) /* who only holds it was never inside */
		store_relaxed(&place->lane->zombie_left, 1); /* [lt] */
	leave_lane(slot, *place);
	return false;
}

/* release(), if it has one, and the count of what was given back. */
static hot void dismissed(struct pool *pool, struct slot *slot, uint64_t epoch,
			  struct ward_task *task,
			  void (*release)(struct ward_task *))
{
	part_from(slot, epoch);
	if (release)
		release(task);
	if (likely(slot))
		count_own_release(&slot->released, 1); /* [r] */
	else
		add_acq_rel(&pool->released, 1); /* [r] */
}

/* A task of a lane, or one that was lost before. */
dedup_floor
static __attribute__((noinline)) void
give_back_carefully(struct pool *pool, struct slot *slot, uint64_t epoch,
		    struct ward_task *task, uint64_t word, int status)
{
	void (*release)(struct ward_task *) = task->release;
	struct lane_place place;

	if (likely(slot && task_plain(word & ~TASK_LANE)))
		place = close_plainly(slot, task, word);
	else if (!close_book(pool, slot, &epoch, task, status, &place))
		return;
	dismissed(pool, slot, epoch, task, release);
	leave_lane(slot, place);
}

static hot void give_back_plain(struct pool *pool, struct slot *slot,
				uint64_t epoch, struct ward_task *task,
				uint64_t word)
{
	void (*release)(struct ward_task *) = task->release;

	store_release(&task_priv(task)->word, task_shut(word));
	dismissed(pool, slot, epoch, task, release);
}

/*
 * The task is the user's again, after its done(status).  'slot' is the caller's, in
 * epoch 'epoch'.
 */
static hot void give_back(struct pool *pool, struct slot *slot, uint64_t epoch,
			  struct ward_task *task, int status)
{
	uint64_t word = load_acquire(&task_priv(task)->word); /* [K] */

	/* Who is not seen inside of it, and so is not looked for, swaps. */
	if (likely(slot && task_plain(word)))
		give_back_plain(pool, slot, epoch, task, word);
	else
		give_back_carefully(pool, slot, epoch, task, word, status);
}

/*
 * A dead letter, in an epoch of its own: if the hook ends its thread, another one
 * has done() to call, and knows that this was told.
 */
dedup_floor
static cold uint64_t tell_dead(struct pool *pool, struct slot *slot,
			       uint64_t epoch, struct ward_task *task,
			       int status)
{
	uint64_t word = load_relaxed(&task_priv(task)->word);

	if (task_state(word) == TASK_TOLD)
		return epoch;
	if (slot)
		epoch = slot_go_on(slot, epoch, SLOT_DEAD);
	fail_dead(pool, task, status);
	return slot ? slot_go_on(slot, epoch, SLOT_DONE) : epoch;
}

/* True: its port does the rest. */
static bool answer_lane(struct pool *pool, struct slot *slot, uint64_t epoch,
			struct ward_task *task, int *status, bool failed)
{
	struct lane *lane = task_priv(task)->lane;

	if (unlikely(*status || lane->flags & LANE_RIVALS))
		*status = lane_ended(lane, task, *status, failed);
	if (!lane->port)
		return false;
	port_answer(task, *status);
	part_from(slot, epoch);
	port_post(lane->port, pool, task);
	return true;
}

/* Inside epoch 'epoch' of its own, if the caller has one to show. */
static hot void answer(struct pool *pool, struct slot *slot, uint64_t epoch,
		       struct ward_task *task, int status, bool failed)
{
	uint64_t word = load_relaxed(&task_priv(task)->word);

	if (unlikely(failed))
		epoch = tell_dead(pool, slot, epoch, task, status);
	if (unlikely(word & TASK_LANE) &&
	    answer_lane(pool, slot, epoch, task, &status, failed))
		return;
	if (unlikely(word & TASK_REFS))
		task_priv(task)->status = status; /* should its thread end in done() */
	if (task->done)
		task->done(task, status);
	give_back(pool, slot, epoch, task, status);
}

dedup_floor
void worker_release(struct pool *pool, struct slot *slot,
		    struct ward_task *task)
{
	uint64_t epoch = 0;

	if (slot) {
		show_own_budgets(slot, task);
		epoch = slot_begin(slot, task, SLOT_DONE);
	}
	give_back(pool, slot, epoch, task, task_priv(task)->status);
	if (slot)
		slot_end(slot);
}

dedup_floor
void worker_answer(struct pool *pool, struct slot *slot,
		   struct ward_task *task, int status)
{
	bool failed = status && status != -ECANCELED &&
		      !(load_relaxed(&task_priv(task)->word) & TASK_SKIPPED);
	uint64_t epoch = 0;

	if (slot) {
		show_own_budgets(slot, task);
		epoch = slot_begin(slot, task, SLOT_DONE);
	}
	answer(pool, slot, epoch, task, status, failed);
	/* A callback that was fenced revokes nothing: the loop sees the fence
	 * at its next turn. */
	if (slot)
		slot_end(slot);
}

bool worker_settle(struct pool *pool, struct slot *slot, struct ward_task *task)
{
	struct task_priv *priv = task_priv(task);
	uint64_t word = load_acquire(&priv->word);

	switch (task_state(word)) {
	case TASK_RERUN:
		if (!stop_with_pool(pool, word))
			return true;
		worker_answer(pool, slot, task,
			      task_skip(priv, TASK_QUEUED,
					word & TASK_WAITS ? TASK_REFUSED : 0,
					-ECANCELED));
		break;
	case TASK_DONE:
		worker_release(pool, slot, task);
		break;
	default:
		worker_answer(pool, slot, task, priv->status);
	}
	return false;
}

/* ---- coming home ---------------------------------------------------------------- */

/*
 * The last thread that was inside of an answered task: release() is its.  In an
 * epoch of its own, so that a thread that dies in it is seen to.  Nobody asks
 * meanwhile, because it was taken.
 */
dedup_floor
static void release_late(struct pool *pool, struct slot *slot,
			 struct ward_task *task)
{
	add_relaxed(&pool->unreleased, -(uint64_t)1);
	if (load_relaxed(&task_priv(task)->word) & TASK_PORT) {
		port_post_late(pool, task);
		return;
	}
	slot_begin(slot, task, SLOT_RELEASE);
	if (task->release)
		task->release(task);
	count_own_release(&slot->released, 1); /* [r] */
	slot_end(slot);
}

bool worker_come_home(struct pool *pool, struct slot *slot)
{
	struct ward_task *task = load_relaxed(&slot->task);
	uint64_t life = load_acquire(&slot->thread.life); /* [L] */
	bool seated;

	slot->priority.demoted = false;
	if (LIFE_STATE(life) == LIFE_ZOMBIE) /* first, for what is left to do */
		slot->priority.demoted = !priority_returned(slot, LIFE_GEN(life));
	if (slot_phase(FENCE_EPOCH(load_relaxed(&slot->fence))) == SLOT_RUN) {
		count_own(&slot->late, 1);
		if (task_put(task_priv(task)))
			release_late(pool, slot, task);
	}
	transition_begin(pool);
	store_release(&slot->fence, 0); /* [H] */
	seated = LIFE_STATE(life) == LIFE_SEATED &&
		 life_step(slot, &life, LIFE_SEATED);
	if (!seated) { /* ZOMBIE, and nobody but us moves it on */
		life = load_acquire(&slot->thread.life);
		if (!slot->priority.demoted)
			slot->priority.demoted =
				!priority_returned(slot, LIFE_GEN(life));
		life_move(slot, life, LIFE_STARTING);
		add_relaxed(&pool->starting, 1);
		life_no_zombie(pool, life, &pool->zombies_returned);
	}
	transition_end(pool);
	inbox_settle(&pool->inbox);
	return seated;
}

/* ---- running -------------------------------------------------------------------- */

static cold void clean_up(struct slot *slot)
{
	store_relaxed(&slot->declared, 0);
	if (load_relaxed(&slot->fence) == FENCE_FORKED)
		return;
	if (load_relaxed(&slot->unblock.word))
		unblock_clear(slot);
	if (slot->forked)
		steal_settle(slot);
	store_relaxed(&slot->fencing.fencing_token, 0); /* nobody is out who might ask */
	slot->forked = slot->needs_cleanup = 0;
}

/* True: it is to run again. */
static cold bool runs_again(struct pool *pool, struct slot *slot,
			    struct ward_task *task, int status)
{
	add_relaxed(&pool->failed, 1);
	return lost_again(pool, slot, task, status,
			  fail_ended(pool, slot, task, status));
}

dedup_floor
static cold int run_stamped(struct slot *slot, struct ward_task *task)
{
	uint64_t start = host_now(), ran;
	int status;

	if (slot->stamp)
		histogram_add(&slot->queue_time, start - slot->stamp);
	status = task->run(task);
	ran = host_now() - start;
	histogram_add(&slot->run_time, ran);
	local_learn(&slot->local, ran);
	return status;
}

/* It never ran, or does not run again: no failure, and no dead letter. */
static void answer_skipped(struct pool *pool, struct slot *slot,
				 struct ward_task *task, int status)
{
	worker_answer(pool, slot, task,
		      task_skip(task_priv(task), TASK_QUEUED, 0, status));
}

/*
 * A periodic task is over when it fails, is cancelled (which is seen when its next
 * turn comes), or when the pool takes nothing any more.
 */
static cold bool goes_on(struct pool *pool, struct slot *slot,
			 struct ward_task *task)
{
	struct task_priv *priv = task_priv(task);
	uint64_t now = host_now(), at;

	if (load_acquire(&pool->inbox.closed))
		return false;
	at = priv->period < HOST_FOREVER - now ? now + priv->period :
						 HOST_FOREVER - 1;
	if (stop_window(pool, task))
		task_stamp(priv, at);
	task_rearm(priv);
	slot_end(slot); /* before another may begin it */
	later_grow(&pool->inbox.later);
	later_put(&pool->inbox, task, at, false);
	steward_ring(pool); /* [w] */
	return true;
}

/* The second half of finish(), of one that failed, is periodic, or in a lane. */
dedup_floor
static __attribute__((noinline)) bool
conclude(struct pool *pool, struct slot *slot, uint64_t epoch,
	 struct ward_task *task, int status)
{
	bool failed = false;

	if (unlikely(status)) {
		failed = stop_failed(pool, NULL, task, status);
		if (failed && runs_again(pool, slot, task, status))
			return slot_own(slot); /* it runs again */
		epoch = slot_begin(slot, task, SLOT_DONE);
	} else if (unlikely(load_relaxed(&task_priv(task)->word) &
			    TASK_PERIODIC) &&
		   goes_on(pool, slot, task)) {
		return slot_own(slot);
	}
	answer(pool, slot, epoch, task, status, failed);
	return likely(slot_end(slot));
}

/*
 * run() returned or was left: the attempt's end and its answer.  False: the thread
 * was fenced meanwhile, or is a copy in a child process.
 */
static hot bool finish(struct pool *pool, struct slot *slot, uint64_t epoch,
		       struct ward_task *task, int status)
{
	/* Not outside until the task is given back: who cancels it looks here. */
	void (*done)(struct ward_task *, int) = task->done;
	uint64_t left = epoch, word;

	if (unlikely(slot->needs_cleanup))
		clean_up(slot);
	/* Without done() too: RELEASE says that the task is the user's again. */
	epoch = slot_step(slot, left, SLOT_RUN,
			  unlikely(status) ? SLOT_DEAD : SLOT_DONE);
	if (unlikely(!slot_own_of(slot, left))) {
		slot_go_on(slot, epoch, SLOT_OUT);
		return false;
	}
	count_own_release(&slot->ended, 1); /* [r] after its start */
	word = load_acquire(&task_priv(task)->word); /* [K] zombies' last looks */
	if (unlikely(status || !task_plain(word)))
		return conclude(pool, slot, epoch, task, status);
	if (done) {
		done(task, 0);
		give_back(pool, slot, epoch, task, 0);
	} else {
		give_back_plain(pool, slot, epoch, task, word);
	}
	return likely(slot_end(slot));
}

/*
 * It spilled over on its way to where it would have waited, or its grant is another one;
 * true: it waits now.
 */
static bool is_early(struct pool *pool, struct ward_task *task, uint64_t word)
{
	uint64_t grant = word & TASK_GRANT;

	if (task_state(word) == TASK_QUEUED && !grant)
		return false;
	do {
		if (later_again(&pool->inbox, task)) {
			steward_ring(pool); /* [w] */
			return true;
		}
	} while (grant && !lane_takes_grant(task_priv(task)->lane, task));
	return false;
}

/* Its time has come: to its lane, unless it is not to run.  Nobody else has it. */
static cold void come_to_lane(struct pool *pool, struct slot *slot,
			      struct ward_task *task, uint64_t word)
{
	struct task_priv *priv = task_priv(task);
	uint64_t by = stop_by(pool, task);
	int status = stop_begin(pool, task);

	/* ->before is NULL; who has cancelled it may look for its leaf just now. */
	store_relaxed(&priv->wait.where, 0);
	while (!status && !(word & TASK_CANCELLED)) {
		if (!cas_acq_rel(&priv->word, &word, /* [K] */
				 task_with_state(word, TASK_QUEUED)))
			continue;
		/* Counted when it comes from there. */
		add_relaxed(&pool->inbox.accepted, -(uint64_t)1);
		lane_enter(priv->lane, task, false);
		pool_tell_by(pool, by);
		return;
	}
	worker_answer(pool, slot, task,
		      task_skip(priv, TASK_QUEUED, TASK_REFUSED, status));
}

/*
 * What an attempt seldom needs before it begins: the word that it begins with, or 0:
 * it does not, and somebody answers.
 */
dedup_floor
static cold uint64_t prepare(struct pool *pool, struct slot *slot,
			     struct ward_task *task, uint64_t word)
{
	struct task_priv *priv = task_priv(task);
	int status;

	if (task_state(word) != TASK_QUEUED && !worker_settle(pool, slot, task))
		return 0;
	if (unlikely(is_early(pool, task, word)))
		return 0;
	if (task_state(word) != TASK_QUEUED && word & TASK_WAITS) {
		come_to_lane(pool, slot, task, word);
		return 0;
	}
	if (task_state(word) != TASK_QUEUED) {
		/* A zombie of an earlier attempt may come home just now. */
		while (!cas_acq_rel(&priv->word, &word, /* [K] */
				    task_with_state(word, TASK_QUEUED)))
			;
		word = load_relaxed(&priv->word);
	}
	status = stop_begin(pool, task);
	if (status) {
		answer_skipped(pool, slot, task, status);
		return 0;
	}
	show_own_budgets(slot, task);
	if (word & TASK_STAMPED) /* that of a rerun tells nothing of a queue */
		slot->stamp = task_attempt(word) == 1 ? priv->stamp : 0;
	return word;
}

dedup_floor
void worker_refuse(struct pool *pool, struct slot *slot,
		   struct ward_task *task)
{
	uint64_t word = load_relaxed(&task_priv(task)->word);

	if (prepare(pool, slot, task, word))
		inbox_requeue(&pool->inbox, task);
}

/* What was said about the task, by anybody, and what its attempt is to find. */
static inline bool is_ready(const struct slot *slot,
			    const struct ward_task *task, uint64_t word)
{
	return !(((uintptr_t)task->cancel | (uintptr_t)task->policy |
		  slot->own_budgets) != 0 || !task_fresh(word) ||
		 (word & TASK_LANE && lane_asks(task_priv(task)->lane)));
}

/* One attempt; as finish(). */
static hot bool attempt(struct pool *pool, struct slot *slot,
			struct ward_task *task)
{
	struct task_priv *priv = task_priv(task);
	uint64_t word = load_relaxed(&priv->word), epoch;
	int status;

	if (unlikely(!is_ready(slot, task, word)) &&
	    !(word = prepare(pool, slot, task, word)))
		return likely(!slot_taken(slot));
	slot->self.attempt = task_attempt(word);
	count_own(&slot->started, 1);
	epoch = slot_begin(slot, task, SLOT_RUN);
	host_barrier_light(); /* [ca] begun | cancelled? */
	if (unlikely(load_relaxed(&priv->word) != word) &&
	    (status = stop_short(slot, task)))
		;
	else if (unlikely(word & TASK_STAMPED))
		status = run_stamped(slot, task);
	else
		status = task->run(task);
	return finish(pool, slot, epoch, task, status);
}

/*
 * There are orders; 'task' was taken meanwhile, or is NULL: nothing was found.  As it
 * ends, *own says what attempt() says.
 */
static cold enum work_end handle_control(struct pool *pool, struct slot *slot,
					 struct ward_task *task, bool *own)
{
	if (load_acquire(&pool->stopping)) {
		if (!task)
			return WORK_STOPS;
		if (task_state(load_relaxed(&task_priv(task)->word)) ==
		    TASK_QUEUED) {
			answer_skipped(pool, slot, task, -ECANCELED);
			*own = !slot_taken(slot);
			return WORK_GOES_ON;
		}
	} else if (seat_leave(pool, slot)) {
		if (task)
			later_return(&pool->inbox, task);
		return WORK_LEAVES;
	}
	*own = !task || attempt(pool, slot, task);
	return WORK_GOES_ON;
}

dedup_floor
enum work_end worker_work(struct pool *pool, struct slot *slot, bool own)
{
	struct ward_task *task;
	enum work_end end;

	for (;;) {
		if (unlikely(!own)) {
			if (load_relaxed(&slot->fence) == FENCE_FORKED)
				host_exit();
			if (!worker_come_home(pool, slot))
				return WORK_RETURNED;
		}
		task = inbox_next(&pool->inbox, &slot->local, slot->index);
		if (likely(task && !load_relaxed(&pool->inbox.controls))) {
			own = attempt(pool, slot, task);
			continue;
		}
		end = handle_control(pool, slot, task, &own);
		if (end != WORK_GOES_ON)
			return end;
	}
}

dedup_floor
cold bool worker_finish_raised(struct pool *pool, struct slot *slot)
{
	return finish(pool, slot, load_relaxed(&slot->word),
		      load_relaxed(&slot->task), slot->fail.raised);
}
