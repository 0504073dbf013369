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

static natsStatus range_of(jsCtx *js, const char *stream, uint64_t *first, uint64_t *last)
{
	jsStreamInfo *info = NULL;
	natsStatus s = js_GetStreamInfo(&info, js, stream, NULL, NULL);

	if (s == NATS_OK) {
		*first = info->State.FirstSeq;
		*last = info->State.LastSeq;
	}
	jsStreamInfo_Destroy(info);
	return s;
}

/* One that is not kept any more is none. */
static natsStatus read_one(jsCtx *js, const char *stream, uint64_t sequence,
			   void (*take)(void *arg, natsMsg *record), void *arg)
{
	natsMsg *record = NULL;
	natsStatus s = js_GetMsg(&record, js, stream, sequence, NULL, NULL);

	if (s == NATS_OK && !is_claim(record))
		take(arg, record);
	natsMsg_Destroy(record);
	return s == NATS_NOT_FOUND ? NATS_OK : s;
}

natsStatus queue_read(struct queue *q, const char *stream,
		      void (*take)(void *arg, natsMsg *record), void *arg)
{
	uint64_t first = 1, last = 0;
	natsStatus s = range_of(q->js, stream, &first, &last);

	for (uint64_t i = first; s == NATS_OK && i <= last; i++)
		s = read_one(q->js, stream, i, take, arg);
	return s;
}
