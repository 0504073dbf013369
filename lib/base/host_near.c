/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_near.c - neighbourhoods, made and used.
 */
#include "base/host_near.h"
#include "base/host_inside.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* ---- making ------------------------------------------------------------------ */

/* Where most CPUs are for each that is there and half of the next: Sainte-Lague. */
static uint32_t emptiest(const uint32_t *cpus, const uint32_t *given,
			 uint32_t n)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < n; i++)
		if ((uint64_t)cpus[i] * (2 * given[best] + 1) >
		    (uint64_t)cpus[best] * (2 * given[i] + 1))
			best = i;
	return best;
}

static void fill_row(struct host_near *near)
{
	uint32_t cpus[HOST_NEAR_MAX] = { 0 }, given[HOST_NEAR_MAX] = { 0 };

	for (uint32_t cpu = 0; cpu < near->cpus; cpu++)
		if (near->of[cpu] != HOST_NOWHERE)
			cpus[near->of[cpu]]++;
	for (uint32_t i = 0; i < near->row; i++) {
		uint32_t next = emptiest(cpus, given, near->n);

		given[next]++;
		near->in_row[i] = (uint16_t)next;
	}
}

static bool fill_sets(struct host_near *near)
{
	size_t size = CPU_ALLOC_SIZE(near->cpus);

	for (uint32_t i = 0; i < near->n; i++) {
		near->set[i] = calloc(1, sizeof(*near->set[i]) + size);
		if (!near->set[i])
			return false;
		near->set[i]->size = size;
	}
	for (uint32_t cpu = 0; cpu < near->cpus; cpu++)
		if (near->of[cpu] != HOST_NOWHERE)
			CPU_SET_S(cpu, size, near->set[near->of[cpu]]->set);
	return true;
}

static void measure(struct host_near *near)
{
	for (uint32_t i = 0; i < near->n * near->n; i++)
		if (near->distance[i] > near->farthest)
			near->farthest = near->distance[i];
	for (uint32_t cpu = 0; cpu < near->cpus; cpu++)
		near->row += near->of[cpu] != HOST_NOWHERE;
}

static void *copy(const void *from, size_t size)
{
	void *to = malloc(size);

	return to ? memcpy(to, from, size) : NULL;
}

struct host_near *host_near_make(uint32_t n, uint32_t cpus, const uint16_t *of,
				 const uint8_t *distance)
{
	struct host_near *near = calloc(1, sizeof(*near));

	if (!near)
		return NULL;
	near->n = n;
	near->cpus = cpus;
	near->of = copy(of, cpus * sizeof(*of));
	near->distance = copy(distance, (size_t)n * n);
	near->set = calloc(n, sizeof(*near->set));
	if (!near->of || !near->distance || !near->set)
		goto err;
	measure(near);
	near->in_row = calloc(near->row, sizeof(*near->in_row));
	if (!near->in_row || !fill_sets(near))
		goto err;
	fill_row(near);
	return near;
err:
	host_near_free(near);
	return NULL;
}

void host_near_free(struct host_near *near)
{
	if (!near)
		return;
	for (uint32_t i = 0; near->set && i < near->n; i++)
		host_cpus_free(near->set[i]);
	free(near->set);
	free(near->of);
	free(near->in_row);
	free(near->distance);
	free(near);
}

/* ---- being somewhere --------------------------------------------------------- */

uint32_t host_near_here(const struct host_near *near)
{
	long cpu = host_call(sched_getcpu());

	return cpu >= 0 && (uint32_t)cpu < near->cpus ? near->of[cpu] :
							HOST_NOWHERE;
}

void host_near_stay(const struct host_near *near, uint32_t which)
{
	const struct host_cpus *set = near->set[which];

	/* Refused if those CPUs are forbidden or gone by now. */
	host_call(sched_setaffinity(0, set->size, set->set));
}
