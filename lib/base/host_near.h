/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_near.h - neighbourhoods: the CPUs that share their last cache, or their
 * memory where fewer share that.
 *
 * Distances are small numbers: 0 is the same neighbourhood, 1 the nearest others
 * that there are, as a rule of the same socket, and so on.
 */
#ifndef WARD_LIB_BASE_HOST_NEAR_H
#define WARD_LIB_BASE_HOST_NEAR_H

#include "base/host.h"

#define HOST_NEAR_MAX 256u
#define HOST_NOWHERE UINT16_MAX

/* Not changed once it is made. */
struct host_near {
	uint32_t n;	   /* neighbourhoods, at least 2 */
	uint32_t farthest; /* the largest distance */
	uint32_t row;	   /* how many CPUs they have in all */
	uint32_t cpus;	   /* the highest CPU, plus one */
	uint16_t *of;	   /* by CPU: its neighbourhood, or NOWHERE */
	uint16_t *in_row;  /* so that each beginning of it is spread evenly */
	uint8_t *distance; /* n x n */
	struct host_cpus **set; /* by neighbourhood */
};

/*
 * Of these CPUs; NULL: those that the calling thread may run on.  NULL if there is
 * but one neighbourhood or more than HOST_NEAR_MAX, if nothing is known, or no
 * memory.
 */
struct host_near *host_near_find(const struct host_cpus *cpus);
/*
 * From the neighbourhood of each CPU below 'cpus', each of [0, n) at least once, and
 * the distances between them.  Both are copied.
 */
struct host_near *host_near_make(uint32_t n, uint32_t cpus, const uint16_t *of,
				 const uint8_t *distance);
void host_near_free(struct host_near *near);

/* The neighbourhood of the i-th of a row of threads that are spread over all. */
static inline uint32_t host_near_in_row(const struct host_near *near,
					uint32_t i)
{
	return near->in_row[i % near->row];
}

static inline uint32_t host_near_distance(const struct host_near *near,
					  uint32_t from, uint32_t to)
{
	return near->distance[from * near->n + to];
}

/* The calling thread's; or NOWHERE. */
uint32_t host_near_here(const struct host_near *near);
/* The calling thread runs there from now on, if it may. */
void host_near_stay(const struct host_near *near, uint32_t which);

#endif
