/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ask.c - requests for messages: for as many as there is room for, and never more.
 *
 * Two askers, so that while one's messages come the other's request is on its way.
 */
#include "nats/consumer.h"
#include <stdio.h>

static uint32_t less(uint32_t from, uint32_t n)
{
	return from > n ? from - n : 0;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* ---- what was asked for ----------------------------------------------------------- */

static uint32_t number_of(uint64_t asked)
{
	return (uint32_t)(asked >> 32);
}

uint32_t ask_waits(const struct asker *asker)
{
	return (uint32_t)load_acquire(&asker->asked); /* [na] */
}

bool ask_waits_by(const struct asker *asker, uint32_t number)
{
	uint64_t asked = load_relaxed(&asker->asked);

	return number_of(asked) == number && (uint32_t)asked;
}

void ask_over(struct asker *asker, uint32_t number, uint32_t n)
{
	uint64_t asked = load_relaxed(&asker->asked);

	while (number_of(asked) == number &&
	       !cas_acq_rel(&asker->asked, &asked, /* [na] */
			    asked - lesser(n, (uint32_t)asked)))
		;
}

uint32_t ask_anew(struct asker *asker)
{
	uint32_t number = number_of(load_relaxed(&asker->asked)) + 1;

	swap_acq_rel(&asker->asked, (uint64_t)number << 32); /* [na] */
	return number;
}

static uint32_t all_asked(struct ward_nats *nats)
{
	uint32_t n = 0;

	for (int i = 0; i < ASKERS; i++)
		n += ask_waits(&nats->asker[i]);
	return n;
}

/* ---- how many are asked for -------------------------------------------------------- */

static uint32_t lane_room(struct ward_nats *nats)
{
	struct ward_lane_stats lane = WARD_SIZED_INIT_(struct ward_lane_stats);

	if (!nats->config.lane || ward_lane_stats(nats->config.lane, &lane) ||
	    !lane.queued)
		return UINT32_MAX;
	return less(lane.active + lane.queued, lane.inside);
}

/*
 * A message on its way in is counted in flight before it is not asked for any more: read
 * in this order it is never missed.  What is asked for may go anywhere that has room now.
 */
static uint32_t room(struct ward_nats *nats)
{
	uint32_t asked = all_asked(nats);
	uint32_t n = less(nats->config.in_flight, load_relaxed(&nats->in_flight));

	n = lesser(n, less(nats->nslots, load_relaxed(&nats->used)));
	n = lesser(n, lane_room(nats));
	if (load_relaxed(&nats->degraded))
		n = lesser(n, load_relaxed(&nats->idle));
	return less(n, asked);
}

/* With another request under way a small one is not worth its message. */
static uint32_t least(struct ward_nats *nats)
{
	return all_asked(nats) ? nats->config.in_flight / 4 + 1 : 1;
}

void consumer_subject(struct ward_nats *nats, const char *call, char *subject)
{
	snprintf(subject, SUBJECT_ROOM, "$JS.API.CONSUMER.%s.%s.%s", call,
		 nats->config.stream, nats->config.consumer);
}

static void request(struct asker *asker, uint32_t n)
{
	struct ward_nats *nats = asker->nats;
	char subject[SUBJECT_ROOM], text[80];

	consumer_subject(nats, "MSG.NEXT", subject);
	snprintf(text, sizeof(text), "{\"batch\":%u,\"expires\":%llu}", n,
		 (unsigned long long)nats->expires);
	store_relaxed(&asker->asked_at, ward_now());
	add_acq_rel(&asker->asked, n); /* [na] */
	count(nats, asks);
	send_text(nats, subject, asker->inbox, text); /* else it is found lost */
}

static bool may_ask(struct asker *asker)
{
	struct ward_nats *nats = asker->nats;

	return asker->sub && !ask_waits(asker) &&
	       load_relaxed(&asker->not_before) <= ward_now() &&
	       !load_relaxed(&nats->closed) && !load_acquire(&nats->lost) &&
	       !load_acquire(&nats->renew);
}

static void ask_one(struct asker *asker)
{
	struct ward_nats *nats = asker->nats;
	uint32_t n;

	if (!may_ask(asker))
		return;
	n = lesser(room(nats), nats->batch_max);
	if (n >= lesser(least(nats), nats->batch_max))
		request(asker, n);
}

bool ask_enter(struct ward_nats *nats)
{
	return !add_acq_rel(&nats->asking, 1); /* [nb] */
}

/* A thread that was refused has something to ask for: that is looked for once more. */
void ask_leave(struct ward_nats *nats)
{
	uint32_t seen;

	do {
		seen = load_acquire(&nats->asking);
		for (int i = 0; i < ASKERS; i++)
			ask_one(&nats->asker[i]);
	} while (!cas_acq_rel(&nats->asking, &seen, 0)); /* [nb] */
}

void ask(struct ward_nats *nats)
{
	if (ask_enter(nats))
		ask_leave(nats);
}
