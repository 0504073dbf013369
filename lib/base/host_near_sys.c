/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_near_sys.c - neighbourhoods as the kernel tells of them below
 * /sys/devices/system:
 *
 *	cpu/cpuC/cache/indexI/{level,shared_cpu_list}	the CPUs that share C's caches
 *	node/online, node/nodeM/{cpulist,distance}	whose memory is near, how far
 *
 * Without caches a neighbourhood is a node, without nodes it is a cache.
 */
#include "base/host_inside.h"
#include "base/host_near.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { NODES = 256, CACHES = 10, LAST_LEVEL = 3 };

struct map {
	const char *root;
	const struct host_cpus *cpus;
	uint32_t n, end;  /* neighbourhoods so far; the highest CPU, plus one */
	uint16_t *of;	  /* by CPU */
	uint8_t *node_of; /* by CPU: which of the nodes that are online */
	uint8_t home[HOST_NEAR_MAX]; /* by neighbourhood: its node */
	uint8_t away[NODES][NODES];  /* between nodes, as the firmware says */
	uint8_t distance[HOST_NEAR_MAX * HOST_NEAR_MAX];
};

/* ---- nodes ------------------------------------------------------------------- */

static void read_cpus(struct map *map, const char *dir, uint32_t k)
{
	struct host_cpus *cpus = host_cpus_read(dir, "cpulist");

	if (!cpus)
		return; /* it has none */
	for (uint32_t cpu = 0; cpu < map->end; cpu++)
		if (host_cpus_has(cpus, cpu))
			map->node_of[cpu] = (uint8_t)k;
	host_cpus_free(cpus);
}

/* "10 21 21": to the first node, to the second... */
static void read_distances(struct map *map, const char *dir, uint32_t k)
{
	char text[4096], *at = text, *end;

	if (host_read_in(dir, "distance", text, sizeof(text)) <= 0)
		return;
	for (uint32_t i = 0; i < NODES; i++, at = end) {
		unsigned long far = strtoul(at, &end, 10);

		if (end == at)
			return;
		map->away[k][i] = far < UINT8_MAX ? (uint8_t)far : UINT8_MAX;
	}
}

/* False: more than can be told apart. */
static bool read_nodes(struct map *map)
{
	char dir[PATH_MAX];
	struct host_cpus *online = host_cpus_read(map->root, "node/online");
	uint32_t k = 0;

	for (uint32_t i = 0; online && i < online->size * CHAR_BIT; i++) {
		if (!host_cpus_has(online, i))
			continue;
		if (k < NODES) {
			snprintf(dir, sizeof(dir), "%s/node/node%u", map->root,
				 i);
			read_cpus(map, dir, k);
			read_distances(map, dir, k);
		}
		k++;
	}
	host_cpus_free(online);
	return k <= NODES;
}

/* ---- caches ------------------------------------------------------------------ */

/* The CPUs that share its cache of the third level; NULL: none is known. */
static struct host_cpus *sharers(const struct map *map, uint32_t cpu)
{
	char dir[PATH_MAX];

	for (unsigned i = 0; i < CACHES; i++) {
		snprintf(dir, sizeof(dir), "%s/cpu/cpu%u/cache/index%u",
			 map->root, cpu, i);
		if (host_read_number(dir, "level") == LAST_LEVEL)
			return host_cpus_read(dir, "shared_cpu_list");
	}
	return NULL;
}

/* A new neighbourhood: of all CPUs that share its cache, and its node. */
static void enter(struct map *map, uint32_t first)
{
	struct host_cpus *cache = sharers(map, first);

	map->home[map->n] = map->node_of[first];
	for (uint32_t cpu = first; cpu < map->end; cpu++)
		if (host_cpus_has(map->cpus, cpu) &&
		    map->of[cpu] == HOST_NOWHERE &&
		    map->node_of[cpu] == map->node_of[first] &&
		    (cpu == first || !cache || host_cpus_has(cache, cpu)))
			map->of[cpu] = (uint16_t)map->n;
	map->n++;
	host_cpus_free(cache);
}

static bool enter_all(struct map *map)
{
	for (uint32_t cpu = 0; cpu < map->end; cpu++)
		map->of[cpu] = HOST_NOWHERE;
	for (uint32_t cpu = 0; cpu < map->end; cpu++) {
		if (!host_cpus_has(map->cpus, cpu) ||
		    map->of[cpu] != HOST_NOWHERE)
			continue;
		if (map->n == HOST_NEAR_MAX)
			return false;
		enter(map, cpu);
	}
	return map->n > 1;
}

/* ---- distances ------------------------------------------------------------------- */

static uint8_t between(const struct map *map, uint32_t a, uint32_t b)
{
	return map->away[map->home[a]][map->home[b]];
}

/* From what the firmware says to 1, 2, 3... between neighbourhoods. */
static void rank(struct map *map)
{
	bool seen[UINT8_MAX + 1] = { false };
	uint8_t rank_of[UINT8_MAX + 1], next = 1;

	for (uint32_t a = 0; a < map->n; a++)
		for (uint32_t b = 0; b < map->n; b++)
			seen[between(map, a, b)] |= a != b;
	for (uint32_t away = 0; away <= UINT8_MAX; away++) {
		rank_of[away] = next;
		next += seen[away] && next < UINT8_MAX;
	}
	for (uint32_t a = 0; a < map->n; a++)
		for (uint32_t b = 0; b < map->n; b++)
			map->distance[a * map->n + b] =
				a == b ? 0 : rank_of[between(map, a, b)];
}

/* ---- all of it --------------------------------------------------------------------- */

static uint32_t end_of(const struct host_cpus *cpus)
{
	uint32_t end = 0;

	for (uint32_t cpu = 0; cpu < cpus->size * CHAR_BIT; cpu++)
		if (host_cpus_has(cpus, cpu))
			end = cpu + 1;
	return end;
}

static struct host_near *look(struct map *map)
{
	map->of = calloc(map->end, sizeof(*map->of));
	map->node_of = calloc(map->end, sizeof(*map->node_of));
	if (!map->of || !map->node_of || !read_nodes(map) || !enter_all(map))
		return NULL;
	rank(map);
	return host_near_make(map->n, map->end, map->of, map->distance);
}

struct host_near *host_near_of(const struct host_cpus *cpus, const char *root)
{
	struct map *map = calloc(1, sizeof(*map));
	struct host_near *near = NULL;

	if (!map)
		return NULL;
	map->root = root;
	map->cpus = cpus;
	map->end = end_of(cpus);
	near = map->end ? look(map) : NULL;
	free(map->of);
	free(map->node_of);
	free(map);
	return near;
}

struct host_near *host_near_find(const struct host_cpus *cpus)
{
	struct host_cpus *mine = cpus ? NULL : host_cpus_mine();
	struct host_near *near = NULL;

	if (cpus || mine)
		near = host_near_of(cpus ? cpus : mine, "/sys/devices/system");
	host_cpus_free(mine);
	return near;
}
