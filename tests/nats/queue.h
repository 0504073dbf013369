/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queue.h - a work queue on a cluster, as tests and benches have it: a stream WORK, a pull
 * consumer of it, a key-value bucket RESULTS, and a stream DEAD of dead letters.
 */
#ifndef WARD_TESTS_NATS_QUEUE_H
#define WARD_TESTS_NATS_QUEUE_H

#include "cluster.h"
#include <nats/nats.h>

enum { QUEUE_PENDING = 500 }; /* messages on their way to the stream at once */

#define QUEUE_STREAM "WORK"
#define QUEUE_CONSUMER "fleet"
#define QUEUE_BUCKET "RESULTS"
#define QUEUE_SUBJECT "work"		/* messages are work.1, work.2, ... */
#define QUEUE_RESULTS "$KV." QUEUE_BUCKET "." /* what the keys stand behind */
#define QUEUE_RESULTS_STREAM "KV_" QUEUE_BUCKET
#define QUEUE_DEAD "DEAD"
#define QUEUE_DEAD_SUBJECT "dead.letters"

struct queue {
	natsConnection *nc;
	jsCtx *js;
	int64_t opened; /* ms */
};

struct queue_config {
	unsigned replicas;
	int64_t ack_wait; /* ns */
	uint8_t history;  /* entries of a key that are kept */
};

/* Connects; waits, up to a minute, until the servers have agreed on a leader. */
natsStatus queue_open(struct queue *queue, const char *urls);
/* Stream, consumer and bucket anew: those of these names are gone. */
natsStatus queue_make(struct queue *queue, const struct queue_config *config);

/*
 * A step until it is done, up to a minute: while there is no leader nobody answers, and one
 * that was just elected does not know all nodes.
 */
typedef natsStatus (*queue_step)(jsCtx *js, const struct queue_config *config,
				 jsOptions *o);
natsStatus queue_patiently(jsCtx *js, queue_step step, const struct queue_config *config);

/* Purged, and the consumer begins anew: all stays where it is. */
natsStatus queue_empty(struct queue *queue);

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
/*
 * The records of a stream from *next on, in order; claims of keys, which have no value, are
 * left out.  *next is then where to go on, also after an error: while there is no leader,
 * or one that has not got so far.  Of a stream of which nothing was removed.
 */
natsStatus queue_read(struct queue *queue, const char *stream, uint64_t *next,
		      void (*take)(void *arg, natsMsg *record), void *arg);
void queue_close(struct queue *queue);

#endif
