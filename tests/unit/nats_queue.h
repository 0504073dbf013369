/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nats_queue.h - a real server for a test, and a consumer of its work queue; and what the
 * test asks of both.
 */
#ifndef WARD_TESTS_UNIT_NATS_QUEUE_H
#define WARD_TESTS_UNIT_NATS_QUEUE_H

#include "../nats/cluster.h"
#include "../nats/proxy.h"
#include "../nats/queue.h"
#include <criterion/criterion.h>
#include <criterion/options.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ward/lane.h>
#include <ward/nats.h>
#include <ward/pool.h>

#define IN_TIME WARD_S(20) /* long after anything has failed */
#define LONG WARD_S(30)	   /* an ack wait that no test waits for */
#define SHORT WARD_MS(300) /* one that it does */
#define nats_ok(call) \
	cr_assert_eq((call), NATS_OK, "%s: %s", #call, nats_GetLastError(NULL))

/* Without a server there is nothing to test.  They sleep most of the time, so: together. */
#define NATS_IS_THERE                                                          \
	ReportHook(PRE_ALL)(struct criterion_test_set * set)                   \
	{                                                                      \
		(void)set;                                                     \
		criterion_options.jobs = 16;                                   \
		if (cluster_can())                                             \
			return;                                                \
		puts("skipped: nats-server is missing: apt-get install nats-server"); \
		exit(77);                                                      \
	}

/* Looks again and again until it is so; false if it never is. */
#define comes_true(condition)                                                  \
	({                                                                     \
		ward_ns end_ = ward_in(IN_TIME);                               \
		bool is_;                                                      \
                                                                               \
		while (!(is_ = (condition)) && ward_now() < end_)              \
			nats_Sleep(1);                                         \
		is_;                                                           \
	})
#define soon(condition) cr_assert(comes_true(condition), "never: %s", #condition)

/* ---- the server's side ----------------------------------------------------------- */

static struct cluster cluster;
static struct queue queue;
static char url[CLUSTER_URLS];

static inline void server_begin(ward_ns ack_wait)
{
	struct queue_config config = { .replicas = 1,
				       .ack_wait = (int64_t)ack_wait,
				       .history = 1 };

	cr_assert_eq(cluster_up(&cluster, 1), 0);
	cluster_urls(&cluster, url);
	nats_ok(queue_open(&queue, url));
	nats_ok(queue_make(&queue, &config));
}

static inline void server_end(void)
{
	queue_close(&queue);
	cluster_down(&cluster);
}

static inline void put_with(const char *text, const char *header, const char *value)
{
	natsMsg *msg = NULL;

	nats_ok(natsMsg_Create(&msg, QUEUE_SUBJECT ".a", NULL, text, (int)strlen(text)));
	if (header)
		nats_ok(natsMsgHeader_Set(msg, header, value));
	nats_ok(js_PublishMsg(NULL, queue.js, msg, NULL, NULL));
	natsMsg_Destroy(msg);
}

/* n messages: m1, m2... */
static inline void put(int n)
{
	char text[16];

	for (int i = 1; i <= n; i++) {
		snprintf(text, sizeof(text), "m%d", i);
		put_with(text, NULL, NULL);
	}
}

static inline uint64_t stream_count(const char *name)
{
	jsStreamInfo *info = NULL;
	uint64_t n;

	nats_ok(js_GetStreamInfo(&info, queue.js, name, NULL, NULL));
	n = info->State.Msgs;
	jsStreamInfo_Destroy(info);
	return n;
}

/* Messages that are not acknowledged yet. */
static inline uint64_t left(void)
{
	return stream_count(QUEUE_STREAM);
}

/* Of those, how many are some process's. */
static inline int64_t pending(void)
{
	jsConsumerInfo *info = NULL;
	int64_t n;

	nats_ok(js_GetConsumerInfo(&info, queue.js, QUEUE_STREAM, QUEUE_CONSUMER, NULL,
				   NULL));
	n = info->NumAckPending;
	jsConsumerInfo_Destroy(info);
	return n;
}

/* The result of a key as a reader of the bucket has it; "" if there is none. */
static inline const char *result_of(const char *key)
{
	static char text[256];
	kvStore *bucket = NULL;
	kvEntry *entry = NULL;

	nats_ok(js_KeyValue(&bucket, queue.js, QUEUE_BUCKET));
	text[0] = 0;
	if (kvStore_Get(&entry, bucket, key) == NATS_OK)
		snprintf(text, sizeof(text), "%.*s", kvEntry_ValueLen(entry),
			 (const char *)kvEntry_Value(entry));
	kvEntry_Destroy(entry);
	kvStore_Destroy(bucket);
	return text;
}

/* ---- the process's side ---------------------------------------------------------- */

static inline void be_quiet(void *arg, const struct ward_report *report)
{
	(void)arg;
	(void)report;
}

static inline struct ward_pool *pool_of(uint32_t workers)
{
	static const struct ward_hooks hooks = { .report = be_quiet };
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_policy budgets = WARD_POLICY_INIT;
	struct ward_pool *pool;

	budgets.busy_within = WARD_MS(200);
	budgets.blocked_within = WARD_MS(200);
	config.workers = workers;
	config.zombies = 16; /* few slots: a test goes round all of them */
	config.policy = &budgets;
	config.hooks = &hooks;
	config.flags = WARD_POOL_CATCH_FAULTS;
	cr_assert_eq(ward_pool_create(&pool, &config), 0);
	cr_assert_eq(ward_pool_start(pool), 0);
	return pool;
}

static char last_line[512]; /* of the log */
static char all_lines[1 << 16]; /* as far as they go */
static uint32_t all_size; /* X */

static inline void keep_line(void *arg, const char *line)
{
	size_t n = strlen(line);
	uint32_t at = __atomic_fetch_add(&all_size, (uint32_t)n + 1, __ATOMIC_RELAXED);

	(void)arg;
	if (at + n < sizeof(all_lines))
		memcpy(all_lines + at, line, n);
	snprintf(last_line, sizeof(last_line), "%s", line);
}

/* Another line may have come since. */
static inline bool was_said(const char *text)
{
	return memmem(all_lines, sizeof(all_lines), text, strlen(text));
}

static inline struct ward_nats_config config_of(struct ward_pool *pool)
{
	struct ward_nats_config config = WARD_NATS_CONFIG_INIT;

	config.url = url;
	config.stream = QUEUE_STREAM;
	config.consumer = QUEUE_CONSUMER;
	config.pool = pool;
	config.results = QUEUE_RESULTS;
	config.dead = QUEUE_DEAD_SUBJECT;
	config.backoff_min = WARD_MS(20);
	config.log = keep_line;
	return config;
}

static inline struct ward_nats *nats_of(const struct ward_nats_config *config)
{
	struct ward_nats *nats;

	cr_assert_eq(ward_nats_create(&nats, config), 0, "%s", last_line);
	return nats;
}

static inline struct ward_nats_stats counted(struct ward_nats *nats)
{
	struct ward_nats_stats stats = WARD_NATS_STATS_INIT;

	cr_assert_eq(ward_nats_stats(nats, &stats), 0);
	return stats;
}

/* All that came has ended, and each in one way. */
static inline void adds_up(struct ward_nats *nats)
{
	struct ward_nats_stats s = counted(nats);

	cr_assert_eq(s.fetched, s.in_flight + s.done + s.already + s.handed_back + s.dead +
					s.fenced + s.lapsed + s.malformed);
}

/* Nothing is left. */
static inline void nats_end(struct ward_nats *nats, struct ward_pool *pool)
{
	adds_up(nats);
	cr_assert_eq(ward_nats_destroy(nats, ward_in(IN_TIME)), 0);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
}

#endif
