/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * near.h - the neighbourhood of each worker, and its distance to the inbox's rings
 * and to other local queues.
 *
 * Ring i, and seat i, belong to the i-th neighbourhood of a row that is spread evenly;
 * a local queue belongs to that of its thread.  All this is advice: it moves while
 * others read it, and inbox_anything(), which must look everywhere, does without it.
 */
#ifndef WARD_LIB_QUEUE_NEAR_H
#define WARD_LIB_QUEUE_NEAR_H

#include "base/host_near.h"
#include "task/local_queue.h"

struct near {
	/* I: */
	struct host_near *host;
	uint32_t locals;
	uint64_t *reach; /* by neighbourhood and distance: the rings there */
	_Atomic uint8_t *where; /* W, each by its thread: a local queue's */
};

/* Takes 'host' over; NULL: no memory, and 'host' was freed. */
struct near *near_new(struct host_near *host, uint32_t rings, uint32_t locals);
void near_free(struct near *near);

/* The calling thread, owner of local queue i, takes a seat: it moves there. */
void near_sit(struct near *near, struct local_queue *local, uint32_t i,
	      uint32_t seat);
/* The rings near the calling thread; 0: it is in none of the neighbourhoods. */
uint64_t near_here(const struct near *near);

/* The rings at that distance from a neighbourhood, */
static inline uint64_t *near_reach(const struct near *near, uint32_t from,
				   uint32_t distance)
{
	return &near->reach[from * (near->host->farthest + 1) + distance];
}

/* or from the local queue. */
static inline uint64_t near_rings(const struct near *near,
				  const struct local_queue *local,
				  uint32_t distance)
{
	return *near_reach(near, local->near, distance);
}

/* From a local queue to number i. */
static inline uint32_t near_distance(const struct near *near,
				     const struct local_queue *local,
				     uint32_t i)
{
	return host_near_distance(near->host, local->near,
				  load_relaxed(&near->where[i]));
}

#endif
