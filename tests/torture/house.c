/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * house.c - A12: when every pool is gone, the process is as it was.
 */
#include "torture.h"

#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* The entries of a folder of /proc, besides itself and its parent. */
static unsigned entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned n = 0;

	if (!dir)
		abort();
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/*
 * By the kernel's own count: a listing of /proc/self/task may miss threads
 * while others end.
 */
static unsigned threads(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	unsigned n = 0;

	if (!file)
		abort();
	while (fgets(line, sizeof(line), file))
		sscanf(line, "Threads: %u", &n);
	fclose(file);
	return n;
}

/* How many keys of thread-specific data may still be made. */
static unsigned free_keys(void)
{
	pthread_key_t key[PTHREAD_KEYS_MAX];
	unsigned n = 0;

	while (n < PTHREAD_KEYS_MAX && pthread_key_create(&key[n], NULL) == 0)
		n++;
	for (unsigned i = 0; i < n; i++)
		pthread_key_delete(key[i]);
	return n;
}

struct house house_look(void)
{
	struct mallinfo2 info = mallinfo2();

	return (struct house){ .threads = threads(),
			       .descriptors = entries("/proc/self/fd"),
			       .keys = free_keys(),
			       .heap = info.uordblks + info.hblkhd };
}

bool house_threads_down_to(unsigned most)
{
	uint64_t end = ward_in(IN_TIME);

	while (threads() > most) {
		if (ward_now() > end)
			return false;
		host_yield();
	}
	return true;
}

/*
 * A raw exit leaves behind what the C library keeps for a thread that allocates: a
 * cache of up to some KiB.
 */
static uint64_t may_stay(void)
{
	return (64 << 10) + load_relaxed(&tally.planted_raw) * (2 << 10);
}

void house_compare(const struct house *before)
{
	struct house now = house_look();

	if (now.threads != before->threads)
		fault("A12: %u threads, there were %u", now.threads,
		      before->threads);
	if (now.descriptors != before->descriptors)
		fault("A12: %u descriptors, there were %u", now.descriptors,
		      before->descriptors);
	if (now.keys != before->keys)
		fault("A12: %u free keys, there were %u", now.keys,
		      before->keys);
	if (load_relaxed(&allocated))
		fault("A12: the library has not given back %llu bytes",
		      (unsigned long long)load_relaxed(&allocated));
	if (now.heap > before->heap + may_stay())
		fault("A12: the heap grew from %llu to %llu",
		      (unsigned long long)before->heap,
		      (unsigned long long)now.heap);
}
