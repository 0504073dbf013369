/* SPDX-License-Identifier: BSD-2-Clause */
#include "figures.h"

#include "request.h"
#include "server.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum type { GAUGE, COUNTER };

struct figure {
	const char *name, *help;
	enum type type;
	size_t offset, width;
};

#define FIELD(s, field, type, help)                                            \
	{ #field, help, type, offsetof(struct s, field),                       \
	  sizeof(((struct s *)0)->field) }
#define POOL(field, type, help) FIELD(ward_stats, field, type, help)

static const struct figure pool_figures[] = {
	POOL(workers, GAUGE, "Seats that are taken."),
	POOL(running, GAUGE, "Workers inside a request."),
	POOL(idle, GAUGE, "Workers that are parked."),
	POOL(spares, GAUGE, "Threads ready to take a seat."),
	POOL(zombies, GAUGE, "Lost threads that are not back yet."),
	POOL(vacant, GAUGE, "Seats without a worker."),
	POOL(degraded, GAUGE, "1 while lost workers are not replaced."),
	POOL(queued, GAUGE, "Requests that wait for a worker."),
	POOL(owed, GAUGE, "Requests that wait for a late answer."),
	POOL(accepted, COUNTER, "Requests that the pool took."),
	POOL(answered, COUNTER, "Requests that the pool answered."),
	POOL(refused, COUNTER, "Requests that found no room."),
	POOL(started, COUNTER, "Attempts that began."),
	POOL(ended, COUNTER, "Attempts that ended."),
	POOL(stalled, COUNTER, "Attempts taken away by the steward."),
	POOL(died, COUNTER, "Attempts lost with their thread."),
	POOL(late, COUNTER, "Attempts that came home too late."),
	POOL(reruns, COUNTER, "Attempts after a lost one."),
	POOL(stale_commits, COUNTER, "Commits that were refused."),
	POOL(convicted_livelock, COUNTER, "Workers that spun."),
	POOL(convicted_blocked, COUNTER, "Workers that slept."),
	POOL(convicted_progress, COUNTER, "Workers that got nowhere."),
	POOL(deaths, COUNTER, "Threads that died."),
	POOL(acquitted, COUNTER, "Workers that moved before the fence."),
	POOL(heals, COUNTER, "Seats given to another thread."),
	POOL(zombies_entered, COUNTER, "Threads that were fenced."),
	POOL(zombies_returned, COUNTER, "Fenced threads that came home."),
	POOL(zombies_reaped, COUNTER, "Fenced threads that ended."),
	POOL(threads_created, COUNTER, "Threads made."),
	POOL(threads_joined, COUNTER, "Threads joined."),
	POOL(reports_told, COUNTER, "Reports told."),
	POOL(reports_suppressed, COUNTER, "Reports left out."),
	POOL(scans, COUNTER, "Rounds of the steward."),
	POOL(looks, COUNTER, "Looks into the kernel."),
	POOL(rescues, COUNTER, "Wakeups that only the steward gave."),
};

struct own {
	uint64_t requests, answered, lost, turned_away, left;
	uint64_t in_flight, threads, memory_bytes;
};
#define OWN(field, type, help) FIELD(own, field, type, help)

static const struct figure own_figures[] = {
	OWN(requests, COUNTER, "Requests that came in."),
	OWN(answered, COUNTER, "Requests that were replied to."),
	OWN(lost, COUNTER, "Requests whose worker was lost."),
	OWN(turned_away, COUNTER, "Requests that found no room."),
	OWN(left, COUNTER, "Clients that did not wait."),
	OWN(in_flight, GAUGE, "Requests in memory, this one too."),
	OWN(threads, GAUGE, "Threads of the process."),
	OWN(memory_bytes, GAUGE, "Resident memory of the process."),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static unsigned long long value(const void *from, const struct figure *figure)
{
	const char *at = (const char *)from + figure->offset;
	uint32_t narrow;
	uint64_t wide;

	if (figure->width == sizeof(narrow)) {
		memcpy(&narrow, at, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, at, sizeof(wide));
	return wide;
}

/* ---- gathering ------------------------------------------------------------ */

/* Counts of the kernel for this process; left as they are where it has none. */
static void look_at_process(struct own *own)
{
	FILE *status = fopen("/proc/self/status", "re");
	unsigned long long n;
	char line[256];

	if (!status)
		return;
	while (fgets(line, sizeof(line), status)) {
		if (sscanf(line, "Threads: %llu", &n) == 1)
			own->threads = n;
		else if (sscanf(line, "VmRSS: %llu kB", &n) == 1)
			own->memory_bytes = n * 1024;
	}
	fclose(status);
}

static void look_at_server(struct server *server, struct own *own)
{
	*own = (struct own){
		.requests = server->count.requests,
		.answered = server->count.answered,
		.lost = server->count.lost,
		.turned_away = server->count.turned_away,
		.left = server->count.left,
		.in_flight = atomic_load_explicit(&server->live,
						  memory_order_relaxed),
	};
	look_at_process(own);
}

/* ---- OpenMetrics ---------------------------------------------------------- */

static void metrics_of(struct evbuffer *out, const char *prefix,
		       const void *from, const struct figure *figures,
		       size_t n)
{
	for (; n--; figures++) {
		bool counter = figures->type == COUNTER;

		evbuffer_add_printf(out,
				    "# TYPE %s_%s %s\n"
				    "# HELP %s_%s %s\n"
				    "%s_%s%s %llu\n",
				    prefix, figures->name,
				    counter ? "counter" : "gauge", prefix,
				    figures->name, figures->help, prefix,
				    figures->name, counter ? "_total" : "",
				    value(from, figures));
	}
}

/*
 * A bucket's bound is the next power of two, which is one nanosecond more than
 * the longest span in it.  Sums are not kept, so there is no _sum, and then no
 * _count either.
 */
static void metrics_histogram(struct evbuffer *out, const char *name,
			      const char *help, const uint64_t *buckets)
{
	unsigned long long below = 0;

	evbuffer_add_printf(out,
			    "# TYPE %s_seconds histogram\n"
			    "# UNIT %s_seconds seconds\n"
			    "# HELP %s_seconds %s\n",
			    name, name, name, help);
	for (int i = 0; i < WARD_BUCKETS - 1; i++) {
		below += buckets[i];
		evbuffer_add_printf(out,
				    "%s_seconds_bucket{le=\"%.9g\"} %llu\n",
				    name, (double)(2ull << i) / 1e9, below);
	}
	below += buckets[WARD_BUCKETS - 1];
	evbuffer_add_printf(out, "%s_seconds_bucket{le=\"+Inf\"} %llu\n", name,
			    below);
}

int figures_metrics(struct request *req)
{
	struct ward_stats stats = WARD_STATS_INIT;
	struct evbuffer *out;
	struct own own;
	int err;

	err = ward_pool_stats(req->server->pool, &stats);
	if (!err)
		err = answer_body(&req->answer,
				  "application/openmetrics-text; "
				  "version=1.0.0; charset=utf-8");
	if (err)
		return err;
	out = req->answer.body;
	look_at_server(req->server, &own);
	metrics_of(out, "httpd", &own, own_figures, COUNT(own_figures));
	metrics_of(out, "ward", &stats, pool_figures, COUNT(pool_figures));
	metrics_histogram(out, "ward_queue", "From submit to run, sampled.",
			  stats.queue_time);
	metrics_histogram(out, "ward_run", "Inside run, sampled.",
			  stats.run_time);
	metrics_histogram(out, "ward_heal", "From detection to a new worker.",
			  stats.heal_time);
	return evbuffer_add_printf(out, "# EOF\n") < 0 ? -ENOMEM : 0;
}

/* ---- JSON ----------------------------------------------------------------- */

static void json_of(struct evbuffer *out, const char *name, const void *from,
		    const struct figure *figures, size_t n)
{
	evbuffer_add_printf(out, "\"%s\": {", name);
	for (size_t i = 0; i < n; i++)
		evbuffer_add_printf(out, "%s\n\t\"%s\": %llu", i ? "," : "",
				    figures[i].name, value(from, &figures[i]));
	evbuffer_add_printf(out, "\n},\n");
}

/* The audit's words are plain text; what JSON cannot carry is left out. */
static void json_string(struct evbuffer *out, const char *text)
{
	evbuffer_add(out, "\"", 1);
	for (; *text; text++)
		if ((unsigned char)*text >= ' ' && *text != '"' &&
		    *text != '\\')
			evbuffer_add(out, text, 1);
	evbuffer_add(out, "\"", 1);
}

int figures_stats(struct request *req)
{
	struct ward_stats stats = WARD_STATS_INIT;
	struct ward_audit audit = WARD_AUDIT_INIT;
	struct evbuffer *out;
	struct own own;
	int err;

	err = ward_pool_stats(req->server->pool, &stats);
	if (!err)
		err = ward_audit(req->server->pool, &audit);
	if (err == -EUCLEAN) /* worth telling, above all */
		err = 0;
	if (!err)
		err = answer_body(&req->answer, "application/json");
	if (err)
		return err;
	out = req->answer.body;
	look_at_server(req->server, &own);
	evbuffer_add_printf(out, "{\n\"degraded\": %s,\n",
			    stats.degraded ? "true" : "false");
	json_of(out, "httpd", &own, own_figures, COUNT(own_figures));
	json_of(out, "pool", &stats, pool_figures, COUNT(pool_figures));
	evbuffer_add_printf(out, "\"worst_lateness_ns\": %llu,\n",
			    (unsigned long long)stats.worst_lateness);
	evbuffer_add_printf(out, "\"audit\": {\"broken\": %u, \"checked\": %u, "
				 "\"first\": ",
			    audit.broken, audit.checked);
	json_string(out, audit.first);
	return evbuffer_add_printf(out, "}\n}\n") < 0 ? -ENOMEM : 0;
}
