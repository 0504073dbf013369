/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * due.c - see due.h.
 *
 * A leaf's word is generation:32, kinds:16, state.  A node is tag:16, generation:20,
 * leaf + 1:28; the leaf is counted in its tree.
 */
#include "sync/due.h"
#include "base/host.h"
#include <errno.h>

enum {
	FAN = 1 << DUE_FAN_SHIFT,
	LEVELS_MAX = DUE_LEVELS + DUE_TREES - 1,
	/* A new tree is made when fewer were never used. */
	SPARE_LEAVES = 1 << (DUE_FAN_SHIFT * DUE_LEVELS - 1)
};

#define LEAF_OPEN ((uint64_t)1)	 /* it has an item */
#define LEAF_SHOWN ((uint64_t)2) /* which may be taken */
#define LEAF_EXPEDITED ((uint64_t)4) /* at once */
#define LEAF_KINDS_SHIFT 16
#define LEAF_GENERATION_ONE ((uint64_t)1 << 32)

struct due_leaf {
	_Atomic uint64_t word;
	_Atomic uint64_t at, seq;
	void *_Atomic item;
	_Atomic uint32_t next; /* free leaf, plus one */
};

struct due_tree {
	struct due_leaf *leaf;
	_Atomic uint64_t *node[LEVELS_MAX]; /* by level; the last is the root */
	uint32_t leaves, levels;
	size_t size;
};

/* ---- leaves ------------------------------------------------------------------- */

static uint32_t leaves_of(uint32_t tree)
{
	return 1u << DUE_FAN_SHIFT * (DUE_LEVELS + tree);
}

/* The tree of leaf *i, which is then counted in that tree; NULL: no such leaf. */
static struct due_tree *tree_of(const struct due *due, uint32_t *i)
{
	for (uint32_t k = 0; k < DUE_TREES; *i -= leaves_of(k++))
		if (*i < leaves_of(k))
			return load_acquire(&due->tree[k]); /* [dx] */
	return NULL;
}

/* The same by a leaf's number as the callers have it: plus one. */
static struct due_tree *tree_at(const struct due *due, uint32_t *i)
{
	return (*i)-- ? tree_of(due, i) : NULL;
}

static struct due_leaf *leaf_of(const struct due *due, uint32_t i)
{
	struct due_tree *tree = tree_of(due, &i);

	return tree ? &tree->leaf[i] : NULL;
}

static uint32_t room(const struct due *due)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < DUE_TREES && load_relaxed(&due->tree[k]); k++)
		n += leaves_of(k);
	return n;
}

static struct due_tree *tree_new(uint32_t k)
{
	uint32_t leaves = leaves_of(k), nodes = leaves / (FAN - 1) + 1;
	size_t head = (sizeof(struct due_tree) + WARD_LINE - 1) &
		      ~(size_t)(WARD_LINE - 1);
	size_t size = head + nodes * sizeof(uint64_t) +
		      leaves * sizeof(struct due_leaf);
	struct due_tree *tree = host_alloc(size);
	_Atomic uint64_t *node;

	if (!tree)
		return NULL;
	tree->size = size;
	tree->leaves = leaves;
	tree->levels = DUE_LEVELS + k;
	node = (_Atomic uint64_t *)(void *)((char *)tree + head);
	for (uint32_t l = 0, n = leaves / FAN; l < tree->levels; l++, n /= FAN) {
		tree->node[l] = node;
		node += n;
	}
	tree->leaf = (struct due_leaf *)(void *)node;
	return tree;
}

static int add_tree(struct due *due)
{
	struct due_tree *none = NULL, *tree;
	uint32_t k = 0;

	while (k < DUE_TREES && load_relaxed(&due->tree[k]))
		k++;
	tree = k < DUE_TREES ? tree_new(k) : NULL;
	if (!tree)
		return -ENOMEM;
	if (!cas_acq_rel(&due->tree[k], &none, tree)) /* [dx] */
		host_free(tree, tree->size);
	return 0;
}

int due_init(struct due *due)
{
	return add_tree(due);
}

void due_fini(struct due *due)
{
	for (uint32_t k = 0; k < DUE_TREES; k++) {
		struct due_tree *tree = load_relaxed(&due->tree[k]);

		if (tree)
			host_free(tree, tree->size);
	}
}

void due_grow(struct due *due)
{
	if (unlikely(load_relaxed(&due->used) + SPARE_LEAVES > room(due)))
		add_tree(due);
}

/* The number of a free leaf, plus one, or 0. */
static uint32_t find_leaf(struct due *due)
{
	uint64_t seen = load_acquire(&due->free); /* [dx] */
	uint32_t i;

	while ((i = (uint32_t)seen)) {
		uint64_t next = load_relaxed(&leaf_of(due, i - 1)->next);

		if (cas_acq_rel(&due->free, &seen, /* [dx] */
				((seen >> 32) + 1) << 32 | next))
			return i;
	}
	i = load_relaxed(&due->used);
	do {
		if (!leaf_of(due, i))
			return 0;
	} while (!cas_acq_rel(&due->used, &i, i + 1));
	return i + 1;
}

/* By the taker of its item. */
static void free_leaf(struct due *due, uint32_t i)
{
	struct due_leaf *leaf = leaf_of(due, i - 1);
	uint64_t word = load_relaxed(&leaf->word) >> 32, seen;

	store_release(&leaf->word, (word + 1) << 32);
	seen = load_relaxed(&due->free);
	do {
		store_relaxed(&leaf->next, (uint32_t)seen);
	} while (!cas_acq_rel(&due->free, &seen, /* [dx] */
			      ((seen >> 32) + 1) << 32 | i));
}

/* ---- the tournament --------------------------------------------------------------- */

#define NODE_LEAF(w) ((uint32_t)(w)&0xfffffff)
#define NODE_GENERATION(w) ((uint32_t)((w) >> 28) & 0xfffff)
#define NODE_TAG(w) ((w) >> 48)
#define NODE_NAMES(w) ((w)&0xffffffffffff) /* leaf and generation */

static uint64_t node_of(uint32_t leaf, uint64_t word)
{
	return ((word >> 32) & 0xfffff) << 28 | (leaf + 1);
}

/* An item on a leaf, which may be taken. */
struct entrant {
	uint64_t node; /* as a node names it, without a tag; 0: none */
	uint64_t at, seq;
	uint64_t word; /* its leaf's */
};

/* False: there is no item that may be taken. */
static bool read_leaf(const struct due_tree *tree, uint32_t i,
		      struct entrant *e)
{
	const struct due_leaf *leaf = &tree->leaf[i];

	e->word = load_acquire(&leaf->word); /* [du] */
	for (;;) {
		uint64_t word = e->word;

		if (!(word & LEAF_SHOWN))
			return false;
		e->at = load_acquire(&leaf->at); /* before the word again */
		e->seq = load_acquire(&leaf->seq);
		e->word = load_acquire(&leaf->word); /* [du] */
		if (e->word == word)
			break;
	}
	if (e->word & LEAF_EXPEDITED)
		e->at = 0;
	e->node = node_of(i, e->word);
	return true;
}

static bool is_before(const struct entrant *a, const struct entrant *b)
{
	return !b->node || a->at < b->at || (a->at == b->at && a->seq < b->seq);
}

static void climb(struct due_tree *tree, uint32_t leaf, uint32_t levels);

/* The entrant that the node names; if that one was taken, after the node was made anew. */
static bool read_node(struct due_tree *tree, uint32_t level, uint32_t i,
		      struct entrant *e)
{
	for (;;) {
		uint64_t node = load_acquire(&tree->node[level][i]); /* [du] */
		uint32_t leaf = NODE_LEAF(node);

		if (!leaf)
			return false;
		if (read_leaf(tree, leaf - 1, e) &&
		    NODE_GENERATION(e->node) == NODE_GENERATION(node))
			return true;
		climb(tree, leaf - 1, level + 1);
	}
}

/* The first entrant below that node. */
static uint64_t judge(struct due_tree *tree, uint32_t level, uint32_t i)
{
	struct entrant first = { .node = 0 }, e;

	for (uint32_t k = i * FAN; k < (i + 1) * FAN; k++)
		if ((level ? read_node(tree, level - 1, k, &e) :
			     read_leaf(tree, k, &e)) &&
		    is_before(&e, &first))
			first = e;
	return first.node;
}

/* Is the entrant that the node names still there? */
static bool stands(const struct due_tree *tree, uint64_t node)
{
	struct entrant e;

	return NODE_LEAF(node) && read_leaf(tree, NODE_LEAF(node) - 1, &e) &&
	       NODE_GENERATION(e.node) == NODE_GENERATION(node);
}

/*
 * An entrant behind the one that the node names has left the node as it is (rise()).  If
 * the named one goes during the judgement, that may have seen neither, and is repeated:
 * its taker may be stopped, and nobody else corrects a node that names another.
 */
static void refresh(struct due_tree *tree, uint32_t level, uint32_t i)
{
	_Atomic uint64_t *node = &tree->node[level][i];

	for (int try = 0; try < 2; try++) {
		uint64_t seen = load_acquire(node), next; /* [du] */
		bool stood;

		do {
			stood = stands(tree, seen);
			barrier_seq_cst(); /* [du] as it was | what is below */
			next = judge(tree, level, i);
		} while (stood && next != NODE_NAMES(seen) &&
			 !stands(tree, seen));
		next |= (NODE_TAG(seen) + 1) << 48;
		if (cas_acq_rel(node, &seen, next)) /* [du] */
			return;
	}
}

/* The leaf has changed: refreshes so many levels above it. */
static void climb(struct due_tree *tree, uint32_t leaf, uint32_t levels)
{
	for (uint32_t l = 0; l < levels; l++) {
		leaf >>= DUE_FAN_SHIFT;
		barrier_seq_cst(); /* [du] changed below | as it was */
		refresh(tree, l, leaf);
	}
}

/*
 * An entrant is shown on the leaf, or expedited: no node above may name a later one.
 * Most name an earlier one anyway, and need no change: a judge that has not seen the
 * new one, and swaps such a node after this look, has seen the earlier one.  But maybe
 * at its time before it was expedited, so a node that names an expedited one is
 * refreshed.
 */
static void rise(struct due_tree *tree, uint32_t leaf)
{
	struct entrant me, e;

	if (!read_leaf(tree, leaf, &me))
		return; /* its taker climbs */
	for (uint32_t l = 0; l < tree->levels; l++) {
		leaf >>= DUE_FAN_SHIFT;
		/* For the changes of others below, too: they may be stopped. */
		barrier_seq_cst(); /* [du] changed below | as it was */
		if (!read_node(tree, l, leaf, &e) || e.word & LEAF_EXPEDITED ||
		    is_before(&me, &e))
			refresh(tree, l, leaf);
	}
}

/* ---- in and out ---------------------------------------------------------------------- */

uint32_t due_open(struct due *due, void *item, uint32_t kinds)
{
	uint32_t i = find_leaf(due);
	struct due_leaf *leaf;

	if (!i)
		return 0;
	leaf = leaf_of(due, i - 1);
	store_relaxed(&leaf->item, item);
	store_release(&leaf->word, /* [du] */
		      load_relaxed(&leaf->word) |
			      (uint64_t)kinds << LEAF_KINDS_SHIFT | LEAF_OPEN);
	return i;
}

void due_show(struct due *due, uint32_t i, uint64_t at, uint64_t seq)
{
	struct due_tree *tree = tree_at(due, &i);
	struct due_leaf *leaf = &tree->leaf[i];

	/* A reader that sees these sees that the leaf is another item's by now. */
	store_release(&leaf->at, at);
	store_release(&leaf->seq, seq);
	or_acq_rel(&leaf->word, LEAF_SHOWN); /* [du] */
	rise(tree, i);
}

/* The first of all; false: there is none. */
static bool find_first(struct due *due, struct entrant *first, uint32_t *in)
{
	struct due_tree *tree;
	struct entrant e;

	first->node = 0;
	for (uint32_t k = 0; k < DUE_TREES; k++) {
		tree = load_acquire(&due->tree[k]); /* [dx] */
		if (!tree)
			break;
		if (read_node(tree, tree->levels - 1, 0, &e) &&
		    is_before(&e, first)) {
			*first = e;
			*in = k;
		}
	}
	return first->node;
}

uint64_t due_first(struct due *due)
{
	struct entrant e;
	uint32_t in;

	return find_first(due, &e, &in) ? e.at : DUE_NEVER;
}

/* 'word' of the leaf was read before; false: it has changed. */
static bool take_leaf(struct due *due, struct due_tree *tree, uint32_t i,
		      uint64_t word)
{
	if (!cas_acq_rel(&tree->leaf[i].word, &word, /* [du] */
			 word & ~(LEAF_GENERATION_ONE - 1)))
		return false;
	climb(tree, i, tree->levels);
	for (uint32_t k = 0; k < DUE_TREES && load_relaxed(&due->tree[k]) != tree; k++)
		i += leaves_of(k);
	free_leaf(due, i + 1);
	return true;
}

void *due_take(struct due *due, uint64_t until, uint32_t *kinds, uint64_t *seq)
{
	struct entrant e;
	uint32_t in;

	while (find_first(due, &e, &in) && e.at <= until) {
		struct due_tree *tree = load_relaxed(&due->tree[in]);
		uint32_t i = NODE_LEAF(e.node) - 1;
		void *item = load_relaxed(&tree->leaf[i].item); /* if it is taken */

		if (!take_leaf(due, tree, i, e.word))
			continue;
		*kinds = (uint16_t)(e.word >> LEAF_KINDS_SHIFT);
		if (seq)
			*seq = e.seq;
		return item;
	}
	return NULL;
}

/* As take_leaf(). */
static bool expedite_leaf(struct due_tree *tree, uint32_t i, uint64_t word)
{
	if (!cas_acq_rel(&tree->leaf[i].word, &word, word | LEAF_EXPEDITED)) /* [du] */
		return false;
	if (word & LEAF_SHOWN) /* else due_show() does */
		rise(tree, i);
	return true;
}

/* The word of leaf i, if the item is there and the word has that flag; or 0. */
static uint64_t word_with(const struct due_tree *tree, uint32_t i,
			  const void *item, uint64_t flag)
{
	uint64_t word = load_acquire(&tree->leaf[i].word); /* [du] */

	return word & flag && load_relaxed(&tree->leaf[i].item) == item ? word :
									  0;
}

bool due_expedite(struct due *due, uint32_t i, const void *item)
{
	struct due_tree *tree = tree_at(due, &i);
	uint64_t word;

	while (tree && (word = word_with(tree, i, item, LEAF_OPEN)))
		if (word & LEAF_EXPEDITED || expedite_leaf(tree, i, word))
			return true;
	return false;
}

bool due_take_item(struct due *due, uint32_t i, const void *item,
		   uint32_t *kinds)
{
	struct due_tree *tree = tree_at(due, &i);
	uint64_t word;

	while (tree && (word = word_with(tree, i, item, LEAF_SHOWN)))
		if (take_leaf(due, tree, i, word)) {
			*kinds = (uint16_t)(word >> LEAF_KINDS_SHIFT);
			return true;
		}
	return false;
}

/* With 0 kinds it helps at each leaf. */
bool due_expedite_kinds(struct due *due, uint32_t kinds)
{
	uint32_t used = load_acquire(&due->used);
	bool any = false;

	for (uint32_t all = 0; all < used; all++) {
		uint32_t i = all;
		struct due_tree *tree = tree_of(due, &i);
		uint64_t word = load_acquire(&tree->leaf[i].word); /* [du] */

		if (!kinds && word & LEAF_SHOWN)
			climb(tree, i, tree->levels);
		any |= word & LEAF_OPEN && word >> LEAF_KINDS_SHIFT & kinds;
		while (word & LEAF_OPEN && !(word & LEAF_EXPEDITED) &&
		       word >> LEAF_KINDS_SHIFT & kinds &&
		       !expedite_leaf(tree, i, word))
			word = load_acquire(&tree->leaf[i].word); /* [du] */
	}
	return any;
}
