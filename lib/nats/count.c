/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * count.c - the consumer in numbers.
 */
#include "nats/consumer.h"

static void count_slots(struct ward_nats *nats, struct ward_nats_stats *stats)
{
	for (uint32_t i = 0; i < nats->nslots; i++) {
		enum state state = slot_state(&nats->slots[i]);

		stats->running += state == RUNNING;
		stats->zombies += state == GONE;
	}
}

void count_all(struct ward_nats *nats, struct ward_nats_stats *stats)
{
	struct counts *counts = &nats->counts;

	*stats = (struct ward_nats_stats)WARD_NATS_STATS_INIT;
	stats->connected = is_connected(nats);
	stats->in_flight = load_relaxed(&nats->in_flight);
	for (int i = 0; i < ASKERS; i++)
		stats->asked += ask_waits(&nats->asker[i]);
	count_slots(nats, stats);
	stats->fetched = load_relaxed(&counts->fetched);
	stats->redelivered = load_relaxed(&counts->redelivered);
	stats->done = load_relaxed(&counts->ended[DONE]);
	stats->already = load_relaxed(&counts->ended[ALREADY]);
	stats->handed_back = load_relaxed(&counts->ended[HANDED_BACK]);
	stats->dead = load_relaxed(&counts->ended[DEAD_LETTER]);
	stats->fenced = load_relaxed(&counts->ended[FENCED]);
	stats->lapsed = load_relaxed(&counts->ended[LAPSED]);
	stats->malformed = load_relaxed(&counts->malformed);
	stats->lost = load_relaxed(&counts->lost);
	stats->failed = load_relaxed(&counts->failed);
	stats->unrun = load_relaxed(&counts->unrun);
	stats->results = load_relaxed(&counts->results);
	stats->claims = load_relaxed(&counts->claims);
	stats->extended = load_relaxed(&counts->extended);
	stats->asks = load_relaxed(&counts->asks);
	stats->retried = load_relaxed(&counts->retried);
	stats->overrun = load_relaxed(&counts->overrun);
	stats->disconnects = load_relaxed(&counts->disconnects);
	stats->reconnects = load_relaxed(&counts->reconnects);
	stats->errors = load_relaxed(&counts->errors);
}
