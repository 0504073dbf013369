/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * access.h - what the headers in include/ turn an access into.
 */
#ifndef SIM_ACCESS_H
#define SIM_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

enum { SIM_RELAXED, SIM_ACQUIRE, SIM_RELEASE, SIM_ACQ_REL, SIM_SEQ_CST };
enum { SIM_SWAP, SIM_ADD, SIM_SUB, SIM_OR, SIM_AND, SIM_XOR };

/* A knob of bell.c, drawn anew for each run. */
extern uint32_t sim_rush_after;
extern uint32_t sim_looks; /* a deputy's, until it takes over */

#define SIM_HERE __func__, __LINE__
#define SIM_WHERE const char *func, int line

void sim_init(void *p, unsigned size, uint64_t v);
uint64_t sim_load(void *p, unsigned size, int order, SIM_WHERE);
/* The newest, as its own thread will see it: no step and no order. */
uint64_t sim_peek(void *p, unsigned size);
void sim_store(void *p, unsigned size, uint64_t v, int order, SIM_WHERE);
uint64_t sim_rmw(void *p, unsigned size, int op, uint64_t v, int order,
		 SIM_WHERE);
bool sim_cas(void *p, unsigned size, uint64_t *seen, uint64_t v, int won,
	     int lost, bool weak, SIM_WHERE);
void sim_fence(int order, SIM_WHERE);
/* Spins for another thread: somebody else goes first. */
void sim_relax(SIM_WHERE);

/*
 * A ring's cell: a relaxed access that is also owned like plain data.  A load
 * counts as a read only if the swap that follows it succeeds, since until then
 * the copy is a guess.
 */
uint64_t sim_cell_load(void *p, SIM_WHERE);
void sim_cell_store(void *p, uint64_t v, SIM_WHERE);
bool sim_cell_cas(void *p, uint64_t *seen, uint32_t v, SIM_WHERE);

#endif
