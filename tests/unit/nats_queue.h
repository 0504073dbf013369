/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nats_queue.h - a real server for a test, with a work queue, a bucket of results and a
 * stream of dead letters; and what the test asks of them.
 */
#ifndef WARD_TESTS_UNIT_NATS_QUEUE_H
#define WARD_TESTS_UNIT_NATS_QUEUE_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <nats/nats.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ward/lane.h>
#include <ward/nats.h>
#include <ward/pool.h>

#define IN_TIME WARD_S(20) /* long after anything has failed */
#define nats_ok(call) cr_assert_eq((call), NATS_OK, "%s: %s", #call, nats_GetLastError(NULL))

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

/* Without a server there is nothing to test. */
#define NATS_IS_THERE                                                          \
	ReportHook(PRE_ALL)(struct criterion_test_set * set)                   \
	{                                                                      \
		(void)set;                                                     \
		if (system("nats-server --version >/dev/null 2>&1") == 0)      \
			return;                                                \
		puts("skipped: nats-server is missing: apt-get install nats-server"); \
		exit(77);                                                      \
	}

struct queue {
	pid_t server;
	char dir[64], url[64];
	natsConnection *nc;
	jsCtx *js;
	kvStore *results;
};

/* ---- the server ------------------------------------------------------------------ */

static inline bool read_url(struct queue *q)
{
	char path[128], text[512] = "", *at;
	FILE *f;

	snprintf(path, sizeof(path), "%s/nats-server_%d.ports", q->dir, q->server);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fread(text, 1, sizeof(text) - 1, f))
		text[0] = 0;
	fclose(f);
	at = strstr(text, "nats://");
	return at && sscanf(at, "%63[^\"]", q->url) == 1;
}

/* 'conf' NULL: none. */
static inline void server_start(struct queue *q, const char *port, const char *conf)
{
	pid_t parent = getpid();

	q->server = fork();
	if (q->server == 0) {
		int null = open("/dev/null", O_WRONLY);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execlp("nats-server", "nats-server", "-js", "-sd", q->dir, "-a",
		       "127.0.0.1", "-p", port, "--ports_file_dir", q->dir,
		       conf ? "-c" : NULL, conf, NULL);
		_exit(127);
	}
	cr_assert(comes_true(read_url(q)), "no nats-server");
}

static inline void server_kill(struct queue *q)
{
	kill(q->server, SIGKILL);
	waitpid(q->server, NULL, 0);
}

static inline void queue_connect(struct queue *q, const char *url)
{
	nats_ok(natsConnection_ConnectTo(&q->nc, url));
	nats_ok(natsConnection_JetStream(&q->js, q->nc, NULL));
}

/* ---- streams --------------------------------------------------------------------- */

static inline void stream_make(struct queue *q, const char *name, const char *subject,
			       jsRetentionPolicy retention)
{
	jsStreamConfig config;

	jsStreamConfig_Init(&config);
	config.Name = name;
	config.Subjects = &subject;
	config.SubjectsLen = 1;
	config.Retention = retention;
	nats_ok(js_AddStream(NULL, q->js, &config, NULL, NULL));
}

static inline void consumer_make(struct queue *q, const char *name, ward_ns ack_wait)
{
	jsConsumerConfig config;

	jsConsumerConfig_Init(&config);
	config.Durable = name;
	config.AckPolicy = js_AckExplicit;
	config.AckWait = (int64_t)ack_wait;
	nats_ok(js_AddConsumer(NULL, q->js, "JOBS", &config, NULL, NULL));
}

/* A server with all of it; the consumer is "work". */
static inline struct queue *queue_open(ward_ns ack_wait)
{
	static struct queue queue, *q = &queue;
	kvConfig bucket;

	*q = (struct queue){ .dir = "/tmp/ward-nats.XXXXXX" };
	cr_assert(mkdtemp(q->dir));
	server_start(q, "-1", NULL);
	queue_connect(q, q->url);
	stream_make(q, "JOBS", "jobs.>", js_WorkQueuePolicy);
	stream_make(q, "DEAD", "dead.>", js_LimitsPolicy);
	kvConfig_Init(&bucket);
	bucket.Bucket = "results";
	nats_ok(js_CreateKeyValue(&q->results, q->js, &bucket));
	consumer_make(q, "work", ack_wait);
	return q;
}

static inline void queue_close(struct queue *q)
{
	char command[128];

	kvStore_Destroy(q->results);
	jsCtx_Destroy(q->js);
	natsConnection_Destroy(q->nc);
	server_kill(q);
	snprintf(command, sizeof(command), "rm -rf %s", q->dir);
	cr_assert_eq(system(command), 0);
}

static inline void queue_put(struct queue *q, const char *text)
{
	nats_ok(js_Publish(NULL, q->js, "jobs.a", text, (int)strlen(text), NULL, NULL));
}

static inline uint64_t stream_count(struct queue *q, const char *name)
{
	jsStreamInfo *info = NULL;
	uint64_t n;

	nats_ok(js_GetStreamInfo(&info, q->js, name, NULL, NULL));
	n = info->State.Msgs;
	jsStreamInfo_Destroy(info);
	return n;
}

/* The result of a key, or NULL. */
static inline const char *result_of(struct queue *q, const char *key)
{
	static char text[256];
	kvEntry *entry = NULL;

	if (kvStore_Get(&entry, q->results, key) != NATS_OK)
		return NULL;
	snprintf(text, sizeof(text), "%.*s", kvEntry_ValueLen(entry),
		 (const char *)kvEntry_Value(entry));
	kvEntry_Destroy(entry);
	return text;
}

/* ---- a consumer of it ------------------------------------------------------------ */

static inline struct ward_pool *pool_make(uint32_t workers)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	static struct ward_policy budgets = WARD_POLICY_INIT;
	struct ward_pool *pool;

	budgets.busy_within = WARD_MS(200);
	budgets.blocked_within = WARD_MS(200);
	config.workers = workers;
	config.policy = &budgets;
	cr_assert_eq(ward_pool_create(&pool, &config), 0);
	cr_assert_eq(ward_pool_start(pool), 0);
	return pool;
}

static inline struct ward_nats_config nats_config(struct queue *q, struct ward_pool *pool)
{
	struct ward_nats_config config = WARD_NATS_CONFIG_INIT;

	config.url = q->url;
	config.stream = "JOBS";
	config.consumer = "work";
	config.pool = pool;
	config.results = "$KV.results.";
	config.dead = "dead.jobs";
	config.backoff_min = WARD_MS(20);
	return config;
}

static inline struct ward_nats *nats_make(const struct ward_nats_config *config)
{
	struct ward_nats *nats;

	cr_assert_eq(ward_nats_create(&nats, config), 0);
	return nats;
}

/* Nothing is left. */
static inline void nats_end(struct ward_nats *nats, struct ward_pool *pool)
{
	cr_assert_eq(ward_nats_destroy(nats, ward_in(IN_TIME)), 0);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
}

static inline struct ward_nats_stats nats_stats(struct ward_nats *nats)
{
	struct ward_nats_stats stats = WARD_NATS_STATS_INIT;

	cr_assert_eq(ward_nats_stats(nats, &stats), 0);
	return stats;
}

#endif
