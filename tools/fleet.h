/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fleet.h - the processes of a fleet, by the health that each of them publishes on NATS
 * (ward/nats.h).
 */
#ifndef WARD_TOOLS_FLEET_H
#define WARD_TOOLS_FLEET_H

#include "view.h"
#include <stdio.h>

/* One process, as it last said. */
struct member {
	char host[32], state[16];
	uint64_t pid, period_ms;
	uint64_t in_flight, running, zombies, done, handed_back, lost, fenced, lapsed, dead;
	uint64_t workers, pool_zombies, degraded, heals, heal_p50, heal_max, run_p99;
	char *text; /* all that it said */
	ward_ns at; /* CLOCK_MONOTONIC, when it was heard */
	double per_s; /* done, from the time before to this */
};

enum { FLEET_MOST = 4096 };

struct fleet {
	struct member *member;
	size_t n;
	uint64_t malformed; /* what was heard, and is no health */
	bool deaf;	    /* there is no connection, now */
	char subject[128];
	struct fleet_link *link;
};

/* A health message of one of them.  False: it is none. */
bool fleet_take(struct fleet *fleet, const char *text, size_t size, ward_ns now);
bool fleet_lines(struct lines *lines, const struct view *view, const struct fleet *fleet,
		 ward_ns now);
/* One object: "processes" is an array of their health messages. */
void fleet_json(FILE *out, const struct fleet *fleet);

/* ---- fleet_nats.c: how it is heard ---- */

/* NULL; or what is wrong, in words. */
const char *fleet_open(struct fleet *fleet, const char *subject, const char *url);
/* Takes what is said until then. */
void fleet_hear(struct fleet *fleet, ward_ns until);
void fleet_close(struct fleet *fleet);

#endif
