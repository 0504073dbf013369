/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * faults_many.c - ten thousand caught faults in a row, of every kind, and raw exits
 * between them, which give nothing back by themselves.
 *
 * Expected: threads, descriptors, mappings and memory are where they were.
 */
#include "faulty.h"

#include <sys/syscall.h>

#define FAULTS 10000u
#define GROWTH (2u << 20) /* bytes; one leaked stack for each were 60 times that */

static void (*const kind[])(void) = {
	writes_nowhere, is_no_code, aborts, calls_nowhere, asks_for_much,
};
#define KINDS (sizeof(kind) / sizeof(kind[0]))

static int faults(struct item *item)
{
	if (item->number % 16 == 0 && !UNDER_ASAN)
		syscall(SYS_exit, 0);
	kind[item->number % KINDS]();
	return 1;
}

static size_t memory_now(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long size = 0, resident = 0;

	expect(file != NULL);
	expect_equal(fscanf(file, "%lu %lu", &size, &resident), 2);
	fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void fault_so_often(struct ward_pool *pool, unsigned n)
{
	static struct item item[8];

	for (unsigned i = 0; i < n; i += 8) {
		for (unsigned k = 0; k < 8; k++) {
			item_init(&item[k], faults, NULL, "one of many");
			item[k].number = i + k;
			item_submit(pool, &item[k]);
		}
		for (unsigned k = 0; k < 8; k++) {
			wait_until(load_acquire(&item[k].released));
			expect(item[k].status == -EFAULT ||
			       item[k].status == -EOWNERDEAD);
		}
	}
	wait_buried(pool);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	unsigned threads, descriptors, mappings;
	struct ward_pool *pool;
	struct ward_stats s;
	size_t memory;

	config.flags = WARD_POOL_CATCH_FAULTS;
	config.hooks = NULL;
	config.spares = 2;
	pool = pool_up(&config);
	/* Every record has had its thread, every heap its size. */
	fault_so_often(pool, 400);
	threads = threads_now();
	descriptors = descriptors_now();
	mappings = mappings_now();
	memory = memory_now();
	fault_so_often(pool, FAULTS);
	wait_until(threads_now() == threads);
	expect_equal(descriptors_now(), descriptors);
	if (!UNDER_ASAN) { /* which keeps what was freed */
		/* libc keeps the stacks of all threads that were there at once, dead
		 * ones that were not joined yet as well: two mappings each. */
		expect(mappings_now() <= mappings + FAULTS / 64);
		expect(memory_now() <= memory + GROWTH);
	}
	s = stats_of(pool);
	expect_equal(s.deaths, FAULTS + 400);
	expect_equal(s.faulted + s.died, FAULTS + 400);
	printf("%u faults: memory %zu to %zu KiB, mappings %u to %u\n", FAULTS,
	       memory >> 10, memory_now() >> 10, mappings, mappings_now());
	pool_down(pool);
	wait_until(threads_now() == 1);
	return 0;
}
