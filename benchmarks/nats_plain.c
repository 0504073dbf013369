/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nats_plain.c - a consumer as one would write it by hand, for speed: messages are fetched
 * as many at once as there is room for, threads run them, results and acknowledgements are
 * sent without waiting for their answers.  A result is stored only as the first of its key,
 * and the message is acknowledged when it is.  Nobody looks whether a thread hangs.
 */
#include "nats.h"
#include "tests/nats/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_MS = 60000 };

struct slots {
	pthread_mutex_t lock;
	pthread_cond_t some;
	unsigned slot[NATS_IN_FLIGHT];
	unsigned from, n;
};

static struct plain {
	struct queue queue;
	natsSubscription *messages, *answers;
	char inbox[64];
	natsMsg *message[NATS_IN_FLIGHT];
	struct slots free, ready;
	int (*run)(struct nats_work *work);
	pthread_t fetcher;
	_Atomic uint64_t done;
	_Atomic bool end;
} plain;

/* ---- numbers of slots, in order ---------------------------------------------- */

static void slots_open(struct slots *s)
{
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->some, NULL);
	s->from = s->n = 0;
}

static void slots_put(struct slots *s, unsigned slot)
{
	pthread_mutex_lock(&s->lock);
	s->slot[(s->from + s->n++) % NATS_IN_FLIGHT] = slot;
	pthread_cond_signal(&s->some);
	pthread_mutex_unlock(&s->lock);
}

static unsigned slots_take(struct slots *s)
{
	unsigned slot;

	pthread_mutex_lock(&s->lock);
	while (!s->n)
		pthread_cond_wait(&s->some, &s->lock);
	slot = s->slot[s->from++ % NATS_IN_FLIGHT];
	s->n--;
	pthread_mutex_unlock(&s->lock);
	return slot;
}

/* How many there are, when there are at least so many. */
static unsigned slots_await(struct slots *s, unsigned least)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	while (s->n < least)
		pthread_cond_wait(&s->some, &s->lock);
	n = s->n;
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* ---- a message --------------------------------------------------------------- */

/* The stream's answer to a result: {"stream":..., or {"error":... */
static void answered(natsConnection *nc, natsSubscription *sub, natsMsg *answer, void *arg)
{
	unsigned slot = (unsigned)atoi(natsMsg_GetSubject(answer) + strlen(plain.inbox));

	(void)nc, (void)sub, (void)arg;
	if (!strncmp(natsMsg_GetData(answer), "{\"error\"", 8))
		fprintf(stderr, "plain: %s\n", natsMsg_GetData(answer));
	else if (natsMsg_Ack(plain.message[slot], NULL) == NATS_OK)
		atomic_fetch_add_explicit(&plain.done, 1, memory_order_relaxed);
	natsMsg_Destroy(plain.message[slot]);
	natsMsg_Destroy(answer);
	slots_put(&plain.free, slot);
}

static void send_result(unsigned slot, uint64_t sequence, const char *out, int size)
{
	char subject[64], reply[80];
	natsMsg *result = NULL;

	snprintf(subject, sizeof(subject), QUEUE_RESULTS "%lu", (unsigned long)sequence);
	snprintf(reply, sizeof(reply), "%s%u", plain.inbox, slot);
	if (natsMsg_Create(&result, subject, reply, out, size) != NATS_OK ||
	    natsMsgHeader_Set(result, "Nats-Expected-Last-Subject-Sequence", "0") !=
		    NATS_OK ||
	    natsConnection_PublishMsg(plain.queue.nc, result) != NATS_OK)
		fprintf(stderr, "plain: a result was not sent\n");
	natsMsg_Destroy(result);
}

static void *work(void *arg)
{
	(void)arg;
	for (;;) {
		unsigned slot = slots_take(&plain.ready);
		natsMsg *message = plain.message[slot];
		struct nats_work w = { .data = natsMsg_GetData(message),
				       .size = natsMsg_GetDataLength(message) };
		jsMsgMetaData *meta = NULL;

		if (natsMsg_GetMetaData(&meta, message) != NATS_OK)
			continue;
		w.delivery = meta->NumDelivered;
		send_result(slot, meta->Sequence.Stream, w.out, plain.run(&w));
		jsMsgMetaData_Destroy(meta);
	}
	return NULL;
}

/* ---- many of them ------------------------------------------------------------ */

static void hand_out(natsMsgList *list)
{
	for (int i = 0; i < list->Count; i++) {
		unsigned slot = slots_take(&plain.free);

		plain.message[slot] = list->Msgs[i];
		list->Msgs[i] = NULL;
		slots_put(&plain.ready, slot);
	}
}

/*
 * A quarter at least: each fetch is a request of its own.  None may end by its time while
 * messages come: libnats 3.4 writes those beyond the list of the next one.
 */
static void *fetch(void *arg)
{
	(void)arg;
	while (!atomic_load_explicit(&plain.end, memory_order_relaxed)) {
		unsigned n = slots_await(&plain.free, NATS_IN_FLIGHT / 4);
		natsMsgList list = { 0 };

		if (natsSubscription_Fetch(&list, plain.messages, (int)n, LONG_MS, NULL) ==
		    NATS_OK)
			hand_out(&list);
		natsMsgList_Destroy(&list);
	}
	return NULL;
}

static bool subscribe(void)
{
	natsInbox *inbox = NULL;
	char all[80];
	bool ok;

	if (natsInbox_Create(&inbox) != NATS_OK)
		return false;
	snprintf(plain.inbox, sizeof(plain.inbox), "%s.", inbox);
	natsInbox_Destroy(inbox);
	snprintf(all, sizeof(all), "%s*", plain.inbox);
	ok = natsConnection_Subscribe(&plain.answers, plain.queue.nc, all, answered,
				      NULL) == NATS_OK;
	return ok && js_PullSubscribe(&plain.messages, plain.queue.js, QUEUE_SUBJECT ".>",
				      QUEUE_CONSUMER, NULL, NULL, NULL) == NATS_OK;
}

static bool threads_up(unsigned workers)
{
	pthread_t thread;

	for (unsigned i = 0; i < workers; i++)
		if (pthread_create(&thread, NULL, work, NULL) || pthread_detach(thread))
			return false;
	return !pthread_create(&plain.fetcher, NULL, fetch, NULL);
}

static bool plain_start(const struct nats_load *load)
{
	plain.run = load->run;
	slots_open(&plain.free);
	slots_open(&plain.ready);
	for (unsigned i = 0; i < NATS_IN_FLIGHT; i++)
		slots_put(&plain.free, i);
	return queue_open(&plain.queue, load->urls) == NATS_OK && subscribe() &&
	       threads_up(load->workers);
}

static uint64_t plain_done(void)
{
	return atomic_load_explicit(&plain.done, memory_order_relaxed);
}

/* Its process ends now. */
static bool plain_stop(void)
{
	atomic_store_explicit(&plain.end, true, memory_order_relaxed);
	natsSubscription_Unsubscribe(plain.messages); /* the fetch ends */
	return !pthread_join(plain.fetcher, NULL) &&
	       natsConnection_FlushTimeout(plain.queue.nc, 5000) == NATS_OK;
}

const struct nats_way nats_way_plain = { "plain", plain_start, plain_done, plain_stop };
