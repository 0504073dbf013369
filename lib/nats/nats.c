/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nats.c - public calls: a consumer made, counted, drained, ended.
 */
#include "nats/consumer.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x77617264206e6174)
#define OWNERS_WITHIN WARD_S(5)
#define HOOKS_WITHIN WARD_S(1)
#define FLUSH_WITHIN_MS 2000

static int enter(struct ward_nats *nats)
{
	if (!nats || nats->magic != MAGIC)
		return -EINVAL;
	return nats->pid == getpid() ? 0 : -ECHILD;
}

/* ---- counted --------------------------------------------------------------------- */

int ward_nats_stats(struct ward_nats *nats, struct ward_nats_stats *stats)
{
	int err = stats && stats->size == sizeof(*stats) ? enter(nats) : -EINVAL;

	if (!err)
		count_all(nats, stats);
	return err;
}

/* ---- drained --------------------------------------------------------------------- */

static void take_back_all(struct ward_nats *nats, enum state from)
{
	for (uint32_t i = 0; i < nats->nslots; i++) {
		struct slot *slot = &nats->slots[i];

		if (slot_state(slot) == from && slot_hold(slot)) {
			take_back(slot, from);
			slot_drop(slot);
		}
	}
}

/* Tasks that have not begun; of a cell's calls nobody knows which have. */
static void take_back_waiting(struct ward_nats *nats)
{
	take_back_all(nats, HELD);
	take_back_all(nats, CLAIM);
	take_back_all(nats, CLAIM_READ);
	if (!nats->config.cells)
		take_back_all(nats, QUEUED);
}

static bool wait_ended(struct ward_nats *nats, ward_ns until)
{
	int err = 0;

	while (load_acquire(&nats->in_flight)) {
		uint32_t seen = load_acquire(&nats->ended);

		if (err)
			return false;
		if (load_acquire(&nats->in_flight))
			err = ward_block_on((const uint32_t *)(const void *)&nats->ended,
					    seen, until);
	}
	return true;
}

/* No more messages come; those on their way have come. */
static void deafen(struct ward_nats *nats)
{
	while (!ask_enter(nats))
		ward_pause(ward_in(WARD_US(100)));
	for (int i = 0; i < ASKERS; i++)
		asker_deafen(&nats->asker[i]);
	ask_leave(nats);
	for (int i = 0; i < ASKERS; i++) {
		natsSubscription_WaitForDrainCompletion(nats->asker[i].old,
							FLUSH_WITHIN_MS);
		ask_anew(&nats->asker[i]); /* what comes yet is refused */
	}
	requests_forget(nats);
}

/* A message that a thread has in hand just then is found in its next step. */
static void take_back_rest(struct ward_nats *nats)
{
	ward_ns most = ward_in(OWNERS_WITHIN);

	do {
		for (enum state from = HELD; from <= TERM; from++)
			take_back_all(nats, from);
	} while (!wait_ended(nats, ward_in(WARD_MS(1))) && ward_now() < most);
}

static int flush(struct ward_nats *nats)
{
	return natsConnection_FlushTimeout(nats->nc, FLUSH_WITHIN_MS) == NATS_OK ?
		       0 :
		       -ENOTCONN;
}

static int drain(struct ward_nats *nats, ward_ns until)
{
	bool ended;
	int err;

	store_release(&nats->closed, 1);
	deafen(nats);
	store_release(&nats->draining, 1);
	barrier_seq_cst(); /* [ne] a drain | none left? */
	take_back_waiting(nats);
	ended = wait_ended(nats, until);
	if (!ended)
		take_back_rest(nats);
	err = flush(nats);
	return err || ended ? err : -ETIMEDOUT;
}

int ward_nats_drain(struct ward_nats *nats, ward_ns until)
{
	int err = enter(nats);

	if (err)
		return err;
	return ward_self() ? -EDEADLK : drain(nats, until);
}

/* ---- ended ----------------------------------------------------------------------- */

/* A thread that owns a slot sends: it is not for long. */
static void wait_owners(struct ward_nats *nats)
{
	ward_ns until = ward_in(OWNERS_WITHIN);

	for (uint32_t i = 0; i < nats->nslots; i++)
		while (slot_state(&nats->slots[i]) == BUSY && ward_now() < until)
			ward_pause(ward_in(WARD_MS(1)));
}

static void stop_keeper(struct ward_nats *nats)
{
	store_release(&nats->stopping, 1);
	keeper_wake(nats);
	pthread_join(nats->keeper, NULL);
}

/* Is a hook called yet; or, before 'until', is a thread on its way out of a slot? */
static bool is_touched(struct ward_nats *nats, ward_ns until)
{
	uint32_t used = load_acquire(&nats->used);

	return load_acquire(&nats->refs) > 1 + used || (used && ward_now() < until);
}

/* Nobody but threads in run() touches it any more. */
static void wait_hooks(struct ward_nats *nats, ward_ns until)
{
	ward_ns most = ward_in(HOOKS_WITHIN);

	while (is_touched(nats, until) && ward_now() < most)
		ward_pause(ward_in(WARD_US(100)));
}

/* How many are left inside. */
static int hang_up(struct ward_nats *nats, ward_ns until)
{
	uint32_t left;

	store_release(&nats->stopping, 1);
	if (nats->answers)
		natsSubscription_Unsubscribe(nats->answers);
	natsSubscription_Destroy(nats->answers);
	for (int i = 0; i < ASKERS; i++) {
		natsSubscription_Destroy(nats->asker[i].sub);
		natsSubscription_Destroy(nats->asker[i].old);
	}
	disconnect(nats);
	wait_hooks(nats, until);
	nats->magic = 0;
	left = load_acquire(&nats->used);
	nats_put(nats);
	return left < INT32_MAX ? (int)left : INT32_MAX;
}

static int destroy(struct ward_nats *nats, ward_ns until)
{
	drain(nats, until);
	stop_keeper(nats);
	wait_owners(nats);
	if (nats->config.health)
		health_tell(nats, "ended");
	flush(nats);
	return hang_up(nats, until);
}

/* In a child there is no thread of the client library, and the connection is the parent's. */
static int forget(struct ward_nats *nats)
{
	nats->magic = 0;
	return 0;
}

int ward_nats_destroy(struct ward_nats *nats, ward_ns until)
{
	int err = enter(nats);

	if (err)
		return err == -ECHILD ? forget(nats) : err;
	return ward_self() ? -EDEADLK : destroy(nats, until);
}

/* ---- made ------------------------------------------------------------------------ */

/* The slots of zombies are not in flight any more, and not free. */
static uint32_t zombies_of(struct ward_pool *pool)
{
	struct ward_stats stats = WARD_SIZED_INIT_(struct ward_stats);

	return ward_pool_stats(pool, &stats) ?
		       0 :
		       stats.zombies_cap + stats.zombies_asleep_cap;
}

static int listen_all(struct ward_nats *nats)
{
	natsInbox *inbox = NULL;

	if (natsInbox_Create(&inbox) != NATS_OK)
		return -ENOMEM;
	snprintf(nats->inbox, sizeof(nats->inbox), "%s", inbox);
	natsInbox_Destroy(inbox);
	if (answers_listen(nats) != NATS_OK)
		return -ENOMEM;
	for (int i = 0; i < ASKERS; i++) {
		nats->asker[i].nats = nats;
		if (!asker_listen(&nats->asker[i]))
			return -ENOMEM;
	}
	return 0;
}

static int make(struct ward_nats *nats, const struct ward_nats_config *config)
{
	int err = config_copy(nats, config);

	if (!err && !table_make(nats, zombies_of(config->pool)))
		err = -ENOMEM;
	if (!err)
		err = connect_all(nats);
	if (!err)
		err = listen_all(nats);
	if (!err)
		err = -pthread_create(&nats->keeper, NULL, keeper_run, nats);
	return err;
}

/* Threads that come of it, the client library's too, take no signal of the program's. */
static int make_quiet(struct ward_nats *nats, const struct ward_nats_config *config)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = make(nats, config);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

int ward_nats_create(struct ward_nats **out, const struct ward_nats_config *config)
{
	int err = out ? config_check(config) : -EINVAL;
	struct ward_nats *nats;

	if (err)
		return err;
	nats = calloc(1, sizeof(*nats));
	if (!nats)
		return -ENOMEM;
	nats->pid = getpid();
	store_relaxed(&nats->refs, 1);
	err = make_quiet(nats, config);
	if (err) {
		hang_up(nats, WARD_NOWAIT);
		return err;
	}
	nats->magic = MAGIC;
	ask(nats);
	*out = nats;
	return 0;
}
