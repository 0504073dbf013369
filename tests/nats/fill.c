/* SPDX-License-Identifier: BSD-2-Clause */
/* fill.c - messages for the queue, each of them once. */
#include "queue.h"

#include <stdio.h>

enum { A_MINUTE = 60000 };

static natsStatus message_of(const struct queue *q, natsMsg **msg, unsigned number,
			     queue_make_item make)
{
	struct queue_item item = { .key = "" };
	char subject[32], id[48];
	natsStatus s;

	make(number, &item);
	snprintf(subject, sizeof(subject), QUEUE_SUBJECT ".%u", number);
	snprintf(id, sizeof(id), "%lld.%u", (long long)q->opened, number);
	s = natsMsg_Create(msg, subject, NULL, item.data, item.size);
	/* The stream knows one that is sent again. */
	if (s == NATS_OK)
		s = natsMsgHeader_Set(*msg, "Nats-Msg-Id", id);
	if (s == NATS_OK && *item.key)
		s = natsMsgHeader_Set(*msg, "Ward-Key", item.key);
	return s;
}

/* A message that could not be sent stays the caller's. */
static natsStatus send(jsCtx *js, natsMsg **msg)
{
	natsStatus s = js_PublishMsgAsync(js, msg, NULL);

	natsMsg_Destroy(*msg);
	return s;
}

static natsStatus put(const struct queue *q, unsigned number, queue_make_item make)
{
	natsMsg *msg = NULL;
	natsStatus s = message_of(q, &msg, number, make);

	if (s == NATS_OK)
		return send(q->js, &msg);
	natsMsg_Destroy(msg);
	return s;
}

/* Those without an answer once more; NATS_OK: there is none. */
static natsStatus send_again(jsCtx *js)
{
	natsMsgList lost = { 0 };
	natsStatus s = js_PublishAsyncGetPendingList(&lost, js);

	if (s == NATS_NOT_FOUND)
		return NATS_OK;
	for (int i = 0; s == NATS_OK && i < lost.Count; i++)
		s = send(js, &lost.Msgs[i]);
	natsMsgList_Destroy(&lost);
	return s == NATS_OK ? NATS_TIMEOUT : s;
}

static natsStatus await_all(jsCtx *js)
{
	int64_t until = nats_Now() + A_MINUTE;
	jsPubOptions o;
	natsStatus s;

	jsPubOptions_Init(&o);
	o.MaxWait = 1000;
	do {
		js_PublishAsyncComplete(js, &o);
		s = send_again(js);
	} while (s == NATS_TIMEOUT && nats_Now() < until);
	return s;
}

/* As many as may be without their answer. */
static natsStatus fill_some(const struct queue *q, unsigned from, unsigned n,
			    queue_make_item make)
{
	natsStatus s = NATS_OK;

	for (unsigned i = 0; s == NATS_OK && i < n; i++)
		s = put(q, from + i, make);
	return s == NATS_OK ? await_all(q->js) : s;
}

natsStatus queue_fill(struct queue *q, unsigned from, unsigned n, queue_make_item make)
{
	natsStatus s = NATS_OK;

	for (unsigned i = 0; s == NATS_OK && i < n; i += QUEUE_PENDING)
		s = fill_some(q, from + i, n - i < QUEUE_PENDING ? n - i : QUEUE_PENDING, make);
	return s;
}
