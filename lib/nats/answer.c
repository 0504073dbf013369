/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer.c - the server's answers to steps, and the step after each.
 *
 * An answer names its slot and the step; one that comes late finds another step there.
 */
#include "nats/consumer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a claim --------------------------------------------------------------------- */

/* The key is this attempt's. */
static void claimed(struct slot *slot, uint64_t sequence)
{
	slot->last = sequence;
	slot->begun = ward_now();
	slot->tries = 0;
	if (slot->reason)
		dead_send(slot);
	else
		run_submit(slot);
}

/* Refused for now: no leader, no room, no answer that makes sense. */
static void refused(struct slot *slot, enum state state, const struct stored *stored)
{
	if (!slot->tries)
		say(slot->nats, "message %llu of %s: the server refuses%s%s",
		    (unsigned long long)slot->message.sequence,
		    slot->nats->config.stream, *stored->text ? ": " : " for now",
		    stored->text);
	step_later(slot, state);
}

/* Something else is there: what?  At once at first, for most often nobody is at it now. */
static void look(struct slot *slot, enum state state, void (*read_send)(struct slot *))
{
	if (slot->tries++ < 3)
		read_send(slot);
	else
		step_later(slot, state);
}

/* A later delivery's; else it is of another message of this key, or as old as this one. */
static bool is_later(const struct slot *slot, const struct last *last)
{
	return last->delivery > slot->message.delivery;
}

static void on_claim(struct slot *slot, natsMsg *answer)
{
	struct stored stored;

	stored_read(answer, &stored);
	if (stored.error == STORED_WRONG_LAST || stored.duplicate) {
		look(slot, CLAIM_READ, claim_read_send);
	} else if (stored.error || stored.again) {
		refused(slot, CLAIM, &stored);
	} else {
		count(slot->nats, claims);
		claimed(slot, stored.sequence);
	}
}

static void on_claim_read(struct slot *slot, natsMsg *answer)
{
	char attempt[ATTEMPT_ROOM];
	struct last last;

	attempt_text(slot, attempt);
	if (!last_read(answer, attempt, &last)) {
		step_later(slot, CLAIM_READ);
	} else if (last.kind == LAST_RESULT) {
		acknowledge(slot, ALREADY);
	} else if (last.mine) {
		count(slot->nats, claims);
		claimed(slot, last.sequence);
	} else if (is_later(slot, &last)) {
		end(slot, FENCED);
	} else {
		slot->last = last.sequence;
		claim_send(slot);
	}
}

/* ---- a result -------------------------------------------------------------------- */

static void stored_here(struct slot *slot)
{
	count(slot->nats, results);
	acknowledge(slot, DONE);
}

static void on_result(struct slot *slot, natsMsg *answer)
{
	struct stored stored;

	stored_read(answer, &stored);
	if (stored.error == STORED_WRONG_LAST || stored.duplicate)
		look(slot, RESULT_READ, result_read_send);
	else if (stored.error == STORED_TOO_LARGE)
		poison(slot, "its result is larger than the stream takes");
	else if (stored.error || stored.again)
		refused(slot, RESULT, &stored);
	else
		stored_here(slot);
}

static void on_result_read(struct slot *slot, natsMsg *answer)
{
	char attempt[ATTEMPT_ROOM];
	struct last last;

	attempt_text(slot, attempt);
	if (!last_read(answer, attempt, &last)) {
		step_later(slot, RESULT_READ);
	} else if (last.kind == LAST_RESULT && last.mine) {
		stored_here(slot); /* only its answer was lost */
	} else if (last.kind == LAST_RESULT) {
		acknowledge(slot, is_later(slot, &last) ? FENCED : ALREADY);
	} else if (last.kind == LAST_NONE || last.sequence == slot->last) {
		slot->last = last.sequence;
		result_send(slot);
	} else {
		end(slot, FENCED); /* it is another's to acknowledge */
	}
}

/* ---- a dead letter --------------------------------------------------------------- */

static void on_dead(struct slot *slot, natsMsg *answer)
{
	struct stored stored;

	stored_read(answer, &stored);
	if (stored.error || stored.again) {
		refused(slot, DEAD, &stored);
		return;
	}
	say(slot->nats, "message %llu of %s is a dead letter after %llu deliveries: %s",
	    (unsigned long long)slot->message.sequence, slot->nats->config.stream,
	    (unsigned long long)slot->message.delivery, slot->reason);
	slot->begun = ward_now();
	slot->tries = 0;
	term_send(slot);
}

/* ---- the subscription ------------------------------------------------------------ */

static void on_answer(struct slot *slot, enum state state, natsMsg *answer)
{
	switch (state) {
	case CLAIM:
		on_claim(slot, answer);
		break;
	case CLAIM_READ:
		on_claim_read(slot, answer);
		break;
	case RESULT:
		on_result(slot, answer);
		break;
	case RESULT_READ:
		on_result_read(slot, answer);
		break;
	case DEAD:
		on_dead(slot, answer);
		break;
	case ACK:
	case TERM:
		if (natsMsg_IsNoResponders(answer))
			step_later(slot, state);
		else
			end(slot, state == ACK ? slot->outcome : DEAD_LETTER);
		break;
	default:
		break;
	}
}

static struct slot *find_slot(struct ward_nats *nats, natsMsg *answer, uint64_t *step)
{
	const char *at = natsMsg_GetSubject(answer) + strlen(nats->inbox);
	char *end;
	uint64_t i;

	if (*at != '.')
		return NULL;
	i = strtoull(at + 1, &end, 10);
	if (*end != '.' || i >= nats->nslots)
		return NULL;
	*step = strtoull(end + 1, NULL, 10);
	return &nats->slots[i];
}

static void came(natsConnection *nc, natsSubscription *sub, natsMsg *answer, void *arg)
{
	struct ward_nats *nats = arg;
	uint64_t step = 0;
	struct slot *slot = find_slot(nats, answer, &step);
	enum state state = slot ? slot_claim_step(slot, step) : FREE;

	(void)nc;
	(void)sub;
	if (state != FREE)
		on_answer(slot, state, answer);
	natsMsg_Destroy(answer);
}

static void gone(void *arg)
{
	nats_put(arg);
}

natsStatus answers_listen(struct ward_nats *nats)
{
	char subject[80];
	natsStatus s;

	snprintf(subject, sizeof(subject), "%s.*.*", nats->inbox);
	s = natsConnection_Subscribe(&nats->answers, nats->nc, subject, came, nats);
	if (s != NATS_OK)
		return s;
	add_acq_rel(&nats->refs, 1);
	return natsSubscription_SetOnCompleteCB(nats->answers, gone, nats);
}
