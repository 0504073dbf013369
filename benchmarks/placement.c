/* SPDX-License-Identifier: BSD-2-Clause */
#include "placement.h"
#include "bench.h"

#include <dirent.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static const char *const name[PLACEMENTS] = { "", "unpinned", "across",
					      "together" };

const char *placement_name(enum placement placement)
{
	return name[placement];
}

enum placement placement_find(const char *text)
{
	for (unsigned p = UNPINNED; p < PLACEMENTS; p++)
		if (!strcmp(name[p], text))
			return (enum placement)p;
	return NO_PLACEMENT;
}

/* ---- which CPUs --------------------------------------------------------- */

/* The first CPU of its core; itself, if nobody knows. */
static int core_of(int cpu)
{
	char path[80];
	int first = cpu;
	FILE *file;

	snprintf(path, sizeof(path),
		 "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
		 cpu);
	file = fopen(path, "re");
	if (!file)
		return cpu;
	if (fscanf(file, "%d", &first) != 1)
		first = cpu;
	fclose(file);
	return first;
}

struct cpu {
	int number, core;
};

static int by_core(const void *a, const void *b)
{
	const struct cpu *x = a, *y = b;

	return x->core != y->core ? x->core - y->core : x->number - y->number;
}

/* The CPUs of this process, core by core; how many. */
static unsigned cpus_by_core(struct cpu *cpu)
{
	cpu_set_t mine;
	unsigned n = 0;

	if (sched_getaffinity(0, sizeof(mine), &mine))
		return 0;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &mine))
			cpu[n++] = (struct cpu){ i, core_of(i) };
	qsort(cpu, n, sizeof(*cpu), by_core);
	return n;
}

/* How many of them are the producers': half, and no half of a core. */
static unsigned half_of(const struct cpu *cpu, unsigned n)
{
	unsigned half = n / 2;

	while (half > 0 && half < n && cpu[half].core == cpu[half - 1].core)
		half++;
	return half < n ? half : n / 2;
}

static void set_of(cpu_set_t *set, const struct cpu *cpu, unsigned n)
{
	CPU_ZERO(set);
	for (unsigned i = 0; i < n; i++)
		CPU_SET(cpu[i].number, set);
}

/* ---- who goes there ----------------------------------------------------- */

static cpu_set_t producers, workers;
static bool settled;

void placement_confine(enum placement placement)
{
	if (placement == TOGETHER && !machine_use(1))
		_exit(127);
}

/* Returns how many were elsewhere. */
static unsigned move_all(const cpu_set_t *set)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned moved = 0;
	cpu_set_t now;

	while (dir && (entry = readdir(dir))) {
		int tid = atoi(entry->d_name);

		if (tid > 0 && !sched_getaffinity(tid, sizeof(now), &now) &&
		    !CPU_EQUAL(&now, set) &&
		    !sched_setaffinity(tid, sizeof(*set), set))
			moved++;
	}
	if (dir)
		closedir(dir);
	return moved;
}

void placement_settle(enum placement placement)
{
	struct cpu cpu[CPU_SETSIZE];
	unsigned n, half;

	if (placement != ACROSS)
		return;
	n = cpus_by_core(cpu);
	half = half_of(cpu, n);
	if (half == 0)
		return; /* one CPU: there is no other */
	set_of(&producers, cpu, half);
	set_of(&workers, cpu + half, n - half);
	/* until none is left that one which was not moved yet has started */
	while (move_all(&workers))
		;
	settled = true;
}

void placement_producer(void)
{
	if (settled)
		sched_setaffinity(0, sizeof(producers), &producers);
}

void placement_worker(pid_t pid)
{
	if (settled)
		sched_setaffinity(pid, sizeof(workers), &workers);
}
