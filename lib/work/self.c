/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * self.c - what code inside a task asks and says about itself, and the time.
 *
 * It touches the caller's own slot and its task, which stays valid while it is
 * inside run(), also when the attempt was lost: the debt sees to that.
 */
#include "work/lane.h"
#include <errno.h>

static bool running(const struct slot *slot)
{
	return slot && slot_runs(slot);
}

ward_ns ward_now(void)
{
	return host_now();
}

const struct ward_self *ward_self(void)
{
	struct slot *slot = host_self();

	if (!slot)
		return NULL;
	if (!running(slot))
		slot->self.attempt = 0;
	return &slot->self;
}

int task_cause(const struct ward_task *task)
{
	const struct book *book = book_of(task);
	uint64_t word = load_acquire(&book->word);
	int cause;

	if (unlikely(word & BOOK_CANCELLED)) /* [ca] */
		return book->cause;
	if (task->cancel && (cause = cancel_cause(task->cancel)))
		return cause;
	return unlikely(word & BOOK_LANE) ? lane_why_not(book->lane, task) : 0;
}

static bool says(int status, int cause)
{
	return cause && (status == cause || status == -ESTALE);
}

static bool lane_told(const struct lane *lane, const struct ward_task *task,
		      int status)
{
	return says(status, lane_why_not(lane, task)) ||
	       (status == -ESTALE && lane_is_lost(lane, task));
}

bool task_failed(const struct pool *pool, const struct ward_task *task,
		 int status)
{
	const struct book *book = book_of(task);
	uint64_t word = load_acquire(&book->word);

	if (!status || status == -ECANCELED || word & BOOK_UNWANTED)
		return false;
	if (status == -ESHUTDOWN && load_relaxed(&pool->stopping))
		return false;
	if (word & BOOK_CANCELLED && says(status, book->cause)) /* [ca] */
		return false;
	if (task->cancel && says(status, cancel_cause(task->cancel)))
		return false;
	return !(word & BOOK_LANE && lane_told(book->lane, task, status));
}

static cold int why_stop(struct slot *slot)
{
	if (unlikely(slot_taken(slot)))
		return load_relaxed(&slot->fence) == FENCE_FORKED ? -ECHILD :
								    -ESTALE;
	if (unlikely(load_relaxed(&slot->pool->stopping)))
		return -ESHUTDOWN;
	return running(slot) ? theft_cause(slot) : 0;
}

/* The same for a thread that need not be a worker, nor inside of anything. */
cold int self_why_stop(struct slot *slot)
{
	return slot && slot_inside(load_relaxed(&slot->word)) ? why_stop(slot) :
								 0;
}

/*
 * Inside run(), and as far as can be seen at a glance, nothing has happened.  What
 * hardly ever says no is asked at once: one branch is what there is time for.
 */
static inline bool goes_on(const struct slot *slot)
{
	const struct ward_task *task = load_relaxed(&slot->task);
	uint64_t stops;

	if (!slot_runs(slot))
		return false;
	stops = (load_relaxed(&slot->fence) & 1) |
		load_relaxed(&slot->pool->stopping) |
		(load_acquire(&book_of(task)->word) & /* [ca] */
		 (BOOK_CANCELLED | BOOK_LANE | BOOK_CARRIER));
	return !stops && (!task->cancel || cancel_is_live(task->cancel));
}

struct ward_cancel *ward_token(void)
{
	struct slot *slot = host_self();
	const struct ward_task *task;

	if (!running(slot))
		return NULL;
	task = theft_task(slot);
	if (task->cancel || !(load_relaxed(&book_of(task)->word) & BOOK_LANE))
		return task->cancel;
	return &book_of(task)->lane->token;
}

/*
 * What else there is to do is left by a jump, so that nothing has to be saved.
 */
int ward_check(void)
{
	struct slot *slot = slot_here();

	if (unlikely(!slot))
		return self_why_stop(host_self());
	__atomic_store_n(&slot->pulse.beats, slot->pulse.beats + 1,
			 __ATOMIC_RELAXED);
	return likely(goes_on(slot)) ? 0 : self_why_stop(slot);
}

/* Of its task's attempts, and among rivals of its lane. */
static bool commit(struct ward_task *task, uint32_t attempt)
{
	struct book *book = book_of(task);
	bool laned = load_relaxed(&book->word) & BOOK_LANE;

	return book_commit(book, attempt) &&
	       (!laned || lane_commit(book->lane, task));
}

int ward_commit(void)
{
	struct slot *slot = host_self();

	if (!running(slot))
		return -EPERM;
	/* A fence that comes after this look comes after the commit. */
	if (!slot_taken(slot) && !theft_cause(slot) &&
	    commit(theft_task(slot), slot->self.attempt))
		return 0;
	count_own(&slot->stale_commits, 1);
	if (slot_taken(slot) && load_relaxed(&slot->fence) != FENCE_FORKED) {
		/* It was on its way: how much too early was the fence? */
		count_own(&slot->regrets, 1);
		histogram_add(&slot->regret,
			      host_now() - load_relaxed(&slot->fenced_at));
	}
	return -ESTALE;
}

/*
 * Drawn first, then the look at the fence: an attempt that finds itself unfenced
 * has drawn before any later attempt began, and all draw from one counter by
 * read-modify-write, so the later ones have drawn more.  Its forks may ask at the same
 * time, elsewhere: the first number that is drawn is the attempt's.
 */
int ward_fence(uint64_t *fence)
{
	struct slot *slot = host_self();
	struct slot *root;
	uint64_t number;

	if (!fence)
		return -EINVAL;
	if (!running(slot))
		return -EPERM;
	slot->traces = 1;
	root = theft_root(slot);
	number = load_acquire(&root->outside); /* [dq] */
	if (!number) {
		uint64_t drawn = host_ticket();

		if (cas_acq_rel(&root->outside, &number, drawn)) /* [dq] */
			number = drawn;
	}
	if (slot_taken(slot) || slot_taken(root))
		return -ESTALE;
	*fence = number;
	return 0;
}

/*
 * One futex: the token's, or the slot's own.  Who fences the caller moves whichever
 * it is that it waits on, and so does who stops the pool [G].
 */
int ward_pause(ward_ns until)
{
	struct slot *slot = host_self();
	const struct ward_cancel *token = ward_token();
	_Atomic uint32_t *word;
	static _Atomic uint32_t nobody;
	uint32_t seen;
	ward_ns end;
	int err;

	if (!slot || !slot_inside(load_relaxed(&slot->word))) {
		while (host_wait(&nobody, 0, until) != -ETIMEDOUT)
			;
		return 0;
	}
	word = token ? cancel_word(token) : &slot->pause;
	pool_until(slot->pool, until);
	store_release(&slot->waits_on, word);
	host_fence_heavy(); /* [G] I wait there | fenced? stopping? */
	crew_will_wait(slot->pool);
	do {
		seen = load_acquire(word);
		err = why_stop(slot);
		end = token ? cancel_until(token, until) : until;
	} while (!err &&
		 (host_wait(word, seen, end) != -ETIMEDOUT || end != until));
	slot_roused(slot);
	return err ? err : why_stop(slot);
}

void ward_block_enter(ward_ns until)
{
	struct slot *slot = host_self();

	if (!running(slot))
		return;
	slot->traces = 1;
	store_relaxed(&slot->declared, until ? until : 1);
	crew_will_wait(slot->pool);
}

void ward_block_leave(void)
{
	struct slot *slot = host_self();

	if (running(slot))
		store_relaxed(&slot->declared, 0);
}

uint64_t ward_incident(const struct ward_task *task)
{
	const struct book *book;

	if (!task)
		return 0;
	book = book_of(task);
	return book_attempt(load_acquire(&book->word)) > 1 ?
		       load_relaxed(&book->incident) :
		       0;
}
