/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * health.c - the process in numbers, as JSON on a subject of its own.
 */
#include "nats/consumer.h"
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

struct text {
	char bytes[4096];
	size_t size;
};

static void WARD_PRINTF(2, 3) add(struct text *text, const char *format, ...)
{
	size_t room = sizeof(text->bytes) - text->size;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->bytes + text->size, room, format, args);
	va_end(args);
	text->size += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

static void add_string(struct text *text, const char *name, const char *value)
{
	add(text, "\"%s\":\"", name);
	for (; *value; value++)
		if ((unsigned char)*value >= ' ' && *value != '"' && *value != '\\')
			add(text, "%c", *value);
	add(text, "\",");
}

static void add_number(struct text *text, const char *name, uint64_t value)
{
	add(text, "\"%s\":%llu,", name, (unsigned long long)value);
}

/* The last comma becomes the end. */
static void close_object(struct text *text)
{
	text->bytes[text->size - 1] = '}';
}

/* The bound below which so many hundredths lie; 0: there are none. */
static uint64_t percentile(const uint64_t *bucket, uint64_t hundredths)
{
	uint64_t all = 0, sum = 0;

	for (int i = 0; i < WARD_BUCKETS; i++)
		all += bucket[i];
	for (int i = 0; i < WARD_BUCKETS && all; i++) {
		sum += bucket[i];
		if (sum * 100 >= all * hundredths)
			return UINT64_C(2) << i;
	}
	return 0;
}

static void add_pool(struct text *text, struct ward_pool *pool)
{
	struct ward_stats s = WARD_SIZED_INIT_(struct ward_stats);

	if (ward_pool_stats(pool, &s))
		return;
	add(text, "\"pool\":{");
	add_number(text, "workers", s.workers);
	add_number(text, "running", s.running);
	add_number(text, "idle", s.idle);
	add_number(text, "spares", s.spares);
	add_number(text, "zombies", s.zombies);
	add_number(text, "vacant", s.vacant);
	add_number(text, "degraded", s.degraded);
	add_number(text, "queued", s.queued);
	add_number(text, "answered", s.answered);
	add_number(text, "stalled", s.stalled);
	add_number(text, "died", s.died);
	add_number(text, "faulted", s.faulted);
	add_number(text, "heals", s.heals);
	add_number(text, "run_p50_ns", percentile(s.run_time, 50));
	add_number(text, "run_p99_ns", percentile(s.run_time, 99));
	add_number(text, "heal_p50_ns", percentile(s.heal_time, 50));
	add_number(text, "heal_max_ns", percentile(s.heal_time, 100));
	close_object(text);
	add(text, ",");
}

static void add_cells(struct text *text, struct ward_cells *cells)
{
	struct ward_cells_stats s = WARD_SIZED_INIT_(struct ward_cells_stats);

	if (!cells || ward_cells_stats(cells, &s))
		return;
	add(text, "\"cells\":{");
	add_number(text, "working", s.working);
	add_number(text, "spares", s.spares);
	add_number(text, "leaving", s.leaving);
	add_number(text, "calls", s.calls);
	add_number(text, "lost", s.lost);
	add_number(text, "died", s.died);
	add_number(text, "killed", s.killed);
	close_object(text);
	add(text, ",");
}

static void add_counts(struct text *text, struct ward_nats *nats)
{
	struct ward_nats_stats s;

	count_all(nats, &s);
	add_number(text, "in_flight", s.in_flight);
	add_number(text, "asked", s.asked);
	add_number(text, "running", s.running);
	add_number(text, "zombies", s.zombies);
	add_number(text, "fetched", s.fetched);
	add_number(text, "redelivered", s.redelivered);
	add_number(text, "done", s.done);
	add_number(text, "already", s.already);
	add_number(text, "handed_back", s.handed_back);
	add_number(text, "dead", s.dead);
	add_number(text, "fenced", s.fenced);
	add_number(text, "lapsed", s.lapsed);
	add_number(text, "lost", s.lost);
	add_number(text, "results", s.results);
	add_number(text, "reconnects", s.reconnects);
	add_number(text, "errors", s.errors);
}

static uint64_t utc_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void health_tell(struct ward_nats *nats, const char *state)
{
	struct text text = { .size = 0 };
	char host[65] = "", subject[SUBJECT_ROOM];

	gethostname(host, sizeof(host) - 1);
	add(&text, "{");
	add_string(&text, "host", host);
	add_number(&text, "pid", (uint64_t)nats->pid);
	add_string(&text, "state", state);
	add_string(&text, "stream", nats->config.stream);
	add_string(&text, "consumer", nats->config.consumer);
	add_number(&text, "at_ms", utc_ms());
	add_number(&text, "period_ms", nats->config.health_period / WARD_MS(1));
	add_counts(&text, nats);
	add_pool(&text, nats->config.pool);
	add_cells(&text, nats->config.cells);
	close_object(&text);
	for (char *c = host; *c; c++) /* one token of a subject */
		if (*c == '.' || *c == '*' || *c == '>' || *c == ' ')
			*c = '-';
	snprintf(subject, sizeof(subject), "%s.%s.%d", nats->config.health, host,
		 nats->pid);
	send_text(nats, subject, NULL, text.bytes);
}
