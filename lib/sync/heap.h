/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heap.h - what is due first: a pairing heap (Fredman, Sedgewick, Sleator and
 * Tarjan, 1986), intrusive, so that putting something in needs no memory.
 *
 * put() is O(1), take() amortised O(log n), and neither recurses.  Belongs to one
 * thread at a time; the caller sees to it.
 */
#ifndef WARD_LIB_SYNC_HEAP_H
#define WARD_LIB_SYNC_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_node {
	struct heap_node *child, *sibling;
	uint64_t at; /* when it is due */
};

struct heap { /* all-zero is empty */
	struct heap_node *top;
};

/* Two heaps into one: the later top becomes the earlier one's first child. */
static inline struct heap_node *heap_meld(struct heap_node *a,
					  struct heap_node *b)
{
	struct heap_node *first = a, *second = b;

	if (!a || !b)
		return a ? a : b;
	if (b->at < a->at) {
		first = b;
		second = a;
	}
	second->sibling = first->child;
	first->child = second;
	return first;
}

/* 'at' is set by the caller. */
static inline void heap_put(struct heap *heap, struct heap_node *node)
{
	node->child = NULL;
	node->sibling = NULL;
	heap->top = heap_meld(heap->top, node);
}

/* Takes the earliest one off; NULL if it is empty. */
static inline struct heap_node *heap_take(struct heap *heap)
{
	struct heap_node *top = heap->top, *next, *pairs = NULL, *all = NULL;

	if (!top)
		return NULL;
	/* Melds the children in pairs, and keeps the pairs on a stack ... */
	for (struct heap_node *a = top->child, *b; a; a = next) {
		b = a->sibling;
		next = b ? b->sibling : NULL;
		a->sibling = NULL;
		if (b)
			b->sibling = NULL;
		a = heap_meld(a, b);
		a->sibling = pairs;
		pairs = a;
	}
	/* ... then all of these into one. */
	for (; pairs; pairs = next) {
		next = pairs->sibling;
		pairs->sibling = NULL;
		all = heap_meld(all, pairs);
	}
	heap->top = all;
	return top;
}

#endif
