/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keeper.c - the thread that keeps leases, and finds what is late: answers, requests for
 * messages, the pool's room.
 *
 * The lease follows the work.  A message is extended while its task waits or runs and is
 * not convicted.  Where the pool is degraded its steward convicts no more, and so nothing
 * that waits or runs is extended: another process may have it.
 */
#include "nats/consumer.h"

#define LOOK WARD_MS(250)
#define LOOK_HELD WARD_MS(1)
#define LOST_AFTER WARD_S(1) /* beyond a request's own end */
#define STEPS_WITHIN WARD_S(30)

/* ---- leases ---------------------------------------------------------------------- */

static bool is_watched(struct ward_nats *nats, enum state state)
{
	return (state != QUEUED && state != RUNNING) || !load_relaxed(&nats->degraded);
}

static void extend(struct slot *slot, enum state state, ward_ns now)
{
	struct ward_nats *nats = slot->nats;

	if (state == BUSY || !is_watched(nats, state) || !is_connected(nats) ||
	    !send_text(nats, slot->reply, NULL, "+WPI"))
		return;
	store_relaxed(&slot->leased_at, now);
	count(nats, extended);
}

/* True: it is still this process's. */
static bool keep(struct slot *slot, enum state state, ward_ns now)
{
	ward_ns since = load_relaxed(&slot->leased_at);

	since = now > since ? now - since : 0;
	if (load_relaxed(&slot->lapsed))
		return false;
	if (since > slot->nats->ack_wait) {
		store_relaxed(&slot->lapsed, 1);
		return false;
	}
	if (since >= slot->nats->ack_wait / 3)
		extend(slot, state, now);
	return true;
}

/* A task that has not begun never does; one that runs may find its key free yet. */
static void lapse(struct slot *slot, enum state state)
{
	if (state == HELD || (state == QUEUED && !slot->nats->config.cells))
		take_back(slot, state);
	else if ((state == CLAIM || state == CLAIM_READ || state == UNTOLD) &&
		 slot_claim(slot, state))
		end(slot, LAPSED);
}

/* ---- what is late ---------------------------------------------------------------- */

static void send_again(struct slot *slot, enum state state)
{
	static void (*const sends[])(struct slot *) = {
		[CLAIM] = claim_send,	[CLAIM_READ] = claim_read_send,
		[RESULT] = result_send, [RESULT_READ] = result_read_send,
		[ACK] = ack_send,	[DEAD] = dead_send,
		[TERM] = term_send,
	};

	slot->tries++;
	count(slot->nats, retried);
	sends[state](slot);
}

static void give_up(struct slot *slot)
{
	say(slot->nats, "message %llu of %s: the server did not answer; it is handed back",
	    (unsigned long long)slot->message.sequence, slot->nats->config.stream);
	hand_back(slot, hand_back_delay(slot));
}

/* Steps that were sent by the last connection are not answered any more. */
static void late(struct slot *slot, enum state state, ward_ns now)
{
	bool is_late = now >= load_relaxed(&slot->due) ||
		       load_relaxed(&slot->nats->renew);

	if (!is_late || !slot_claim(slot, state))
		return;
	if (state == UNTOLD)
		dead_send(slot);
	else if (now > slot->begun + STEPS_WITHIN) /* it may have begun since 'now' */
		give_up(slot);
	else
		send_again(slot, state);
}

static void submit_held(struct slot *slot)
{
	if (!slot_claim(slot, HELD))
		return;
	sub_acq_rel(&slot->nats->held, 1);
	run_try(slot);
}

/* ---- one look -------------------------------------------------------------------- */

static void look_at(struct slot *slot, ward_ns now)
{
	enum state state = slot_state(slot);

	if (state == FREE || state == GONE || !slot_hold(slot))
		return;
	state = slot_state(slot); /* of the message that is held */
	if (state != FREE && state != GONE && !keep(slot, state, now))
		lapse(slot, state);
	else if (state == HELD)
		submit_held(slot);
	if (state == UNTOLD || (state >= CLAIM && state <= TERM))
		late(slot, state, now);
	slot_drop(slot);
}

static void look_at_pool(struct ward_nats *nats)
{
	struct ward_stats stats = WARD_SIZED_INIT_(struct ward_stats);

	if (ward_pool_stats(nats->config.pool, &stats))
		return;
	store_relaxed(&nats->idle, stats.idle);
	if (stats.degraded == load_relaxed(&nats->degraded))
		return;
	store_relaxed(&nats->degraded, stats.degraded);
	store_release(&nats->renew, stats.degraded); /* it asked for too many */
	say(nats, stats.degraded ? "the pool is degraded: only idle workers are fed" :
				   "the pool is well again");
}

/* ---- requests -------------------------------------------------------------------- */

/* A leader that was killed has told nobody that its requests went with it. */
static bool is_lost(struct asker *asker, ward_ns now)
{
	return ask_waits(asker) &&
	       now > load_relaxed(&asker->asked_at) + asker->nats->expires + LOST_AFTER;
}

static void listen_anew(struct asker *asker)
{
	asker_deafen(asker);
	if (!asker_listen(asker))
		store_relaxed(&asker->nats->renew, 1); /* the next time */
}

/* True: its inbox is another one. */
static bool look_at_asker(struct asker *asker, bool renew, ward_ns now)
{
	bool lost = is_lost(asker, now);

	if (lost)
		count(asker->nats, retried);
	if (lost || renew)
		listen_anew(asker);
	return lost || renew;
}

/* The pool takes no more: the messages that were asked for are to come to others. */
static void close_askers(struct ward_nats *nats)
{
	for (int i = 0; i < ASKERS; i++)
		asker_deafen(&nats->asker[i]);
	ask_leave(nats);
	if (load_relaxed(&nats->deaf))
		return;
	if (is_connected(nats))
		requests_forget(nats);
	store_release(&nats->deaf, 1);
}

static void look_at_askers(struct ward_nats *nats, ward_ns now)
{
	bool renew, renewed = false;

	if (!ask_enter(nats))
		return;
	if (load_relaxed(&nats->closed)) {
		close_askers(nats);
		return;
	}
	renew = atomic_exchange_explicit(&nats->renew, 0, memory_order_acq_rel);
	for (int i = 0; i < ASKERS; i++)
		renewed |= look_at_asker(&nats->asker[i], renew, now);
	if (renewed && is_connected(nats))
		requests_forget(nats);
	ask_leave(nats);
}

/* ---- the thread ------------------------------------------------------------------ */

static void look(struct ward_nats *nats, ward_ns now)
{
	look_at_pool(nats);
	for (uint32_t i = 0; i < nats->nslots; i++)
		look_at(&nats->slots[i], now);
	look_at_askers(nats, now);
}

static ward_ns pause_of(struct ward_nats *nats)
{
	ward_ns sixth = nats->ack_wait / 6;

	if (load_relaxed(&nats->held))
		return LOOK_HELD;
	return sixth < LOOK ? sixth : LOOK;
}

static void tell_health(struct ward_nats *nats, ward_ns now, ward_ns *next)
{
	if (!nats->config.health || now < *next)
		return;
	*next = now + nats->config.health_period;
	health_tell(nats, load_relaxed(&nats->closed) ? "draining" :
			  load_relaxed(&nats->degraded) ? "degraded" :
							  "serving");
}

void *keeper_run(void *arg)
{
	struct ward_nats *nats = arg;
	ward_ns next = 0;

	while (!load_acquire(&nats->stopping)) {
		uint32_t seen = load_acquire(&nats->wake);
		ward_ns now = ward_now();

		look(nats, now);
		tell_health(nats, now, &next);
		if (ward_block_on((const uint32_t *)(const void *)&nats->wake, seen,
				  ward_in(pause_of(nats))))
			continue; /* its time: the next look */
	}
	return NULL;
}
