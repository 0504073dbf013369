/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * read.c - what a stream has stored, as its leader has it.  (A consumer reads what one of
 * the nodes has, which may not have all of it yet.)
 */
#include "queue.h"

static bool is_claim(natsMsg *record)
{
	const char *operation;

	return natsMsgHeader_Get(record, "KV-Operation", &operation) == NATS_OK;
}

static natsStatus last_of(jsCtx *js, const char *stream, uint64_t *last, jsOptions *o)
{
	jsStreamInfo *info = NULL;
	natsStatus s = js_GetStreamInfo(&info, js, stream, o, NULL);

	if (s == NATS_OK)
		*last = info->State.LastSeq;
	jsStreamInfo_Destroy(info);
	return s;
}

static natsStatus read_one(jsCtx *js, const char *stream, uint64_t sequence, jsOptions *o,
			   void (*take)(void *arg, natsMsg *record), void *arg)
{
	natsMsg *record = NULL;
	natsStatus s = js_GetMsg(&record, js, stream, sequence, o, NULL);

	if (s == NATS_OK && !is_claim(record))
		take(arg, record);
	natsMsg_Destroy(record);
	return s;
}

natsStatus queue_read(struct queue *q, const char *stream, uint64_t *next,
		      void (*take)(void *arg, natsMsg *record), void *arg)
{
	uint64_t last = 0;
	natsStatus s;
	jsOptions o;

	jsOptions_Init(&o);
	o.Wait = 500;
	s = last_of(q->js, stream, &last, &o);
	while (s == NATS_OK && *next <= last) {
		s = read_one(q->js, stream, *next, &o, take, arg);
		*next += s == NATS_OK;
	}
	return s;
}
