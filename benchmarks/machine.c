/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c - where the figures come from.
 */
#include "bench.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

unsigned machine_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

bool machine_use(unsigned cpus)
{
	cpu_set_t mine, some;

	if (sched_getaffinity(0, sizeof(mine), &mine))
		return false;
	CPU_ZERO(&some);
	for (int cpu = 0; cpu < CPU_SETSIZE && cpus; cpu++)
		if (CPU_ISSET(cpu, &mine)) {
			CPU_SET(cpu, &some);
			cpus--;
		}
	return !cpus && !sched_setaffinity(0, sizeof(some), &some);
}

#define PLACE "WARDBENCH_NEAR"
#define PUBLISH "WARDBENCH_PUBLISH"

void machine_place(void)
{
	setenv(PLACE, "yes", 1);
}

void machine_publish(void)
{
	setenv(PUBLISH, "yes", 1);
}

uint32_t machine_flags(void)
{
	return (getenv(PLACE) ? WARD_POOL_NEAR : 0) |
	       (getenv(PUBLISH) ? WARD_POOL_PUBLISH : 0);
}

/* How many there are for a pool; 0: nothing is placed. */
static unsigned neighbourhoods(void)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_stats stats = WARD_STATS_INIT;
	struct ward_pool *pool;

	config.flags = machine_flags() & WARD_POOL_NEAR;
	if (!config.flags || ward_pool_create(&pool, &config))
		return 0;
	if (ward_pool_stats(pool, &stats))
		stats.neighbourhoods = 0;
	ward_pool_destroy(pool, 0);
	return stats.neighbourhoods;
}

static void cpu_model(char *to, size_t len)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256], *at;

	snprintf(to, len, "unknown CPU");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "model name", 10) ||
		    !(at = strchr(line, ':')))
			continue;
		at[strcspn(at, "\n")] = 0;
		snprintf(to, len, "%s", at + 2);
		break;
	}
	if (file)
		fclose(file);
}

void machine_line(FILE *out)
{
	struct utsname name;
	char model[128];

	cpu_model(model, sizeof(model));
	if (uname(&name))
		snprintf(name.release, sizeof(name.release), "?");
	fprintf(out, "%s, %u CPUs, Linux %s, libward %d.%d.%d, %s %s", model,
		machine_cpus(), name.release, WARD_VERSION_MAJOR,
		WARD_VERSION_MINOR, WARD_VERSION_PATCH,
#ifdef __clang__
		"clang", __clang_version__
#else
		"gcc", __VERSION__
#endif
	);
}

void machine_print(FILE *out)
{
	unsigned places = neighbourhoods();

	fputs("machine: ", out);
	machine_line(out);
	fputc('\n', out);
	if (places)
		fprintf(out, "placed in %u neighbourhood%s\n", places,
			places == 1 ? "" : "s");
	fflush(out);
}
