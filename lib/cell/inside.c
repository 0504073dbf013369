/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inside.c - a cell from the inside: a process that serves calls until it is told to
 * leave, is killed, or its parent ends.
 *
 * Its one thread has a slot, as a worker's has, which lies in the segment: so beats,
 * checks, commits and failures are the library's own, and the parent sees them.  The
 * slot's pool has no threads; it is there for what those calls touch.
 */
#include "cell/inside.h"
#include "front/front.h"
#include "run/worker.h"
#include <stdio.h>
#include <string.h>

#ifndef INSIDE_LOOKS
#define INSIDE_LOOKS 64 /* for the next call, before it sleeps */
#endif

/* ---- one call -------------------------------------------------------------------- */

static int run_task(struct ward_task *task)
{
	struct inside *me = ward_entry(slot_here(), struct cell_shared, slot)->me;

	(void)task;
	return me->program.run(&me->request);
}

/* The call's last words on its failure; the records are free again. */
static void last_words(struct inside *me, struct cell_words *words,
		       struct cell_tail *tail)
{
	struct tell *tell = &me->pool->tell;
	uint32_t i;

	tail->said = 0;
	while ((i = stack_pop(&tell->ready)) != STACK_NONE) {
		const struct incident *in = &tell->record[i];

		if (!tail->said) { /* the last one is the first on the stack */
			words->known = in->report.known;
			tail->said = (uint32_t)snprintf(words->text, CELL_SAID,
							"%s", in->text);
			if (tail->said >= CELL_SAID)
				tail->said = CELL_SAID - 1;
			tail->said++; /* with its NUL: 0 is "nothing" */
		}
		stack_push(&tell->free, i);
	}
}

static void wake_collector(struct cell_shared *shared)
{
	if (!load_relaxed(&shared->listens))
		return;
	store_relaxed(&shared->listens, 0);
	host_wake_shared(&shared->listens, 1);
}

/* A caller that waits collects for all; where none does, the collector. */
static void wake_parent(struct cell_shared *shared)
{
	barrier_seq_cst(); /* [kd] answered | the parent sleeps */
	if (load_relaxed(&shared->waits))
		host_wake_shared(&shared->used, 1);
	else
		wake_collector(shared);
}

static void publish(struct inside *me, uint32_t number)
{
	struct cell_shared *shared = me->shared;
	uint32_t used = load_relaxed(&shared->used);

	store_relaxed(cell_used(shared, me->layout.depth, used), number);
	store_release(&shared->used, used + 1); /* [kb] */
	wake_parent(shared);
}

static int attempt(struct slot *slot, struct ward_task *task)
{
	uint64_t epoch;
	int status;

	slot_begin(slot, task, SLOT_RUN);
	switch (host_mark(&slot->fail.escape)) {
	case ESCAPE_NOT:
		status = task->run(task);
		break;
	case ESCAPE_RAISED:
		status = slot->fail.raised;
		break;
	default:
		host_process_exit(1);
	}
	if (slot->needs_cleanup)
		worker_clean_up(slot, status);
	epoch = load_relaxed(&slot->word);
	slot_go_on(slot, epoch, SLOT_OUT);
	return status;
}

static void serve_one(struct inside *me, uint32_t number)
{
	struct cell_head *head = cell_head(me->shared, &me->layout, number);
	struct cell_tail *tail = cell_tail(head, &me->layout);
	struct cell_words *words = cell_words(head, &me->layout);
	struct slot *slot = &me->shared->slot;
	struct ward_task *task = &me->shared->task;

	me->request = (struct ward_request){ .in = cell_in(head),
					    .out = cell_out(tail),
					    .in_size = head->in_size,
					    .out_max = me->layout.out_max,
					    .attempt = head->attempt,
					    .local = me->local };
	task->cancel = &words->token;
	store_relaxed(&task_priv(task)->word,
		      TASK_QUEUED + head->attempt * TASK_ATTEMPT_ONE);
	slot->self.attempt = head->attempt;
	store_relaxed(&me->shared->inside, number + 1);
	tail->status = attempt(slot, task);
	tail->out_size = me->request.out_size <= me->layout.out_max ?
				 me->request.out_size :
				 me->layout.out_max;
	last_words(me, words, tail);
	publish(me, number);
	/* Not before: where it ends here, its parent looks whether it has committed. */
	store_relaxed(&me->shared->inside, 0);
}

/* ---- the next one ---------------------------------------------------------------- */

/* The next call's lines are on their way while this one runs. */
static void fetch(struct inside *me, uint32_t at, uint32_t avail)
{
	struct cell_head *head;

	if (at == avail)
		return;
	head = cell_head(me->shared, &me->layout,
			 load_relaxed(cell_avail(me->shared, me->layout.depth, at)));
	__builtin_prefetch(head);
	__builtin_prefetch((char *)head + WARD_LINE);
	prefetch_own(cell_tail(head, &me->layout));
}

/*
 * The parent may take back a number before its count of them is seen here: then 'taken'
 * is ahead.
 */
static bool any_from(uint32_t taken, uint32_t avail)
{
	return (int32_t)(avail - taken) > 0;
}

static bool anything_put(const struct cell_shared *shared)
{
	return any_from(load_relaxed(&shared->taken),
			load_acquire(&shared->avail)); /* [ka] */
}

static bool take(struct inside *me, uint32_t *number)
{
	struct cell_shared *shared = me->shared;
	uint32_t taken = load_relaxed(&shared->taken);

	do {
		if (!any_from(taken, me->seen))
			me->seen = load_acquire(&shared->avail); /* [ka] */
		if (!any_from(taken, me->seen))
			return false;
		*number = load_relaxed(
			cell_avail(shared, me->layout.depth, taken));
	} while (!cas_acq_rel(&shared->taken, &taken, taken + 1)); /* [ka] */
	fetch(me, taken + 1, me->seen);
	return true;
}

/* Is there anything to do?  Looked at after 'asleep' was stored. */
static bool anything(const struct cell_shared *shared)
{
	return anything_put(shared) ||
	       load_acquire(&shared->order) != CELL_SERVE;
}

/* True: there is something to do. */
static bool look_around(const struct cell_shared *shared)
{
	for (int i = 0; i < INSIDE_LOOKS; i++) {
		if (anything(shared))
			return true;
		if (i % 8 == 7)
			host_yield();
		else
			host_relax();
	}
	return false;
}

static void sleep_on(struct cell_shared *shared)
{
	uint32_t seen = load_acquire(&shared->rung);

	store_relaxed(&shared->asleep, 1);
	barrier_seq_cst(); /* [kc] asleep | published */
	if (!anything(shared))
		host_wait_shared(&shared->rung, seen, HOST_FOREVER);
	store_relaxed(&shared->asleep, 0);
}

void inside_serve(struct inside *me)
{
	uint32_t number, served = 0; /* since it slept */

	for (;;) {
		for (; take(me, &number); served++)
			serve_one(me, number);
		if (load_acquire(&me->shared->order) == CELL_LEAVE &&
		    !anything_put(me->shared))
			return;
		/* A lone call has no next one soon, and others need the CPU. */
		if (served >= CELL_BURST && look_around(me->shared))
			continue;
		sleep_on(me->shared);
		served = 0;
	}
}

/* ---- up and down ----------------------------------------------------------------- */

static void show(struct cell_shared *shared, enum cell_stage stage)
{
	store_release(&shared->stage, stage);
	barrier_seq_cst(); /* [kd] my stage | the parent sleeps */
	wake_collector(shared);
}

/* A pool without threads, in which this thread is the first. */
static int make_pool(struct pool **out)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	config.name = "cell";
	config.workers = config.spares = config.zombies = 1;
	config.zombies_asleep = 1;
	config.ring = 2;
	config.trace_signo = WARD_TRACE_NONE;
	return pool_new(out, &config);
}

static void have_slot(struct inside *me)
{
	struct slot *slot = &me->shared->slot;

	me->shared->me = me;
	me->shared->task.run = run_task;
	thread_slot_init(me->pool, slot, 0);
	host_set_self(slot);
	ward_pulse_ = &slot->pulse;
	host_life_hold(&me->shared->life);
}

static int start_hook(struct inside *me)
{
	struct slot *slot = &me->shared->slot;
	int err = 0;

	if (!me->program.start)
		return 0;
	slot_begin(slot, NULL, SLOT_HOOK);
	err = me->program.start(me->program.arg, &me->local);
	slot_end(slot);
	slot->self.local = me->local;
	return err;
}

static void stop_hook(struct inside *me)
{
	struct slot *slot = &me->shared->slot;

	if (!me->program.stop)
		return;
	slot_begin(slot, NULL, SLOT_HOOK);
	me->program.stop(me->program.arg, me->local);
	slot_end(slot);
}

void inside_live(struct inside *me)
{
	have_slot(me);
	if (start_hook(me)) {
		show(me->shared, CELL_FAILED);
		host_process_exit(1);
	}
	show(me->shared, CELL_READY);
	inside_serve(me);
	show(me->shared, CELL_LEFT);
	stop_hook(me);
	host_life_leave(&me->shared->life);
}

static bool is_ours(const struct cell_shared *shared, uint64_t size)
{
	return size >= sizeof(*shared) && shared->magic == CELL_MAGIC &&
	       shared->layout == sizeof(*shared) && shared->size == size;
}

/* The process's only cell. */
static struct inside self;

/* The segment behind the descriptor.  0 or -errno. */
static int attach(struct inside *me, int fd)
{
	struct host_segment segment;
	int err = host_segment_take(&segment, fd);

	if (err)
		return err;
	me->shared = segment.mem;
	if (!is_ours(me->shared, segment.size)) {
		host_segment_free(&segment);
		return -EPROTO;
	}
	cell_lay_out(&me->layout, me->shared->depth, me->shared->in_max,
		     me->shared->out_max);
	return 0;
}

static _Noreturn void live(void)
{
	const struct cell_shared *shared = self.shared;
	char name[16];

	snprintf(name, sizeof(name), "%.15s", shared->name);
	if (host_serve_parent(shared->parent, name, &shared->limits))
		host_process_exit(1);
	inside_live(&self);
	fflush(NULL);
	host_process_exit(0);
}

int ward_cell_main(const struct ward_cell_program *program)
{
	int fd, err;

	if (!program || program->size != sizeof(*program) || !program->run ||
	    program->reserved)
		return -EINVAL;
	fd = host_inherited(CELL_VARIABLE);
	if (fd < 0)
		return -ENOTCONN;
	err = attach(&self, fd);
	if (!err)
		err = make_pool(&self.pool);
	if (err)
		return err;
	self.program = *program;
	live();
}

/* In a copy of the zygote. */
static void born(int fd, const void *message)
{
	memcpy(&self.program, message, sizeof(self.program));
	if (!attach(&self, fd))
		live();
}

int ward_cell_zygote(void)
{
	int err = host_init();

	_Static_assert(sizeof(struct ward_cell_program) <= HOST_MESSAGE,
		       "it is sent to the zygote");
	if (!err && !host_zygote_refuse())
		err = -EALREADY;
	/* The zygote has it, so that its copies need not make one. */
	if (!err && !self.pool)
		err = make_pool(&self.pool);
	return err ? err : host_zygote_start(born);
}
