/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.c - a worker's thread: its start, its way from seat to seat, its end.
 *
 * Signals: of the asynchronous ones workers take pool->signals.  Cancellation:
 * deferred, and there is no cancellation point in libward between taking a task and
 * beginning it, so a thread ends only inside a task's or a hook's own code.
 * Asynchronous cancellation is not supported.
 */
#include "tell/dedup.h"
#include "task/priority.h"
#include "run/worker.h"
#include <stdio.h>

dedup_floor
static void arrive(struct pool *pool, struct slot *slot)
{
	host_set_self(slot);
	ward_pulse_ = &slot->pulse;
	store_relaxed(&slot->thread.tid, host_tid());
	host_life_hold(&slot->thread.liveness);
	spare_lives_changed(pool); /* from now on its end is noticed */
	host_stat_open(&slot->thread.stat_files, load_relaxed(&slot->thread.tid));
	if (slot->fail.alt_stack)
		host_alt_stack_use(slot->fail.alt_stack);
	if (slot->fail.alt_stack && pool->trace_signo >= 0)
		host_trace_here(&slot->thread.trace, &slot->word, &slot->thread.liveness);
	if (pool->hooks.start) {
		show_own_budgets(slot, NULL); /* not those of the slot's last thread */
		slot_begin(slot, NULL, SLOT_HOOK);
		slot->self.local = pool->hooks.start(pool->hooks.arg,
						     slot->index);
		slot_end(slot);
	}
	add_relaxed(&pool->arrived, 1);
}

static void forget_self(void)
{
	host_trace_here(NULL, NULL, NULL);
	host_alt_stack_leave();
	ward_pulse_ = NULL;
	host_set_self(NULL);
	host_set_mine(NULL); /* a callback may have ended the thread */
}

/* On the thread that ends by pthread_exit or cancellation. */
static void exit_cleanup(void *arg)
{
	struct slot *slot = arg;
	uint64_t life;

	if (load_relaxed(&slot->fence) == FENCE_FORKED)
		return; /* a copy in a child process: nothing here is its own */
	life = load_acquire(&slot->thread.life);
	if (LIFE_STATE(life) == LIFE_ZOMBIE) /* others wait for its last steps */
		priority_returned(slot, LIFE_GEN(life));
	if (slot->forked)
		steal_leave(slot, -EOWNERDEAD); /* first: see worker() */
	if (load_relaxed(&slot->unblock.word))
		unblock_clear(slot, true); /* its argument may go with the stack */
	if (load_relaxed(&slot->wait.on)) /* it has ended in ward_pause() */
		slot_await_wakers(slot);
	forget_self();
	while (!reap_thread(slot->pool, slot, load_acquire(&slot->thread.life), true))
		;
}

/* The thread leaves outside any task; only it moves its life, but for a fence. */
static void worker_leave(struct pool *pool, struct slot *slot)
{
	uint64_t life = load_acquire(&slot->thread.life); /* [L] */

	transition_begin(pool);
	while (!life_step(slot, &life, LIFE_GONE))
		;
	if (LIFE_STATE(life) == LIFE_SEATED)
		seat_empty(pool, slot, load_relaxed(&slot->seat.number), false);
	else if (LIFE_STATE(life) == LIFE_ZOMBIE) /* in the stop hook */
		life_no_zombie(pool, life, &pool->zombies_returned);
	else
		sub_acq_rel(&pool->starting, 1);
	transition_end(pool);
	spare_lives_changed(pool); /* start may wait for the last thread */
	inbox_settle(&pool->inbox);
	pool_left(pool);
}

/* On the bench; ends as worker_work(). */
static enum work_end answer_all(struct pool *pool, struct slot *slot)
{
	while (!sweep(pool, slot))
		if (!worker_come_home(pool, slot))
			return WORK_RETURNED;
	seat_leave(pool, slot);
	orphaned_answer(pool);
	return WORK_LEAVES;
}

static void report_return(struct pool *pool, struct slot *slot)
{
	struct incident *in =
		incident_open(&pool->tell, WARD_R_HOME, incident_id());

	if (!in)
		return;
	in->report.tid = load_relaxed(&slot->thread.tid);
	in->report.worker = load_relaxed(&slot->seat.number);
	in->report.what = "a fenced thread came back";
	incident_raise(&pool->tell, in);
}

void threads_stop_running(struct pool *pool)
{
	store_release(&pool->stopping, 1);
	or_acq_rel(&pool->inbox.controls, CONTROL_STOP);
}

void threads_stop(struct pool *pool)
{
	threads_stop_running(pool);
	host_barrier_heavy(); /* [x] stopping, before the spares' word */
	for_each_slot(slot, pool) {
		uint32_t none = CALL_NONE;

		if (cas_acq_rel(&slot->seat.call, &none, CALL_STOP))
			host_wake(&slot->seat.call, 1);
		slot_wake_waiter(slot);
	}
	spare_lives_changed(pool);
	bell_close(&pool->inbox.bell);
}

/*
 * Its task may go on, and exec or _exit; the thread takes no other, waits for none, and
 * answers for nobody.
 */
void thread_forked(void *self)
{
	struct slot *slot = self;

	if (!slot)
		return;
	store_relaxed(&slot->fence, FENCE_FORKED);
	ward_pulse_ = NULL;
	store_relaxed(&slot->pool->orphaned, 0);
	threads_stop(slot->pool);
}

/* From seat to seat; after a raise the thread goes on in the seat that it has, if any. */
static void serve(struct pool *pool, struct slot *slot, bool raised)
{
	bool own = !raised || worker_finish_raised(pool, slot);

	while (raised || spare_wait(pool, slot)) {
		bool bench = load_relaxed(&slot->seat.number) == seat_of_bench(pool);
		enum work_end end = bench ? answer_all(pool, slot) :
					    worker_work(pool, slot, own);

		if (end == WORK_STOPS)
			break;
		raised = false;
		own = true;
		if (end == WORK_LEAVES)
			continue;
		report_return(pool, slot);
		if (slot->priority.demoted)
			break;
		orphaned_answer(pool); /* destroy does not wait for a zombie */
	}
	orphaned_answer(pool);
}

/*
 * When the exit cleanup is called, the frames of run() are gone, and thieves may be
 * inside of forks that lie there.  The cleanup stays within the gap until it has waited
 * for them.
 */
#define GAP 4096

dedup_floor
static void worker(void *arg)
{
	struct slot *slot = arg;
	struct pool *pool = slot->pool;
	char gap[GAP];
	int escaped = host_mark(&slot->fail.escape);

	__asm__ __volatile__("" : : "r"(gap) : "memory");
	if (escaped == ESCAPE_LEAVE) {
		/* Not by pthread_exit(), which would look for handlers on the
		 * stack that was left. */
		exit_cleanup(slot);
		return;
	}
	if (escaped == ESCAPE_NOT)
		arrive(pool, slot);
	serve(pool, slot, escaped == ESCAPE_RAISED);
	if (load_relaxed(&slot->fence) == FENCE_FORKED)
		host_exit();
	if (pool->hooks.stop) {
		show_own_budgets(slot, NULL);
		slot_begin(slot, NULL, SLOT_HOOK);
		pool->hooks.stop(pool->hooks.arg, slot->index,
				 slot->self.local);
		slot_end(slot);
	}
	orphaned_answer(pool); /* what its stop hook has handed on */
	forget_self();
	host_life_leave(&slot->thread.liveness);
	worker_leave(pool, slot);
}

/* For the first thread of a slot; slots that are never used are never touched. */
void thread_slot_init(struct pool *pool, struct slot *slot, uint32_t index)
{
	slot->pool = pool;
	slot->index = index;
	slot->thread.stat_files = host_stat_of(0);
	slot->self.size = sizeof(slot->self);
	slot->self.pool = pool->name;
	local_init(&slot->local, slot->index);
	deque_init(&slot->local.deque,
		   pool->fork + (size_t)slot->index * DEQUE_SIZE,
		   &pool->inbox.bell.word);
	slot->local.steal_fork = steal_try;
	if (pool->no_batch)
		slot->local.batch = slot->local.most = 1;
}

/*
 * Below the stack, where faults are caught: a frame that is too large must not reach
 * over it into another thread's stack.  As much as the kernel leaves below the first
 * thread's stack; address space, no memory.
 */
#define GUARD ((size_t)1 << 20)

int thread_spawn(struct pool *pool, struct slot *slot)
{
	struct host_spawn how = { .stack = pool->stack,
				  .guard = pool->catch_faults ? GUARD : 0,
				  .cpus = pool->cpus,
				  .name = slot->thread.name,
				  .open = pool->signals };
	uint64_t word = load_relaxed(&slot->word);
	uint32_t making = JOIN_MAKING;
	host_thread thread;
	int err;

	if (!slot->pool)
		thread_slot_init(pool, slot, (uint32_t)(slot - pool->slot));
	if (slot->index >= load_relaxed(&pool->slots_used))
		store_release(&pool->slots_used, slot->index + 1);
	if ((pool->catch_faults || pool->trace_signo >= 0) && !slot->fail.alt_stack)
		slot->fail.alt_stack = host_alt_stack_new();
	if (pool->catch_faults && !slot->fail.alt_stack)
		return -ENOMEM; /* a backtrace is not worth it */
	transition_begin(pool);
	/* What the slot's last thread, which was joined, left behind. */
	if (slot_inside(word))
		store_relaxed(&slot->word, slot_next(word, SLOT_OUT));
	store_relaxed(&slot->fence, 0);
	store_relaxed(&slot->declared, 0);
	store_relaxed(&slot->unblock.word, 0);
	store_relaxed(&slot->wait.on, NULL);
	store_relaxed(&slot->fencing.fencing_token, 0);
	slot->forked = slot->needs_cleanup = 0;
	deque_close(&slot->local.deque);
	slot->fail.raise_to = NULL;
	slot->fail.path.n = 0;
	slot->fail.fault.signo = 0;
	store_relaxed(&slot->seat.number, UINT32_MAX);
	slot->seat.vacated = 0;
	slot->priority.demoted = false;
	host_life_init(&slot->thread.liveness);
	snprintf(slot->thread.name, sizeof(slot->thread.name), "%s/%u", pool->name,
		 slot->index);
	add_acq_rel(&pool->refs, 1);
	add_acq_rel(&pool->alive, 1);
	add_acq_rel(&pool->starting, 1);
	add_relaxed(&pool->threads_created, 1); /* before the thread may be seen */
	store_relaxed(&slot->thread.join_state, JOIN_MAKING);
	life_move(slot, load_acquire(&slot->thread.life), LIFE_STARTING);
	inbox_add_local(&pool->inbox, slot->index, &slot->local);
	err = host_spawn(&thread, &how, worker, exit_cleanup, slot);
	if (!err) {
		slot->thread.handle = thread;
		if (!cas_acq_rel(&slot->thread.join_state, &making, JOIN_MADE)) /* [bd] */
			host_detach(thread); /* destroy could not wait */
	} else {
		life_move(slot, load_acquire(&slot->thread.life), LIFE_FREE);
		sub_acq_rel(&pool->starting, 1);
		sub_acq_rel(&pool->alive, 1);
		sub_acq_rel(&pool->refs, 1);
		add_relaxed(&pool->threads_created, -(uint64_t)1);
	}
	transition_end(pool);
	return err;
}
