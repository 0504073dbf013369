/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker.c - a worker and its tasks: take, begin, run, end, done, release; and how a
 * worker comes home after it was fenced.
 */
#include "run/worker.h"
#include "base/probe.h"
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
 * Before another thread may answer the task, or have it back and submit it again: a
 * canceller must not take this worker for the one that has it then.
 */
static inline uint64_t part_from(struct slot *slot, uint64_t epoch)
{
	return slot && slot_phase(epoch) != SLOT_RELEASE ?
		       slot_go_on(slot, epoch, SLOT_RELEASE) :
		       epoch;
}

/* Of a task that was lost before; false: it is not ours any more. */
static bool close_lost(struct pool *pool, struct slot *slot, uint64_t *epoch,
		       struct task_priv *priv)
{
	uint64_t word = load_relaxed(&priv->word);

	if (task_state(word) == TASK_FREE) {
		or_relaxed(&pool->broken, 1u << 3); /* A3: given back before */
		return false;
	}
	/* Before another thread may subtract it again. */
	add_acq_rel(&pool->unreleased, 1); /* [r] */
	task_move(priv, TASK_DONE, 0); /* else it seems to be queued */
	*epoch = part_from(slot, *epoch);
	if (!task_answer(priv))
		return false;
	sub_acq_rel(&pool->unreleased, 1); /* [r] */
	return true;
}

/* The place of a task that is about to leave its lane. */
static inline struct lane_place place_of(struct ward_task *task, uint64_t word)
{
	struct lane_place place = { .lane = task_priv(task)->lane,
				    .refused = word & TASK_REFUSED };

	if (unlikely(word & TASK_GRANT)) /* it never began, nor will */
		lane_drops_grant(place.lane, task);
	if (task->policy == &place.lane->policy)
		task->policy = NULL; /* the user gave none */
	return place;
}

/*
 * Takes the task out of its lane.  A zombie of it may still be out, or a caller hold it:
 * the release() that those leave due goes to the lane's port, which stays for it: *port.
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

/* A task of a lane, of which no other thread knows. */
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
 * ward_task_wait(): a holder of the task may have come in its done().
 */
static cold bool close_task(struct pool *pool, struct slot *slot,
			    uint64_t *epoch, struct ward_task *task, int status,
			    struct lane_place *place)
{
	struct ward_port *port = NULL;
	bool lost = task_attempt(load_relaxed(&task_priv(task)->word)) > 1;

	*place = out_of_lane(task, &port);
	task_priv(task)->status = status;
	if (close_lost(pool, slot, epoch, task_priv(task))) {
		if (port) /* no holder is left to need it */
			port_unhold(port);
		if (slot)
			slot->leaves = *place; /* should release() be its end */
		return true;
	}
	wait_tell(&pool->answered); /* [y] a waiter holds the task */
	if (place->lane && lost) /* a mere holder was never inside */
		store_relaxed(&place->lane->zombie_left, 1); /* [lt] */
	leave_lane(slot, *place);
	return false;
}

/* release(), if the task has one, and the count of what was given back. */
static hot void call_release(struct pool *pool, struct slot *slot, uint64_t epoch,
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
	else if (!close_task(pool, slot, &epoch, task, status, &place))
		return;
	call_release(pool, slot, epoch, task, release);
	leave_lane(slot, place);
}

static hot void give_back_plain(struct pool *pool, struct slot *slot,
				uint64_t epoch, struct ward_task *task,
				uint64_t word)
{
	void (*release)(struct ward_task *) = task->release;

	store_release(&task_priv(task)->word, task_shut(word));
	call_release(pool, slot, epoch, task, release);
}

/*
 * The task is the user's again, after its done(status).  'slot' is the caller's, in
 * epoch 'epoch'.
 */
static hot void give_back(struct pool *pool, struct slot *slot, uint64_t epoch,
			  struct ward_task *task, int status)
{
	uint64_t word = load_acquire(&task_priv(task)->word); /* [K] */

	/* A caller without a slot is not seen inside of the task: it swaps. */
	if (likely(slot && task_plain(word)))
		give_back_plain(pool, slot, epoch, task, word);
	else
		give_back_carefully(pool, slot, epoch, task, word, status);
}

/*
 * A dead letter, in an epoch of its own: if the hook ends its thread, another thread
 * has done() to call, and knows that the dead letter was told.
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
	task_priv(task)->status = *status;
	task_move(task_priv(task), TASK_LOST, 0); /* a canceller comes too late */
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
	PROBE(done, pool, task, task->name, status,
	      slot ? slot->self.worker : UINT32_MAX);
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
	/* A fenced callback loses no answer: worker_work() sees the fence next. */
	if (slot)
		slot_end(slot);
}

bool worker_settle(struct pool *pool, struct slot *slot, struct ward_task *task)
{
	struct task_priv *priv = task_priv(task);
	uint64_t word = load_acquire(&priv->word); /* [K] */

	switch (task_state(word)) {
	case TASK_RERUN:
		if (!stop_with_pool(pool, word))
			return true;
		/* fall through */
	case TASK_QUEUED:
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
 * By the last thread inside of an answered task: release() is its.  In an epoch of its
 * own, so that a thread that dies in it is seen to.  No fence is asked for meanwhile,
 * because the slot is taken.
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

	if (load_relaxed(&slot->fence) == FENCE_FORKED)
		host_exit();
	PROBE(home, pool->name, slot->self.worker, load_relaxed(&slot->thread.tid),
	      task, load_relaxed(&slot->fencing.at));
	slot->priority.demoted = false;
	if (LIFE_STATE(life) == LIFE_ZOMBIE) /* first: the rest at full priority */
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
	if (!seated) { /* ZOMBIE, and only this thread moves it on */
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

cold void worker_clean_up(struct slot *slot, int status)
{
	if (status != SLOT_AWAY)
		slot_stay(slot);
	store_relaxed(&slot->declared, 0);
	if (load_relaxed(&slot->fence) == FENCE_FORKED)
		return;
	if (load_relaxed(&slot->unblock.word))
		unblock_clear(slot, true);
	if (slot->forked) {
		steal_settle(slot);
		deque_close(&slot->local.deque);
	}
	store_relaxed(&slot->fencing.fencing_token, 0); /* no thief is left to ask */
	slot->forked = slot->needs_cleanup = 0;
}

/* Counts and tells a failure.  True: the task runs again. */
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

/*
 * A periodic task is over when it fails, is cancelled (which is seen when its next
 * time comes), or when the pool takes no more tasks.
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
	slot_end(slot); /* before another worker may begin it */
	due_grow(&pool->inbox.later.due);
	later_put(&pool->inbox, task, at, false);
	return true;
}

/* The rest of the attempt is elsewhere.  It is on its way before others can meet it. */
static bool go_away(struct pool *pool, struct slot *slot, struct ward_task *task)
{
	struct slot_away away = slot->away;

	slot->away.go = NULL;
	add_relaxed(&pool->inbox.away.gone, 1);
	slot_end(slot);
	away.go(task, away.arg);
	return slot_own(slot);
}

/* The second half of finish(), of a task that failed, is periodic, or in a lane. */
dedup_floor
static __attribute__((noinline)) bool
conclude(struct pool *pool, struct slot *slot, uint64_t epoch,
	 struct ward_task *task, int status)
{
	bool failed = false;

	if (unlikely(status == SLOT_AWAY && slot->away.go))
		return go_away(pool, slot, task);
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
	/* Not outside until the task is given back: a canceller looks here. */
	void (*done)(struct ward_task *, int) = task->done;
	uint64_t left = epoch, word;

	if (unlikely(slot->needs_cleanup))
		worker_clean_up(slot, status);
	/* Without done() too: RELEASE says that the task is the user's again. */
	epoch = slot_step(slot, left, SLOT_RUN,
			  unlikely(status) ? SLOT_DEAD : SLOT_DONE);
	if (unlikely(!slot_own_of(slot, left))) {
		slot_go_on(slot, epoch, SLOT_OUT);
		slot_stay(slot);
		return false;
	}
	count_own_release(&slot->ended, 1); /* [r] after its start */
	word = load_acquire(&task_priv(task)->word); /* [K] zombies' last looks */
	if (unlikely(status || !task_plain(word)))
		return conclude(pool, slot, epoch, task, status);
	PROBE(done, pool, task, task->name, 0, slot->self.worker);
	if (done) {
		done(task, 0);
		give_back(pool, slot, epoch, task, 0);
	} else {
		give_back_plain(pool, slot, epoch, task, word);
	}
	return likely(slot_end(slot));
}

/*
 * The task spilled over on its way to where it would have waited, or its grant moved;
 * true: it waits now.
 */
static bool is_early(struct pool *pool, struct ward_task *task, uint64_t word)
{
	uint64_t grant = word & TASK_GRANT;

	if (task_state(word) == TASK_QUEUED && !grant)
		return false;
	do {
		if (later_again(&pool->inbox, task))
			return true;
	} while (grant && !lane_takes_grant(task_priv(task)->lane, task));
	return false;
}

/* The task's time has come: to its lane, unless it is not to run.  It is ours alone. */
static cold void come_to_lane(struct pool *pool, struct slot *slot,
			      struct ward_task *task, uint64_t word)
{
	struct task_priv *priv = task_priv(task);
	uint64_t by = stop_by(pool, task);
	int status = stop_begin(pool, task);

	/* ->before is NULL; a canceller may look for its leaf just now. */
	store_relaxed(&priv->wait.where, 0);
	while (!status && !(word & TASK_CANCELLED)) {
		if (!cas_acq_rel(&priv->word, &word, /* [K] */
				 task_with_state(word, TASK_QUEUED)))
			continue;
		/* It is counted when it comes from there. */
		add_relaxed(&pool->inbox.accepted, -(uint64_t)1);
		lane_enter(priv->lane, task, false);
		pool_tell_by(pool, by);
		return;
	}
	worker_answer(pool, slot, task,
		      task_skip(priv, TASK_QUEUED, TASK_REFUSED, status));
}

/*
 * What an attempt seldom needs before it begins: the word that it begins with; 0: it
 * does not, and the task has gone on its way.
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
	if (status) { /* no failure, and no dead letter */
		worker_answer(pool, slot, task,
			      task_skip(priv, TASK_QUEUED, 0, status));
		return 0;
	}
	show_own_budgets(slot, task);
	if (word & TASK_STAMPED) /* a rerun's stamp tells nothing of a queue */
		slot->stamp = task_attempt(word) == 1 ? priv->stamp : 0;
	return word;
}

dedup_floor
void worker_refuse(struct pool *pool, struct slot *slot,
		   struct ward_task *task)
{
	uint64_t word = load_relaxed(&task_priv(task)->word);

	if (prepare(pool, slot, task, word))
		later_requeue(&pool->inbox, task, false);
}

/* Nothing is said about the task, nor left in the slot, that prepare() must see. */
static inline bool is_ready(const struct slot *slot,
			    const struct ward_task *task, uint64_t word)
{
	return !(((uintptr_t)task->cancel | (uintptr_t)task->policy |
		  slot->own_budgets) != 0 || !task_fresh(word) ||
		 (word & TASK_LANE && lane_asks(task_priv(task)->lane)));
}

/* One attempt.  False as in finish(). */
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
	PROBE(start, pool, task, task->name, slot->self.attempt,
	      slot->self.worker, task->run);
	if (unlikely(load_relaxed(&priv->word) != word) &&
	    (status = stop_short(slot, task)))
		;
	else if (unlikely(word & TASK_STAMPED))
		status = run_stamped(slot, task);
	else
		status = task->run(task);
	return finish(pool, slot, epoch, task, status);
}

/* There is a control message; 'task' was taken meanwhile, or is NULL. */
static cold enum work_end handle_control(struct pool *pool, struct slot *slot,
					 struct ward_task *task)
{
	if (load_relaxed(&slot->fence) == FENCE_FORKED)
		host_exit();
	if (load_acquire(&pool->stopping)) {
		if (!task)
			return WORK_STOPS;
		worker_settle(pool, slot, task);
		return WORK_GOES_ON;
	}
	if (seat_leave(pool, slot)) {
		if (task)
			later_return(&pool->inbox, task);
		return WORK_LEAVES;
	}
	if (task)
		attempt(pool, slot, task);
	return WORK_GOES_ON;
}

dedup_floor
enum work_end worker_work(struct pool *pool, struct slot *slot, bool own)
{
	struct ward_task *task;
	enum work_end end;

	for (;;) {
		if (unlikely(!own) && !worker_come_home(pool, slot))
			return WORK_RETURNED;
		task = inbox_next(&pool->inbox, &slot->local, slot->index);
		if (likely(task && !load_relaxed(&pool->inbox.controls))) {
			own = attempt(pool, slot, task);
			continue;
		}
		end = handle_control(pool, slot, task);
		if (end != WORK_GOES_ON)
			return end;
		own = !slot_taken(slot);
	}
}

dedup_floor
cold bool worker_finish_raised(struct pool *pool, struct slot *slot)
{
	return finish(pool, slot, load_relaxed(&slot->word),
		      load_relaxed(&slot->task), slot->fail.raised);
}
