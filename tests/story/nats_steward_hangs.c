/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nats_steward_hangs.c - the pool's steward is held while messages of a work queue run.
 *
 * Expected: another steward takes over; what hangs is convicted, handed back and done by
 * its next delivery, before and after; the old steward, let go, convicts nobody twice.  The
 * ack wait is ten minutes: nothing comes back by that.
 */
#include "../nats/cluster.h"
#include "../nats/queue.h"
#include "office.h"

#include <ward/nats.h>

enum { EACH = 12 };

static struct cluster cluster;
static struct queue queue;
static _Atomic uint32_t filled;

/* One in three hangs where it is delivered first, and comes home late. */
static int run(void *arg, struct ward_nats_message *m)
{
	(void)arg;
	while (m->sequence % 3 == 0 && m->delivery == 1 && !fenced())
		story_breathe();
	m->out_size = (uint32_t)snprintf(m->out, m->out_max, "%u", (unsigned)m->delivery);
	return 0;
}

static void make(unsigned number, struct queue_item *item)
{
	item->key[0] = 0;
	item->size = snprintf(item->data, sizeof(item->data), "%u", number);
}

static struct ward_nats *consumer_up(struct ward_pool *pool)
{
	struct ward_nats_config config = WARD_NATS_CONFIG_INIT;
	char urls[CLUSTER_URLS];
	struct ward_nats *nats = NULL;

	cluster_urls(&cluster, urls);
	config.url = urls;
	config.stream = QUEUE_STREAM;
	config.consumer = QUEUE_CONSUMER;
	config.pool = pool;
	config.run = run;
	config.results = QUEUE_RESULTS;
	config.backoff_min = 5 * MS;
	expect_equal(ward_nats_create(&nats, &config), 0);
	return nats;
}

static struct ward_nats_stats counted(struct ward_nats *nats)
{
	struct ward_nats_stats stats = WARD_NATS_STATS_INIT;

	expect_equal(ward_nats_stats(nats, &stats), 0);
	return stats;
}

/* Some more messages: each is done once, those that hang by their second delivery. */
static void served(struct ward_nats *nats)
{
	struct ward_nats_stats stats;

	expect_equal(queue_fill(&queue, filled + 1, EACH, make), NATS_OK);
	filled += EACH;
	wait_until(counted(nats).done == filled);
	stats = counted(nats);
	expect_equal(stats.results, filled);
	expect_equal(stats.lost, filled / 3);
	expect_equal(stats.claims, filled / 3);
	expect_equal(stats.in_flight, 0);
}

int main(void)
{
	struct queue_config config = { .replicas = 1,
				       .ack_wait = (int64_t)(600 * SECOND),
				       .history = 1 };
	struct ward_pool_config pools = story_config();
	char urls[CLUSTER_URLS];
	struct ward_nats *nats;
	struct ward_pool *pool;
	struct steward *old;
	struct item busy;
	struct hold it;

	if (!cluster_can())
		story_skip("there is no nats-server");
	expect_equal(cluster_up(&cluster, 1), 0);
	cluster_urls(&cluster, urls);
	expect_equal(queue_open(&queue, urls), NATS_OK);
	expect_equal(queue_make(&queue, &config), NATS_OK);
	pools.workers = 4;
	pool = pool_up(&pools);
	nats = consumer_up(pool);
	served(nats);
	old = in_office(pool);
	item_start(pool, &busy, beats_until_marked, NULL, "busy"); /* nobody sleeps */
	item_runs(&busy, 1);
	wait_until(load_relaxed(&old->tid));
	if (!hold(&it, load_relaxed(&old->tid)))
		story_skip("no right to trace");
	served(nats);
	told(WARD_R_STEWARD, 0);
	expect(in_office(pool) != old);
	served(nats);
	dismissed(&it);
	wait_until(load_relaxed(&old->tid) == 0);
	served(nats);
	store_release(&busy.mark, 1);
	item_ends(&busy, 0);
	expect_equal(ward_nats_destroy(nats, ward_in(IN_TIME)), 0);
	pool_down(pool);
	queue_close(&queue);
	cluster_down(&cluster);
	return 0;
}
