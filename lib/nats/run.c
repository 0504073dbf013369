/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.c - a message as a task of the pool, or as a call to a cell.
 *
 * The thread that moves its word out of RUNNING or QUEUED says how it ends: done(), as the
 * attempt ended or was convicted; or, before that, the keeper or a drain that took it back.
 */
#include "nats/consumer.h"
#include <errno.h>
#include <string.h>

static bool has_cells(const struct slot *slot)
{
	return slot->nats->config.cells;
}

/* ---- in the pool ----------------------------------------------------------------- */

static int run(struct ward_task *task)
{
	struct slot *slot = ward_entry(task, struct slot, task);
	const struct ward_nats_config *config = &slot->nats->config;
	int status;

	if (!slot_begins(slot))
		return -ECANCELED;
	status = config->run(config->arg, &slot->message);
	return !status && slot->message.out_size > slot->message.out_max ? -EMSGSIZE :
									   status;
}

/* In this order: it may begin meanwhile, in a thread that is convicted as it does. */
static void finished(struct slot *slot, int status, uint64_t incident)
{
	bool ran = !slot_claim(slot, QUEUED);

	if (ran && !slot_claim(slot, RUNNING))
		return;
	slot->ran = ran;
	slot->status = status;
	slot->incident = incident;
	settle(slot);
}

static void task_done(struct ward_task *task, int status)
{
	finished(ward_entry(task, struct slot, task), status, ward_incident(task));
}

static void task_release(struct ward_task *task)
{
	slot_drop(ward_entry(task, struct slot, task));
}

static int submit_task(struct slot *slot)
{
	const struct ward_nats_config *config = &slot->nats->config;

	slot->task.run = run;
	slot->task.done = task_done;
	slot->task.release = task_release;
	slot->task.policy = &slot->nats->policy;
	slot->task.name = config->consumer;
	return config->lane ? ward_lane_submit(config->lane, &slot->task, WARD_NOWAIT) :
			      ward_submit(config->pool, &slot->task, WARD_NOWAIT);
}

/* ---- in a cell ------------------------------------------------------------------- */

static int keep_answer(struct slot *slot, const struct ward_call *call)
{
	if (call->out_size > slot->message.out_max)
		return -EMSGSIZE;
	if (call->out_size)
		memcpy(slot->message.out, call->out, call->out_size);
	slot->message.out_size = call->out_size;
	return 0;
}

static void call_done(struct ward_call *call, int status)
{
	struct slot *slot = ward_entry(call, struct slot, call);

	if (!slot_claim(slot, QUEUED))
		return;
	slot->ran = status != -ECANCELED && status != -ETIMEDOUT;
	slot->status = status ? status : keep_answer(slot, call);
	slot->incident = ward_incident(&call->task);
	settle(slot);
}

static void call_release(struct ward_call *call)
{
	slot_drop(ward_entry(call, struct slot, call));
}

static int submit_call(struct slot *slot)
{
	const struct ward_nats_config *config = &slot->nats->config;
	struct ward_call *call = &slot->call;

	call->in = slot->message.data;
	call->in_size = slot->message.size;
	call->done = call_done;
	call->release = call_release;
	call->lane = config->lane;
	call->task.policy = &slot->nats->policy;
	call->task.name = config->consumer;
	return ward_cells_submit(config->cells, call, WARD_NOWAIT);
}

/* ---- both ------------------------------------------------------------------------ */

/* It will not take any: messages that are asked for would only come back. */
static void stop_asking(struct ward_nats *nats, int err)
{
	if (!atomic_exchange_explicit(&nats->closed, 1, memory_order_acq_rel))
		say(nats, "the pool takes no more (%s): no message is asked for",
		    strerror(-err));
}

/* True: it is held. */
static bool not_submitted(struct slot *slot, int err)
{
	struct ward_nats *nats = slot->nats;

	if (!slot_claim(slot, QUEUED))
		return false; /* it was taken back meanwhile */
	slot->status = err;
	if (err == -EMSGSIZE) {
		poison(slot, "it is larger than a cell takes");
		return false;
	}
	if (err != -EAGAIN)
		stop_asking(nats, err);
	/* Handed back sooner it would come here again, until it is a dead letter. */
	if (err != -EAGAIN && load_acquire(&nats->deaf)) {
		settle(slot);
		return false;
	}
	add_relaxed(&nats->held, 1);
	slot_give(slot, HELD);
	return true;
}

bool run_try(struct slot *slot)
{
	bool held = false;
	int err;

	add_relaxed(&slot->parts, 2); /* the task's, and this thread's */
	slot_give(slot, QUEUED);
	err = has_cells(slot) ? submit_call(slot) : submit_task(slot);
	if (err) {
		held = not_submitted(slot, err);
		slot_drop(slot);
	}
	slot_drop(slot);
	return held;
}

void run_submit(struct slot *slot)
{
	struct ward_nats *nats = slot->nats;

	if (run_try(slot))
		keeper_wake(nats);
}

static void cancel(struct slot *slot)
{
	const struct ward_nats_config *config = &slot->nats->config;

	if (has_cells(slot))
		ward_cells_cancel(config->cells, &slot->call, -ECANCELED);
	else
		ward_task_cancel(config->pool, &slot->task, -ECANCELED);
}

bool take_back(struct slot *slot, enum state from)
{
	if (!slot_claim(slot, from))
		return false;
	if (from == HELD)
		sub_acq_rel(&slot->nats->held, 1);
	if (from != RUNNING && !slot->ran && !load_relaxed(&slot->lapsed))
		count(slot->nats, unrun);
	hand_back(slot, 0);
	if (from == QUEUED || from == RUNNING)
		cancel(slot);
	return true;
}
