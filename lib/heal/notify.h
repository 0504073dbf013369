/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notify.h - the service manager (sd_notify(3)) is told how the pool is, and its watchdog
 * is fed while the pool is well.
 *
 * The steward speaks: what it says and feeds is by that fresh, and a deputy that takes
 * over goes on with it.  It feeds when a worker has answered a ping, which comes through
 * the pool's queue like any task, and the audit finds nothing broken.
 *
 * One pool of a process speaks, for the service manager has one ear for a process.
 */
#ifndef WARD_LIB_HEAL_NOTIFY_H
#define WARD_LIB_HEAL_NOTIFY_H

#include "pool/pool.h"

struct heal;
struct steward;

enum notify_phase {
	NOTIFY_SILENT,
	NOTIFY_READY, /* it is, but the service manager has not been told */
	NOTIFY_UP,
	NOTIFY_OVER /* stopping: nothing else is told */
};

/* One for a pool, in struct heal.  The letters are those of base/atomic.h. */
struct notify {
	/* I: by notify_claim() */
	struct host_notify manager;
	uint64_t every; /* ns from one feed to the next; 0: none */
	uint32_t claim; /* 1 + host_generation of the process that may speak; 0: none */
	/* I: ward_audit(), which is in front of this folder */
	int (*audit)(struct ward_pool *pool, struct ward_audit *audit);
	/* X: */
	_Atomic uint32_t phase;	  /* enum notify_phase */
	_Atomic uint32_t starved; /* fed no more: a root steward gave up */
	_Atomic uint32_t pinging; /* the ping is in the pool */
	_Atomic uint64_t answered; /* pings that a worker has answered */
	struct ward_task ping; /* O, pinging */
	/* O, destroy and then free: 'claim' until it is given back. */
	uint32_t mine;
};

/* How the pool is.  Compared as bytes: no padding. */
struct health {
	uint32_t workers; /* that there are to be, without those lent */
	uint32_t vacant;
	uint32_t zombies;
	uint32_t hang;	/* helpers, bits */
	uint32_t wrong; /* enum wrong of notify.c, bits */
};

/* What one steward remembers of what it looked at and told; W. */
struct teller {
	uint64_t look_at;  /* not before that */
	uint64_t next;	   /* it has something to do then, if it is not rung */
	uint64_t feed_at;  /* the next ping */
	uint64_t asked_at; /* since when a ping is waited for; 0: none is */
	uint64_t seen;	   /* 'answered' before that */
	uint64_t said_at;
	struct health last, said;
	bool stuck;	 /* the ping is late */
	bool told_deaf;
	struct ward_audit audit; /* the last one */
};

/* The pool may speak: 0; -EALREADY: another pool of this process may. */
int notify_claim(struct heal *heal, int (*audit)(struct ward_pool *pool,
						 struct ward_audit *audit));
/* Another pool may, from now on. */
void notify_unclaim(struct heal *heal);
void notify_fini(struct heal *heal);
/* All workers are there: READY=1. */
void notify_ready(struct heal *heal);
/* No more tasks are taken: STOPPING=1, as the last word. */
void notify_stopping(struct heal *heal);
/* The watchdog is not fed any more. */
void notify_starve(struct heal *heal);
/* By the steward, in office, in each round: when to call again at the latest. */
uint64_t notify_round(struct steward *me, uint64_t now);

#endif
