/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pool fed from a work queue, against a real server: messages are done, handed back,
 * buried; what a process holds and asks for.
 */
#include "nats_queue.h"

NATS_IS_THERE;

#define SOME 200

static int echo(void *arg, struct ward_nats_message *m)
{
	(void)arg;
	memcpy(m->out, m->data, m->size);
	m->out_size = m->size;
	return 0;
}

static void put_some(struct queue *q, int n)
{
	char text[16];

	for (int i = 1; i <= n; i++) {
		snprintf(text, sizeof(text), "m%d", i);
		queue_put(q, text);
	}
}

/* Each has its result, and none is left. */
static void all_are_done(struct queue *q, struct ward_nats *nats, int n)
{
	char key[16];

	cr_assert(comes_true(nats_stats(nats).done == (uint64_t)n));
	cr_assert_eq(nats_stats(nats).results, (uint64_t)n);
	cr_assert(comes_true(stream_count(q, "JOBS") == 0));
	for (int i = 1; i <= n; i++) {
		snprintf(key, sizeof(key), "%d", i);
		cr_assert(result_of(q, key), "%s", key);
		cr_assert_eq(atoi(result_of(q, key) + 1), i);
	}
}

static void each_is_done(uint32_t flags)
{
	struct queue *q = queue_open(WARD_S(30));
	struct ward_pool *pool = pool_make(2);
	struct ward_nats_config config = nats_config(q, pool);
	struct ward_nats *nats;

	put_some(q, SOME);
	config.run = echo;
	config.in_flight = 8;
	config.flags = flags;
	nats = nats_make(&config);
	all_are_done(q, nats, SOME);
	cr_assert_eq(nats_stats(nats).fetched, SOME);
	cr_assert_eq(nats_stats(nats).overrun, 0);
	nats_end(nats, pool);
	queue_close(q);
}

Test(nats, each_is_done_once)
{
	each_is_done(0);
}

Test(nats, done_when_the_server_has_confirmed)
{
	each_is_done(WARD_NATS_DOUBLE_ACK);
}
