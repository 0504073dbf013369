/* SPDX-License-Identifier: BSD-2-Clause */
/* queue.c - the queue from outside: made, filled, waited for, and what came of it. */
#include "fleet.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct client {
	natsConnection *nc;
	jsCtx *js;
};

/* Servers that have just begun have no leader yet, and do not answer. */
static natsStatus connect_to(struct client *c, const char *url)
{
	natsStatus s = natsConnection_ConnectTo(&c->nc, url);
	int64_t until = nats_Now() + 20000;
	jsAccountInfo *info = NULL;
	jsOptions o;

	jsOptions_Init(&o);
	o.Wait = 1000;
	if (s == NATS_OK)
		s = natsConnection_JetStream(&c->js, c->nc, &o);
	while (s == NATS_OK && js_GetAccountInfo(&info, c->js, NULL, NULL) != NATS_OK &&
	       nats_Now() < until)
		nats_Sleep(50);
	jsAccountInfo_Destroy(info);
	return s;
}

static void leave(struct client *c)
{
	jsCtx_Destroy(c->js);
	natsConnection_Destroy(c->nc);
}

/* Says what went wrong. */
static int told(const char *what, natsStatus s)
{
	if (s == NATS_OK)
		return 0;
	fprintf(stderr, "fleet: %s: %s\n", what, natsStatus_GetText(s));
	return -EIO;
}

/* Calls 'step' while connected. */
static int with_client(const char *url, int (*step)(struct client *c, void *arg), void *arg)
{
	struct client c = { .nc = NULL };
	int err = told("connect", connect_to(&c, url));

	if (!err)
		err = step(&c, arg);
	leave(&c);
	return err;
}

/* ---- made -------------------------------------------------------------------- */

static natsStatus make_stream(struct client *c, const char *name, const char *subject,
			      jsRetentionPolicy retention, int replicas)
{
	jsStreamConfig config;

	jsStreamConfig_Init(&config);
	config.Name = name;
	config.Subjects = &subject;
	config.SubjectsLen = 1;
	config.Retention = retention;
	config.Replicas = replicas;
	return js_AddStream(NULL, c->js, &config, NULL, NULL);
}

static natsStatus make_consumer(struct client *c)
{
	jsConsumerConfig config;

	jsConsumerConfig_Init(&config);
	config.Durable = CONSUMER;
	config.AckPolicy = js_AckExplicit;
	return js_AddConsumer(NULL, c->js, STREAM, &config, NULL, NULL);
}

static natsStatus make_bucket(struct client *c, int replicas)
{
	kvStore *kv = NULL;
	kvConfig config;
	natsStatus s;

	kvConfig_Init(&config);
	config.Bucket = BUCKET;
	config.Replicas = replicas;
	s = js_CreateKeyValue(&kv, c->js, &config);
	kvStore_Destroy(kv);
	return s;
}

static int make_all(struct client *c, void *arg)
{
	int replicas = *(int *)arg;
	natsStatus s = make_stream(c, STREAM, SUBJECT, js_WorkQueuePolicy, replicas);

	if (s == NATS_OK)
		s = make_stream(c, DEAD_STREAM, DEAD_SUBJECT, js_LimitsPolicy, replicas);
	if (s == NATS_OK)
		s = make_consumer(c);
	if (s == NATS_OK)
		s = make_bucket(c, replicas);
	return told("set up", s);
}

int set_up(const char *url, int replicas)
{
	return with_client(url, make_all, &replicas);
}

/* ---- filled ------------------------------------------------------------------ */

/* The key, so that a file has one result however often it is added. */
static natsStatus add_one(struct client *c, const char *path, const char *key)
{
	natsMsg *msg = NULL;
	natsStatus s = natsMsg_Create(&msg, SUBJECT, NULL, path, (int)strlen(path));

	if (s == NATS_OK)
		s = natsMsgHeader_Set(msg, "Ward-Key", key);
	if (s == NATS_OK)
		s = js_PublishMsg(NULL, c->js, msg, NULL, NULL);
	natsMsg_Destroy(msg);
	return s;
}

static int add_all(struct client *c, void *arg)
{
	char key[KEY_MOST + 1];
	int err = 0;

	for (char **path = arg; !err && *path; path++)
		if (key_of(*path, key))
			err = told(*path, add_one(c, *path, key));
		else
			fprintf(stderr, "fleet: %s: too long\n", *path);
	return err;
}

int add(const char *url, char **paths)
{
	return with_client(url, add_all, paths);
}

/* ---- done -------------------------------------------------------------------- */

/* A message that is acknowledged, or a dead letter, is not in the stream any more. */
static int await_empty(struct client *c, void *arg)
{
	uint64_t left = 1;

	(void)arg;
	while (left) {
		jsStreamInfo *info = NULL;
		int err = told(STREAM, js_GetStreamInfo(&info, c->js, STREAM, NULL, NULL));

		if (err)
			return err;
		left = info->State.Msgs;
		jsStreamInfo_Destroy(info);
		nats_Sleep(50);
	}
	return 0;
}

int await(const char *url)
{
	return with_client(url, await_empty, NULL);
}

static int print_entry(kvEntry *entry, FILE *out)
{
	char path[KEY_MOST + 1];

	if (strlen(kvEntry_Key(entry)) > KEY_MOST)
		return -ENAMETOOLONG;
	path_of(kvEntry_Key(entry), path);
	fprintf(out, "%.*s  %s\n", kvEntry_ValueLen(entry),
		(const char *)kvEntry_Value(entry), path);
	return 0;
}

/* A watcher tells of all entries, and then of none. */
static natsStatus print_all(kvWatcher *watcher, FILE *out)
{
	kvEntry *entry = NULL;
	natsStatus s;

	while ((s = kvWatcher_Next(&entry, watcher, 5000)) == NATS_OK && entry) {
		print_entry(entry, out);
		kvEntry_Destroy(entry);
	}
	return s;
}

static int show_all(struct client *c, void *out)
{
	kvStore *kv = NULL;
	kvWatcher *watcher = NULL;
	kvWatchOptions o;
	natsStatus s = js_KeyValue(&kv, c->js, BUCKET);

	kvWatchOptions_Init(&o);
	o.IgnoreDeletes = true;
	if (s == NATS_OK)
		s = kvStore_WatchAll(&watcher, kv, &o);
	if (s == NATS_OK)
		s = print_all(watcher, out);
	kvWatcher_Destroy(watcher);
	kvStore_Destroy(kv);
	return told(BUCKET, s);
}

int show(const char *url, FILE *out)
{
	return with_client(url, show_all, out);
}
