/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue.h"

#include <stdio.h>
#include <string.h>

enum { A_MINUTE = 60000 };

/* ---- the connection ---------------------------------------------------------- */

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

natsStatus queue_patiently(jsCtx *js, queue_step step, const struct queue_config *config)
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

	*q = (struct queue){ .opened = nats_Now() };
	jsOptions_Init(&o);
	o.PublishAsync.MaxPending = 2 * QUEUE_PENDING;
	o.PublishAsync.ErrHandler = refused;
	s = connect_to(&q->nc, urls);
	if (s == NATS_OK)
		s = natsConnection_JetStream(&q->js, q->nc, &o);
	if (s == NATS_OK)
		s = queue_patiently(q->js, ask_account, NULL);
	return s;
}

void queue_close(struct queue *q)
{
	jsCtx_Destroy(q->js);
	natsConnection_Destroy(q->nc);
	*q = (struct queue){ .nc = NULL };
}

/* ---- stream, consumer, bucket ------------------------------------------------ */

static natsStatus gone(natsStatus s)
{
	return s == NATS_NOT_FOUND ? NATS_OK : s;
}

static natsStatus remove_old(jsCtx *js, const struct queue_config *config, jsOptions *o)
{
	static const char *const streams[] = { QUEUE_STREAM, QUEUE_RESULTS_STREAM,
					       QUEUE_DEAD };
	natsStatus s = NATS_OK;

	(void)config;
	for (size_t i = 0; s == NATS_OK && i < sizeof(streams) / sizeof(*streams); i++)
		s = gone(js_DeleteStream(js, streams[i], o, NULL));
	return s;
}

static natsStatus add_stream(jsCtx *js, const char *name, const char *subject,
			     jsRetentionPolicy retention, unsigned replicas, jsOptions *o)
{
	jsStreamConfig c;

	jsStreamConfig_Init(&c);
	c.Name = name;
	c.Subjects = &subject;
	c.SubjectsLen = 1;
	c.Retention = retention;
	c.Replicas = replicas;
	return js_AddStream(NULL, js, &c, o, NULL);
}

static natsStatus add_work(jsCtx *js, const struct queue_config *config, jsOptions *o)
{
	return add_stream(js, QUEUE_STREAM, QUEUE_SUBJECT ".>", js_WorkQueuePolicy,
			  config->replicas, o);
}

static natsStatus add_dead(jsCtx *js, const struct queue_config *config, jsOptions *o)
{
	return add_stream(js, QUEUE_DEAD, QUEUE_DEAD_SUBJECT, js_LimitsPolicy,
			  config->replicas, o);
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
	static const queue_step steps[] = { remove_old, add_work, add_consumer,
					    add_bucket, add_dead };
	natsStatus s = NATS_OK;

	for (size_t i = 0; s == NATS_OK && i < sizeof(steps) / sizeof(*steps); i++)
		s = queue_patiently(q->js, steps[i], config);
	return s;
}

/* ---- emptied, looked at ------------------------------------------------------ */

static natsStatus purge(jsCtx *js, const struct queue_config *config, jsOptions *o)
{
	natsStatus s = js_PurgeStream(js, QUEUE_STREAM, o, NULL);

	(void)config;
	return s == NATS_OK ? js_PurgeStream(js, QUEUE_RESULTS_STREAM, o, NULL) : s;
}

natsStatus queue_empty(struct queue *q)
{
	return queue_patiently(q->js, purge, NULL);
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
