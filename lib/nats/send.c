/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * send.c - messages to the server, and steps, whose answers come back to their slot.
 *
 * A thread that has given the slot away keeps a part of it while it sends: the answer may
 * end the message meanwhile.
 */
#include "nats/consumer.h"
#include <stdio.h>
#include <string.h>

#define STEP_WITHIN WARD_S(1)
#define LATER WARD_MS(250)

static bool sent(struct ward_nats *nats, natsStatus status)
{
	if (status == NATS_OK)
		return true;
	count(nats, errors);
	return false;
}

/* As long as it looks for a server the client library keeps all others waiting. */
bool is_connected(struct ward_nats *nats)
{
	return !load_acquire(&nats->lost) &&
	       natsConnection_Status(nats->nc) == NATS_CONN_STATUS_CONNECTED;
}

bool send_text(struct ward_nats *nats, const char *subject, const char *reply,
	       const char *text)
{
	int size = (int)strlen(text);

	if (reply)
		return sent(nats, natsConnection_PublishRequest(nats->nc, subject, reply,
								text, size));
	return sent(nats, natsConnection_Publish(nats->nc, subject, text, size));
}

natsMsg *step_message(struct slot *slot, const char *subject, const void *data, size_t size)
{
	struct ward_nats *nats = slot->nats;
	natsMsg *msg = NULL;
	char reply[128];

	snprintf(reply, sizeof(reply), "%s.%zu.%llu", nats->inbox,
		 (size_t)(slot - nats->slots), (unsigned long long)slot_next_step(slot));
	natsMsg_Create(&msg, subject, reply, data, (int)size);
	return msg;
}

void step_send(struct slot *slot, enum state state, natsMsg *msg)
{
	struct ward_nats *nats = slot->nats;

	store_relaxed(&slot->due, ward_in(STEP_WITHIN));
	add_relaxed(&slot->parts, 1);
	slot_give(slot, state);
	/* Else, as where it is lost on its way, the keeper finds it late. */
	if (msg && is_connected(nats))
		sent(nats, natsConnection_PublishMsg(nats->nc, msg));
	natsMsg_Destroy(msg);
	slot_drop(slot);
}

void step_later(struct slot *slot, enum state state)
{
	store_relaxed(&slot->due,
		      ward_in(LATER << (slot->tries < 4 ? slot->tries : 4)));
	slot_give(slot, state);
}

void keeper_wake(struct ward_nats *nats)
{
	add_acq_rel(&nats->wake, 1);
	ward_wake((const uint32_t *)(const void *)&nats->wake);
}
