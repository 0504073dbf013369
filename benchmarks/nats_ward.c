/* SPDX-License-Identifier: BSD-2-Clause */
/* nats_ward.c - libward's consumer. */
#include "nats.h"
#include "tests/nats/queue.h"

#include <string.h>
#include <ward/nats.h>
#include <ward/ward.h>

static struct ward_pool *pool;
static struct ward_nats *consumer;

static int run(void *arg, struct ward_nats_message *message)
{
	const struct nats_load *load = arg;
	struct nats_work work = { .delivery = message->delivery,
				  .data = message->data,
				  .size = (int)message->size };

	message->out_size = (uint32_t)load->run(&work);
	memcpy(message->out, work.out, message->out_size);
	return 0;
}

static void not_told(void *arg, const struct ward_report *report)
{
	(void)arg, (void)report;
}

static bool pool_up(unsigned workers)
{
	static const struct ward_hooks hooks = { .report = not_told };
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_policy policy = WARD_POLICY_INIT;

	policy.blocked_within = NATS_BUDGET;
	config.workers = workers;
	config.policy = &policy;
	config.hooks = &hooks;
	return !ward_pool_create(&pool, &config) && !ward_pool_start(pool);
}

static bool consumer_start(const struct nats_load *load)
{
	struct ward_nats_config config = WARD_NATS_CONFIG_INIT;
	static struct nats_load kept;
	int err;

	kept = *load;
	if (!pool_up(load->workers))
		return false;
	config.url = load->urls;
	config.stream = QUEUE_STREAM;
	config.consumer = QUEUE_CONSUMER;
	config.pool = pool;
	config.run = run;
	config.arg = &kept;
	config.in_flight = NATS_IN_FLIGHT;
	config.out_max = sizeof(((struct nats_work *)NULL)->out);
	config.results = QUEUE_RESULTS;
	err = ward_nats_create(&consumer, &config);
	if (err)
		fprintf(stderr, "ward: %s\n", strerror(-err));
	return !err;
}

static uint64_t consumer_done(void)
{
	struct ward_nats_stats stats = WARD_NATS_STATS_INIT;

	return ward_nats_stats(consumer, &stats) ? 0 : stats.done;
}

static bool consumer_stop(void)
{
	return !ward_nats_destroy(consumer, ward_in(5 * S)) &&
	       !ward_pool_destroy(pool, ward_in(5 * S));
}

const struct nats_way nats_way_ward = { "ward", consumer_start, consumer_done,
					consumer_stop };
