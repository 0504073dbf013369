/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue.h"

#include <stdio.h>
#include <string.h>

enum { A_MINUTE = 60000, PENDING = 500 };

/* ---- the connection --------------------------------------------------------------- */

static natsStatus split(const char *urls, char *copy, size_t room, const char **url, int *n)
{
	char *save;

	if ((size_t)snprintf(copy, room, "%s", urls) >= room)
		return NATS_INVALID_ARG;
	for (char *one = strtok_r(copy, ",", &save); one; one = strtok_r(NULL, ",", &save))
		url[(*n)++] = one;
	return NATS_OK;
}

static natsStatus connect_to(natsConnection **nc, const char *urls)
{
	char copy[CLUSTER_URLS];
	const char *url[CLUSTER_URLS / 2];
	natsOptions *options = NULL;
	int n = 0;
	natsStatus s = natsOptions_Create(&options);

	if (s == NATS_OK)
		s = split(urls, copy, sizeof(copy), url, &n);
	if (s == NATS_OK)
		s = natsOptions_SetServers(options, url, n);
	if (s == NATS_OK)
		s = natsOptions_SetMaxReconnect(options, -1);
	if (s == NATS_OK)
		s = natsOptions_SetReconnectWait(options, 100);
	if (s == NATS_OK)
		s = natsConnection_Connect(nc, options);
	natsOptions_Destroy(options);
	return s;
}

/*
 * A step until it is done, up to a minute: while there is no leader nobody answers, and one
 * that was just elected does not know all nodes.
 */
typedef natsStatus (*queue_step)(jsCtx *js, const struct queue_config *config, jsOptions *o);

static natsStatus patiently(jsCtx *js, queue_step step, const struct queue_config *config)
{
	int64_t until = nats_Now() + A_MINUTE;
	natsStatus s;
	jsOptions o;

	jsOptions_Init(&o);
	o.Wait = 500;
	while ((s = step(js, config, &o)) != NATS_OK && nats_Now() < until)
		nats_Sleep(10);
	return s;
}

static natsStatus ask_account(jsCtx *js, const struct queue_config *config, jsOptions *o)
{
	jsAccountInfo *info = NULL;
	natsStatus s = js_GetAccountInfo(&info, js, o, NULL);

	(void)config;
	jsAccountInfo_Destroy(info);
	return s;
}

/* The stream refused it: it has no leader just now. */
static void refused(jsCtx *js, jsPubAckErr *error, void *closure)
{
	(void)closure;
	js_PublishMsgAsync(js, &error->Msg, NULL);
}

natsStatus queue_open(struct queue *q, const char *urls)
{
	natsStatus s;
	jsOptions o;

	*q = (struct queue){ .nc = NULL };
	jsOptions_Init(&o);
	o.PublishAsync.MaxPending = 2 * PENDING;
	o.PublishAsync.ErrHandler = refused;
	s = connect_to(&q->nc, urls);
	if (s == NATS_OK)
		s = natsConnection_JetStream(&q->js, q->nc, &o);
	if (s == NATS_OK)
		s = patiently(q->js, ask_account, NULL);
	return s;
}

void queue_close(struct queue *q)
{
	jsCtx_Destroy(q->js);
	natsConnection_Destroy(q->nc);
	*q = (struct queue){ .nc = NULL };
}

/* ---- stream, consumer, bucket --------------------------------------------------------- */

static natsStatus gone(natsStatus s)
{
	return s == NATS_NOT_FOUND ? NATS_OK : s;
}

static natsStatus remove_old(jsCtx *js, const struct queue_config *config, jsOptions *o)
{
	natsStatus s = gone(js_DeleteStream(js, QUEUE_STREAM, o, NULL));

	(void)config;
	return s == NATS_OK ? gone(js_DeleteStream(js, "KV_" QUEUE_BUCKET, o, NULL)) : s;
}

static natsStatus add_stream(jsCtx *js, const struct queue_config *config, jsOptions *o)
{
	const char *subject = QUEUE_SUBJECT ".>";
	jsStreamConfig c;

	jsStreamConfig_Init(&c);
	c.Name = QUEUE_STREAM;
	c.Subjects = &subject;
	c.SubjectsLen = 1;
	c.Retention = js_WorkQueuePolicy;
	c.Replicas = config->replicas;
	return js_AddStream(NULL, js, &c, o, NULL);
}

static natsStatus add_consumer(jsCtx *js, const struct queue_config *config, jsOptions *o)
{
	jsConsumerConfig c;

	jsConsumerConfig_Init(&c);
	c.Durable = QUEUE_CONSUMER;
	c.AckPolicy = js_AckExplicit;
	c.AckWait = config->ack_wait;
	c.MaxDeliver = -1;
	c.MaxAckPending = 20000;
	return js_AddConsumer(NULL, js, QUEUE_STREAM, &c, o, NULL);
}

static natsStatus add_bucket(jsCtx *js, const struct queue_config *config, jsOptions *o)
{
	kvStore *kv = NULL;
	natsStatus s;
	kvConfig c;

	(void)o;
	kvConfig_Init(&c);
	c.Bucket = QUEUE_BUCKET;
	c.History = config->history;
	c.Replicas = (int)config->replicas;
	s = js_CreateKeyValue(&kv, js, &c);
	kvStore_Destroy(kv);
	return s;
}

natsStatus queue_make(struct queue *q, const struct queue_config *config)
{
	static const queue_step steps[] = { remove_old, add_stream, add_consumer,
					    add_bucket };
	natsStatus s = NATS_OK;

	for (size_t i = 0; s == NATS_OK && i < sizeof(steps) / sizeof(*steps); i++)
		s = patiently(q->js, steps[i], config);
	return s;
}

/* ---- messages ------------------------------------------------------------------------- */

static natsStatus message_of(natsMsg **msg, unsigned number, queue_make_item make)
{
	struct queue_item item = { .key = "" };
	char subject[32], id[32];
	natsStatus s;

	make(number, &item);
	snprintf(subject, sizeof(subject), QUEUE_SUBJECT ".%u", number);
	snprintf(id, sizeof(id), "%u", number);
	s = natsMsg_Create(msg, subject, NULL, item.data, item.size);
	/* The stream knows one that is sent again. */
	if (s == NATS_OK)
		s = natsMsgHeader_Set(*msg, "Nats-Msg-Id", id);
	if (s == NATS_OK && *item.key)
		s = natsMsgHeader_Set(*msg, "Ward-Key", item.key);
	return s;
}

/* What could not be sent stays the caller's. */
static natsStatus send(jsCtx *js, natsMsg **msg)
{
	natsStatus s = js_PublishMsgAsync(js, msg, NULL);

	natsMsg_Destroy(*msg);
	return s;
}

static natsStatus put(jsCtx *js, unsigned number, queue_make_item make)
{
	natsMsg *msg = NULL;
	natsStatus s = message_of(&msg, number, make);

	if (s == NATS_OK)
		return send(js, &msg);
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
static natsStatus fill_some(jsCtx *js, unsigned from, unsigned n, queue_make_item make)
{
	natsStatus s = NATS_OK;

	for (unsigned i = 0; s == NATS_OK && i < n; i++)
		s = put(js, from + i, make);
	return s == NATS_OK ? await_all(js) : s;
}

natsStatus queue_fill(struct queue *q, unsigned from, unsigned n, queue_make_item make)
{
	natsStatus s = NATS_OK;

	for (unsigned i = 0; s == NATS_OK && i < n; i += PENDING)
		s = fill_some(q->js, from + i, n - i < PENDING ? n - i : PENDING, make);
	return s;
}

natsStatus queue_left(struct queue *q, uint64_t *left)
{
	jsStreamInfo *info = NULL;
	natsStatus s;
	jsOptions o;

	jsOptions_Init(&o);
	o.Wait = 500;
	s = js_GetStreamInfo(&info, q->js, QUEUE_STREAM, &o, NULL);
	if (s == NATS_OK)
		*left = info->State.Msgs;
	jsStreamInfo_Destroy(info);
	return s;
}
