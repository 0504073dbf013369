/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * due.h - items with a time, taken in its order, and those of the same time in the
 * order in which they came.
 *
 * A tournament.  Each item lies on a leaf, and each node names the leaf that is the
 * first below it; so the root names the first of all.  A thread that changes a leaf
 * brings the nodes above it up to date, from below: it reads a node, judges between
 * those under it, and swaps the node if no other thread was faster; twice at most, for
 * if two were faster the second of them has seen the leaf [du].
 *
 * No thread owns any of it, so a thread that is stopped keeps it from nobody:
 *  1) The leaves' memory stays leaves' memory until due_fini().  A leaf's word
 *     bears its generation, which moves on whenever it is free again; an item is
 *     its taker's by one swap of that word.
 *  2) A node names leaf and generation.  If that leaf has been taken, its taker has
 *     not come up to this node yet, or never will: a thread that finds it so helps.
 *  3) A thread that is stopped between showing an item and the root keeps its own item
 *     from being found, and no other one.
 *
 *               put  take  expedite  first
 *   each         *     *      *      *     *: any number of threads, lock-free
 *
 * put and take are O(log n).  Threads that may allocate make room by due_grow(); others
 * find a leaf, or none.
 *
 * Edges: [du] leaf changed, fence | fence, judged; shown | taken, by the leaf's word;
 * [dx] a leaf set free | used again.
 */
#ifndef WARD_LIB_SYNC_DUE_H
#define WARD_LIB_SYNC_DUE_H

#include "base/atomic.h"
#include <stddef.h>

/* A node has 1 << DUE_FAN_SHIFT below it, and the first tree DUE_LEVELS levels. */
#ifndef DUE_FAN_SHIFT
#define DUE_FAN_SHIFT 3u
#define DUE_LEVELS 3u
#endif
/* Trees, each with a level more than the one before it: 19 million leaves. */
#define DUE_TREES 6u
#define DUE_NEVER UINT64_MAX

struct due_tree;

struct due {
	struct due_tree *_Atomic tree[DUE_TREES]; /* M: NULL, then for good */
	line_aligned _Atomic uint64_t free;	  /* X: tag:32, leaf:32; a stack */
	_Atomic uint32_t used; /* M: leaves ever in use */
};

/* In all-zero memory.  0 or -ENOMEM. */
int due_init(struct due *due);
void due_fini(struct due *due);
/* Makes room for some more, if there is memory. */
void due_grow(struct due *due);

/*
 * A leaf for the item, in two steps, so that it can be expedited before it may be
 * taken: 0 if none is free.  'kinds' are the caller's, 16 bits.
 */
uint32_t due_open(struct due *due, void *item, uint32_t kinds);
/* Of equal times the lower 'seq' is first. */
void due_show(struct due *due, uint32_t leaf, uint64_t at, uint64_t seq);

/* The first one, if its time is not after 'until', its kinds, its seq if asked; or NULL. */
void *due_take(struct due *due, uint64_t until, uint32_t *kinds, uint64_t *seq);
/* That item, if it is on that leaf (any number), whenever it is due. */
bool due_take_item(struct due *due, uint32_t leaf, const void *item,
		   uint32_t *kinds);
/* The time of the first one; DUE_NEVER: there is none. */
uint64_t due_first(struct due *due);

/* True: 'item', not looked at, is on that leaf (any number), and due at 0 from now on. */
bool due_expedite(struct due *due, uint32_t leaf, const void *item);
/* The same for all of one of these kinds; false: there are none. */
bool due_expedite_kinds(struct due *due, uint32_t kinds);
/* Helps all threads that were stopped between a leaf and the root. */
static inline void due_help(struct due *due)
{
	due_expedite_kinds(due, 0);
}

#endif
