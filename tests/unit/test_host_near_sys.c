/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machines that are made up: what the kernel would tell of them.
 */
#include "base/host_inside.h"
#include "base/host_near.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char root[] = "/tmp/ward-near-XXXXXX";

static void plant(void)
{
	cr_assert_not_null(mkdtemp(root));
}

static void fell(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	cr_assert_eq(system(command), 0);
}

TestSuite(host_near_sys, .init = plant, .fini = fell);

/* Writes the file below root, and the folders on its way. */
__attribute__((format(printf, 2, 3))) static void put(const char *text,
						      const char *format, ...)
{
	char name[128], path[256], *slash = path + strlen(root);
	va_list args;
	FILE *file;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/%s", root, name);
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fprintf(file, "%s\n", text);
	fclose(file);
}

static void cache(unsigned cpu, unsigned index, const char *level,
		  const char *cpus)
{
	put(level, "cpu/cpu%u/cache/index%u/level", cpu, index);
	put(cpus, "cpu/cpu%u/cache/index%u/shared_cpu_list", cpu, index);
}

/* Its own caches, and one of the third level with these. */
static void shares(unsigned cpu, const char *cpus)
{
	char own[16];

	snprintf(own, sizeof(own), "%u", cpu);
	cache(cpu, 0, "1", own);
	cache(cpu, 1, "1", own);
	cache(cpu, 2, "2", own);
	cache(cpu, 3, "3", cpus);
}

/* CPUs [from, to] share one in groups of so many. */
static void in_groups(unsigned from, unsigned to, unsigned size)
{
	char list[32];

	for (unsigned cpu = from; cpu <= to; cpu++) {
		unsigned first = from + (cpu - from) / size * size;

		snprintf(list, sizeof(list), "%u-%u", first, first + size - 1);
		shares(cpu, list);
	}
}

static void node(unsigned number, const char *cpus, const char *distance)
{
	put(cpus, "node/node%u/cpulist", number);
	put(distance, "node/node%u/distance", number);
}

/* ---- what was found ------------------------------------------------------- */

static struct host_near *found(unsigned from, unsigned to)
{
	size_t size = CPU_ALLOC_SIZE(CPU_SETSIZE);
	struct host_cpus *cpus = calloc(1, sizeof(*cpus) + size);
	struct host_near *near;

	cr_assert_not_null(cpus);
	cpus->size = size;
	for (unsigned i = from; i <= to; i++)
		CPU_SET_S(i, size, (cpu_set_t *)(void *)cpus->set);
	errno = EDOM;
	near = host_near_of(cpus, root);
	cr_assert_eq(errno, EDOM);
	free(cpus);
	return near;
}

/* Digit by digit: the neighbourhood of each CPU, and the distances. */
static void is(struct host_near *near, const char *of, const char *distance)
{
	uint32_t i;

	cr_assert_not_null(near);
	for (i = 0; of[i]; i++)
		cr_assert_eq(near->of[i],
			     of[i] == '-' ? HOST_NOWHERE :
					    (uint16_t)(of[i] - '0'),
			     "cpu %u", i);
	cr_assert_eq(near->cpus, i);
	for (i = 0; distance[i]; i++)
		cr_assert_eq(near->distance[i], distance[i] - '0',
			     "distance %u", i);
	cr_assert_eq(near->n * near->n, i);
	host_near_free(near);
}

/* ---- machines ---------------------------------------------------------------- */

Test(host_near_sys, who_shares_the_last_cache)
{
	in_groups(0, 7, 4);
	put("0", "node/online");
	node(0, "0-7", "10");
	is(found(0, 7), "00001111", "0110");
}

Test(host_near_sys, two_sockets_of_two_caches)
{
	in_groups(0, 7, 2);
	put("0-1", "node/online");
	node(0, "0-3", "10 32");
	node(1, "4-7", "32 10");
	is(found(0, 7), "00112233",
	   "0122"
	   "1022"
	   "2201"
	   "2210");
}

/* One cache of a socket, but its memory is in two halves. */
Test(host_near_sys, or_its_memory_where_fewer_share_that)
{
	in_groups(0, 7, 4);
	put("0-3", "node/online");
	node(0, "0-1", "10 12 21 21");
	node(1, "2-3", "12 10 21 21");
	node(2, "4-5", "21 21 10 12");
	node(3, "6-7", "21 21 12 10");
	is(found(0, 7), "00112233",
	   "0122"
	   "1022"
	   "2201"
	   "2210");
}

/* The second thread of each core has a number far from the first one's. */
Test(host_near_sys, siblings_are_numbered_as_the_kernel_does)
{
	for (unsigned cpu = 0; cpu < 8; cpu++)
		shares(cpu, cpu % 4 < 2 ? "0-1,4-5" : "2-3,6-7");
	is(found(0, 7), "00110011", "0110");
}

Test(host_near_sys, only_those_that_may_be_used)
{
	in_groups(0, 7, 2);
	is(found(1, 4), "-0112", "011101110");
	is(found(2, 5), "--0011", "0110");
	cr_assert_null(found(2, 3));
}

Test(host_near_sys, nodes_need_not_be_numbered_in_a_row)
{
	put("1,4,9", "node/online");
	node(1, "2-3", "10 20 30");
	node(4, "", "20 10 20"); /* memory alone */
	node(9, "0-1", "30 20 10");
	is(found(0, 3), "0011", "0110");
}

/* ---- what is not told ---------------------------------------------------------- */

Test(host_near_sys, caches_without_nodes)
{
	in_groups(0, 3, 2);
	is(found(0, 3), "0011", "0110");
}

Test(host_near_sys, nodes_without_caches_or_distances)
{
	put("0-1", "node/online");
	put("0-1", "node/node0/cpulist");
	put("2-3", "node/node1/cpulist");
	is(found(0, 3), "0011", "0110");
}

/* A cache of the second level of its own makes no neighbourhood of a core. */
Test(host_near_sys, one_is_none)
{
	cr_assert_null(found(0, 3), "nothing is told");
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		char own[16];

		snprintf(own, sizeof(own), "%u", cpu);
		cache(cpu, 0, "1", own);
		cache(cpu, 1, "2", own);
	}
	cr_assert_null(found(0, 3));
	in_groups(0, 3, 4);
	put("0", "node/online");
	node(0, "0-3", "10");
	cr_assert_null(found(0, 3));
	cr_assert_null(found(1, 1));
	cr_assert_null(found(1, 0), "no CPU");
}

Test(host_near_sys, nonsense_is_not_told)
{
	static const char *const bad[] = { "", "x", "-1", "0-", "3-1", "0,,1",
					   "99999999", "0 1" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		for (unsigned cpu = 0; cpu < 4; cpu++)
			cache(cpu, 3, "3", bad[i]);
		put(bad[i], "node/online");
		node(0, bad[i], bad[i]);
		cr_assert_null(found(0, 3), "'%s'", bad[i]);
	}
	/* A CPU shares its own cache, whatever is said. */
	for (unsigned cpu = 0; cpu < 4; cpu++)
		shares(cpu, "7");
	is(found(0, 3), "0123", "0111101111011110");
}

Test(host_near_sys, more_than_can_be_told_apart_are_none)
{
	struct host_near *near;

	in_groups(0, 256, 1);
	near = found(0, 255);
	cr_assert_not_null(near);
	cr_assert_eq(near->n, 256);
	host_near_free(near);
	cr_assert_null(found(0, 256));
}

/* As it is, whatever that is. */
Test(host_near_sys, this_machine)
{
	struct host_near *near = host_near_find(NULL);
	uint32_t cpus = 0;

	if (!near)
		return;
	for (uint32_t i = 0; i < near->cpus; i++)
		cpus += near->of[i] != HOST_NOWHERE;
	cr_assert_eq(cpus, host_cpu_present());
	cr_assert_neq(host_near_here(near), HOST_NOWHERE);
	host_near_free(near);
}
