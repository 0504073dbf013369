/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hand.h - what a worker has at hand: a ring of its own, into which it takes
 * batches and submits nested work, and from which others may steal.
 *
 * It belongs to a thread, not to a seat: a fenced thread may still push.
 */
#ifndef WARD_LIB_WORK_HAND_H
#define WARD_LIB_WORK_HAND_H

#include "sync/ring.h"

#define HAND_SIZE 64u  /* cells; one less are used */
#define HAND_BATCH 32u /* taken at once, at most */

struct hand {
	struct ring ring;
	ck_ring_buffer_t cell[HAND_SIZE];
	/* W: */
	line_aligned uint32_t last;  /* inbox ring that gave the last batch */
	uint32_t turn;		     /* takes; now and then the inbox is first */
	uint32_t victim;	     /* whom to rob next */
	uint32_t pause;		     /* between two looks, in host_relax() */
};

static inline void hand_init(struct hand *hand, uint32_t seed)
{
	ring_init(&hand->ring, hand->cell, HAND_SIZE);
	hand->last = 0;
	hand->turn = 0;
	hand->pause = 1;
	hand->victim = seed;
}

#endif
