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

#define PLACE(s, field)                                                        \
	.name = #field, .offset = offsetof(struct s, field),                   \
	.width = sizeof(((struct s *)0)->field)
#define POOL(field) { PLACE(ward_stats, field) }

/* For JSON; /metrics has them by ward_metrics(). */
static const struct figure pool_figures[] = {
	POOL(workers),
	POOL(running),
	POOL(idle),
	POOL(spares),
	POOL(zombies),
	POOL(vacant),
	POOL(degraded),
	POOL(queued),
	POOL(owed),
	POOL(accepted),
	POOL(answered),
	POOL(refused),
	POOL(started),
	POOL(ended),
	POOL(stalled),
	POOL(died),
	POOL(late),
	POOL(reruns),
	POOL(stale_commits),
	POOL(convicted_livelock),
	POOL(convicted_blocked),
	POOL(convicted_progress),
	POOL(deaths),
	POOL(acquitted),
	POOL(heals),
	POOL(zombies_entered),
	POOL(zombies_returned),
	POOL(zombies_reaped),
	POOL(threads_created),
	POOL(threads_joined),
	POOL(reports_told),
	POOL(reports_suppressed),
	POOL(scans),
	POOL(looks),
	POOL(rescues),
};

#define CELLS(field) { PLACE(ward_cells_stats, field) }

static const struct figure cells_figures[] = {
	CELLS(working), CELLS(spares), CELLS(leaving), CELLS(calls),
	CELLS(sent),	CELLS(lost),   CELLS(moved),   CELLS(born),
	CELLS(unborn),	CELLS(died),   CELLS(killed),  CELLS(garbled),
};

struct own {
	uint64_t requests, answered, lost, turned_away, left;
	uint64_t in_flight, threads, memory_bytes;
};
#define OWN(field, type_, help_)                                               \
	{ PLACE(own, field), .type = type_, .help = help_ }

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

static void own_metrics(struct evbuffer *out, const struct own *own)
{
	const struct figure *end = own_figures + COUNT(own_figures);

	for (const struct figure *f = own_figures; f < end; f++) {
		bool counter = f->type == COUNTER;

		evbuffer_add_printf(out,
				    "# TYPE httpd_%s %s\n"
				    "# HELP httpd_%s %s\n"
				    "httpd_%s%s %llu\n",
				    f->name, counter ? "counter" : "gauge",
				    f->name, f->help, f->name,
				    counter ? "_total" : "", value(own, f));
	}
}

/* The pool's come last: they bring the end of the text. */
static int pool_metrics(struct evbuffer *out, struct ward_pool *pool)
{
	struct evbuffer_iovec room;
	int len;

	if (evbuffer_reserve_space(out, WARD_METRICS_ROOM(1), &room, 1) < 0)
		return -ENOMEM;
	len = ward_metrics(&pool, 1, room.iov_base, room.iov_len);
	if (len < 0)
		return len;
	room.iov_len = (size_t)len;
	return evbuffer_commit_space(out, &room, 1) ? -ENOMEM : 0;
}

int figures_metrics(struct request *req)
{
	int err = answer_body(&req->answer, WARD_METRICS_TYPE);
	struct own own;

	if (err)
		return err;
	look_at_server(req->server, &own);
	own_metrics(req->answer.body, &own);
	return pool_metrics(req->answer.body, req->server->pool);
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
	struct ward_cells_stats cells = WARD_CELLS_STATS_INIT;
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
	if (req->server->cells &&
	    !ward_cells_stats(req->server->cells, &cells))
		json_of(out, "cells", &cells, cells_figures, COUNT(cells_figures));
	evbuffer_add_printf(out, "\"worst_lateness_ns\": %llu,\n",
			    (unsigned long long)stats.worst_lateness);
	evbuffer_add_printf(out, "\"audit\": {\"broken\": %u, \"checked\": %u, "
				 "\"first\": ",
			    audit.broken, audit.checked);
	json_string(out, audit.first);
	return evbuffer_add_printf(out, "}\n}\n") < 0 ? -ENOMEM : 0;
}
