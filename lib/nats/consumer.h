/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * consumer.h - one process's end of a work queue: its connection, its table of messages.
 *
 * It stands on libward's public headers (and base/atomic.h, which is no code), and on the
 * client library.  Letters say who writes a field (base/atomic.h); here W is the keeper.
 */
#ifndef WARD_LIB_NATS_CONSUMER_H
#define WARD_LIB_NATS_CONSUMER_H

#include "base/atomic.h"
#include <nats/nats.h>
#include <pthread.h>
#include <ward/nats.h>
#include <ward/ward.h>

#define NAMES_MAX 200	 /* bytes of a name or a subject that is configured, of a key */
#define SUBJECT_ROOM 512 /* two of these, and some */
#define ASKERS 2

/* ---- one message ----------------------------------------------------------------- */

/*
 * Where a message is.  A slot has one owner, the thread that moved its word to BUSY; in
 * every other state the word is all that there is, and the next owner moves it first.
 */
enum state {
	FREE,	 /* next: the thread that has a message to put */
	BUSY,	 /* its owner has it */
	HELD,	 /* ready, but the pool had no room; next: the keeper, drain */
	QUEUED,	 /* in the pool; next: run(), done(), the keeper, drain */
	RUNNING, /* next: done(), drain */
	UNTOLD,	 /* a dead letter, before its report is told; next: the keeper */
	/* A step was sent.  Next: the thread that has the answer; the keeper; drain. */
	CLAIM,	     /* the claim of a redelivery */
	CLAIM_READ,  /* what is there?  The claim was refused */
	RESULT,	     /* the result */
	RESULT_READ, /* what is there?  The result was refused */
	ACK,	     /* the acknowledgement */
	DEAD,	     /* the dead letter */
	TERM,	     /* the message's termination */
	GONE	     /* it ended, but somebody may be inside; next: nobody */
};

/* How a message ended. */
enum outcome { DONE, ALREADY, HANDED_BACK, DEAD_LETTER, FENCED, LAPSED };

struct slot {
	union {
		struct ward_task task;
		struct ward_call call;
	};
	struct ward_nats *nats;	      /* I */
	_Atomic(uint64_t) word;	      /* X: steps so far, and in its low byte the state */
	_Atomic(uint32_t) parts;      /* X: the message, its task, senders: none, it is free */
	_Atomic(uint32_t) lapsed;     /* W; as it is taken, O: its lease ran out here */
	_Atomic(ward_ns) leased_at;   /* W; as it is taken, O: its ack wait began */
	_Atomic(ward_ns) due;	      /* O: when the present step is late */
	/* O, by the word */
	struct ward_nats_message message;
	natsMsg *msg;
	const char *reply;  /* msg's: where its acknowledgement goes */
	uint64_t attempt;   /* unique in the process */
	uint64_t last;	    /* the sequence that must be the key's last */
	uint64_t incident;  /* of the attempt's report */
	ward_ns begun;	    /* this row of steps */
	uint32_t tries;	    /* of the present step */
	uint32_t ran;
	int status;	    /* of the attempt */
	enum outcome outcome;
	const char *reason; /* it is poison: why; NULL: it is not */
	char digits[24];    /* its sequence, which may be the key */
};

/* ---- the consumer ---------------------------------------------------------------- */

/*
 * One request for messages at a time.  Its inbox is its own, and another after each
 * connection, so that a request of before is not answered any more.  A message that is on
 * its way from there knows its inbox's number, and so is not counted off a later request.
 */
struct asker {
	struct ward_nats *nats; /* I */
	natsSubscription *sub;	/* P: 'asking' */
	natsSubscription *old;	/* P: the one before, until it is drained */
	char inbox[64];		/* P: 'asking' */
	/* X: the inbox's number, and in its low half the messages that are not here yet */
	_Atomic(uint64_t) asked;
	_Atomic(ward_ns) asked_at; /* P */
	_Atomic(ward_ns) not_before; /* X: the last one was refused */
};

/* A subscription's own, until it is over. */
struct asker_inbox {
	struct asker *asker;
	uint32_t number;
};

struct counts {
	_Atomic(uint64_t) fetched, redelivered; /* X, all of these */
	_Atomic(uint64_t) ended[LAPSED + 1];
	_Atomic(uint64_t) malformed, lost, failed, unrun, results, claims, extended;
	_Atomic(uint64_t) asks, retried, overrun, disconnects, reconnects, errors;
};

struct ward_nats {
	uint64_t magic; /* E */
	int pid;	/* I, all of these */
	struct ward_nats_config config; /* its strings are its own */
	struct ward_policy policy;
	char results_stream[NAMES_MAX + 1];
	ward_ns ack_wait;  /* the shortest that the consumer has */
	uint32_t batch_max; /* of one request */
	uint64_t payload_max; /* bytes of a message, with its headers */
	ward_ns expires;   /* the same */
	natsOptions *options;
	natsConnection *nc;
	natsSubscription *answers;
	char inbox[64]; /* an answer comes to inbox.slot.step */
	struct slot *slots;
	char *out; /* the slots' results */
	uint32_t nslots;
	pthread_t keeper;

	_Atomic(uint32_t) asking;    /* X: threads that would ask for more; one does */
	_Atomic(uint32_t) cursor;    /* X: where a free slot is looked for */
	_Atomic(uint32_t) in_flight; /* X: messages that are this process's */
	_Atomic(uint32_t) held;	     /* X: of those, HELD */
	_Atomic(uint32_t) used;	     /* X: slots that are not free */
	_Atomic(uint64_t) attempts;  /* X */
	_Atomic(uint32_t) refs;	     /* X: the handle, slots in use, subscriptions */
	_Atomic(uint32_t) wake;	     /* X: the keeper's word */
	_Atomic(uint32_t) ended;     /* X: moves as messages end, while draining */
	_Atomic(uint32_t) closed;    /* M: no message is asked for any more */
	_Atomic(uint32_t) deaf;	     /* the keeper's: nor does any come */
	_Atomic(uint32_t) draining;  /* E: and what comes yet is handed back */
	_Atomic(uint32_t) stopping;  /* E */
	_Atomic(uint32_t) lost;	     /* the client library's: the connection is */
	_Atomic(uint32_t) renew;     /* X: connected anew */
	_Atomic(uint32_t) degraded;  /* W */
	_Atomic(uint32_t) idle;	     /* W: workers that are parked, while it is degraded */
	_Atomic(uint32_t) refused;   /* X: the server spoke of a permission */
	_Atomic(uint64_t) said_in;   /* X: the second of the log's last lines, */
	_Atomic(uint32_t) said;	     /* X: how many, and */
	_Atomic(uint32_t) unsaid;    /* X: how many were too many */
	struct asker asker[ASKERS];
	struct counts counts;
};

#define count(nats, field) add_relaxed(&(nats)->counts.field, 1)

/* ---- log.c ----------------------------------------------------------------------- */

/* A line of the log; of more than ten in a second only how many they were. */
void say(struct ward_nats *nats, const char *format, ...) WARD_PRINTF(2, 3);

/* ---- table.c --------------------------------------------------------------------- */

bool table_make(struct ward_nats *nats, uint32_t spare);
void nats_put(struct ward_nats *nats);
struct slot *slot_take(struct ward_nats *nats);
/* The caller may look at it, until it drops its part.  False: the slot is free. */
bool slot_hold(struct slot *slot);
void slot_drop(struct slot *slot);
enum state slot_state(struct slot *slot);
/* True: it was 'from', and is the caller's now. */
bool slot_claim(struct slot *slot, enum state from);
/* True: it was QUEUED, and is RUNNING. */
bool slot_begins(struct slot *slot);
/* Its state until now, if it was at that step, and is the caller's now; else FREE. */
enum state slot_claim_step(struct slot *slot, uint64_t step);
/* The step that slot_give() will make it. */
uint64_t slot_next_step(struct slot *slot);
void slot_give(struct slot *slot, enum state to);

/* ---- send.c ---------------------------------------------------------------------- */

bool is_connected(struct ward_nats *nats);
/* True: sent, or kept until there is a connection again. */
bool send_text(struct ward_nats *nats, const char *subject, const char *reply,
	       const char *text);
/* Of a slot that the caller owns: the next step's message, whose answer comes back. */
natsMsg *step_message(struct slot *slot, const char *subject, const void *data,
		      size_t size);
/* Sends it, and has the slot wait for the answer. */
void step_send(struct slot *slot, enum state state, natsMsg *msg);
/* The same step again, after a while: it was refused for now. */
void step_later(struct slot *slot, enum state state);
void keeper_wake(struct ward_nats *nats);

/* ---- ask.c ----------------------------------------------------------------------- */

/* Where the server is asked about the consumer. */
void consumer_subject(struct ward_nats *nats, const char *call, char *subject);
/* Asks for as many messages as there is room for. */
void ask(struct ward_nats *nats);
/* The same in two: between them nobody asks.  False: another thread is at it. */
bool ask_enter(struct ward_nats *nats);
void ask_leave(struct ward_nats *nats);
/* Messages that the asker waits for. */
uint32_t ask_waits(const struct asker *asker);
/* Does it wait for any by that inbox?  False also where that one is gone. */
bool ask_waits_by(const struct asker *asker, uint32_t number);
/* So many of the messages by that inbox are here, or do not come. */
void ask_over(struct asker *asker, uint32_t number, uint32_t n);
/* It has another inbox, by which nothing was asked for: that one's number. */
uint32_t ask_anew(struct asker *asker);

/* ---- stored.c -------------------------------------------------------------------- */

/* An answer of the server: a message was stored, or why it was not. */
struct stored {
	uint64_t sequence;
	uint64_t error;	 /* the server's number, 0: none */
	bool again;	 /* no answer that counts: the stream has no leader just now */
	bool duplicate;	 /* another one was stored in its place */
	char text[160];	 /* what the server said */
};
void stored_read(natsMsg *answer, struct stored *stored);
#define STORED_WRONG_LAST 10071 /* something else is the key's last */
#define STORED_TOO_LARGE 10054
#define STORED_NOTHING 10037 /* nothing is stored there */

/* The last that is stored under a key. */
struct last {
	enum { LAST_NONE, LAST_CLAIM, LAST_RESULT } kind;
	uint64_t sequence;
	uint64_t delivery; /* that it is of; 0: not known */
	bool mine;	   /* of the same attempt */
};
/* False: no answer that counts. */
bool last_read(natsMsg *answer, const char *attempt, struct last *last);

/* ---- claim.c --------------------------------------------------------------------- */

#define ATTEMPT_ROOM 128
void attempt_text(const struct slot *slot, char *text);
/* A message to the slot's key, which is taken only if the last there is as expected. */
natsMsg *key_message(struct slot *slot, const void *data, size_t size);
void claim_begin(struct slot *slot);
void claim_send(struct slot *slot);
void claim_read_send(struct slot *slot);
void result_read_send(struct slot *slot);

/* ---- finish.c -------------------------------------------------------------------- */

/* One in flight less, which a drain may wait for. */
void landed(struct ward_nats *nats);
/* All of a slot that the caller owns. */
void end(struct slot *slot, enum outcome outcome);
void hand_back(struct slot *slot, ward_ns delay);
ward_ns hand_back_delay(const struct slot *slot);
void acknowledge(struct slot *slot, enum outcome outcome);
void ack_send(struct slot *slot);
void result_send(struct slot *slot);
/* It is never to run again: for 'reason'. */
void poison(struct slot *slot, const char *reason);
void dead_send(struct slot *slot);
void term_send(struct slot *slot);
/* Its attempt ended, or it is not to begin: by its status. */
void settle(struct slot *slot);
/* A message that there is no slot for. */
void refuse(struct ward_nats *nats, natsMsg *msg);

/* ---- run.c ----------------------------------------------------------------------- */

/* Where the pool has no room the message is held, and the keeper tries again. */
void run_submit(struct slot *slot);
/* By the keeper; true: there is no room still. */
bool run_try(struct slot *slot);
/* Of a slot that the caller holds: its task never runs, or comes to nothing if it does. */
bool take_back(struct slot *slot, enum state from);

/* ---- count.c --------------------------------------------------------------------- */

void count_all(struct ward_nats *nats, struct ward_nats_stats *stats);

/* ---- arrive.c, answer.c, keeper.c, health.c -------------------------------------- */

bool asker_listen(struct asker *asker);
/* Messages on their way still come, and then none. */
void asker_deafen(struct asker *asker);
/* Has the server forget requests whose inbox is gone. */
void requests_forget(struct ward_nats *nats);
natsStatus answers_listen(struct ward_nats *nats);
void *keeper_run(void *arg);
void health_tell(struct ward_nats *nats, const char *state);

/* ---- config.c, connect.c --------------------------------------------------------- */

int config_check(const struct ward_nats_config *config);
int config_copy(struct ward_nats *nats, const struct ward_nats_config *config);
void config_free(struct ward_nats *nats);
bool is_subject(const char *text);
int connect_all(struct ward_nats *nats);
void disconnect(struct ward_nats *nats);

#endif
