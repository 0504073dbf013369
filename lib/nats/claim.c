/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * claim.c - the fence between processes: who may put the result of a key.
 *
 * The writer of a key says which sequence must be its last, so the stored records are a
 * chain of claims with at most one result at its end.  A delivery puts its result; one
 * that is not the first puts a claim before, behind which the results of earlier ones are
 * refused.  To a key-value bucket a claim is a key that was deleted.
 *
 * A cluster of before 2.9.12 compares sequences other than 0 only as it takes a message,
 * so two that come together are both taken.  So both have the identity of their place in
 * the chain, and the second is a duplicate.
 */
#include "nats/consumer.h"
#include <stdio.h>

void attempt_text(const struct slot *slot, char *text)
{
	snprintf(text, ATTEMPT_ROOM, "%llu %s %llu",
		 (unsigned long long)slot->message.delivery, slot->nats->inbox,
		 (unsigned long long)slot->attempt);
}

static void key_subject(const struct slot *slot, char *subject)
{
	snprintf(subject, SUBJECT_ROOM, "%s%s", slot->nats->config.results,
		 slot->message.key);
}

static bool set_number(natsMsg *msg, const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	return natsMsgHeader_Set(msg, name, text) == NATS_OK;
}

/* The one message that may follow 'last' under the key. */
static bool set_place(natsMsg *msg, const char *subject, uint64_t last)
{
	char place[SUBJECT_ROOM + 32];

	snprintf(place, sizeof(place), "%s@%llu", subject, (unsigned long long)last);
	return !last || natsMsgHeader_Set(msg, "Nats-Msg-Id", place) == NATS_OK;
}

natsMsg *key_message(struct slot *slot, const void *data, size_t size)
{
	char subject[SUBJECT_ROOM], attempt[ATTEMPT_ROOM];
	natsMsg *msg;

	key_subject(slot, subject);
	attempt_text(slot, attempt);
	msg = step_message(slot, subject, data, size);
	if (msg && set_number(msg, "Nats-Expected-Last-Subject-Sequence", slot->last) &&
	    set_place(msg, subject, slot->last) &&
	    natsMsgHeader_Set(msg, "Ward-Attempt", attempt) == NATS_OK)
		return msg;
	natsMsg_Destroy(msg);
	return NULL;
}

void claim_send(struct slot *slot)
{
	natsMsg *msg = key_message(slot, NULL, 0);

	if (msg && natsMsgHeader_Set(msg, "KV-Operation", "DEL") != NATS_OK) {
		natsMsg_Destroy(msg);
		msg = NULL;
	}
	step_send(slot, CLAIM, msg);
}

/* Most often nothing is there yet. */
void claim_begin(struct slot *slot)
{
	slot->begun = ward_now();
	slot->tries = 0;
	claim_send(slot);
}

static void read_send(struct slot *slot, enum state state)
{
	char subject[SUBJECT_ROOM], api[SUBJECT_ROOM], text[SUBJECT_ROOM + 32];
	int n;

	key_subject(slot, subject);
	snprintf(api, sizeof(api), "$JS.API.STREAM.MSG.GET.%s",
		 slot->nats->results_stream);
	n = snprintf(text, sizeof(text), "{\"last_by_subj\":\"%s\"}", subject);
	step_send(slot, state, step_message(slot, api, text, (size_t)n));
}

void claim_read_send(struct slot *slot)
{
	read_send(slot, CLAIM_READ);
}

void result_read_send(struct slot *slot)
{
	read_send(slot, RESULT_READ);
}
