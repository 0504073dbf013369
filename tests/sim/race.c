/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * race.c - plain accesses: two of them to one place, one a write, by two
 * threads, need an order between them.
 *
 * The sources under test are compiled with -fsanitize=thread, whose runtime is
 * not linked: this file answers the compiler's calls.  So every plain access of
 * the unchanged sources is seen.  Checked in the weak model only; that is where
 * C11's order is known.  Stacks are passed over.
 */
#include "core.h"
#include "lines.h"
#include <string.h>

#define GRAINS 65536 /* of 4 bytes */

struct grain {
	uintptr_t p;
	uint32_t age;
	int by;
	uint32_t written; /* tick of the last write; 0: none */
	uint8_t write_mask;
	uint8_t read_mask[SIM_THREADS];
	uint32_t read[SIM_THREADS];
};

static struct grain grains[GRAINS];
static uint32_t age, used;

void race_reset(void)
{
	age++;
	used = 0;
}

static uint32_t hash(uintptr_t p)
{
	return (uint32_t)(p >> 2) * 2654435761u >> 16;
}

static struct grain *find(uintptr_t p)
{
	for (uint32_t h = hash(p); grains[h].age == age; h = (h + 1) % GRAINS)
		if (grains[h].p == p)
			return &grains[h];
	return NULL;
}

static struct grain *grain_of(uintptr_t p)
{
	struct grain *g = find(p);
	uint32_t h = hash(p);

	if (g)
		return g;
	while (grains[h].age == age)
		h = (h + 1) % GRAINS;
	if (++used == GRAINS)
		sim_fail(SIM_WRONG, "the simulator has no room for more data");
	memset(&grains[h], 0, sizeof(grains[h]));
	grains[h].age = age;
	grains[h].p = p;
	return &grains[h];
}

/* An access is an event of its own: later than the release before it. */
static uint32_t event(void)
{
	me->tick++;
	me->knows.view[current] = me->tick;
	me->knows.order[current] = me->tick;
	return me->tick;
}

static void race(uintptr_t p, const char *mine, const char *other, int by)
{
	sim_fail(SIM_RACE, "T%d %s %s, which T%d %s unordered", current, mine,
		 name_of((const void *)p), by, other);
}

static void grain_read(struct grain *g, uint8_t mask)
{
	if (g->written && (g->write_mask & mask) &&
	    me->knows.order[g->by] < g->written)
		race(g->p, "reads", "wrote", g->by);
	g->read[current] = event();
	g->read_mask[current] = mask;
}

static void grain_write(struct grain *g, uint8_t mask)
{
	if (g->written && (g->write_mask & mask) &&
	    me->knows.order[g->by] < g->written)
		race(g->p, "writes", "wrote", g->by);
	for (int i = 0; i < nthreads; i++)
		if ((g->read_mask[i] & mask) && me->knows.order[i] < g->read[i])
			race(g->p, "writes", "read", i);
	g->written = event();
	g->write_mask = mask;
	g->by = current;
}

void race_plain(uintptr_t p, unsigned size, bool writes)
{
	uintptr_t end = p + size;

	if (!running || on_stack((const void *)p) ||
	    is_private((const void *)p))
		return;
	arena_check((const void *)p);
	lines_touch((const void *)p, size, writes);
	if (run.model != SIM_WEAK)
		return;
	for (uintptr_t at = p & ~(uintptr_t)3; at < end; at += 4) {
		uint8_t mask = 0;

		for (unsigned i = 0; i < 4; i++)
			if (at + i >= p && at + i < end)
				mask |= (uint8_t)(1u << i);
		if (writes)
			grain_write(grain_of(at), mask);
		else
			grain_read(grain_of(at), mask);
	}
}

void race_atomic(uintptr_t p, unsigned size)
{
	struct grain *g;

	if (me->in_cell || on_stack((const void *)p))
		return;
	for (uintptr_t at = p & ~(uintptr_t)3; at < p + size; at += 4) {
		g = find(at);
		if (g && g->written && me->knows.order[g->by] < g->written)
			race(at, "uses", "set up", g->by);
	}
}

/* ---- cells: read on approval --------------------------------------------- */

void race_cell_read(void *p)
{
	struct grain *g = grain_of((uintptr_t)p);
	unsigned n = me->cells;

	if (n == sizeof(me->cell) / sizeof(me->cell[0]))
		sim_fail(SIM_WRONG, "the simulator has no room for more cells");
	me->cell[n].p = p;
	me->cell[n].tick = event();
	me->cell[n].write = g->written;
	me->cell[n].by = g->by;
	me->cell[n].ordered =
		!g->written || me->knows.order[g->by] >= g->written;
	me->cells++;
}

void race_cells_taken(void)
{
	for (unsigned i = 0; i < me->cells; i++) {
		struct grain *g = grain_of((uintptr_t)me->cell[i].p);

		if (!me->cell[i].ordered || g->written != me->cell[i].write ||
		    g->by != me->cell[i].by)
			race(g->p, "took", "wrote", g->by);
		g->read[current] = me->cell[i].tick;
		g->read_mask[current] = 15;
	}
}

void race_cells_dropped(void)
{
	me->cells = 0;
}

/* ---- what the compiler calls --------------------------------------------- */

#define PLAIN(n)                                                               \
	void __tsan_read##n(void *p);                                          \
	void __tsan_read##n(void *p)                                           \
	{                                                                      \
		race_plain((uintptr_t)p, n, false);                            \
	}                                                                      \
	void __tsan_write##n(void *p);                                         \
	void __tsan_write##n(void *p)                                          \
	{                                                                      \
		race_plain((uintptr_t)p, n, true);                             \
	}                                                                      \
	void __tsan_unaligned_read##n(void *p);                                \
	void __tsan_unaligned_read##n(void *p)                                 \
	{                                                                      \
		race_plain((uintptr_t)p, n, false);                            \
	}                                                                      \
	void __tsan_unaligned_write##n(void *p);                               \
	void __tsan_unaligned_write##n(void *p)                                \
	{                                                                      \
		race_plain((uintptr_t)p, n, true);                             \
	}
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *p, size_t n);
void __tsan_read_range(void *p, size_t n)
{
	race_plain((uintptr_t)p, (unsigned)n, false);
}

void __tsan_write_range(void *p, size_t n);
void __tsan_write_range(void *p, size_t n)
{
	race_plain((uintptr_t)p, (unsigned)n, true);
}

/* clang turns copies and fills into these. */
void *__tsan_memcpy(void *to, const void *from, size_t n);
void *__tsan_memcpy(void *to, const void *from, size_t n)
{
	race_plain((uintptr_t)from, (unsigned)n, false);
	race_plain((uintptr_t)to, (unsigned)n, true);
	return memcpy(to, from, n);
}

void *__tsan_memset(void *to, int c, size_t n);
void *__tsan_memset(void *to, int c, size_t n)
{
	race_plain((uintptr_t)to, (unsigned)n, true);
	return memset(to, c, n);
}

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *from);
void __tsan_func_entry(void *from)
{
	(void)from;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

/*
 * The compiler's own atomics, where a header cannot use <stdatomic.h>: public
 * headers, and host_asymmetric, which never changes during a run.
 */
static int order_of(int builtin)
{
	static const int order[] = { SIM_RELAXED, SIM_ACQUIRE, SIM_ACQUIRE,
				     SIM_RELEASE, SIM_ACQ_REL, SIM_SEQ_CST };

	return order[builtin];
}

uint8_t __tsan_atomic8_load(const uint8_t *p, int order);
uint8_t __tsan_atomic8_load(const uint8_t *p, int order)
{
	(void)order;
	return *p;
}

#define BUILTIN(bits)                                                          \
	uint##bits##_t __tsan_atomic##bits##_load(uint##bits##_t *p, int o);   \
	uint##bits##_t __tsan_atomic##bits##_load(uint##bits##_t *p, int o)    \
	{                                                                      \
		return (uint##bits##_t)sim_load(p, bits / 8, order_of(o),      \
						SIM_HERE);                     \
	}                                                                      \
	void __tsan_atomic##bits##_store(uint##bits##_t *p, uint##bits##_t v,  \
					 int o);                               \
	void __tsan_atomic##bits##_store(uint##bits##_t *p, uint##bits##_t v,  \
					 int o)                                \
	{                                                                      \
		sim_store(p, bits / 8, v, order_of(o), SIM_HERE);              \
	}
BUILTIN(32)
BUILTIN(64)
