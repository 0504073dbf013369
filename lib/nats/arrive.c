/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arrive.c - what comes to an asker: messages, and the ends of its requests.
 */
#include "nats/consumer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE WARD_MS(250)
#define FORGET_WITHIN_MS 1000

/* ---- the end of a request -------------------------------------------------------- */

static uint64_t header_number(natsMsg *msg, const char *name, uint64_t none)
{
	const char *text;

	return natsMsgHeader_Get(msg, name, &text) == NATS_OK ?
		       strtoull(text, NULL, 10) :
		       none;
}

/* A time-out is how a request ends that nothing came for.  All else is worth a pause. */
static void request_over(const struct asker_inbox *inbox, natsMsg *msg, uint64_t status)
{
	struct asker *asker = inbox->asker;
	const char *words = "no responders";

	if (status == 100)
		return; /* it goes on */
	if (status != 408 && status != 404) {
		natsMsgHeader_Get(msg, "Description", &words);
		if (!strstr(words, "Leadership Change"))
			say(asker->nats, "a request for messages ended: %llu %s",
			    (unsigned long long)status, words);
		count(asker->nats, errors);
		store_relaxed(&asker->not_before, ward_in(PAUSE));
	}
	ask_over(asker, inbox->number,
		 (uint32_t)header_number(msg, "Nats-Pending-Messages", UINT32_MAX));
	ask(asker->nats);
}

/* ---- a message ------------------------------------------------------------------- */

#define TOKENS 12

/*
 * $JS.ACK.stream.consumer.delivery.sequence.consumer-sequence.time.pending; of newer servers
 * with a domain and an account before the stream, and more at the end.
 */
static bool read_reply(const char *reply, uint64_t *delivery, uint64_t *sequence)
{
	const char *token[TOKENS];
	int n = 0, first;

	if (!reply || strncmp(reply, "$JS.ACK.", 8))
		return false;
	for (const char *at = reply; at && n < TOKENS; at = strchr(at, '.')) {
		at += *at == '.';
		token[n++] = at;
	}
	if (n != 9 && n < 11)
		return false;
	first = n == 9 ? 4 : 6;
	*delivery = strtoull(token[first], NULL, 10);
	*sequence = strtoull(token[first + 1], NULL, 10);
	return *delivery && *sequence;
}

/* True: the key is one. */
static bool set_key(struct slot *slot)
{
	struct ward_nats_message *m = &slot->message;

	snprintf(slot->digits, sizeof(slot->digits), "%llu",
		 (unsigned long long)m->sequence);
	if (natsMsgHeader_Get(slot->msg, "Ward-Key", &m->key) == NATS_OK)
		return strlen(m->key) <= NAMES_MAX && is_subject(m->key);
	m->key = slot->digits;
	return true;
}

static void fill(struct slot *slot, natsMsg *msg, uint64_t delivery, uint64_t sequence)
{
	struct ward_nats_message *m = &slot->message;

	slot->msg = msg;
	slot->reply = natsMsg_GetReply(msg);
	slot->attempt = add_relaxed(&slot->nats->attempts, 1) + 1;
	slot->last = 0;
	slot->incident = 0;
	slot->tries = 0;
	slot->ran = 0;
	slot->status = 0;
	slot->reason = NULL;
	m->data = natsMsg_GetData(msg);
	m->size = (uint32_t)natsMsg_GetDataLength(msg);
	m->subject = natsMsg_GetSubject(msg);
	m->delivery = delivery;
	m->sequence = sequence;
	m->out_size = 0;
}

/* One that is not to run; NULL: it is. */
static const char *bad(struct slot *slot)
{
	const struct ward_nats_config *config = &slot->nats->config;
	bool key = set_key(slot);

	if (!key) {
		slot->message.key = slot->digits;
		return "its Ward-Key is no key";
	}
	if (config->in_max && slot->message.size > config->in_max)
		return "it is larger than in_max";
	if (config->deliveries && slot->message.delivery > config->deliveries)
		return "it was not done in so many deliveries";
	return NULL;
}

static void begin(struct slot *slot)
{
	const char *reason = bad(slot);

	if (reason)
		poison(slot, reason);
	else if (slot->message.delivery > 1 && slot->nats->config.results)
		claim_begin(slot);
	else
		run_submit(slot);
}

/* One that is counted off no request, for that one's inbox is gone, may be too much. */
static bool has_room(const struct asker_inbox *inbox)
{
	struct ward_nats *nats = inbox->asker->nats;

	return load_relaxed(&nats->in_flight) <= nats->config.in_flight &&
	       (ask_waits_by(inbox->asker, inbox->number) ||
		(!load_relaxed(&nats->degraded) && !load_relaxed(&nats->closed)));
}

static struct slot *slot_for(const struct asker_inbox *inbox)
{
	struct ward_nats *nats = inbox->asker->nats;

	if (!has_room(inbox)) {
		count(nats, overrun);
		return NULL;
	}
	return load_relaxed(&nats->draining) ? NULL : slot_take(nats);
}

/* True: it has a slot. */
static bool message(const struct asker_inbox *inbox, natsMsg *msg)
{
	struct ward_nats *nats = inbox->asker->nats;
	uint64_t delivery, sequence;
	struct slot *slot;

	if (!read_reply(natsMsg_GetReply(msg), &delivery, &sequence)) {
		count(nats, malformed);
		say(nats, "what came on %s is no message of a consumer",
		    natsMsg_GetSubject(msg));
		natsMsg_Destroy(msg);
		return false;
	}
	if (delivery > 1)
		count(nats, redelivered);
	slot = slot_for(inbox);
	ask_over(inbox->asker, inbox->number, 1);
	if (!slot) {
		refuse(nats, msg);
		return false;
	}
	fill(slot, msg, delivery, sequence);
	begin(slot);
	return true;
}

/* It is in flight, for a drain too, before it is not asked for any more: ask.c. */
static void fetched(const struct asker_inbox *inbox, natsMsg *msg)
{
	struct ward_nats *nats = inbox->asker->nats;

	add_acq_rel(&nats->in_flight, 1);
	barrier_seq_cst(); /* [ne] one more | a drain? */
	count(nats, fetched);
	if (message(inbox, msg))
		ask(nats);
	else
		landed(nats);
}

/* ---- the subscription ------------------------------------------------------------ */

static void came(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *arg)
{
	const struct asker_inbox *inbox = arg;
	const char *status;

	(void)nc;
	(void)sub;
	if (natsMsg_GetDataLength(msg) == 0 &&
	    natsMsgHeader_Get(msg, "Status", &status) == NATS_OK) {
		request_over(inbox, msg, strtoull(status, NULL, 10));
		natsMsg_Destroy(msg);
	} else {
		fetched(inbox, msg);
	}
}

static void gone(void *arg)
{
	struct asker_inbox *inbox = arg;

	nats_put(inbox->asker->nats);
	free(inbox);
}

static struct asker_inbox *asker_inbox_make(struct asker *asker)
{
	struct asker_inbox *inbox = calloc(1, sizeof(*inbox));
	natsInbox *name = NULL;

	if (!inbox || natsInbox_Create(&name) != NATS_OK) {
		free(inbox);
		return NULL;
	}
	snprintf(asker->inbox, sizeof(asker->inbox), "%s", name);
	natsInbox_Destroy(name);
	inbox->asker = asker;
	inbox->number = ask_anew(asker);
	return inbox;
}

/* Another inbox: nothing that was asked for by the last one comes there. */
bool asker_listen(struct asker *asker)
{
	struct ward_nats *nats = asker->nats;
	struct asker_inbox *inbox = asker_inbox_make(asker);
	natsSubscription *sub = NULL;

	if (!inbox)
		return false;
	if (natsConnection_Subscribe(&sub, nats->nc, asker->inbox, came, inbox) != NATS_OK) {
		free(inbox);
		return false;
	}
	add_acq_rel(&nats->refs, 1);
	natsSubscription_SetOnCompleteCB(sub, gone, inbox);
	asker->sub = sub;
	return true;
}

/* Once: a drain waits for 'old' while the keeper may come here. */
void asker_deafen(struct asker *asker)
{
	if (!asker->sub)
		return;
	natsSubscription_Destroy(asker->old);
	asker->old = asker->sub;
	asker->sub = NULL;
	natsSubscription_Drain(asker->old);
}

/*
 * A server 2.9 that finds a request of a gone inbox as it comes to deliver a message again
 * forgets the message, until its ack wait is over.  As it tells of the consumer it looks for
 * such requests.  And it may tell that there is no such consumer any more.
 */
void requests_forget(struct ward_nats *nats)
{
	char subject[SUBJECT_ROOM];
	natsMsg *answer = NULL;
	struct stored stored = { .error = 0 };

	consumer_subject(nats, "INFO", subject);
	natsConnection_RequestString(&answer, nats->nc, subject, "", FORGET_WITHIN_MS);
	if (answer)
		stored_read(answer, &stored);
	if (stored.error) {
		count(nats, errors);
		say(nats, "%s of %s: %s", nats->config.consumer, nats->config.stream,
		    stored.text);
	}
	natsMsg_Destroy(answer);
}
