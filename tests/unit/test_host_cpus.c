/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/host_inside.h"
#include <criterion/criterion.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a cgroup tree of our own ---------------------------------------- */

static char root[] = "/tmp/ward-cgroup-XXXXXX";
static char membership[64];

/* Writes the file below root, and the folders on its way. */
static void put(const char *text, const char *name)
{
	char path[256], *slash = path + strlen(root);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static unsigned cpus_of(const char *groups)
{
	put(groups, "membership");
	return host_cgroup_cpus(membership, root);
}

static void plant(void)
{
	cr_assert_not_null(mkdtemp(root));
	snprintf(membership, sizeof(membership), "%s/membership", root);
}

static void fell(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	cr_assert_eq(system(command), 0);
}

TestSuite(cgroup, .init = plant, .fini = fell);

Test(cgroup, quota_is_rounded_up)
{
	static const struct {
		const char *text;
		unsigned cpus;
	} row[] = {
		{ "max 100000\n", UINT_MAX }, { "100000 100000\n", 1 },
		{ "100001 100000\n", 2 },     { "150000 100000\n", 2 },
		{ "1000 100000\n", 1 },	      { "6400000 100000\n", 64 },
		{ "20000 5000\n", 4 },	      { "", UINT_MAX },
		{ "0 100000\n", UINT_MAX },   { "100000\n", UINT_MAX },
		{ "100000 0\n", UINT_MAX },   { "x y\n", UINT_MAX },
		{ "-5 10\n", UINT_MAX },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		put(row[i].text, "a/cpu.max");
		cr_assert_eq(cpus_of("0::/a\n"), row[i].cpus, "%s",
			     row[i].text);
	}
}

Test(cgroup, the_strictest_above_counts)
{
	put("max 100000\n", "a/b/c/cpu.max");
	put("300000 100000\n", "a/b/cpu.max");
	put("800000 100000\n", "a/cpu.max");
	put("100000 100000\n", "a/other/cpu.max");
	cr_assert_eq(cpus_of("0::/a/b/c\n"), 3);
	cr_assert_eq(cpus_of("0::/a/b\n"), 3);
	cr_assert_eq(cpus_of("0::/a\n"), 8);
	cr_assert_eq(cpus_of("0::/a/other\n"), 1);
	cr_assert_eq(cpus_of("0::/\n"), UINT_MAX);
	put("200000 100000\n", "cpu.max"); /* a container's own root */
	cr_assert_eq(cpus_of("0::/a/b/c\n"), 2);
	cr_assert_eq(cpus_of("0::/\n"), 2);
}

/* Only the container's own group is mounted; its name is the host's. */
Test(cgroup, name_from_outside_the_container)
{
	put("250000 100000\n", "cpu.max");
	cr_assert_eq(cpus_of("0::/system.slice/docker-1234.scope\n"), 3);
	cr_assert_eq(cpus_of("0::/../../x\n"), 3);
}

Test(cgroup, version_1)
{
	put("150000\n", "cpu,cpuacct/a/b/cpu.cfs_quota_us");
	put("100000\n", "cpu,cpuacct/a/b/cpu.cfs_period_us");
	put("-1\n", "cpu,cpuacct/a/cpu.cfs_quota_us");
	put("100000\n", "cpu,cpuacct/a/cpu.cfs_period_us");
	cr_assert_eq(cpus_of("12:memory:/x\n4:cpu,cpuacct:/a/b\n0::/\n"), 2);
	cr_assert_eq(cpus_of("4:cpu,cpuacct:/a\n"), UINT_MAX);
	cr_assert_eq(cpus_of("4:cpuset:/a/b\n"), UINT_MAX);
	cr_assert_eq(cpus_of("4:cpuacct:/a/b\n"), UINT_MAX);
	put("400000\n", "cpu/a/cpu.cfs_quota_us");
	put("100000\n", "cpu/a/cpu.cfs_period_us");
	cr_assert_eq(cpus_of("4:cpu:/a\n"), 4);
}

Test(cgroup, both_versions_at_once)
{
	put("300000 100000\n", "unified/a/cpu.max");
	put("500000\n", "cpu/a/cpu.cfs_quota_us");
	put("100000\n", "cpu/a/cpu.cfs_period_us");
	cr_assert_eq(cpus_of("3:cpu:/a\n0::/a\n"), 3);
	cr_assert_eq(cpus_of("3:cpu:/a\n0::/\n"), 5);
}

Test(cgroup, nonsense_limits_nothing)
{
	static char deep[5000];

	put("100000 100000\n", "a/cpu.max");
	cr_assert_eq(cpus_of(""), UINT_MAX);
	cr_assert_eq(cpus_of("\n\n:\n::\n:::\n0:\n0::\n"), UINT_MAX);
	cr_assert_eq(cpus_of("0::/a"), 1);
	memset(deep, '/', sizeof(deep) - 1);
	memcpy(deep, "0::/", 4);
	cr_assert_eq(cpus_of(deep), UINT_MAX);
	cr_assert_eq(host_cgroup_cpus("/nowhere", root), UINT_MAX);
	cr_assert_eq(host_cgroup_cpus(membership, "/nowhere"), UINT_MAX);
}

/* ---- affinity -------------------------------------------------------- */

Test(host_cpus, present_are_those_of_the_affinity)
{
	cpu_set_t set, one;
	int cpu = 0;

	cr_assert_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	cr_assert_eq(host_cpu_present(), (unsigned)CPU_COUNT(&set));
	cr_assert_geq(host_cpu_count(), 1);
	cr_assert_leq(host_cpu_count(), host_cpu_present());
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	cr_assert_eq(host_cpu_present(), 1);
	cr_assert_eq(host_cpu_count(), 1);
}

/* ---- lists ----------------------------------------------------------- */

Test(host_cpus, lists_that_are_none)
{
	static const char *const bad[] = {
		"",	   " ",		 "x",
		",",	   "0,",	 ",0",
		"0,,0",	   "-",		 "0-",
		"-0",	   "1-0",	 "0 ",
		" 0",	   "0x0",	 "0-0-0",
		"0\n",	   "0;0",	 "99999",
		"0-99999", "4294967296", "18446744073709551616",
		"+0",	   "0-+1",	 "000000"
	};

	cr_assert_null(host_cpus_parse(NULL));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_null(host_cpus_parse(bad[i]), "'%s'", bad[i]);
}

static bool has(const struct host_cpus *cpus, size_t cpu)
{
	return CPU_ISSET_S(cpu, cpus->size,
			   (const cpu_set_t *)(const void *)cpus->set);
}

Test(host_cpus, lists)
{
	long last = sysconf(_SC_NPROCESSORS_CONF) - 1;
	struct host_cpus *cpus = host_cpus_parse("0");
	char list[64];

	cr_assert_not_null(cpus);
	cr_assert(has(cpus, 0));
	cr_assert(!has(cpus, 1));
	host_cpus_free(cpus);
	snprintf(list, sizeof(list), "0-%ld,0,%ld", last, last);
	cpus = host_cpus_parse(list);
	cr_assert_not_null(cpus);
	for (long cpu = 0; cpu <= last; cpu++)
		cr_assert(has(cpus, (size_t)cpu));
	cr_assert(!has(cpus, (size_t)last + 1));
	host_cpus_free(cpus);
	host_cpus_free(NULL);
}
