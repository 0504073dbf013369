/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nats.h - a pool fed from a work queue on NATS JetStream: libward-nats, a library of its
 * own (-lward-nats), not part of ward.h.
 *
 * One ward_nats is one consumer process.  It asks the stream's durable pull consumer for
 * as many messages as it has room for, runs each as a task of the pool, and turns what the
 * pool's steward knows into the message's lease (its ack wait):
 *
 *	waits, runs		the lease is extended, three times an ack wait
 *	convicted, died, faulted, failed
 *				handed back at once, after a backoff; another process may
 *				have it before this one's ack wait is over
 *	done			its result is stored, and then the message acknowledged
 *	poison			published as a dead letter, and then terminated
 *	the process dies	its messages come back by their ack wait
 *
 * Delivered at least once, one accepted result: where 'results' names a subject, the stream
 * that stores it takes one result for each key, and of an attempt whose message has gone
 * to another process none.  docs/scale-out.md has the protocol, and what is not promised.
 */
#ifndef WARD_NATS_H
#define WARD_NATS_H

#include <ward/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ward_nats;
struct ward_cells;
struct ward_lane;
struct ward_policy;
struct ward_pool;

/*
 * One message, as run() has it.  The memory behind it stays until run() returns, also for a
 * thread that has lost its attempt.
 */
struct ward_nats_message {
	const void *data;
	const char *subject; /* as it was published */
	const char *key;     /* of its result: the message's header Ward-Key, or
				else its sequence in the stream, in decimal */
	uint64_t sequence;   /* in the stream */
	uint64_t delivery;   /* which one this is, from 1 */
	void *out;	     /* run() writes the result here; out_max bytes */
	uint32_t size;	     /* bytes of data */
	uint32_t out_max;
	uint32_t out_size;   /* set by run(), at most out_max; 0 at first */
	uint32_t reserved;
};

enum {
	/* A message counts as done only when the server has confirmed its
	 * acknowledgement. */
	WARD_NATS_DOUBLE_ACK = 1u << 0
};

/* Zero is a good default everywhere but in what is said to be needed.  Copied. */
struct ward_nats_config {
	uint32_t size;	/* set by WARD_NATS_CONFIG_INIT */
	uint32_t flags; /* WARD_NATS_* */

	/* ---- where the messages are ---- */
	const char *url;      /* "nats://a:4222,nats://b:4222"; needed */
	const char *stream;   /* needed */
	const char *consumer; /* the stream's durable pull consumer, with explicit
				 acknowledgement, and no max_deliver (which loses
				 what has reached it); needed */
	const char *user, *password, *token;
	const char *credentials; /* a file, of a user's JWT and seed */
	const char *ca;		 /* a file: TLS, trusting these authorities */
	/* Sets what is not above: called once with the client library's natsOptions
	 * before it connects.  Not 0: create() fails with that. */
	int (*options)(void *arg, void *nats_options);

	/* ---- what is done with them ---- */
	struct ward_pool *pool;	 /* needed; outlives the ward_nats */
	struct ward_lane *lane;	 /* of that pool; NULL: none.  Not one with
				    WARD_LANE_CALLER_RUNS */
	struct ward_cells *cells; /* of that pool: each message is a call, 'run' is
				    NULL, the answer is the result */
	/*
	 * A task of the pool.  0: done.  -EBADMSG: the message is poison, and no other
	 * attempt is made.  Another error: handed back, after a backoff.
	 */
	int (*run)(void *arg, struct ward_nats_message *message);
	void *arg; /* of this and all other hooks */
	const struct ward_policy *policy; /* budgets; NULL: the lane's, or the pool's.
				    One attempt here whatever it says: the queue is the
				    rerun */
	uint32_t in_flight; /* messages held at once, 1..16384; default 64 */
	uint32_t in_max;    /* bytes of a message; a larger one is poison; default:
			       any, or what a cell takes */

	/* ---- results ---- */
	const char *results; /* before the key: "$KV.hashes." for a key-value bucket.
				A stream must store it, and for longer than a message
				may be redelivered.  NULL: no results, and no fence */
	uint32_t out_max;    /* bytes of a result; a larger one makes its message poison;
				default 4096 */

	/* ---- what is not done ---- */
	uint32_t deliveries; /* a message that was not done in so many is poison;
				needs 'dead'; default 5 with it, else any number */
	ward_ns backoff_min, backoff_max; /* handed back for a random time up to min,
				doubled for each delivery before it, at most max;
				default 100 ms, and 1000 x min */
	const char *dead;    /* subject of dead letters; a stream must store it.
				NULL: there are none, and poison is handed back for
				backoff_max each time */

	/* ---- what is told ---- */
	const char *health; /* published on HEALTH.HOST.PID: JSON, below; NULL: not */
	ward_ns health_period; /* from 100 ms; default 2 s */
	/* One line of text, without its newline, of what a person should know: the
	 * connection lost, found, a stream that is gone, a permission refused, a dead
	 * letter.  At most some ten a second; from any thread; it must not wait.
	 * NULL: on stderr. */
	void (*log)(void *arg, const char *line);
};
#define WARD_NATS_CONFIG_INIT WARD_SIZED_INIT_(struct ward_nats_config)

/*
 * Connects, looks at stream, consumer and the streams of results and dead letters, and
 * begins to ask for messages.  It waits for the server, some seconds at most for each of
 * these.  After an error a line of the log says it in words, and *out is untouched.
 *	0
 *	-EINVAL		NULL, wrong size, unknown flag, a needed field missing, a value
 *			out of range, a subject that is none, run and cells both or
 *			neither, deliveries without dead
 *	-ENAMETOOLONG	a subject or a name of more than 200 bytes
 *	-EHOSTUNREACH	no server answers at any url
 *	-EACCES		the server refuses who is asking, or what is asked
 *	-EOPNOTSUPP	the server has no JetStream
 *	-ENOENT		no such stream, or consumer
 *	-EPROTOTYPE	a push consumer
 *	-EPROTO		a consumer that does not acknowledge explicitly, or has a
 *			max_deliver
 *	-EADDRNOTAVAIL	no stream stores the results, or the dead letters
 *	-ETIMEDOUT	connected, but no answer in time
 *	-ECHILD		the pool belongs to the parent process
 *	-ENOMEM, -EAGAIN
 *	else		what options() said
 */
WARD_API WARD_MUST int ward_nats_create(struct ward_nats **out,
					const struct ward_nats_config *config);

struct ward_nats_stats {
	uint32_t size;	    /* set by WARD_NATS_STATS_INIT */
	uint32_t connected; /* 1: to a server, now */
	uint32_t in_flight; /* messages held: their leases are this process's, now */
	uint32_t asked;	    /* messages asked for and not here yet, now */
	uint32_t running;   /* of those in flight, inside run(), now */
	uint32_t zombies;   /* not in flight, but a thread is still inside run(), now,
			       or the pool has not let go of the task yet */
	uint64_t fetched;   /* messages that came */
	uint64_t redelivered; /* of those, not for the first time */
	/* how each of those ended; the sum is fetched, less in_flight */
	uint64_t done;	      /* acknowledged; with results: stored here, see below */
	uint64_t already;     /* acknowledged: there was a result already, of this
				 message or of another one with its key */
	uint64_t handed_back; /* at once, or after a backoff */
	uint64_t dead;	      /* dead letters */
	uint64_t fenced;      /* a later delivery has begun, so this one's result was
				 refused, or it did not begin */
	uint64_t lapsed;      /* their lease ran out here: the process was stopped, or
				 cut off.  Their work came to nothing */
	uint64_t malformed;   /* no message of a consumer */
	/* of those handed back */
	uint64_t lost;	 /* the attempt was convicted, died, or faulted */
	uint64_t failed; /* run() said so */
	uint64_t unrun;	 /* never began: drained, no room, told to stop */
	/* traffic */
	uint64_t results;  /* stored: of each key's, one in all processes */
	uint64_t claims;   /* redeliveries that were fenced before they ran */
	uint64_t extended; /* leases */
	uint64_t asks;	   /* requests for messages */
	uint64_t retried;  /* steps that had no answer in time, and were tried again */
	uint64_t overrun;  /* messages that there was no room for: handed back */
	uint64_t disconnects, reconnects;
	uint64_t errors;   /* that the server, or the client library, told of */
};
#define WARD_NATS_STATS_INIT WARD_SIZED_INIT_(struct ward_nats_stats)

/* Each number was true at some instant of the call.  0; -EINVAL; -ECHILD.  Any thread. */
WARD_API int ward_nats_stats(struct ward_nats *nats,
			     struct ward_nats_stats *stats);

/*
 * Asks for no more messages; those that have not begun are handed back at once, those that
 * run may end until 'until'.  A message that has not ended by then is handed back as well: its
 * attempt goes on, but its result is not stored.  One that a thread is sending just then is
 * waited for, up to 5 s more.
 *	0		nothing is in flight, and all was sent
 *	-ETIMEDOUT	some had to be handed back while they ran
 *	-ENOTCONN	not all could be sent: the rest comes back by its ack wait
 *	-EDEADLK	inside a task
 *	-EINVAL, -ECHILD
 * For SIGTERM; a ward_nats that was drained asks for nothing any more.
 */
WARD_API int ward_nats_drain(struct ward_nats *nats, ward_ns until);

/*
 * Drains until then, if that was not done, and disconnects; before 'until' it waits up to
 * a second for threads on their way out.  Returns 0: nothing is left; n > 0: so many
 * threads are still inside run(), and the memory goes with the last of them.  The pool
 * is not destroyed before this call, but may be after it.  Either way the handle is gone,
 * and no thread may be inside another call on it.
 * -EDEADLK: inside a task; -EINVAL.  In a child after fork: forgets the parent's, and
 * returns 0.
 */
WARD_API int ward_nats_destroy(struct ward_nats *nats, ward_ns until);

/*
 * The health of a process, as one JSON object; members that are added later stand beside these:
 *
 *	{"host":"a","pid":7,"state":"serving","stream":"s","consumer":"c",
 *	 "at_ms":1700000000000,"period_ms":2000,
 *	 "in_flight":8,"asked":0,"running":4,"zombies":1,
 *	 "fetched":100,"redelivered":2,"done":90,"already":0,"handed_back":1,"dead":0,
 *	 "fenced":0,"lapsed":0,"lost":1,"results":90,"reconnects":0,"errors":0,
 *	 "pool":{"workers":4,"running":4,"idle":0,"spares":1,"zombies":1,
 *	  "vacant":0,"degraded":0,"queued":4,"answered":91,"stalled":1,"died":0,
 *	  "faulted":0,"heals":1,"run_p50_ns":1024,"run_p99_ns":4096,"heal_p50_ns":65536,
 *	  "heal_max_ns":65536},
 *	 "cells":{"working":4,"spares":1,"leaving":0,"calls":4,"lost":0,"died":0,
 *	  "killed":0}}
 *
 * "state" is serving, degraded (the pool is: docs/healing.md), draining, or ended, which is
 * the last one.  "cells" is there where there are cells.  Percentiles are the upper bounds
 * of the histograms' buckets; 0: nothing was measured.
 */

#ifdef __cplusplus
}
#endif
#endif
