/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * finish.c - how a message ends: its result stored and it acknowledged, handed back, or
 * buried.
 *
 * An acknowledgement follows what it stands for: the result, the dead letter.  One whose
 * lease ran out hands nothing back, for what it gave back would be another's.
 */
#include "nats/consumer.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the end --------------------------------------------------------------------- */

void landed(struct ward_nats *nats)
{
	sub_acq_rel(&nats->in_flight, 1);
	barrier_seq_cst(); /* [ne] one less | a drain? */
	if (load_relaxed(&nats->draining)) {
		add_acq_rel(&nats->ended, 1);
		ward_wake((const uint32_t *)(const void *)&nats->ended);
	}
}

void end(struct slot *slot, enum outcome outcome)
{
	struct ward_nats *nats = slot->nats;

	add_relaxed(&nats->counts.ended[outcome], 1);
	landed(nats);
	slot_give(slot, GONE);
	slot_drop(slot);
	ask(nats);
}

/* ---- handed back ----------------------------------------------------------------- */

static uint64_t scramble(uint64_t x)
{
	x ^= x >> 31;
	x *= UINT64_C(0x9e3779b97f4a7c15);
	x ^= x >> 29;
	return x * UINT64_C(0xbf58476d1ce4e5b9) >> 11;
}

/* Full jitter: what failed together is not to come again together. */
ward_ns hand_back_delay(const struct slot *slot)
{
	const struct ward_nats_config *config = &slot->nats->config;
	uint64_t doubled = slot->message.delivery - 1;
	ward_ns most = config->backoff_max;

	if (doubled < 32 && config->backoff_min << doubled < most)
		most = config->backoff_min << doubled;
	return most ? scramble(ward_now() ^ slot->attempt << 32) % most : 0;
}

/* Not one that would come when there is a connection again: it would be for another. */
static void send_nak(struct ward_nats *nats, const char *reply, ward_ns delay)
{
	char text[48];

	if (!is_connected(nats))
		return;
	snprintf(text, sizeof(text), delay ? "-NAK {\"delay\": %llu}" : "-NAK",
		 (unsigned long long)delay);
	send_text(nats, reply, NULL, text);
}

void hand_back(struct slot *slot, ward_ns delay)
{
	if (load_relaxed(&slot->lapsed)) {
		end(slot, LAPSED);
		return;
	}
	send_nak(slot->nats, slot->reply, delay);
	end(slot, HANDED_BACK);
}

void refuse(struct ward_nats *nats, natsMsg *msg)
{
	send_nak(nats, natsMsg_GetReply(msg), 0);
	count(nats, ended[HANDED_BACK]);
	count(nats, unrun);
	natsMsg_Destroy(msg);
}

/* ---- acknowledged ---------------------------------------------------------------- */

void ack_send(struct slot *slot)
{
	step_send(slot, ACK, step_message(slot, slot->reply, "+ACK", 4));
}

void acknowledge(struct slot *slot, enum outcome outcome)
{
	struct ward_nats *nats = slot->nats;

	if (nats->config.flags & WARD_NATS_DOUBLE_ACK) {
		slot->outcome = outcome;
		slot->begun = ward_now();
		slot->tries = 0;
		ack_send(slot);
		return;
	}
	send_text(nats, slot->reply, NULL, "+ACK");
	end(slot, outcome);
}

void result_send(struct slot *slot)
{
	step_send(slot, RESULT,
		  key_message(slot, slot->message.out, slot->message.out_size));
}

/* ---- buried ---------------------------------------------------------------------- */

static bool set_text(natsMsg *msg, const char *name, const char *value)
{
	return natsMsgHeader_Set(msg, name, value) == NATS_OK;
}

/* The message's own headers, but those that tell the server what to do with it. */
static bool copy_headers(natsMsg *to, natsMsg *from)
{
	const char **names = NULL, *value;
	bool all = true;
	int n = 0;

	if (natsMsgHeader_Keys(from, &names, &n) != NATS_OK)
		return true; /* it has none */
	for (int i = 0; i < n && all; i++)
		if (strncmp(names[i], "Nats-", 5) &&
		    natsMsgHeader_Get(from, names[i], &value) == NATS_OK)
			all = set_text(to, names[i], value);
	free(names);
	return all;
}

static bool dead_headers(natsMsg *msg, const struct slot *slot, const char *report)
{
	const struct ward_nats_message *m = &slot->message;
	const struct ward_nats_config *config = &slot->nats->config;
	char sequence[24], delivery[24], id[SUBJECT_ROOM];

	snprintf(sequence, sizeof(sequence), "%llu", (unsigned long long)m->sequence);
	snprintf(delivery, sizeof(delivery), "%llu", (unsigned long long)m->delivery);
	snprintf(id, sizeof(id), "dead.%s.%s.%s", config->stream, config->consumer,
		 sequence);
	return copy_headers(msg, slot->msg) && set_text(msg, "Nats-Msg-Id", id) &&
	       set_text(msg, "Ward-Stream", config->stream) &&
	       set_text(msg, "Ward-Subject", m->subject) &&
	       set_text(msg, "Ward-Sequence", sequence) &&
	       set_text(msg, "Ward-Deliveries", delivery) &&
	       set_text(msg, "Ward-Reason", slot->reason) &&
	       (!*report || set_text(msg, "Ward-Report", report));
}

/* The report of its last attempt, in one line, if it is told by now. */
static bool find_report(const struct slot *slot, char *line, size_t size)
{
	*line = 0;
	return !slot->incident ||
	       ward_report_find(slot->incident, line, size, false) != -ENOENT;
}

#define REPORT_WITHIN WARD_MS(500)
#define REPORT_LOOK WARD_MS(10)

/* It waits for its report a little: the scribe tells that after the end of the attempt. */
static bool wait_report(struct slot *slot)
{
	if (ward_now() - slot->begun > REPORT_WITHIN)
		return false;
	store_relaxed(&slot->due, ward_in(REPORT_LOOK));
	slot_give(slot, UNTOLD);
	keeper_wake(slot->nats);
	return true;
}

void dead_send(struct slot *slot)
{
	char report[1024];
	natsMsg *msg;

	if (!find_report(slot, report, sizeof(report)) && wait_report(slot))
		return;
	msg = step_message(slot, slot->nats->config.dead, slot->message.data,
			   slot->message.size);
	if (msg && !dead_headers(msg, slot, report)) {
		natsMsg_Destroy(msg);
		msg = NULL;
	}
	step_send(slot, DEAD, msg);
}

void term_send(struct slot *slot)
{
	step_send(slot, TERM, step_message(slot, slot->reply, "+TERM", 5));
}

void poison(struct slot *slot, const char *reason)
{
	struct ward_nats *nats = slot->nats;

	if (!nats->config.dead) {
		say(nats, "message %llu of %s is poison (%s); it is handed back",
		    (unsigned long long)slot->message.sequence, nats->config.stream,
		    reason);
		hand_back(slot, nats->config.backoff_max);
		return;
	}
	slot->reason = reason;
	slot->begun = ward_now();
	slot->tries = 0;
	if (nats->config.results)
		claim_begin(slot); /* another process may have done it */
	else
		dead_send(slot);
}

/* ---- done ------------------------------------------------------------------------- */

#define HEADERS_ROOM 1024

static bool is_too_large(const struct slot *slot)
{
	return slot->message.out_size + HEADERS_ROOM > slot->nats->payload_max;
}

static void done(struct slot *slot)
{
	if (!slot->nats->config.results) {
		acknowledge(slot, DONE);
		return;
	}
	if (is_too_large(slot)) {
		poison(slot, "its result is larger than the server takes");
		return;
	}
	slot->begun = ward_now();
	slot->tries = 0;
	result_send(slot);
}

/* ---- by the status of the attempt ------------------------------------------------ */

static bool is_lost(int status)
{
	return status == -ETIME || status == -EOWNERDEAD || status == -EFAULT;
}

static void failed(struct slot *slot)
{
	struct ward_nats *nats = slot->nats;
	uint32_t most = nats->config.deliveries;

	if (is_lost(slot->status))
		count(nats, lost);
	else
		count(nats, failed);
	if (slot->status == -EBADMSG)
		poison(slot, "it is said to be bad");
	else if (slot->status == -EMSGSIZE)
		poison(slot, "its result is larger than out_max");
	else if (most && slot->message.delivery >= most)
		poison(slot, "it was not done in so many deliveries");
	else
		hand_back(slot, hand_back_delay(slot));
}

void settle(struct slot *slot)
{
	struct ward_nats *nats = slot->nats;

	if (!slot->status) {
		done(slot);
	} else if (load_relaxed(&slot->lapsed)) {
		end(slot, LAPSED);
	} else if (slot->ran) {
		failed(slot);
	} else {
		count(nats, unrun);
		hand_back(slot, load_relaxed(&nats->draining) ? 0 :
								hand_back_delay(slot));
	}
}
