/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.c - the slots of the messages that are here, and whose each of them is.
 */
#include "nats/consumer.h"
#include <stdlib.h>
#include <sys/mman.h>

#define STATE 0xffu

static uint64_t step_of(uint64_t word)
{
	return word >> 8;
}

enum state slot_state(struct slot *slot)
{
	return load_acquire(&slot->word) & STATE; /* [n] */
}

uint64_t slot_next_step(struct slot *slot)
{
	return step_of(load_relaxed(&slot->word)) + 1;
}

static bool claim(struct slot *slot, uint64_t seen)
{
	return cas_acq_rel(&slot->word, &seen, (seen & ~(uint64_t)STATE) | BUSY); /* [n] */
}

bool slot_claim(struct slot *slot, enum state from)
{
	uint64_t seen = load_relaxed(&slot->word);

	return (seen & STATE) == from && claim(slot, seen);
}

/* In one step: whoever convicts the thread meanwhile finds the message in one of the two. */
bool slot_begins(struct slot *slot)
{
	uint64_t seen = load_relaxed(&slot->word);

	return (seen & STATE) == QUEUED &&
	       cas_acq_rel(&slot->word, &seen, (step_of(seen) + 1) << 8 | RUNNING); /* [n] */
}

enum state slot_claim_step(struct slot *slot, uint64_t step)
{
	uint64_t seen = load_relaxed(&slot->word);
	enum state state = seen & STATE;

	return step_of(seen) == step && state >= CLAIM && state <= TERM &&
			       claim(slot, seen) ?
		       state :
		       FREE;
}

void slot_give(struct slot *slot, enum state to)
{
	store_release(&slot->word, slot_next_step(slot) << 8 | to); /* [n] */
}

/* ---- in use, and free ------------------------------------------------------------ */

/* Its lease begins before the keeper can hold it. */
struct slot *slot_take(struct ward_nats *nats)
{
	uint32_t at = load_relaxed(&nats->cursor);

	for (uint32_t i = 0; i < nats->nslots; i++) {
		struct slot *slot = &nats->slots[(at + i) % nats->nslots];

		if (slot_claim(slot, FREE)) {
			store_relaxed(&nats->cursor, at + i + 1);
			add_relaxed(&nats->used, 1);
			add_relaxed(&nats->refs, 1);
			store_relaxed(&slot->lapsed, 0);
			store_relaxed(&slot->leased_at, ward_now());
			store_release(&slot->parts, 1); /* [nc] */
			return slot;
		}
	}
	return NULL;
}

bool slot_hold(struct slot *slot)
{
	uint32_t parts = load_relaxed(&slot->parts);

	while (parts)
		if (cas_acquire(&slot->parts, &parts, parts + 1)) /* [nc] */
			return true;
	return false;
}

void slot_drop(struct slot *slot)
{
	struct ward_nats *nats = slot->nats;

	if (sub_acq_rel(&slot->parts, 1) > 1)
		return;
	natsMsg_Destroy(slot->msg);
	slot->msg = NULL;
	slot_give(slot, FREE);
	sub_acq_rel(&nats->used, 1);
	nats_put(nats);
}

/* ---- the memory ------------------------------------------------------------------ */

static void *map(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* 'spare' slots beyond those in flight, for what zombies are in.  Pages come as used. */
bool table_make(struct ward_nats *nats, uint32_t spare)
{
	nats->nslots = nats->config.in_flight + spare;
	nats->slots = map(nats->nslots * sizeof(*nats->slots));
	nats->out = map((size_t)nats->nslots * nats->config.out_max);
	if (!nats->slots || !nats->out)
		return false;
	for (uint32_t i = 0; i < nats->nslots; i++) {
		nats->slots[i].nats = nats;
		nats->slots[i].message.out = nats->out + (size_t)i * nats->config.out_max;
		nats->slots[i].message.out_max = nats->config.out_max;
	}
	return true;
}

void nats_put(struct ward_nats *nats)
{
	if (sub_acq_rel(&nats->refs, 1) > 1)
		return;
	if (nats->slots)
		munmap(nats->slots, nats->nslots * sizeof(*nats->slots));
	if (nats->out)
		munmap(nats->out, (size_t)nats->nslots * nats->config.out_max);
	config_free(nats);
	free(nats);
}
