/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue.h - a work queue on a cluster, as tests and benches have it: a stream WORK, a pull
 * consumer of it, and a key-value bucket RESULTS.
 */
#ifndef WARD_TESTS_NATS_QUEUE_H
#define WARD_TESTS_NATS_QUEUE_H

#include "cluster.h"
#include <nats/nats.h>

#define QUEUE_STREAM "WORK"
#define QUEUE_CONSUMER "fleet"
#define QUEUE_BUCKET "RESULTS"
#define QUEUE_SUBJECT "work"		/* messages are work.1, work.2, ... */
#define QUEUE_RESULTS "$KV." QUEUE_BUCKET /* what the keys stand behind */

struct queue {
	natsConnection *nc;
	jsCtx *js;
};

struct queue_config {
	const char *urls;
	unsigned replicas;
	int64_t ack_wait; /* ns */
	uint8_t history;  /* entries of a key that are kept */
};

/* Connects; waits, up to a minute, until the servers have agreed on a leader. */
natsStatus queue_open(struct queue *queue, const char *urls);
/* Stream, consumer and bucket anew: what was there of these names is gone. */
natsStatus queue_make(struct queue *queue, const struct queue_config *config);

struct queue_item {
	char key[32]; /* of its result; "": its sequence */
	char data[1024];
	int size;
};
typedef void (*queue_make_item)(unsigned number, struct queue_item *item);

/* n messages, each of them once, also where servers are lost meanwhile. */
natsStatus queue_fill(struct queue *queue, unsigned from, unsigned n,
		      queue_make_item make);
/* How many are in the stream: not acknowledged yet. */
natsStatus queue_left(struct queue *queue, uint64_t *left);
void queue_close(struct queue *queue);

#endif
