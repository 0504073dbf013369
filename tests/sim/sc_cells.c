/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_cells.c - cells: submitters, the collector and the cells themselves, with a worker
 * that answers.
 *
 * A cell is a process of the simulator's host, which runs the library's own inside of a
 * cell in a segment that the collector made.  The pool has no threads but one worker, so
 * that nobody makes up for a wakeup that is missed; nor does time pass that could.  What
 * must hold: every accepted call is done once and released once, after that; its answer
 * is that of its cell; and in the end no process, no segment and no descriptor is left.
 */
#include "cell/cell.h"
#include "cell/inside.h"
#include "base/host.h"
#include "front/front.h"
#include "names.h"
#include "run/worker.h"
#include "sim.h"
#include <errno.h>
#include <string.h>
#include <ward/ward.h>

#define CALLS 4
#define BIRTHS 6
#define OUT_MAX 16
#define ANSWER 100u /* more than the question */

enum kind {
	FINE,
	HOLDS, /* until its gate is opened */
	SILENT, /* until the cell is killed */
	CHECKS, /* until it is told to stop */
	DIES_ONCE /* and its cell with it */
};

static struct job {
	struct ward_call call;
	uint32_t number; /* plain: the request */
	enum kind kind;
	_Atomic uint32_t gate;
	uint32_t scratch; /* plain: the submitter's, then release()'s */
	/* offstage */
	uint32_t runs, done, released;
	int status;
	bool accepted;
} job[CALLS];

static struct pool *pool;
static struct ward_cells *cells;
static host_thread at_work[2], minder;
static bool minds;
static struct inside inside[BIRTHS];
static uint32_t born_so_far;
static _Atomic uint32_t given_back; /* calls */
static unsigned unfreed; /* what the cells' own pools take */
static uint64_t grace; /* of destroy, where a cell may hang; 0: for ever */
static bool hostile; /* a cell, or its spare, or both write what they may not */

/* At once, or while somebody goes to sleep, or when all do. */
static void dawdle(void)
{
	uint32_t how = sim_choose(3);

	if (how)
		sim_dawdle(how == 1 ? 1 + sim_choose(8) : 1000);
}

static void open_gate(struct job *j)
{
	store_release(&j->gate, 1);
	host_wake(&j->gate, INT32_MAX);
}

/* ---- in a cell ------------------------------------------------------------------- */

static offstage struct job *entered(uint32_t number)
{
	if (number >= CALLS) {
		check(hostile);
		return NULL;
	}
	job[number].runs++;
	sim_note("call %u runs", number);
	check(hostile || !job[number].released);
	return &job[number];
}

static int answer(struct ward_request *request, uint32_t number)
{
	number += ANSWER;
	memcpy(request->out, &number, sizeof(number));
	request->out_size = sizeof(number);
	return 0;
}

static int run(struct ward_request *request)
{
	uint32_t number;
	struct job *j;
	int cause;

	memcpy(&number, request->in, sizeof(number));
	j = entered(number);
	if (hostile)
		host_relax(); /* it may take such calls for ever */
	if (!j)
		return 0;
	switch (j->kind) {
	case HOLDS:
		while (!load_acquire(&j->gate))
			host_wait(&j->gate, 0, HOST_FOREVER);
		break;
	case SILENT:
		for (;;)
			host_wait(&j->gate, 0, HOST_FOREVER);
	case CHECKS:
		open_gate(j);
		while (!(cause = ward_check()))
			host_relax();
		return cause;
	case DIES_ONCE:
		if (request->attempt == 1)
			host_process_exit(1);
		break;
	default:
		break;
	}
	return answer(request, number);
}

/*
 * Anything, to any word that the parent reads; but a number that the cell itself takes
 * is one that there is, for the cells of the simulator have no memory of their own.
 */
static void scribble(struct cell_shared *shared)
{
	static const uint32_t value[] = { 0, 1, 2, 3, 7, 0x80000000u, UINT32_MAX };
	uint32_t v = value[sim_choose(7)], at = sim_choose(CALLS);
	struct cell_layout layout;
	struct cell_tail *tail;

	cell_lay_out(&layout, CALLS, shared->in_max, shared->out_max);
	tail = cell_tail(cell_head(shared, &layout, at), &layout);
	_Atomic uint32_t *word[] = { &shared->avail,
				     &shared->rung,
				     &shared->listens,
				     &shared->waits,
				     &shared->taken,
				     &shared->asleep,
				     &shared->inside,
				     &shared->used,
				     cell_used(shared, CALLS, at),
				     (_Atomic uint32_t *)&tail->status,
				     (_Atomic uint32_t *)&tail->out_size,
				     (_Atomic uint32_t *)&tail->said };
	uint32_t which = sim_choose(16);

	if (which == 12)
		store_relaxed(&shared->stage, v ? v : CELL_READY);
	else if (which == 13)
		store_relaxed(&shared->order, v & 1);
	else if (which == 14)
		store_relaxed(cell_avail(shared, CALLS, at), v % CALLS);
	else if (which == 15)
		store_relaxed((_Atomic uint64_t *)&shared->life.mutex[0],
			      v == UINT32_MAX ? UINT64_MAX : v);
	else
		store_relaxed(word[which], v);
}

/* A cell that spins for ever would never let a thread go on that dawdles. */
static void tarry(void)
{
	for (uint32_t n = sim_choose(64); n; n--)
		host_relax();
}

static void vandal(void *arg)
{
	struct cell_shared *shared = arg;

	while (load_acquire(&shared->stage) == CELL_COMING)
		host_relax();
	for (uint32_t n = 1 + sim_choose(3); n; n--) {
		tarry();
		scribble(shared);
	}
	if (sim_choose(2))
		host_process_exit(0);
}

static offstage struct inside *next_inside(void)
{
	check(born_so_far < BIRTHS);
	return &inside[born_so_far++];
}

static void born(int fd, const void *message)
{
	struct inside *in = next_inside();
	struct host_segment segment;
	host_thread t;

	memcpy(&in->program, message, sizeof(in->program));
	check(host_segment_take(&segment, fd) == 0);
	in->shared = segment.mem;
	cell_lay_out(&in->layout, in->shared->depth, in->shared->in_max,
		     in->shared->out_max);
	if (hostile && in == &inside[sim_choose(2)])
		check(!host_spawn(&t, NULL, vandal, NULL, in->shared));
	inside_live(in);
}

/* ---- in the parent --------------------------------------------------------------- */

static struct job *job_of(struct ward_call *call)
{
	return (struct job *)call;
}

static offstage void is_done(struct job *j, int status)
{
	check(j->accepted && !j->done++ && !j->released);
	sim_note("call %u is done: %d", (unsigned)(j - job), status);
	check(status || j->runs || hostile);
	j->status = status;
}

static void done(struct ward_call *call, int status)
{
	uint32_t number;

	is_done(job_of(call), status);
	check(status || call->out_size || hostile);
	check(call->out_size <= OUT_MAX);
	if (!status && call->out_size == sizeof(number)) {
		memcpy(&number, call->out, sizeof(number));
		check(number == job_of(call)->number + ANSWER || hostile);
	}
}

static offstage void is_released(struct job *j)
{
	check(j->done == 1 && !j->released++);
}

static void release(struct ward_call *call)
{
	is_released(job_of(call));
	job_of(call)->scratch = 0;
	add_acq_rel(&given_back, 1);
	host_wake(&given_back, 1);
}

static offstage void accept(struct job *j, bool is)
{
	j->accepted = is;
}

static struct ward_call *made(uint32_t i, enum kind kind)
{
	struct job *j = &job[i];

	j->kind = kind;
	j->scratch = 1;
	j->number = i;
	j->call.in = &j->number;
	j->call.in_size = sizeof(j->number);
	j->call.done = done;
	j->call.release = release;
	return &j->call;
}

static int send(uint32_t i, enum kind kind)
{
	struct ward_call *call = made(i, kind);
	int err;

	accept(&job[i], true); /* it may be done before submit() returns */
	err = ward_cells_submit(cells, call, WARD_FOREVER);
	if (err)
		accept(&job[i], false);
	return err;
}

static void all_released(uint32_t n)
{
	uint32_t seen;

	while ((seen = load_acquire(&given_back)) < n)
		host_wait(&given_back, seen, HOST_FOREVER);
}

/* The caller waits, and has the call back. */
static int call_and_wait(uint32_t i, enum kind kind)
{
	struct ward_call *call = made(i, kind);
	int err, status;

	call->release = NULL;
	accept(&job[i], true);
	err = ward_cells_call(cells, call, WARD_FOREVER, &status);
	if (err) {
		accept(&job[i], false);
		return err;
	}
	check(status == job[i].status);
	is_released(&job[i]);
	job[i].scratch = 0;
	add_acq_rel(&given_back, 1);
	host_wake(&given_back, 1);
	return 0;
}

/* ---- up and down ----------------------------------------------------------------- */

static void work(void *arg)
{
	struct slot *slot = arg;

	host_set_self(slot);
	ward_pulse_ = &slot->pulse;
	worker_work(pool, slot, true);
}

static const struct shape {
	uint32_t cells, depth, deaths;
	uint64_t scan; /* 0: no time at all */
	uint64_t recycle;
	uint32_t workers; /* of the pool; 0: one */
	bool hostile;
	bool judged; /* a cell that is silent for 40 scans */
} one = { .cells = 1, .depth = 2 };

static void make_pool(struct pool **to, uint32_t seats, const struct shape *shape)
{
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	policy.runs = shape->deaths + 1;
	policy.stalls = policy.deaths = policy.faults = shape->deaths;
	config.workers = config.max = seats;
	config.spares = config.zombies = 1;
	config.zombies_asleep = 1;
	config.ring = 4;
	config.trace_signo = WARD_TRACE_NONE;
	config.policy = &policy;
	check(pool_new(to, &config) == 0);
	(*to)->scan = shape->scan ? shape->scan : UINT64_MAX / 2;
	(*to)->policy.busy_within = (*to)->policy.blocked_within =
		shape->judged ? 40 * shape->scan : UINT64_MAX / 2;
	(*to)->inbox.spin = 1;
}

static void start_worker(uint32_t i)
{
	struct slot *slot = &pool->slot[i];

	thread_slot_init(pool, slot, i);
	inbox_add_local(&pool->inbox, i, &slot->local);
	store_relaxed(&pool->slots_used, i + 1);
	store_relaxed(&pool->seat[i], slot);
	store_relaxed(&slot->seat.number, i);
	slot->self.worker = i;
	store_relaxed(&slot->thread.life, (uint64_t)1 << 8 | LIFE_SEATED);
	check(seats_claim(&pool->seat_count, pool->seats));
	store_relaxed(&pool->seats_used, i + 1);
	check(!host_spawn(&at_work[i], NULL, work, NULL, slot));
}

/* Of the steward what tasks with a time need. */
static void mind_time(void *arg)
{
	(void)arg;
	for (;;) {
		uint32_t seen = load_acquire(&pool->steward_word);

		if (load_acquire(&pool->stopping))
			return;
		host_wait(&pool->steward_word, seen,
			  later_due(&pool->inbox, host_now()));
	}
}

static void stop_workers(void)
{
	store_release(&pool->stopping, 1);
	or_acq_rel(&pool->inbox.controls, CONTROL_STOP);
	bell_close(&pool->inbox.bell);
	for (uint32_t i = 0; i < pool->seats; i++)
		host_join(at_work[i], HOST_FOREVER);
	if (!minds)
		return;
	steward_ring(pool);
	host_join(minder, HOST_FOREVER);
}

static void name_cells(void)
{
	NAME(cells->word);
	NAME(cells->closed);
	NAME(cells->ending);
	NAME(cells->gone);
	NAME(cells->told);
	NAME(cells->asleep);
	NAME(cells->room.word);
	NAME(cells->room.inside);
	NAME(cells->idle.word);
	NAME(cells->working);
	for (unsigned i = 0; i < CELLS_ALL; i++) {
		struct cell *cell = &cells->cell[i];

		sim_name((void *)(uintptr_t)&cell->state, "cell[%u].state", i);
		sim_name((void *)(uintptr_t)&cell->claim, "cell[%u].claim", i);
		sim_name((void *)(uintptr_t)&cell->sent, "cell[%u].sent", i);
		sim_name(&cell->entered, "cell[%u].entered", i);
		sim_name(&cell->free, "cell[%u].free", i);
		sim_name((void *)(uintptr_t)&cell->collected,
			 "cell[%u].collected", i);
	}
}

static void end_pool(void)
{
	check(inbox_away_count(&pool->inbox) == 0);
	stop_workers();
	pool_put(pool);
	check(sim_unfreed() == unfreed);
}

static void make_cells(const struct shape *shape)
{
	int err;

	struct ward_cell_program program = WARD_CELL_PROGRAM_INIT;
	struct ward_cells_config config = WARD_CELLS_CONFIG_INIT;

	program.run = run;
	config.cells = shape->cells;
	config.depth = shape->depth;
	config.in_max = config.out_max = OUT_MAX;
	config.recycle_calls = shape->recycle;
	config.program = &program;
	check(host_zygote_start(born) == 0);
	err = ward_cells_create(&cells, (struct ward_pool *)pool, &config);
	if (err) { /* the first cell was stopped before it was ready */
		check((sim_stopped() >= 0 || hostile) && err == -EOWNERDEAD);
		end_pool();
		sim_enough();
	}
	name_cells();
	check(!host_spawn(&minder, NULL, mind_time, NULL, &minder));
	minds = true;
	sim_may_hang();
}

static void set_up(const struct shape *shape)
{
	hostile = shape->hostile;
	memset(job, 0, sizeof(job));
	memset(inside, 0, sizeof(inside));
	born_so_far = 0;
	minds = false;
	grace = 0;
	atomic_init(&given_back, 0);
	sim_private(&ward_pulse_);
	for (unsigned i = 0; i < BIRTHS; i++)
		make_pool(&inside[i].pool, 1, &one);
	unfreed = sim_unfreed();
	make_pool(&pool, shape->workers ? shape->workers : 1, shape);
	name_pool(pool);
	for (uint32_t i = 0; i < pool->seats; i++)
		start_worker(i);
	make_cells(shape);
}

static offstage void all_answered(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		check(job[i].done == job[i].accepted);
		check(job[i].released == job[i].accepted);
	}
}

static void take_down(uint32_t n)
{
	check(ward_cells_drain(cells, WARD_FOREVER) == 0);
	all_answered(n);
	check(ward_cells_destroy(cells, grace ? host_now() + grace :
						WARD_FOREVER) == 0);
	end_pool();
}

static offstage void each_ran_once(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		check(job[i].runs == 1 && !job[i].status);
}

/* ---- a call's way ---------------------------------------------------------------- */

static void cells_one(void)
{
	set_up(&one);
	for (uint32_t i = 0; i < 3; i++) {
		dawdle();
		check(send(i, FINE) == 0);
	}
	all_released(3);
	each_ran_once(3);
	take_down(3);
}
SCENARIO(cells_one, "a call is slept over", .steps = 60000, .rare = 8);

/* Two at a time, into a cell that has room for all, or for half. */
static void sends(void *arg)
{
	uint32_t first = arg ? CALLS / 2 : 0;

	for (uint32_t i = first; i < first + CALLS / 2; i++) {
		dawdle();
		check(send(i, FINE) == 0);
	}
}

static void two_send(void)
{
	host_thread other;

	check(!host_spawn(&other, NULL, sends, NULL, &other));
	sends(NULL);
	host_join(other, HOST_FOREVER);
}

static void cells_two_send(void)
{
	set_up(&(const struct shape){ .cells = 1, .depth = CALLS });
	two_send();
	all_released(CALLS);
	each_ran_once(CALLS);
	take_down(CALLS);
}
SCENARIO(cells_two_send, "what is left to the holder of the claim is left there",
	 .steps = 60000, .rare = 8);

static void cells_room(void)
{
	set_up(&one);
	two_send();
	all_released(CALLS);
	each_ran_once(CALLS);
	take_down(CALLS);
}
SCENARIO(cells_room, "there is room, and who waits for it is not told", .steps = 60000,
	 .rare = 8);

static void sends_some(void *arg)
{
	(void)arg;
	for (uint32_t i = 2; i < CALLS; i++) {
		int err = send(i, FINE);

		check(!err || err == -ESHUTDOWN);
	}
}

static void calls(void *arg)
{
	(void)arg;
	dawdle();
	check(call_and_wait(1, FINE) == 0);
}

/* Callers beside each other, and beside one that does not wait. */
static void cells_called(void)
{
	host_thread other, third;

	set_up(&(const struct shape){ .cells = 1 + sim_choose(2), .depth = CALLS });
	check(!host_spawn(&other, NULL, calls, NULL, &other));
	check(!host_spawn(&third, NULL, sends_some, NULL, &third));
	dawdle();
	check(call_and_wait(0, FINE) == 0);
	host_join(other, HOST_FOREVER);
	host_join(third, HOST_FOREVER);
	all_released(CALLS);
	each_ran_once(CALLS);
	take_down(CALLS);
}
SCENARIO(cells_called, "a caller sleeps over its answer, or has it twice", .steps = 60000,
	 .rare = 8);

/* What waits behind a call that holds its cell is run by another one. */
static void cells_unstranded(void)
{
	set_up(&(const struct shape){ .cells = 2, .depth = CALLS, .scan = WARD_MS(1) });
	check(send(0, HOLDS) == 0);
	for (uint32_t i = 1; i < CALLS; i++)
		check(send(i, FINE) == 0);
	all_released(CALLS - 1);
	open_gate(&job[0]);
	all_released(CALLS);
	take_down(CALLS);
}
SCENARIO(cells_unstranded, "a call waits behind a long one, beside an idle cell",
	 .steps = 60000, .rare = 8);

/* ---- cells that end -------------------------------------------------------------- */

static offstage void each_is_answered(uint32_t n, uint32_t deaths)
{
	uint32_t failed = 0;

	for (uint32_t i = 0; i < n; i++) {
		check(job[i].runs <= deaths + 1);
		failed += job[i].status != 0;
	}
	/* The one that the cell was inside of, if it is not made again. */
	check(failed <= (sim_stopped() >= 0 && !deaths));
}

/* The first cell is killed, or stopped for ever and then killed, at any of its steps. */
static void lives_or_dies(uint32_t deaths)
{
	set_up(&(const struct shape){
		.cells = 1, .depth = CALLS, .deaths = deaths,
		.scan = WARD_MS(100), .judged = true });
	grace = WARD_S(1);
	for (uint32_t i = 0; i < 3; i++)
		check(send(i, FINE) == 0);
	all_released(3);
	each_is_answered(3, deaths);
	take_down(3);
}

static void cells_stopped(void)
{
	lives_or_dies(sim_choose(2));
}
SCENARIO(cells_stopped, "a call ends with its cell, and is not answered, or made again",
	 .steps = 60000, .rare = 8, .few = 3, .stop = 1u << 3);

/* By their own books: a cell that believes in a caller wakes no collector. */
static offstage void nobody_waits(void)
{
	for (unsigned i = 0; i < CELLS_ALL; i++) {
		check(!cells->cell[i].callers);
		check(!cells->cell[i].shared || !cells->cell[i].shared->waits);
	}
}

static void calls_alone(void *arg)
{
	(void)arg;
	check(call_and_wait(1, FINE) == 0);
}

/* The same beneath callers that wait. */
static void cells_called_stopped(void)
{
	host_thread other;
	uint32_t deaths = sim_choose(2);

	set_up(&(const struct shape){
		.cells = 1, .depth = CALLS, .deaths = deaths,
		.scan = WARD_MS(100), .judged = true });
	grace = WARD_S(1);
	check(!host_spawn(&other, NULL, calls_alone, NULL, &other));
	check(call_and_wait(0, FINE) == 0);
	check(send(2, FINE) == 0);
	host_join(other, HOST_FOREVER);
	all_released(3);
	each_is_answered(3, deaths);
	take_down(3);
}
SCENARIO(cells_called_stopped, "a caller waits for a cell that has ended", .steps = 60000,
	 .rare = 8, .few = 3, .stop = 1u << 3);

/* The cell ends while callers look, and another one takes its memory: no time helps. */
static void cells_called_dies(void)
{
	host_thread other;

	set_up(&(const struct shape){ .cells = 1, .depth = CALLS, .deaths = 1 });
	check(send(0, DIES_ONCE) == 0);
	check(!host_spawn(&other, NULL, calls_alone, NULL, &other));
	dawdle();
	check(call_and_wait(2, DIES_ONCE) == 0);
	host_join(other, HOST_FOREVER);
	check(call_and_wait(3, FINE) == 0);
	all_released(CALLS);
	for (uint32_t i = 0; i < CALLS; i++)
		check(!job[i].status);
	nobody_waits();
	take_down(CALLS);
}
SCENARIO(cells_called_dies, "a caller is refused, or left, where a cell ends", .steps = 60000,
	 .rare = 8);

static offstage bool is_kept(void)
{
	bool kept = false;

	for (unsigned i = 0; i < CELLS_ALL; i++)
		kept |= cells->cell[i].state == CELL_DEAD;
	return kept;
}

static void calls_held(void *arg)
{
	(void)arg;
	check(call_and_wait(1, HOLDS) == 0);
}

/* Until all others sleep. */
static void rest(void)
{
	static _Atomic uint32_t bed; /* nobody rings here */

	for (int i = 0; i < 50; i++) {
		sim_dawdle(1000);
		host_wait(&bed, 0, host_now() + WARD_MS(10));
	}
}

/* Its caller may sleep on the answers of the cell that ended before the call began. */
static void cells_called_moved(void)
{
	host_thread other;

	set_up(&(const struct shape){ .cells = 1, .depth = CALLS, .deaths = 1 });
	check(send(0, DIES_ONCE) == 0);
	check(!host_spawn(&other, NULL, calls_held, NULL, &other));
	rest();
	check(!is_kept());
	open_gate(&job[1]);
	host_join(other, HOST_FOREVER);
	all_released(2);
	take_down(2);
}
SCENARIO(cells_called_moved, "a caller keeps a cell that has ended", .steps = 60000,
	 .rare = 8);

/* A cell leaves after its answer, while the last call of it goes: no time helps. */
static void cells_left(void)
{
	int (*go)(uint32_t i, enum kind kind) = sim_choose(2) ? call_and_wait : send;

	set_up(&(const struct shape){ .cells = 1, .depth = 2, .recycle = 1 });
	check(go(0, FINE) == 0);
	all_released(1);
	rest();
	check(!is_kept());
	take_down(1);
}
SCENARIO(cells_left, "a cell that has left is not buried", .steps = 60000, .rare = 8);

/* The first cell is killed in the second call; the next, and its spare, in the third. */
static void cells_replaced(void)
{
	set_up(&(const struct shape){ .cells = 1, .depth = CALLS, .deaths = 1 });
	for (uint32_t i = 0; i < 3; i++)
		check(send(i, i ? DIES_ONCE : FINE) == 0);
	all_released(3);
	for (uint32_t i = 0; i < 3; i++)
		check(!job[i].status && job[i].runs == 1 + (i != 0));
	take_down(3);
}
SCENARIO(cells_replaced, "a spare does not take the place of a cell that has ended",
	 .steps = 60000, .rare = 8);

/* A cell that is silent in a call is convicted; what waits there is another's. */
static void cells_silent(void)
{
	set_up(&(const struct shape){
		.cells = 1, .depth = CALLS, .scan = WARD_MS(100), .judged = true });
	check(send(0, SILENT) == 0);
	check(send(1, FINE) == 0);
	all_released(2);
	check(job[0].status == -ETIME);
	check(!job[1].status && job[1].runs == 1);
	take_down(2);
}
SCENARIO(cells_silent, "who hangs is not convicted, or more than he is", .steps = 60000,
	 .rare = 8);

/* The same, when no call has come for so long that the collector sleeps without a time. */
static void cells_long(void)
{
	static _Atomic uint32_t bed; /* nobody rings here */

	set_up(&(const struct shape){
		.cells = 1, .depth = 2, .scan = WARD_MS(100), .judged = true });
	host_wait(&bed, 0, host_now() + WARD_S(1) + WARD_MS(sim_choose(4) * 100));
	check(send(0, SILENT) == 0);
	all_released(1);
	check(job[0].status == -ETIME);
	take_down(1);
}
SCENARIO(cells_long, "a call comes to a cell that nobody watches", .steps = 60000,
	 .rare = 8);

/* Each is to leave after a call; calls come while it does. */
static void cells_recycled(void)
{
	set_up(&(const struct shape){ .cells = 1, .depth = 2, .recycle = 1 });
	for (uint32_t i = 0; i < 3; i++) {
		dawdle();
		check(send(i, FINE) == 0);
	}
	all_released(3);
	each_ran_once(3);
	take_down(3);
}
SCENARIO(cells_recycled, "a call comes to a cell that leaves, and stays there",
	 .steps = 60000, .rare = 8);

/* ---- told to stop ---------------------------------------------------------------- */

static void stops(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < 2; i++) {
		dawdle();
		if (job[i].call.task.cancel)
			ward_cancel_fire(job[i].call.task.cancel, 0);
		else
			ward_cells_cancel(cells, &job[i].call, 0);
	}
}

static offstage void is_told(const struct job *j)
{
	check(j->status == -ECANCELED || (!j->status && j->kind != CHECKS));
	check(j->runs <= 1);
}

static void cells_told(void)
{
	static struct ward_cancel token[2];
	host_thread t;

	set_up(&(const struct shape){ .cells = 1, .depth = CALLS, .scan = WARD_MS(1) });
	for (uint32_t i = 0; i < 2; i++) {
		ward_cancel_init(&token[i]);
		job[i].call.task.cancel = sim_choose(2) ? &token[i] : NULL;
	}
	check(send(0, CHECKS) == 0);
	check(send(1, FINE) == 0);
	check(!host_spawn(&t, NULL, stops, NULL, &t));
	check(send(2, FINE) == 0);
	host_join(t, HOST_FOREVER);
	all_released(3);
	is_told(&job[0]);
	is_told(&job[1]);
	check(!job[2].status && job[2].runs == 1);
	take_down(3);
}
SCENARIO(cells_told, "a call is told to stop, and does not hear of it", .steps = 60000,
	 .rare = 8);

/* ---- the end --------------------------------------------------------------------- */

static void cells_drained(void)
{
	host_thread t;

	set_up(&one);
	check(!host_spawn(&t, NULL, sends_some, NULL, &t));
	for (uint32_t i = 0; i < 2; i++)
		check(send(i, FINE) == 0);
	check(ward_cells_drain(cells, WARD_FOREVER) == 0);
	host_join(t, HOST_FOREVER);
	take_down(CALLS);
}
SCENARIO(cells_drained, "drain returns before a call, or never", .steps = 60000,
	 .rare = 8);

/* What is in a cell then is told, and killed with it. */
static void cells_destroyed(void)
{
	static const enum kind kinds[] = { FINE, CHECKS, SILENT };
	int left;

	set_up(&one);
	check(send(0, kinds[sim_choose(3)]) == 0);
	check(send(1, kinds[sim_choose(3)]) == 0);
	left = ward_cells_destroy(cells, host_now() + WARD_MS(sim_choose(3)));
	check(left >= 0 && left <= 2);
	all_released(2);
	for (uint32_t i = 0; i < 2; i++)
		check(job[i].status == -ECANCELED || job[i].status == -ESHUTDOWN ||
		      (!job[i].status && job[i].kind == FINE));
	end_pool();
}
SCENARIO(cells_destroyed, "a call outlives its cells", .steps = 60000, .rare = 8);

/* One that waits behind a call which is told to stop does not begin when that one ends. */
static void cells_destroyed_behind(void)
{
	set_up(&(const struct shape){ .cells = 1, .depth = CALLS, .scan = WARD_MS(1) });
	check(send(0, CHECKS) == 0);
	check(send(1, FINE) == 0);
	while (!load_acquire(&job[0].gate))
		host_wait(&job[0].gate, 0, HOST_FOREVER);
	check(ward_cells_destroy(cells, WARD_FOREVER) == 0);
	all_released(2);
	check(job[0].status == -ESHUTDOWN);
	check(job[1].status == -ECANCELED && !job[1].runs);
	end_pool();
}
SCENARIO(cells_destroyed_behind, "a call begins in a set that is being destroyed",
	 .steps = 60000, .rare = 8);

/* ---- by a worker ----------------------------------------------------------------- */

static _Atomic uint32_t filling; /* a worker is inside of the first fill() */

/* The first one is fenced in it, or about it. */
static int fill(struct ward_call *call, void *to)
{
	if (!swap_acq_rel(&filling, 1))
		host_wake(&filling, 1);
	memcpy(to, &job_of(call)->number, sizeof(job_of(call)->number));
	return 0;
}

/* As the steward, who gives the call to another worker. */
static void fences(void *arg)
{
	struct slot *slot = NULL;
	struct ward_task *task;
	uint64_t epoch = 0;

	(void)arg;
	while (!slot || !slot_inside(epoch)) {
		host_relax();
		slot = &pool->slot[sim_choose(2)];
		epoch = load_acquire(&slot->word);
		if (load_acquire(&given_back) == CALLS - 1)
			return;
	}
	task = load_relaxed(&slot->task);
	if (slot_phase(epoch) != SLOT_RUN)
		return;
	transition_begin(pool);
	if (slot_fence(slot, epoch, 0))
		lost_attempt(pool, task, SLOT_RUN, LOST_STALL, true, 0);
	transition_end(pool);
	slot_wake_waiter(slot);
}

static void send_in_lane(struct ward_lane *lane, uint32_t i)
{
	job[i].call.lane = lane;
	job[i].call.fill = fill;
	dawdle();
	check(send(i, FINE) == 0);
}

static void cells_fenced(void)
{
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;
	struct ward_lane *lane = NULL;
	host_thread t;

	set_up(&(const struct shape){
		.cells = 1, .depth = CALLS, .deaths = 1, .workers = 2 });
	atomic_init(&filling, 0);
	check(ward_lane_create(&lane, (struct ward_pool *)pool, &config) == 0);
	check(!host_spawn(&t, NULL, fences, NULL, &t));
	for (uint32_t i = 0; i < CALLS - 1; i++)
		send_in_lane(lane, i);
	all_released(CALLS - 1);
	host_join(t, HOST_FOREVER);
	for (uint32_t i = 0; i < CALLS - 1; i++)
		check(!job[i].status && job[i].runs == 1);
	while (ward_lane_destroy(lane) == -EBUSY) /* the last is on its way out */
		host_relax();
	take_down(CALLS - 1);
}
SCENARIO(cells_fenced, "a worker that was fenced as it filled sends the call, too",
	 .steps = 60000, .rare = 8);

/* ---- a cell that is not what it should be ---------------------------------------- */

/* What is not ordered is no race there: so the weak model has nothing to say. */
static void cells_garbled(void)
{
	if (sim_is_weak())
		sim_enough();
	set_up(&(const struct shape){
		.cells = 1, .depth = CALLS, .scan = WARD_MS(100),
		.judged = true, .hostile = true });
	grace = WARD_S(1);
	for (uint32_t i = 0; i < 3; i++) {
		tarry();
		check((i == 1 ? call_and_wait(i, FINE) : send(i, FINE)) == 0);
	}
	all_released(3);
	take_down(3);
}
SCENARIO(cells_garbled, "what a cell writes is believed", .steps = 60000, .rare = 4);
