/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch.c - are cells alive, and do they get on?  By the evidence, the ledger and the judge
 * of worker threads; but the sentence is death.
 */
#include "cell/cell.h"
#include "heal/heal.h"

/* ---- what is told ---------------------------------------------------------------- */

/* A record about the cell and the call that it is inside of, or NULL. */
static struct incident *describe(struct cell *cell, enum ward_kind kind,
				 const struct ward_call *call, uint64_t id)
{
	struct pool *pool = cell->cells->pool;
	struct incident *in = incident_open(&pool->tell, kind, id);

	if (!in)
		return NULL;
	in->report.worker = UINT32_MAX;
	in->report.tid = cell->files.tid;
	if (call) {
		in->report.task = call->task.name ? call->task.name : "";
		in->report.attempt = task_attempt(
			load_relaxed(&task_priv(&call->task)->word));
	}
	return in;
}

/* The call that it says it is inside of, if that can be. */
static struct desc *inside(struct cell *cell)
{
	uint32_t number = load_relaxed(&cell->shared->inside) - 1;
	struct desc *desc;

	if (number >= cell->cells->layout.depth)
		return NULL;
	desc = &cell->desc[number];
	return load_acquire(&desc->state) == DESC_SENT ? desc : NULL;
}

const struct ward_call *watch_inside(struct cell *cell)
{
	struct desc *desc = inside(cell);

	return desc ? desc->call : NULL;
}

/* ---- convicted ------------------------------------------------------------------- */

/* Its thread finds itself fenced: no check says "go on", no commit is allowed. */
static void fence(struct cell *cell)
{
	store_release(&cell->shared->slot.fence, FENCE_TAKEN((uint64_t)1));
}

/* How it ended is known when it can be waited for; the calls that it had are not to wait. */
static void will_come_home(struct cell *cell)
{
	if (cell->last)
		return; /* convicted, and garbled after that: it ends once */
	cell->last = describe(cell, WARD_R_HOME, NULL, incident_id());
	if (cell->last)
		cell->last->report.cause = cell->incident;
}

void watch_doom(struct cell *cell, enum lost_why why, uint64_t incident, uint64_t now)
{
	struct ward_cells *cells = cell->cells;

	cell->why = why;
	cell->incident = incident;
	if (incident)
		will_come_home(cell);
	birth_retire(cell, CELL_DOOMED, now);
	fence(cell);
	if (cells->grace && host_process_signal(&cell->process, cells->signo)) {
		cell->kill_at = now + cells->grace;
		return;
	}
	cell->kill_at = 0;
	host_process_kill(&cell->process);
}

void watch_garbled(struct cell *cell, const char *what, uint64_t now)
{
	uint64_t id = incident_id();
	struct incident *in =
		describe(cell, WARD_R_FAULT, watch_inside(cell), id);

	if (in) {
		in->report.what = what;
		in->report.err = -EFAULT;
	}
	incident_raise(&cell->cells->pool->tell, in);
	cells_count(cell->cells, garbled);
	store_relaxed(&cell->garbled, GARBLED_TOLD);
	watch_doom(cell, LOST_FAULT, id, now);
	cell->kill_at = 0; /* no grace for that */
	host_process_kill(&cell->process);
}

/* ---- dead ------------------------------------------------------------------------ */

static void died(struct cell *cell, uint64_t now)
{
	cell->why = LOST_DEATH;
	cell->incident = incident_id();
	cell->last = describe(cell, WARD_R_DEATH, watch_inside(cell), cell->incident);
	cells_count(cell->cells, died);
	birth_retire(cell, CELL_DOOMED, now);
}

static const char *how(const struct host_end *end)
{
	if (!end->known)
		return "a cell ended";
	if (!end->signo)
		return "a cell ended by itself";
	return end->core ? "a cell was ended by a signal, and left a core" :
			   "a cell was ended by a signal";
}

static void tell_end(struct cell *cell)
{
	struct incident *in = cell->last;

	cell->last = NULL;
	if (!in)
		return;
	cell_ended_how(&in->report, &cell->end);
	if (in->report.kind == WARD_R_DEATH)
		in->report.err = -EOWNERDEAD;
	in->report.what = how(&cell->end);
	incident_raise(&cell->cells->pool->tell, in);
}

void watch_reap(struct cell *cell, uint64_t now)
{
	if (!cell->reaped)
		cell->reaped = host_process_ended(&cell->process, &cell->end);
	if (cell->reaped || now - cell->since >= END_WITHIN)
		tell_end(cell);
}

#define REAP_SPAN UINT64_C(10000000)

/*
 * The thread's mark is there before the process can be waited for: it will run no more,
 * but another thread of the process may, for some instructions.  The kernel is asked now
 * and then, for a cell may take its mark away.
 */
static bool has_ended(struct cell *cell, uint64_t now)
{
	if (host_life_marked(&cell->shared->life)) {
		host_process_kill(&cell->process);
		return true;
	}
	if (now < cell->reap_at && cell_state(cell) != CELL_DOOMED)
		return false;
	cell->reap_at = now + REAP_SPAN;
	if (!cell->reaped) /* how it ended is told once */
		cell->reaped = host_process_ended(&cell->process, &cell->end);
	return cell->reaped;
}

/* The cell has nothing to do any more, and does not go. */
static bool lingers(const struct cell *cell, uint64_t now)
{
	return cell_state(cell) == CELL_LEAVING && !cell_load(cell) &&
	       now - cell->since >= BIRTH_WITHIN;
}

static bool left_well(const struct cell *cell)
{
	return cell_state(cell) == CELL_LEAVING &&
	       !host_life_marked(&cell->shared->life) && !cell->end.signo &&
	       !cell->end.code;
}

bool watch_end(struct cell *cell, uint64_t now)
{
	enum cell_state state;

	if (lingers(cell, now))
		watch_doom(cell, LOST_DEATH, 0, now);
	state = cell_state(cell);
	if (state == CELL_DOOMED && cell->kill_at && now >= cell->kill_at) {
		cell->kill_at = 0;
		host_process_kill(&cell->process);
		cell->since = now;
	}
	if (!has_ended(cell, now) && (state != CELL_DOOMED || cell->kill_at ||
				      now - cell->since < END_WITHIN))
		return false;
	if (state != CELL_DOOMED && !left_well(cell))
		died(cell, now);
	return true;
}

/* ---- silent ---------------------------------------------------------------------- */

/* The call that it is inside of, or comes to next, whatever it says. */
static const struct ward_call *oldest(const struct cell *cell)
{
	const struct desc *first = NULL;

	for (uint32_t i = 0; i < cell->cells->layout.depth; i++) {
		const struct desc *desc = &cell->desc[i];

		if (load_acquire(&desc->state) == DESC_SENT &&
		    (!first || (int32_t)(desc->at - first->at) < 0))
			first = desc;
	}
	return first ? first->call : NULL;
}

struct budgets watch_budgets(struct cell *cell)
{
	const struct ward_policy *pools = &cell->cells->pool->policy;
	const struct ward_call *call = oldest(cell);
	const struct ward_policy *own = call ? call->task.policy : NULL;

	own = own ? own : pools;
	return (struct budgets){
		.busy = policy_pick(own->busy_within, pools->busy_within),
		.blocked = policy_pick(own->blocked_within, pools->blocked_within),
		.progress = policy_pick(own->progress_within,
					pools->progress_within),
		.declared = policy_pick(own->declared_within,
					pools->declared_within)
	};
}

/* How far it is, its answers tell: what it says of its epochs may be a lie. */
static uint64_t epoch_of(const struct cell *cell)
{
	return (uint64_t)load_relaxed(&cell->collected) * SLOT_PHASES + SLOT_HOOK;
}

static struct sign sign_of(const struct cell *cell)
{
	const struct slot *slot = &cell->shared->slot;

	return (struct sign){
		.gen = cell->gen,
		.word = epoch_of(cell),
		.beats = __atomic_load_n(&slot->pulse.beats, __ATOMIC_RELAXED),
		.units = __atomic_load_n(&slot->pulse.units, __ATOMIC_RELAXED)
	};
}

/* Told once: no evidence of this kind. */
static void tell_blind(struct ward_cells *cells, const struct host_sample *sample)
{
	const char *what = cells->told_blind ? NULL : sample_blind_to(sample);

	if (!what)
		return;
	cells->told_blind = true;
	incident_tell(&cells->pool->tell, WARD_R_EVIDENCE, what);
}

/* *budgets are looked for where it is silent. */
static enum verdict judge(struct cell *cell, struct budgets *budgets, uint64_t now,
			  uint64_t late)
{
	struct history *history = &cell->history;
	struct sign sign = sign_of(cell);
	struct host_sample sample;
	enum verdict verdict;
	int err;

	if (sign_moved(&history->last, &sign)) {
		judge_anew(history, &sign, now);
		cell->epoch_at = now;
		return VERDICT_FINE;
	}
	*budgets = watch_budgets(cell);
	/* Not between two beats, as of a worker: those may be lies, too. */
	if (now - cell->epoch_at <= budgets->declared)
		sign.declared = load_relaxed(&cell->shared->slot.declared);
	verdict = judge_sign(history, &sign, budgets, now, late);
	if (verdict != VERDICT_SAMPLE)
		return verdict;
	err = history->sampled_at ? host_sample(&cell->files, &sample) :
				    host_sample_cpu(&cell->files, &sample);
	if (err == -ESRCH)
		return VERDICT_FINE; /* its end is seen otherwise */
	if (history->sampled_at)
		tell_blind(cell->cells, &sample);
	verdict = judge_sample(history, &sample, budgets, now);
	if (!ledger_adds_up(&history->silence))
		or_relaxed(&cell->cells->pool->broken, 1u << 8);
	return verdict;
}

static const struct sentence {
	enum ward_kind kind;
	const char *what;
} sentence[] = {
	[VERDICT_WARN] = { WARD_R_SLOW, "half of the budget is spent in a cell" },
	[VERDICT_LIVELOCK] = { WARD_R_LIVELOCK,
			       "a cell kept its CPU without a sign of life" },
	[VERDICT_BLOCKED] = { WARD_R_BLOCKED,
			      "a cell slept without a sign of life" },
	[VERDICT_STAGNANT] = { WARD_R_NO_PROGRESS,
			       "a cell was alive but made no progress" },
	[VERDICT_OVERDUE] = { WARD_R_OVERDUE,
			      "told to stop, a call in a cell did not in time" },
};

static void tell_verdict(struct cell *cell, enum verdict verdict,
			 const struct budgets *budgets, uint64_t id)
{
	const struct history *history = &cell->history;
	struct tell *tell = &cell->cells->pool->tell;
	bool aborts = verdict != VERDICT_WARN && verdict != VERDICT_OVERDUE &&
		      cell->cells->pool->on_stall == WARD_STALL_ABORT;
	struct incident *in =
		describe(cell, sentence[verdict].kind, watch_inside(cell), id);

	if (in) {
		in->report.what = sentence[verdict].what;
		in->report.ledger = verdict == VERDICT_STAGNANT ?
					    history->stagnation :
					    history->silence;
		in->report.budget = verdict == VERDICT_STAGNANT ?
					    budgets->progress :
				    verdict == VERDICT_BLOCKED || verdict == VERDICT_OVERDUE ||
						    history->ask ?
					    budgets->blocked :
					    budgets->busy;
		in->report.state = history->sample.state;
		host_syscall(&cell->files, &in->report.syscall,
			     &in->report.syscall_arg);
	}
	if (in && aborts)
		incident_abort(tell, in);
	else
		incident_raise(tell, in);
}

static void act(struct cell *cell, enum verdict verdict, const struct budgets *budgets,
		uint64_t now)
{
	struct pool *pool = cell->cells->pool;
	uint64_t id = incident_id();

	tell_verdict(cell, verdict, budgets, id);
	if (verdict == VERDICT_WARN)
		return;
	if (pool->on_stall != WARD_STALL_REPLACE) {
		cell->history.next_sample = UINT64_MAX; /* once for this silence */
		return;
	}
	cells_count(cell->cells, killed);
	watch_doom(cell, LOST_STALL, id, now);
}

/* ---- a scan ---------------------------------------------------------------------- */

/* Calls that wait behind a long one are another cell's, which has none. */
static void unstrand(struct cell *cell)
{
	struct ward_cells *cells = cell->cells;
	uint32_t used = load_relaxed(&cell->collected);
	bool stuck = used == cell->seen_used;

	cell->seen_used = used;
	if (!stuck || cell_load(cell) < 2)
		return;
	for_each_cell(other, cells)
		if (cell_state(other) == CELL_WORKING && !cell_load(other)) {
			collect_back(cell, false);
			return;
		}
}

/* Its call was told to stop, and goes on. */
static void overdue(struct cell *cell, uint64_t now)
{
	struct budgets budgets = watch_budgets(cell);
	uint64_t id = incident_id();

	tell_verdict(cell, VERDICT_OVERDUE, &budgets, id);
	cells_count(cell->cells, killed);
	watch_doom(cell, LOST_STOP, id, now);
}

/* Its count of what it has taken cannot be; read twice, for the parent's own moves. */
static bool is_beyond(const struct cell *cell)
{
	uint32_t taken = load_acquire(&cell->shared->taken); /* [ka] */
	uint32_t sent = load_acquire(&cell->sent);

	return sent - taken > cell->cells->layout.depth &&
	       load_acquire(&cell->shared->taken) == taken;
}

static void scan_cell(struct cell *cell, uint64_t now, uint64_t late)
{
	struct budgets budgets;
	enum verdict verdict;

	if (told_look(cell, now)) {
		overdue(cell, now);
		return;
	}
	if (is_beyond(cell)) {
		watch_garbled(cell, "a cell took calls that it was not given", now);
		return;
	}
	if (cell_state(cell) == CELL_WORKING)
		unstrand(cell);
	verdict = judge(cell, &budgets, now, late);
	if (verdict != VERDICT_FINE)
		act(cell, verdict, &budgets, now);
}

void watch_scan(struct ward_cells *cells, uint64_t now)
{
	uint64_t late = now - cells->next_scan;

	for_each_cell(cell, cells) {
		enum cell_state state = cell_state(cell);

		if (state != CELL_WORKING && state != CELL_LEAVING)
			continue;
		if (!cell_load(cell)) {
			cell->history.last.gen = 0; /* the next call begins anew */
		} else if (collect_claim(cell)) { /* else at the next scan */
			scan_cell(cell, now, late);
			collect_drop(cell);
		}
	}
	wait_tell(&cells->room); /* [kr] */
	cells->next_scan = now + cells->pool->scan;
}
