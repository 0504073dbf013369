/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/host_near.h"
#include "base/host_inside.h"
#include <criterion/criterion.h>
#include <sched.h>

#define NO HOST_NOWHERE

static const uint8_t apart[] = { 0, 1, 1, 0 };

static bool in_set(const struct host_near *near, uint32_t which, unsigned cpu)
{
	const struct host_cpus *set = near->set[which];

	return CPU_ISSET_S(cpu, set->size,
			   (const cpu_set_t *)(const void *)set->set);
}

Test(host_near, each_cpu_is_in_the_set_of_its_own)
{
	static const uint16_t of[] = { 0, NO, 1, 1, NO, 0 };
	struct host_near *near = host_near_make(2, 6, of, apart);

	cr_assert_not_null(near);
	cr_assert_eq(near->row, 4);
	cr_assert_eq(near->farthest, 1);
	for (uint32_t cpu = 0; cpu < 6; cpu++)
		for (uint32_t i = 0; i < 2; i++)
			cr_assert_eq(in_set(near, i, cpu), of[cpu] == i);
	host_near_free(near);
	host_near_free(NULL);
}

static void row_is(const uint16_t *of, uint32_t cpus, uint32_t n,
		   const char *row)
{
	static const uint8_t far[16];
	struct host_near *near = host_near_make(n, cpus, of, far);

	cr_assert_not_null(near);
	for (uint32_t i = 0; row[i]; i++)
		cr_assert_eq(host_near_in_row(near, i), (uint32_t)row[i] - '0',
			     "%u of %s", i, row);
	host_near_free(near);
}

Test(host_near, a_row_is_spread_evenly_from_its_beginning)
{
	row_is((uint16_t[]){ 0, 0, 1, 1 }, 4, 2, "01010101");
	row_is((uint16_t[]){ 0, 1, 2, 3 }, 4, 4, "01230123");
	row_is((uint16_t[]){ 0, 0, 0, 0, 1, 1, 2, 2 }, 8, 3, "01200120012");
	row_is((uint16_t[]){ 1, 1, 1, 0 }, 4, 2, "10111011");
	row_is((uint16_t[]){ NO, 1, NO, 0 }, 4, 2, "0101");
}

Test(host_near, distances_are_from_and_to)
{
	static const uint16_t of[] = { 0, 1, 2 };
	static const uint8_t far[] = { 0, 1, 3, 1, 0, 3, 2, 2, 0 };
	struct host_near *near = host_near_make(3, 3, of, far);

	cr_assert_eq(near->farthest, 3);
	cr_assert_eq(host_near_distance(near, 0, 0), 0);
	cr_assert_eq(host_near_distance(near, 0, 2), 3);
	cr_assert_eq(host_near_distance(near, 2, 0), 2);
	host_near_free(near);
}

/* ---- being somewhere --------------------------------------------------- */

static uint16_t of[CPU_SETSIZE];
static int first = -1;
static uint32_t mine;

/* All our CPUs are 1, those that we may not use are 0. */
static struct host_near *of_ours(void)
{
	cpu_set_t set;

	cr_assert_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		of[cpu] = CPU_ISSET(cpu, &set) ? 1 : 0;
		mine += of[cpu];
		if (of[cpu] && first < 0)
			first = cpu;
	}
	return host_near_make(2, CPU_SETSIZE, of, apart);
}

Test(host_near, here_is_where_the_cpu_is)
{
	struct host_near *near = of_ours();

	cr_assert_eq(host_near_here(near), 1);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		near->of[cpu] = NO;
	cr_assert_eq(host_near_here(near), NO);
	near->cpus = 0;
	cr_assert_eq(host_near_here(near), NO);
	host_near_free(near);
}

Test(host_near, who_stays_runs_on_those_cpus)
{
	struct host_near *near = of_ours();
	cpu_set_t set;

	host_near_stay(near, 1);
	cr_assert_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	cr_assert_eq((uint32_t)CPU_COUNT(&set), mine);
	host_near_free(near);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		of[cpu] = cpu == first ? 0 : of[cpu] ? 1 : NO;
	if (mine > 1) {
		near = host_near_make(2, CPU_SETSIZE, of, apart);
		host_near_stay(near, 0);
		cr_assert_eq(sched_getaffinity(0, sizeof(set), &set), 0);
		cr_assert_eq(CPU_COUNT(&set), 1);
		cr_assert(CPU_ISSET(first, &set));
		cr_assert_eq(host_near_here(near), 0);
		host_near_free(near);
	}
}

/* Their CPUs are gone, or were taken from us. */
Test(host_near, who_may_not_stay_runs_where_it_did)
{
	static const uint8_t far[] = { 0, 1, 1, 0 };
	static uint16_t none[CPU_SETSIZE + 64];
	cpu_set_t before, after;
	struct host_near *near;

	for (int cpu = 0; cpu < CPU_SETSIZE + 64; cpu++)
		none[cpu] = cpu == CPU_SETSIZE + 63 ? 0 : cpu ? NO : 1;
	near = host_near_make(2, CPU_SETSIZE + 64, none, far);
	cr_assert_eq(sched_getaffinity(0, sizeof(before), &before), 0);
	host_near_stay(near, 0);
	cr_assert_eq(sched_getaffinity(0, sizeof(after), &after), 0);
	cr_assert(CPU_EQUAL(&before, &after));
	host_near_free(near);
}
