/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_cpus.c - how many CPUs there are for us, and lists of them.
 */
#include "base/host_inside.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX 65536u

/* ---- affinity -------------------------------------------------------------- */

/* The kernel refuses a set that is smaller than its own. */
struct host_cpus *host_cpus_mine(void)
{
	struct host_cpus *mine = NULL;
	int saved = errno, err = -1;

	for (unsigned cpus = 1024; err && cpus <= CPUS_MAX; cpus *= 2) {
		size_t size = CPU_ALLOC_SIZE(cpus);

		host_cpus_free(mine);
		mine = malloc(sizeof(*mine) + size);
		if (!mine)
			break;
		mine->size = size;
		err = sched_getaffinity(0, mine->size, mine->set);
	}
	errno = saved;
	if (!err)
		return mine;
	host_cpus_free(mine);
	return NULL;
}

unsigned host_cpu_present(void)
{
	struct host_cpus *mine = host_cpus_mine();
	int n = mine ? CPU_COUNT_S(mine->size, mine->set) : 0;

	host_cpus_free(mine);
	return n > 0 ? (unsigned)n : 1;
}

/* ---- cgroup quota ----------------------------------------------------------- */

static unsigned fewer(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Microseconds of CPU in each period, as CPUs. */
static unsigned as_cpus(long long quota, long long period)
{
	long long cpus;

	if (quota <= 0 || period <= 0)
		return UINT_MAX;
	cpus = quota / period + (quota % period != 0);
	return cpus < UINT_MAX ? (unsigned)cpus : UINT_MAX;
}

long long host_read_number(const char *dir, const char *file)
{
	char buf[64];

	if (host_read_in(dir, file, buf, sizeof(buf)) <= 0)
		return -1;
	return strtoll(buf, NULL, 10);
}

/* Version 2: "max 100000" or "150000 100000". */
static unsigned quota_v2(const char *dir)
{
	char buf[64], *end;
	long long quota;

	if (host_read_in(dir, "cpu.max", buf, sizeof(buf)) <= 0)
		return UINT_MAX;
	quota = strtoll(buf, &end, 10);
	return end == buf ? UINT_MAX : as_cpus(quota, strtoll(end, NULL, 10));
}

/* Version 1: -1 is no quota. */
static unsigned quota_v1(const char *dir)
{
	return as_cpus(host_read_number(dir, "cpu.cfs_quota_us"),
		       host_read_number(dir, "cpu.cfs_period_us"));
}

/*
 * The group and all above it, up to the root of what is mounted.  In a container
 * the name may start above that root: then only what is below it exists, and the
 * others are passed over.
 */
static unsigned quota_up(const char *mount, const char *group,
			 unsigned (*quota)(const char *dir))
{
	char dir[PATH_MAX];
	size_t root = strlen(mount);
	unsigned least = UINT_MAX;
	int len = snprintf(dir, sizeof(dir), "%s%s", mount, group);

	if (len < 0 || (size_t)len >= sizeof(dir))
		return UINT_MAX;
	for (;;) {
		char *slash;

		least = fewer(least, quota(dir));
		slash = strrchr(dir + root, '/');
		if (!slash)
			return least;
		*slash = '\0';
	}
}

/* Whether "cpu" stands in a list as "cpu,cpuacct". */
static bool has_cpu(const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ",");

		if (len == 3 && strncmp(list, "cpu", 3) == 0)
			return true;
		list += len + (list[len] == ',');
	}
	return false;
}

/* "HIERARCHY:CONTROLLERS:/group"; hierarchy 0 is version 2. */
static unsigned quota_line(char *line, const char *root)
{
	static const char *const v1[] = { "cpu,cpuacct", "cpu" };
	char *controllers = strchr(line, ':'), *group;
	char mount[PATH_MAX];
	unsigned least = UINT_MAX;

	if (!controllers)
		return UINT_MAX;
	controllers++;
	group = strchr(controllers, ':');
	if (!group)
		return UINT_MAX;
	*group++ = '\0';
	if (*controllers == '\0') {
		snprintf(mount, sizeof(mount), "%s/unified", root);
		return fewer(quota_up(root, group, quota_v2),
			     quota_up(mount, group, quota_v2));
	}
	if (!has_cpu(controllers))
		return UINT_MAX;
	for (size_t i = 0; i < sizeof(v1) / sizeof(v1[0]); i++) {
		snprintf(mount, sizeof(mount), "%s/%s", root, v1[i]);
		least = fewer(least, quota_up(mount, group, quota_v1));
	}
	return least;
}

unsigned host_cgroup_cpus(const char *membership, const char *root)
{
	char text[8192], *line, *rest = text;
	unsigned least = UINT_MAX;

	if (host_read_path(membership, text, sizeof(text)) <= 0)
		return UINT_MAX;
	while ((line = strsep(&rest, "\n")))
		least = fewer(least, quota_line(line, root));
	return least;
}

unsigned host_cpu_count(void)
{
	return fewer(host_cpu_present(),
		     host_cgroup_cpus("/proc/self/cgroup", "/sys/fs/cgroup"));
}

/* ---- lists ------------------------------------------------------------------ */

/* A number of at most five digits; -1: none is there. */
static long number(const char **at)
{
	long n = 0;
	int digits = 0;

	while (**at >= '0' && **at <= '9' && digits++ < 5)
		n = n * 10 + (*(*at)++ - '0');
	return digits ? n : -1;
}

/* "3" or "0-7": false if it is neither.  Leaves *at behind it. */
static bool range(const char **at, long *from, long *to)
{
	*from = *to = number(at);
	if (**at == '-') {
		(*at)++;
		*to = number(at);
	}
	return *from >= 0 && *to >= *from && *to < (long)CPUS_MAX;
}

/* Calls set(from, to) for each part; the highest CPU of the list, or -1. */
static long parse(const char *list, cpu_set_t *set, size_t size)
{
	long from, to, highest = -1;

	for (;;) {
		if (!range(&list, &from, &to))
			return -1;
		if (to > highest)
			highest = to;
		for (long cpu = from; set && cpu <= to; cpu++)
			CPU_SET_S((size_t)cpu, size, set);
		if (*list == '\0' || *list == '\n')
			return highest;
		if (*list++ != ',')
			return -1;
	}
}

/*
 * The highest CPU that this machine may ever have.  Where that is not to be read, the
 * kernel is asked when a thread is to run there: numbers of CPUs may have gaps.
 */
static long last_possible(void)
{
	char buf[4096];
	long last = -1;

	if (host_read_path("/sys/devices/system/cpu/possible", buf,
			   sizeof(buf)) > 0)
		last = parse(buf, NULL, 0);
	return last >= 0 ? last : (long)CPUS_MAX - 1;
}

static struct host_cpus *of_list(const char *list, long highest)
{
	size_t size = CPU_ALLOC_SIZE((size_t)highest + 1);
	struct host_cpus *cpus = calloc(1, sizeof(*cpus) + size);

	if (!cpus)
		return NULL;
	cpus->size = size;
	parse(list, cpus->set, size);
	return cpus;
}

struct host_cpus *host_cpus_parse(const char *list)
{
	long highest = list && !strchr(list, '\n') ? parse(list, NULL, 0) : -1;

	if (highest < 0 || highest > last_possible()) {
		errno = EINVAL;
		return NULL;
	}
	return of_list(list, highest);
}

struct host_cpus *host_cpus_read(const char *dir, const char *file)
{
	char list[16384];
	ssize_t len = host_read_in(dir, file, list, sizeof(list));
	long highest;

	if (len <= 0 || len == sizeof(list) - 1) /* there may be more of it */
		return NULL;
	highest = parse(list, NULL, 0);
	return highest < 0 ? NULL : of_list(list, highest);
}

bool host_cpus_has(const struct host_cpus *cpus, size_t cpu)
{
	return CPU_ISSET_S(cpu, cpus->size, cpus->set);
}

void host_cpus_free(struct host_cpus *cpus)
{
	free(cpus);
}
