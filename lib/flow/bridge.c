/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bridge.c - bridge.h at work.
 *
 * Every loop here goes round only because another thread has got on: appended,
 * taken over, or read.
 */
#include "flow/bridge.h"
#include "lane/wait.h"
#include <errno.h>

#define CLOSED (UINT64_C(1) << 32)
#define LAP(bridge, at)                                                        \
	((at) / (bridge)->cells & ((UINT64_C(1) << CELL_LAP_BITS) - 1))

static inline _Atomic uint64_t *cell_at(const struct ward_bridge *bridge,
					uint64_t at)
{
	return &bridge->cell[at % bridge->cells];
}

/* An item of this very position stands there. */
static inline bool holds(const struct ward_bridge *bridge, uint64_t at,
			 uint64_t word)
{
	uint32_t what = cell_what(word);

	return what && what != CELL_SEAL && cell_lap(word) == LAP(bridge, at);
}

/* ---- calls inside ---------------------------------------------------------------- */

static void enter(struct ward_bridge *bridge)
{
	add_acq_rel(&bridge->users, 1);
}

static void bridge_free(struct ward_bridge *bridge)
{
	bridge->magic = HANDLE_DEAD;
	host_free(bridge, bridge->size);
}

static void leave(struct ward_bridge *bridge)
{
	if (sub_acq_rel(&bridge->users, 1) == BRIDGE_GONE + 1) /* [bu] */
		bridge_free(bridge);
}

/* ---- the end of the stream ------------------------------------------------------- */

struct end {
	uint64_t at;	     /* the first position that is not filled */
	uint64_t word;	     /* of its cell */
	uint64_t last;	     /* number before it */
	bool room;	     /* its cell is free */
};

/* False: it has moved meanwhile. */
static bool try_find_end(const struct ward_bridge *bridge, struct end *end)
{
	const struct bridge_node *node;
	uint64_t before;

	end->at = load_acquire(&bridge->end); /* [h] */
	while (holds(bridge, end->at,
		     end->word = load_acquire(cell_at(bridge, end->at)))) /* [b] */
		end->at++;
	before = load_acquire(cell_at(bridge, end->at - 1)); /* [b] */
	if (!holds(bridge, end->at - 1, before))
		return false;
	node = &bridge->node[cell_what(before) - 1];
	end->last = load_acquire(&node->last); /* [m] */
	end->room = !cell_what(end->word);
	/* While the end stands, so does the node before it. */
	return load_relaxed(cell_at(bridge, end->at)) == end->word;
}

static void find_end(const struct ward_bridge *bridge, struct end *end)
{
	while (!try_find_end(bridge, end))
		host_relax();
}

/* ---- producers ------------------------------------------------------------------- */

/* The caller's right to produce. */
static int caller_fence(uint64_t *fence)
{
	int err = ward_fence(fence);

	if (err != -EPERM)
		return err;
	*fence = 0; /* no attempt of any task */
	return 0;
}

/* Why an item with that number may not be the next. */
static int refuse(const struct ward_bridge *bridge, const struct end *end,
		  uint64_t fence, uint64_t seq)
{
	host_barrier_light(); /* [t] the end is free | taken over? */
	if (load_acquire(&bridge->closed))
		return -EPIPE;
	if (load_acquire(&bridge->opened) > fence) /* [t] */
		return -ESTALE;
	if (seq && seq <= end->last)
		return -EALREADY;
	if (seq && seq - 1 != end->last)
		return -ERANGE;
	return end->room ? 0 : -EAGAIN;
}

static void give_back(struct ward_bridge *bridge, uint32_t node)
{
	if (node == STACK_NONE)
		return;
	stack_push(&bridge->free, node);
	wait_tell(&bridge->room);
}

/* False: somebody was there first. */
static bool swap_in(struct ward_bridge *bridge, struct end *end, uint32_t i,
		    uint64_t seq)
{
	struct bridge_node *node = &bridge->node[i];
	_Atomic uint64_t *cell = cell_at(bridge, end->at);

	node->seq = seq;
	store_release(&node->last, seq ? seq : end->last); /* [m] */
	/* The hint is never more than one behind. */
	high_raise(&bridge->end, end->at); /* [h] */
	return cas_acq_rel(cell, &end->word, cell_filled(end->word, i + 1)); /* [b] */
}

/* A put that takes the stream over does so with its item. */
static int append(struct ward_bridge *bridge, uint64_t seq, void *item)
{
	uint32_t node = STACK_NONE;
	struct end end;
	uint64_t fence;
	int err;

	for (;;) {
		err = caller_fence(&fence);
		if (err)
			break;
		find_end(bridge, &end);
		err = refuse(bridge, &end, fence, seq);
		if (err)
			break;
		if (node == STACK_NONE) {
			node = stack_pop(&bridge->free);
			if (node == STACK_NONE)
				return -EAGAIN;
			bridge->node[node].item = item;
		}
		high_raise(&bridge->opened, fence); /* [t] */
		if (swap_in(bridge, &end, node, seq)) {
			wait_tell(&bridge->items);
			return 0;
		}
	}
	give_back(bridge, node);
	return err;
}

static int append_waiting(struct ward_bridge *bridge, uint64_t seq, void *item,
			  ward_ns until)
{
	struct wait_entry entry;
	int err, why;

	wait_enter(&entry, &bridge->room, until, WAIT_BLOCK);
	why = wait_event(&entry, (err = append(bridge, seq, item)) != -EAGAIN);
	return why ? why : err;
}

int ward_bridge_put(struct ward_bridge *bridge, uint64_t seq, void *item,
		    ward_ns until)
{
	int err;

	if (!bridge_is(bridge) || !item)
		return -EINVAL;
	enter(bridge);
	err = append(bridge, seq, item);
	if (err == -EAGAIN && until != WARD_NOWAIT)
		err = append_waiting(bridge, seq, item, until);
	leave(bridge);
	return err;
}

/* Swaps that were prepared for this end fail from now on.  False: it has moved. */
static bool next_gen(struct ward_bridge *bridge, struct end *end)
{
	_Atomic uint64_t *cell = cell_at(bridge, end->at);

	if (!end->room)
		return true;
	return cas_acq_rel(cell, &end->word, cell_next_gen(end->word)); /* [b] */
}

static int open_as(struct ward_bridge *bridge, uint64_t fence, uint64_t *last)
{
	struct end end;

	high_raise(&bridge->opened, fence);
	do {
		host_barrier_heavy(); /* [t] taken over | is the end free? */
		find_end(bridge, &end);
		if (load_acquire(&bridge->closed))
			return -EPIPE;
		if (load_acquire(&bridge->opened) > fence)
			return -ESTALE;
	} while (!next_gen(bridge, &end));
	wait_wake(&bridge->room); /* older ones need wait no more */
	if (last)
		*last = end.last;
	return 0;
}

int ward_bridge_open(struct ward_bridge *bridge, uint64_t *last)
{
	uint64_t fence;
	int err;

	if (!bridge_is(bridge))
		return -EINVAL;
	err = caller_fence(&fence);
	if (err)
		return err;
	enter(bridge);
	err = open_as(bridge, fence, last);
	leave(bridge);
	return err;
}

/* ---- the reader ------------------------------------------------------------------ */

/* The cell of the last item is free again, now that another is the last. */
static void advance(struct ward_bridge *bridge, uint32_t node)
{
	uint64_t before = bridge->next - 1;
	uint32_t held = bridge->held;

	store_release(cell_at(bridge, before),
		      cell_fresh(LAP(bridge, before + bridge->cells), 0)); /* [e] */
	bridge->held = node;
	bridge->next++;
	give_back(bridge, held);
}

static int read_next(struct ward_bridge *bridge, void **item, uint64_t *seq)
{
	_Atomic uint64_t *cell = cell_at(bridge, bridge->next);
	uint64_t word = load_acquire(cell); /* [b] */
	const struct bridge_node *node;

	while (!cell_what(word)) {
		if (!load_acquire(&bridge->closed))
			return -EAGAIN;
		if (cas_acq_rel(cell, &word, cell_filled(word, CELL_SEAL)))
			return -EPIPE;
	}
	if (cell_what(word) == CELL_SEAL)
		return -EPIPE;
	node = &bridge->node[cell_what(word) - 1];
	*item = node->item;
	if (seq)
		*seq = node->seq;
	advance(bridge, cell_what(word) - 1);
	return 0;
}

static int read_waiting(struct ward_bridge *bridge, void **item, uint64_t *seq,
			ward_ns until)
{
	struct wait_entry entry;
	int err, why;

	wait_enter(&entry, &bridge->items, until, WAIT_BLOCK);
	why = wait_event(&entry,
			 (err = read_next(bridge, item, seq)) != -EAGAIN);
	return why ? why : err;
}

int ward_bridge_get(struct ward_bridge *bridge, void **item, uint64_t *seq,
		    ward_ns until)
{
	int err;

	if (!bridge_is(bridge) || !item)
		return -EINVAL;
	err = read_next(bridge, item, seq);
	if (err != -EAGAIN || until == WARD_NOWAIT)
		return err;
	return read_waiting(bridge, item, seq, until);
}

int ward_bridge_take(struct ward_bridge *bridge, void **items, unsigned n,
		     ward_ns until)
{
	unsigned got = 0;
	int err = -EINVAL;

	if (!items || !n || n > INT32_MAX)
		return -EINVAL;
	while (got < n) {
		err = ward_bridge_get(bridge, &items[got], NULL, until);
		if (err)
			break;
		got++;
	}
	return got ? (int)got : err;
}

/* ---- both ------------------------------------------------------------------------ */

static int shut(struct ward_bridge *bridge, int cause)
{
	uint64_t open = 0;

	if (!cas_acq_rel(&bridge->closed, &open, CLOSED | (uint32_t)cause))
		return -EALREADY;
	wait_wake(&bridge->room);
	wait_wake(&bridge->items);
	return 0;
}

int ward_bridge_close(struct ward_bridge *bridge, int cause)
{
	int err;

	if (!bridge_is(bridge))
		return -EINVAL;
	enter(bridge);
	err = shut(bridge, cause);
	leave(bridge);
	return err;
}

int ward_bridge_cause(const struct ward_bridge *bridge)
{
	return handle_told(bridge, HANDLE_BRIDGE) ?
		       (int)(uint32_t)load_acquire(&bridge->closed) :
		       0;
}

/* Before anything was read the last item is number 0. */
static void set_up(struct ward_bridge *bridge, uint32_t nodes,
		   _Atomic uint32_t *below)
{
	stack_init(&bridge->free, below);
	for (uint32_t i = nodes; --i;)
		stack_push(&bridge->free, i);
	store_relaxed(&bridge->cell[0], cell_fresh(0, 1));
	store_relaxed(&bridge->end, 1);
	bridge->next = 1;
}

int ward_bridge_create(struct ward_bridge **out, uint32_t slots,
		       void (*drop)(void *item))
{
	uint32_t cells = slots + 1, nodes = cells + BRIDGE_SPARE;
	struct ward_bridge *bridge;
	size_t size;

	if (!out || slots < BRIDGE_SLOTS_MIN || slots > BRIDGE_SLOTS_MAX)
		return -EINVAL;
	size = sizeof(*bridge) + cells * sizeof(*bridge->cell) +
	       nodes * (sizeof(*bridge->node) + sizeof(uint32_t));
	host_init(); /* before there is a half of any fence */
	bridge = host_alloc(size);
	if (!bridge)
		return -ENOMEM;
	bridge->magic = handle_magic(HANDLE_BRIDGE);
	bridge->size = size;
	bridge->cells = cells;
	bridge->drop = drop;
	bridge->cell = (_Atomic uint64_t *)(bridge + 1);
	bridge->node = (struct bridge_node *)(bridge->cell + cells);
	set_up(bridge, nodes, (_Atomic uint32_t *)(bridge->node + nodes));
	*out = bridge;
	return 0;
}

void ward_bridge_destroy(struct ward_bridge *bridge)
{
	void *item;

	if (!handle_told(bridge, HANDLE_BRIDGE))
		return;
	shut(bridge, 0); /* nothing comes behind the last item */
	while (read_next(bridge, &item, NULL) == 0)
		if (bridge->drop)
			bridge->drop(item);
	if (!add_acq_rel(&bridge->users, BRIDGE_GONE)) /* [bu] */
		bridge_free(bridge);
}
