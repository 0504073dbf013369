/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bridge.h - a bounded queue whose last entry says what may come next.
 *
 * A position is kept in a cell, and that is one word (docs/states.md): whatever is decided
 * about it is decided by one compare-and-swap.
 *
 *  1) Positions are filled in order: p only after p - 1 was seen filled.
 *  2) Position p - 1 keeps its node until p was read.  So while p is free, the last node
 *     is there to be looked at, and says what the last number was.
 *  3) A producer checks its item against the last node, and then swaps its own node into
 *     the free word that it saw: check and append are one step.
 *  4) A takeover raises 'opened', and then gives the free word a new generation: swaps
 *     that were prepared before then fail.  If no cell is free there is no such swap, and
 *     a producer that finds one free later sees 'opened' [t].
 *  5) A closed bridge is sealed by its reader, at the end, when that is free: from
 *     then on nothing can be appended, and nothing was lost.
 *  6) The last call to leave frees a destroyed bridge: a reader that has seen the end
 *     knows nothing of a closer, or of a fenced producer, that is still inside [bu].
 *
 * No node belongs to a producer from one put to the next; a producer that is held
 * inside a put keeps one for ever, and BRIDGE_SPARE of them are there for that.
 *
 * Edges: [b] item appended | read, or looked at; [e] cell given back | used again;
 * [m] a node's number | read when the node may be used again; [t] taken over |
 * appended; [h] hint of the end; [bu] left | freed.
 */
#ifndef WARD_LIB_FLOW_BRIDGE_H
#define WARD_LIB_FLOW_BRIDGE_H

#include "base/handle.h"
#include "sync/stack.h"
#include "sync/wait_queue.h"
#include <ward/bridge.h>

#define BRIDGE_SLOTS_MIN 2u
#define BRIDGE_SLOTS_MAX 65536u
#ifndef BRIDGE_SPARE
#define BRIDGE_SPARE 256u
#endif

#define BRIDGE_GONE (UINT32_C(1) << 31)

#define CELL_WHAT_BITS 17
#define CELL_GEN_BITS 17
#define CELL_LAP_BITS 30
#define CELL_SEAL ((UINT32_C(1) << CELL_WHAT_BITS) - 1)

_Static_assert(BRIDGE_SLOTS_MAX + 1 + BRIDGE_SPARE < CELL_SEAL, "room for nodes");

struct bridge_node {
	/* O, free: the producer with the node; nobody once it is in a cell [b] */
	void *item;
	uint64_t seq;
	_Atomic uint64_t last; /* the highest number up to here */
};

struct ward_bridge {
	/* I: */
	uint32_t magic; /* handle.h; until its memory goes */
	uint64_t cells; /* one more than items: the last that was read stays */
	_Atomic uint64_t *cell; /* the words: X [b] [e] */
	struct bridge_node *node;
	void (*drop)(void *item);
	size_t size;

	/* X: */
	_Atomic uint64_t opened; /* M [t] */
	_Atomic uint64_t closed; /* M: 0, or CLOSED | cause */
	struct wait_queue room;	 /* producers wait here */
	struct wait_queue items; /* the reader here */

	/* X: the producers' */
	line_aligned _Atomic uint64_t end; /* the end, or one before it */
	struct stack free;		   /* nodes */
	_Atomic uint32_t users; /* inside of a call; BRIDGE_GONE: destroyed */

	/* W: the reader's */
	line_aligned uint64_t next; /* position to read */
	uint32_t held;		    /* node of the position before */
};

static inline bool bridge_is(const struct ward_bridge *bridge)
{
	return handle_is(bridge, HANDLE_BRIDGE);
}

static inline uint32_t cell_what(uint64_t word)
{
	return word & CELL_SEAL;
}

static inline uint64_t cell_lap(uint64_t word)
{
	return word >> (64 - CELL_LAP_BITS);
}

/* Lap 'lap' of a cell, before any takeover in it. */
static inline uint64_t cell_fresh(uint64_t lap, uint32_t what)
{
	return lap << (64 - CELL_LAP_BITS) | what;
}

static inline uint64_t cell_filled(uint64_t word, uint32_t what)
{
	return (word & ~(uint64_t)CELL_SEAL) | what;
}

/* The free cell, as no swap expects it yet. */
static inline uint64_t cell_next_gen(uint64_t word)
{
	const uint64_t mask = (UINT64_C(1) << CELL_GEN_BITS) - 1;
	uint64_t gen = (word >> CELL_WHAT_BITS) + 1;

	return cell_fresh(cell_lap(word), 0) | (gen & mask) << CELL_WHAT_BITS;
}

#endif
