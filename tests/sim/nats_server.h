/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nats_server.h - a server with one work queue and its streams of results and dead
 * letters; and the client library that speaks to it.
 */
#ifndef SIM_NATS_SERVER_H
#define SIM_NATS_SERVER_H

#include "nats/consumer.h"
#include "base/host.h"

#define SERVER_MESSAGES 3
#define SERVER_EXPIRES WARD_S(3) /* a request does so */

/*
 * A queue beside a word: what is put between the first two is seen by the thread that takes
 * it, after the third; and one that sleeps on the word looks again.
 */
static inline void before_put(_Atomic uint32_t *word)
{
	add_acq_rel(word, 1);
}

static inline void after_put(_Atomic uint32_t *word)
{
	add_acq_rel(word, 1);
	host_wake(word, INT32_MAX);
}

static inline void after_take(_Atomic uint32_t *word)
{
	add_acq_rel(word, 0);
}

struct server_config {
	uint32_t messages;
	uint32_t losses; /* that many requests or answers at most do not come */
	ward_ns ack_wait; /* 0: for ever */
	uint32_t most;	  /* messages that one process may have, or be on their way */
	bool time;	  /* it passes all at once, though a thread is kept away */
};

void server_begin(const struct server_config *config);
/* Messages that are not another's by now are delivered again. */
void server_time_passes(ward_ns now);
/* Sleeps until each message is done, or a dead letter; false: not by then. */
bool server_wait_settled(uint64_t until);
/* Of the messages that are not: none is anybody's. */
bool server_has_all_back(void);
/* Each was done as it should be; and what is the client library's is gone. */
void server_end(void);

#endif
