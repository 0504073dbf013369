/* SPDX-License-Identifier: BSD-2-Clause */
#include "threads.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 'tasks' is the directory of a process's threads. */
static FILE *open_of(const char *tasks, long tid, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%ld/%s", tasks, tid, name);
	return fopen(path, "re");
}

static int named(const char *tasks, long tid, const char *prefix)
{
	FILE *file = open_of(tasks, tid, "comm");
	char name[32] = "";

	if (!file)
		return 0;
	if (!fgets(name, sizeof(name), file))
		name[0] = 0;
	fclose(file);
	return !strncmp(name, prefix, strlen(prefix));
}

static uint64_t cpu_of(const char *tasks, long tid)
{
	FILE *file = open_of(tasks, tid, "schedstat");
	uint64_t ns = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%" SCNu64, &ns) != 1)
		ns = 0;
	fclose(file);
	return ns;
}

static uint64_t switches_of(const char *tasks, long tid)
{
	FILE *file = open_of(tasks, tid, "status");
	uint64_t sum = 0, n;
	char line[256];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &n) ==
			    1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %" SCNu64, &n) ==
			    1)
			sum += n;
	fclose(file);
	return sum;
}

static struct threads_sum sum_up(const char *tasks, const char *prefix)
{
	struct threads_sum sum = { 0, 0, 0 };
	DIR *dir = opendir(tasks);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		long tid = atol(entry->d_name);

		if (tid <= 0 || tid == (long)gettid() || !named(tasks, tid, prefix))
			continue;
		sum.threads++;
		sum.switches += switches_of(tasks, tid);
		sum.cpu += cpu_of(tasks, tid);
	}
	if (dir)
		closedir(dir);
	return sum;
}

struct threads_sum threads_sum(const char *prefix)
{
	return sum_up("/proc/self/task", prefix);
}

struct threads_sum threads_sum_of(pid_t pid)
{
	char tasks[64];

	snprintf(tasks, sizeof(tasks), "/proc/%ld/task", (long)pid);
	return sum_up(tasks, "");
}

uint64_t memory_kib(const char *what)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "re");
	size_t len = strlen(what);
	uint64_t kib = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, what, len) && line[len] == ':')
			kib = strtoull(line + len + 1, NULL, 10);
	if (file)
		fclose(file);
	return kib;
}
