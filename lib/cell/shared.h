/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shared.h - the memory that a cell and its parent share.
 *
 * Two rings of descriptor numbers, as in virtio: 'avail', which the parent fills and the
 * cell takes from, and 'used', which the cell fills; and the descriptors, with room for a
 * request and an answer each.  A number is in one ring at a time, so no ring can be full.
 * The parent may take back from 'avail' what the cell has not taken: both move 'taken' by
 * compare-and-swap.
 *
 * Invariants:
 *  1) The parent trusts nothing here that the cell can write: a word is read once, checked,
 *     and then used.  What was handed to whom stands in the parent's own memory.
 *  2) The cell may stop for ever between any two instructions: no step of the parent
 *     waits for one of the cell.
 *
 *              put   take            answer  collect
 *   parent      1     * (back)         -        1      the holder of the cell's claim
 *   cell        -     1                1        -      its first thread
 *
 * Edges, between two processes: [ka] published | taken; [kb] answered | collected; [kc]
 * published | asleep; [kd] answered | the parent sleeps.
 */
#ifndef WARD_LIB_CELL_SHARED_H
#define WARD_LIB_CELL_SHARED_H

#include "task/cancel.h"
#include "task/slot.h"
#include "task/task_priv.h"
#include <ward/cell.h>

#define CELL_MAGIC 0x6c6c6563u
#define CELL_VARIABLE "WARD_CELL_FD"

enum { CELL_SAID = 240, CELL_ALIGN = 16 };

/* So many without a sleep are a burst: the next is looked for before another. */
enum { CELL_BURST = 4 };

/* The parent's orders to the cell. */
enum cell_order { CELL_SERVE, CELL_LEAVE };

/* The cell on its way up, and down, as the parent sees it. */
enum cell_stage { CELL_COMING, CELL_READY, CELL_FAILED, CELL_LEFT };

/* A descriptor, on its own lines: the request's bytes follow 'head', the answer's 'tail'. */
struct cell_head {
	/* PA: */
	line_aligned uint32_t in_size;
	uint32_t attempt;
	uint64_t reserved;
};

struct cell_tail {
	/* CE: */
	line_aligned int32_t status;
	uint32_t out_size;
	uint32_t said; /* bytes of its last words, with their NUL; 0: none */
	uint32_t reserved;
};

struct cell_words {
	line_aligned struct ward_cancel token; /* its state: the parent's; the rest the cell's */
	/* the cell's: */
	uint32_t known; /* they are for an end user */
	char text[CELL_SAID];
};

struct inside;

/* The letters: I as elsewhere; PA: the parent alone; CE: the cell alone; X. */
struct cell_shared {
	/* I: */
	uint32_t magic, layout; /* sizeof(*this), for programs of another version */
	uint64_t size;
	int32_t parent;
	uint32_t depth; /* a power of two */
	uint32_t in_max, out_max;
	struct host_limits limits;
	char name[16];
	/* PA: */
	line_aligned _Atomic uint32_t avail; /* numbers ever put [ka] */
	/* PA, seldom: the cell looks at them at each call. */
	line_aligned _Atomic uint32_t rung; /* futex: the cell's */
	_Atomic uint32_t order;	 /* enum cell_order */
	_Atomic uint32_t waits;	 /* callers that sleep on 'used' [kd] */
	_Atomic uint32_t listens; /* X: futex: 1: the collector sleeps [kd] */
	/* X: */
	line_aligned _Atomic uint32_t taken; /* numbers ever taken [ka] */
	/* CE: */
	_Atomic uint32_t inside; /* the number of the call that it is inside of, and one */
	/* CE, seldom: the parent looks at them at each call. */
	line_aligned _Atomic uint32_t asleep; /* on 'rung' [kc] */
	_Atomic uint32_t stage;	 /* enum cell_stage */
	line_aligned _Atomic uint32_t used; /* numbers ever answered; futex [kb] */
	line_aligned struct host_life life; /* the cell holds it to its end */
	struct slot slot; /* of its thread: pulse, epoch, declared waits */
	struct ward_task task; /* CE: its word says whether the call inside has committed */
	struct inside *me; /* CE: its own memory, for itself */
	_Atomic uint32_t ring[]; /* avail's numbers, then used's: 'depth' each */
};

static inline _Atomic uint32_t *cell_avail(struct cell_shared *shared,
					   uint32_t depth, uint32_t at)
{
	return &shared->ring[at & (depth - 1)];
}

static inline _Atomic uint32_t *cell_used(struct cell_shared *shared,
					  uint32_t depth, uint32_t at)
{
	return &shared->ring[depth + (at & (depth - 1))];
}

/* Where things lie: computed from three numbers, by each side once. */
struct cell_layout {
	uint32_t depth, in_max, out_max;
	uint64_t desc_at, tail_at, words_at, stride, size;
};

static inline uint64_t cell_lines(uint64_t bytes)
{
	return (bytes + WARD_LINE - 1) / WARD_LINE * WARD_LINE;
}

static inline void cell_lay_out(struct cell_layout *to, uint32_t depth,
				uint32_t in_max, uint32_t out_max)
{
	*to = (struct cell_layout){ .depth = depth,
				    .in_max = in_max,
				    .out_max = out_max };
	to->desc_at = cell_lines(sizeof(struct cell_shared) +
				 2 * (uint64_t)depth * sizeof(uint32_t));
	to->tail_at = cell_lines(CELL_ALIGN + (uint64_t)in_max);
	to->words_at = to->tail_at + cell_lines(CELL_ALIGN + (uint64_t)out_max);
	to->stride = to->words_at + sizeof(struct cell_words);
	to->size = to->desc_at + depth * to->stride;
}

static inline struct cell_head *cell_head(struct cell_shared *shared,
					  const struct cell_layout *layout,
					  uint32_t number)
{
	return (struct cell_head *)(void *)((char *)shared + layout->desc_at +
					    number * layout->stride);
}

static inline struct cell_tail *cell_tail(struct cell_head *head,
					  const struct cell_layout *layout)
{
	return (struct cell_tail *)(void *)((char *)head + layout->tail_at);
}

static inline struct cell_words *cell_words(struct cell_head *head,
					    const struct cell_layout *layout)
{
	return (struct cell_words *)(void *)((char *)head + layout->words_at);
}

_Static_assert(sizeof(uint32_t) * 4 == CELL_ALIGN, "what is before the bytes");

static inline void *cell_in(struct cell_head *head)
{
	return (char *)head + CELL_ALIGN;
}

static inline void *cell_out(struct cell_tail *tail)
{
	return (char *)tail + CELL_ALIGN;
}

#endif
