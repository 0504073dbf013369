/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * told.c - calls that are told to stop: by ward_task_cancel(), a token, a deadline, their
 * set's end.
 *
 * A call that has not begun is taken back, and a worker answers it.  One that has hears by
 * ward_check(), in its cell; where it goes on for as long as it might sleep without a sign
 * of life, it is overdue, and its cell is to end.
 */
#include "cell/cell.h"
#include "lane/stop.h"

/* The cell's own look finds it: its token, which ward_check() asks. */
static void say_stop(struct cell *cell, struct desc *desc, int cause, uint64_t now)
{
	const struct cell_layout *layout = &cell->cells->layout;
	struct cell_words *words =
		cell_words(cell_head(cell->shared, layout, desc->number), layout);
	struct token *token = token_of(&words->token);
	int64_t state = load_relaxed(&token->state);

	/* The cell may find its deadline just now, and is the one that fires it then. */
	if (state >= 0)
		cas_acq_rel(&token->state, &state, (int64_t)cause); /* [q] */
	desc->told = true;
	if (!desc->told_at)
		desc->told_at = now;
}

static int why_stop(const struct cell *cell, const struct desc *desc)
{
	if (load_relaxed(&cell->cells->ending))
		return -ESHUTDOWN;
	return stop_seen(&desc->call->task);
}

/* Its turn has not come: nor is it to begin, for one reason more than those above. */
static bool is_late(const struct cell *cell, const struct desc *desc, uint64_t now)
{
	return now >= stop_by(cell->cells->pool, &desc->call->task);
}

static bool is_overdue(const struct cell *cell, const struct desc *desc, uint64_t now)
{
	const struct ward_policy *pools = &cell->cells->pool->policy;
	const struct ward_policy *own = desc->call->task.policy;
	uint64_t within = policy_pick(own ? own->blocked_within : 0,
				      pools->blocked_within);

	return now - desc->told_at >= within;
}

/* Some are to come back, and some to stop: any of those that the cell has not begun, or has. */
static void look(const struct cell *cell, uint64_t now, bool *back, bool *stop)
{
	uint32_t taken = load_acquire(&cell->shared->taken); /* [ka] */

	for (uint32_t i = 0; i < cell->cells->layout.depth; i++) {
		const struct desc *desc = &cell->desc[i];
		int cause;

		if (load_acquire(&desc->state) != DESC_SENT)
			continue;
		cause = why_stop(cell, desc);
		if (collect_begun(cell, desc, taken))
			*stop |= cause != 0;
		else
			*back |= cause || is_late(cell, desc, now);
	}
}

/* True: one is overdue. */
static bool say_stops(struct cell *cell, uint64_t now)
{
	uint32_t taken = load_acquire(&cell->shared->taken); /* [ka] */
	bool overdue = false;

	for (uint32_t i = 0; i < cell->cells->layout.depth; i++) {
		struct desc *desc = &cell->desc[i];
		int cause;

		if (load_acquire(&desc->state) != DESC_SENT ||
		    !collect_begun(cell, desc, taken))
			continue;
		cause = why_stop(cell, desc);
		if (!cause)
			continue;
		say_stop(cell, desc, cause, now);
		overdue |= is_overdue(cell, desc, now);
	}
	return overdue;
}

bool told_look(struct cell *cell, uint64_t now)
{
	bool back = false, stop = false;

	look(cell, now, &back, &stop);
	/* First, for the cell comes to the next when the one that it is inside of stops. */
	if (back)
		collect_back(cell, true);
	return stop && say_stops(cell, now);
}
