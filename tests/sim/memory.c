/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory.c - the three memory models.
 *
 * The real word always holds the newest value.  sc reads and writes just that.
 * tso puts a buffer before it.  weak keeps a history for each word, in the
 * order in which the stores replace one another (C11's modification order), and
 * for each thread what it knows; knowledge travels with releases.
 */
#include "core.h"
#include "lines.h"
#include <string.h>

#define PLACES 2048
#define SLOTS 8192 /* of the hash that finds a place */
#define HISTORY 12
#define STALE_MAX 3 /* reads in a row; a store is seen in finite time */

#define ACQUIRES(order)                                                        \
	((order) == SIM_ACQUIRE || (order) == SIM_ACQ_REL ||                   \
	 (order) == SIM_SEQ_CST)
#define RELEASES(order) ((order) >= SIM_RELEASE)

struct message {
	uint64_t v;
	int by;
	uint32_t tick; /* of the writer; 0: it was there from the start */
	bool bound;    /* nothing comes between it and the one before it */
	struct knows carried;
	uint32_t first_read[SIM_THREADS]; /* ticks; 0: not read */
};

struct place {
	const void *p;
	unsigned size;
	uint32_t n;
	uint32_t floor[SIM_THREADS]; /* the last that it has read or written */
	uint32_t stale[SIM_THREADS];
	struct message at[HISTORY];
};

static struct place places[PLACES];
static unsigned nplaces;
static struct {
	uint32_t age;
	uint32_t place;
} slots[SLOTS];
static uint32_t age;
static uint32_t fenced[SIM_THREADS]; /* what seq_cst fences have gathered */

static const char *const order_name[] = { "relaxed", "acquire", "release",
					  "acq_rel", "seq_cst" };

/* ---- knowledge ----------------------------------------------------------- */

static void later(uint32_t *a, const uint32_t *b)
{
	for (int i = 0; i < SIM_THREADS; i++)
		a[i] = a[i] < b[i] ? b[i] : a[i];
}

void know(struct knows *a, const struct knows *b)
{
	later(a->view, b->view);
	later(a->order, b->order);
}

static void tick(void)
{
	me->tick++;
	me->knows.view[current] = me->tick;
	me->knows.order[current] = me->tick;
}

static void seq_cst(struct thread *t)
{
	know(&t->knows, &t->read);
	later(t->knows.view, fenced);
	memcpy(fenced, t->knows.view, sizeof(fenced));
	t->released = t->knows;
}

/* ---- raw memory ---------------------------------------------------------- */

uint64_t memory_peek(const void *p, unsigned size)
{
	uint64_t v = 0;

	memcpy(&v, p, size);
	return v;
}

static void poke(void *p, unsigned size, uint64_t v)
{
	memcpy(p, &v, size);
}

/* ---- tso ----------------------------------------------------------------- */

static void settle_one(struct thread *t)
{
	poke(t->buffer[0].p, t->buffer[0].size, t->buffer[0].v);
	t->buffered--;
	memmove(t->buffer, t->buffer + 1, t->buffered * sizeof(t->buffer[0]));
}

void memory_settle(int thread)
{
	while (threads[thread].buffered)
		settle_one(&threads[thread]);
}

void memory_some_settle(void)
{
	int list[SIM_THREADS];
	uint32_t n, k;

	for (;;) {
		n = 0;
		for (int i = 0; i < nthreads; i++)
			if (threads[i].buffered)
				list[n++] = i;
		if (!n)
			return;
		k = choose_odd(n + 1, laziness);
		if (!k)
			return;
		settle_one(&threads[list[k - 1]]);
	}
}

static void tso_store(void *p, unsigned size, uint64_t v)
{
	if (me->buffered == sizeof(me->buffer) / sizeof(me->buffer[0]))
		settle_one(me);
	/* dfs: at once, unless it pays for the delay */
	if (run.sched == SIM_DFS && !me->buffered && !choose_odd(2, 1)) {
		poke(p, size, v);
		return;
	}
	me->buffer[me->buffered].p = p;
	me->buffer[me->buffered].size = size;
	me->buffer[me->buffered++].v = v;
}

static uint64_t tso_load(const void *p, unsigned size)
{
	for (unsigned i = me->buffered; i--;)
		if (me->buffer[i].p == p)
			return me->buffer[i].v;
	return memory_peek(p, size);
}

/* ---- weak ---------------------------------------------------------------- */

static void begin(struct place *place, void *p, unsigned size)
{
	memset(place, 0, offsetof(struct place, at) + sizeof(place->at[0]));
	place->p = p;
	place->size = size;
	place->n = 1;
	place->at[0].v = memory_peek(p, size);
}

static struct place *place_of(void *p, unsigned size)
{
	uint32_t h = (uint32_t)((uintptr_t)p >> 2) * 2654435761u >> 19;
	struct place *place;

	for (; slots[h].age == age; h = (h + 1) % SLOTS) {
		place = &places[slots[h].place];
		if (place->p != p)
			continue;
		if (place->size != size && !on_stack(p))
			sim_fail(SIM_WRONG, "%s is used in two sizes",
				 name_of(p));
		/* In another function's frame, or written plainly since. */
		if (place->size != size ||
		    place->at[place->n - 1].v != memory_peek(p, size))
			begin(place, p, size);
		return place;
	}
	if (nplaces == PLACES)
		sim_fail(SIM_WRONG, "the simulator has no room for more words");
	slots[h].age = age;
	slots[h].place = nplaces;
	place = &places[nplaces++];
	begin(place, p, size);
	return place;
}

/* The oldest store that the current thread may still read. */
static uint32_t oldest(const struct place *place)
{
	uint32_t i = place->n - 1;

	for (; i > place->floor[current]; i--) {
		const struct message *m = &place->at[i];

		if (me->knows.view[m->by] >= m->tick)
			break;
		for (int t = 0; t < nthreads; t++)
			if (m->first_read[t] &&
			    me->knows.view[t] >= m->first_read[t])
				return i;
	}
	return i;
}

static uint32_t choose_read(struct place *place)
{
	uint32_t newest = place->n - 1, lo = oldest(place), i = newest;

	if (lo < newest && place->stale[current] < STALE_MAX)
		i -= choose_odd(newest - lo + 1, 2);
	return i;
}

static void read_message(struct place *place, uint32_t i, int order)
{
	struct message *m = &place->at[i];

	if (i == place->n - 1)
		place->stale[current] = 0;
	else
		place->stale[current]++;
	place->floor[current] = i;
	tick();
	if (!m->first_read[current])
		m->first_read[current] = me->tick;
	know(ACQUIRES(order) ? &me->knows : &me->read, &m->carried);
}

static void forget_oldest(struct place *place)
{
	place->n--;
	memmove(place->at, place->at + 1, place->n * sizeof(place->at[0]));
	for (int i = 0; i < SIM_THREADS; i++)
		if (place->floor[i])
			place->floor[i]--;
}

/* Puts a store at i; those from there on replace it. */
static void insert(struct place *place, uint32_t i, uint64_t v, int order,
		   bool bound)
{
	struct knows carried = { { 0 }, { 0 } };
	struct message *m;

	if (bound)
		carried = place->at[i - 1].carried; /* the release sequence */
	if (place->n == HISTORY) {
		forget_oldest(place);
		i--;
	}
	m = &place->at[i];
	memmove(m + 1, m, (place->n - i) * sizeof(*m));
	place->n++;
	for (int t = 0; t < SIM_THREADS; t++)
		if (place->floor[t] >= i)
			place->floor[t]++;
	tick();
	know(&carried, RELEASES(order) ? &me->knows : &me->released);
	m->v = v;
	m->by = current;
	m->tick = me->tick;
	m->bound = bound;
	m->carried = carried;
	memset(m->first_read, 0, sizeof(m->first_read));
	place->floor[current] = i;
	poke((void *)(uintptr_t)place->p, place->size,
	     place->at[place->n - 1].v);
}

static void weak_store(struct place *place, uint64_t v, int order)
{
	uint32_t list[HISTORY], n = 0, lo = oldest(place);

	/* Newest, or before stores that this thread need not have seen. */
	list[n++] = place->n;
	for (uint32_t i = place->n - 1; i > lo; i--)
		if (!place->at[i].bound)
			list[n++] = i;
	insert(place, list[choose_odd(n, 4)], v, order, false);
}

/* A swap reads a store that no other swap has read, and stands next to it. */
static bool may_swap(const struct place *place, uint32_t i)
{
	return i == place->n - 1 || !place->at[i + 1].bound;
}

static uint32_t choose_swap(struct place *place)
{
	uint32_t i = choose_read(place);

	while (!may_swap(place, i))
		i++;
	return i;
}

/* ---- accesses ------------------------------------------------------------ */

static void accessed(const void *p, unsigned size, int order, bool writes)
{
	arena_check(p);
	lines_touch(p, size, writes);
	if (order == SIM_SEQ_CST)
		sim_fail(SIM_WRONG, "a seq_cst access: use a fence");
	if (run.model == SIM_WEAK)
		race_atomic((uintptr_t)p, size);
}

void sim_init(void *p, unsigned size, uint64_t v)
{
	poke(p, size, v);
	if (running && run.model == SIM_WEAK) {
		struct place *place = place_of(p, size);

		/* Not atomic: like any plain store it must be published. */
		place->n = 1;
		memset(place->floor, 0, sizeof(place->floor));
		memset(&place->at[0], 0, sizeof(place->at[0]));
		place->at[0].v = v;
		race_plain((uintptr_t)p, size, true);
	}
}

uint64_t sim_load(void *p, unsigned size, int order, SIM_WHERE)
{
	uint64_t v;

	step();
	accessed(p, size, order, false);
	if (run.model == SIM_WEAK) {
		struct place *place = place_of(p, size);
		uint32_t i = choose_read(place);

		read_message(place, i, order);
		v = place->at[i].v;
		trace(func, line, "%s -> %llx %s%s", name_of(p),
		      (unsigned long long)v, order_name[order],
		      i == place->n - 1 ? "" : ", stale");
		return v;
	}
	v = tso_load(p, size);
	trace(func, line, "%s -> %llx %s", name_of(p), (unsigned long long)v,
	      order_name[order]);
	return v;
}

uint64_t sim_peek(void *p, unsigned size)
{
	struct place *place;

	if (run.model != SIM_WEAK)
		return tso_load(p, size);
	place = place_of(p, size);
	return place->at[place->n - 1].v;
}

void sim_store(void *p, unsigned size, uint64_t v, int order, SIM_WHERE)
{
	step();
	accessed(p, size, order, true);
	trace(func, line, "%s = %llx %s", name_of(p), (unsigned long long)v,
	      order_name[order]);
	if (run.model == SIM_WEAK)
		weak_store(place_of(p, size), v, order);
	else if (run.model == SIM_TSO)
		tso_store(p, size, v);
	else
		poke(p, size, v);
}

static uint64_t operate(uint64_t a, int op, uint64_t b)
{
	switch (op) {
	case SIM_ADD:
		return a + b;
	case SIM_SUB:
		return a - b;
	case SIM_OR:
		return a | b;
	case SIM_AND:
		return a & b;
	case SIM_XOR:
		return a ^ b;
	default:
		return b;
	}
}

static uint64_t cut(uint64_t v, unsigned size)
{
	return size == 8 ? v : v & ((1ULL << size * 8) - 1);
}

uint64_t sim_rmw(void *p, unsigned size, int op, uint64_t v, int order,
		 SIM_WHERE)
{
	uint64_t was, is;

	step();
	accessed(p, size, order, true);
	memory_settle(current);
	if (run.model == SIM_WEAK) {
		struct place *place = place_of(p, size);
		uint32_t i = choose_swap(place);

		was = place->at[i].v;
		is = cut(operate(was, op, v), size);
		read_message(place, i, order);
		insert(place, i + 1, is, order, true);
	} else {
		was = memory_peek(p, size);
		is = cut(operate(was, op, v), size);
		poke(p, size, is);
	}
	trace(func, line, "%s: %llx, now %llx %s", name_of(p),
	      (unsigned long long)was, (unsigned long long)is,
	      order_name[order]);
	return was;
}

static bool weak_cas(struct place *place, uint64_t *seen, uint64_t v, int won,
		     int lost)
{
	uint32_t i = choose_read(place);

	/* A value that is expected but cannot be swapped has been replaced. */
	while (place->at[i].v == *seen && !may_swap(place, i))
		i++;
	if (place->at[i].v != *seen) {
		*seen = place->at[i].v;
		read_message(place, i, lost);
		return false;
	}
	read_message(place, i, won);
	insert(place, i + 1, v, won, true);
	return true;
}

bool sim_cas(void *p, unsigned size, uint64_t *seen, uint64_t v, int won,
	     int lost, bool weak, SIM_WHERE)
{
	uint64_t was = *seen;
	bool done;

	step();
	accessed(p, size, won, true);
	memory_settle(current);
	if (weak && chance(16))
		return false;
	if (run.model == SIM_WEAK) {
		done = weak_cas(place_of(p, size), seen, v, won, lost);
	} else {
		*seen = memory_peek(p, size);
		done = *seen == was;
		if (done)
			poke(p, size, v);
	}
	if (done)
		trace(func, line, "%s: %llx, swapped for %llx %s", name_of(p),
		      (unsigned long long)was, (unsigned long long)v,
		      order_name[won]);
	else
		trace(func, line, "%s: %llx is not %llx, no swap %s",
		      name_of(p), (unsigned long long)*seen,
		      (unsigned long long)was, order_name[lost]);
	return done;
}

void memory_full_fence(int thread)
{
	if (run.model == SIM_TSO)
		memory_settle(thread);
	else if (run.model == SIM_WEAK)
		seq_cst(&threads[thread]);
}

void sim_fence(int order, SIM_WHERE)
{
	/* Under sc no fence does anything, and under tso only the full one. */
	if (run.model == SIM_SC ||
	    (run.model == SIM_TSO && order != SIM_SEQ_CST))
		return;
	step();
	trace(func, line, "fence %s", order_name[order]);
	if (order == SIM_SEQ_CST) {
		memory_full_fence(current);
		return;
	}
	if (ACQUIRES(order))
		know(&me->knows, &me->read);
	if (RELEASES(order))
		me->released = me->knows;
}

/* The kernel looks at a futex word after a full fence of its own. */
uint64_t memory_kernel_load(void *p, unsigned size)
{
	struct place *place;
	uint32_t i;

	if (run.model != SIM_WEAK)
		return memory_peek(p, size);
	place = place_of(p, size);
	i = choose_read(place);
	read_message(place, i, SIM_RELAXED);
	return place->at[i].v;
}

/* ---- threads ------------------------------------------------------------- */

void memory_reset(void)
{
	age++;
	nplaces = 0;
	memset(fenced, 0, sizeof(fenced));
}

void memory_spawn(int child)
{
	struct thread *t = &threads[child];

	memory_settle(current);
	tick();
	t->knows = me->knows;
	t->knows.view[child] = t->knows.order[child] = t->tick;
	t->released = me->released;
}

void memory_joined(int child)
{
	know(&me->knows, &threads[child].knows);
	threads[child].joined = true;
}

void memory_anew(const void *p, size_t size)
{
	const char *start = p;

	for (unsigned i = 0; i < nplaces; i++) {
		const char *at = places[i].p;

		if (at >= start && at < start + size)
			begin(&places[i], (void *)(uintptr_t)at, places[i].size);
	}
}

/* ---- cells: relaxed, and owned ------------------------------------------- */

uint64_t sim_cell_load(void *p, SIM_WHERE)
{
	uint64_t v;

	me->in_cell = true;
	v = sim_load(p, 8, SIM_RELAXED, func, line);
	me->in_cell = false;
	if (run.model == SIM_WEAK)
		race_cell_read(p);
	return v;
}

void sim_cell_store(void *p, uint64_t v, SIM_WHERE)
{
	me->in_cell = true;
	sim_store(p, 8, v, SIM_RELAXED, func, line);
	me->in_cell = false;
	if (run.model == SIM_WEAK)
		race_plain((uintptr_t)p, 8, true);
}

bool sim_cell_cas(void *p, uint64_t *seen, uint32_t v, SIM_WHERE)
{
	bool done = sim_cas(p, 4, seen, v, SIM_RELAXED, SIM_RELAXED, false,
			    func, line);

	if (run.model == SIM_WEAK && done)
		race_cells_taken();
	race_cells_dropped();
	return done;
}
