/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * soak.c - scenario 39: a million heals later memory, threads and descriptors are
 * where they were.
 *
 *	soak [HEALS]		or make soak HEALS=1000000; not a part of check
 *
 * Tasks that lose their worker in every way there is go through one pool until so
 * many seats were given to another thread.  What the process has is printed
 * before, meanwhile, and when the pool is gone; it fails if anything grew.
 *
 * Ways: pthread_exit, cancellation, a raise in done(), caught faults; of a thousand
 * each one raw exit, one livelock and one block, which take their budget's time.
 * A raw exit leaves behind what the C library keeps for a thread that has used
 * malloc(), up to 2 KiB: that much may stay for each.
 */
#include "rand.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <ward/ward.h>

enum { WORKERS = 4, WINDOW = 64, WARM_UP = 20000 };

enum way { EXIT, CANCEL, RAISE, FAULT, FAIL, RAW, SPIN, SLEEP, WAYS };

static const char *const way_name[WAYS] = { "exit",  "cancel", "raise",
					    "fault", "fail",   "raw",
					    "spin",  "sleep" };

/* ---- tasks ------------------------------------------------------------------ */

struct lost {
	struct ward_task task;
	enum way way;
	_Atomic uint32_t free;
};

static _Atomic uint64_t returned; /* by release() */

static int run(struct ward_task *task)
{
	struct lost *lost = ward_entry(task, struct lost, task);
	static volatile uintptr_t nowhere = 16;

	switch (lost->way) {
	case EXIT:
		pthread_exit(NULL);
	case CANCEL:
		pthread_cancel(pthread_self());
		for (;;)
			pthread_testcancel();
	case RAISE:
		return 0; /* in done() */
	case FAULT:
		*(volatile char *)nowhere = 1;
		return 0;
	case RAW:
		syscall(SYS_exit, 0);
		return 0;
	case SPIN: {
		uint64_t number;

		while (ward_fence(&number) == 0) /* no sign of life */
			;
		return 0;
	}
	case SLEEP:
		ward_pause(WARD_FOREVER);
		return 0;
	default:
		ward_raise(-EIO, "one that fails and loses nobody");
	}
}

static void done(struct ward_task *task, int status)
{
	struct lost *lost = ward_entry(task, struct lost, task);

	(void)status;
	if (lost->way == RAISE)
		ward_raise(-EDOM, "in done()");
}

static void release(struct ward_task *task)
{
	struct lost *lost = ward_entry(task, struct lost, task);

	atomic_store(&lost->free, 1);
	atomic_fetch_add(&returned, 1);
}

/* ---- what the process has --------------------------------------------------- */

struct house {
	uint64_t threads, descriptors, heap, resident, mapped;
};

static uint64_t descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static struct house look(void)
{
	struct mallinfo2 info = mallinfo2();
	struct house h = { .descriptors = descriptors(),
			   .heap = info.uordblks + info.hblkhd };
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, "Threads: %" SCNu64, &h.threads);
		sscanf(line, "VmRSS: %" SCNu64, &h.resident);
		sscanf(line, "VmSize: %" SCNu64, &h.mapped);
	}
	if (file)
		fclose(file);
	return h;
}

static void show(const char *when, const struct house *h)
{
	printf("soak: %-8s threads %" PRIu64 " descriptors %" PRIu64
	       " heap %" PRIu64 " bytes, resident %" PRIu64
	       " KiB, mapped %" PRIu64 " KiB\n",
	       when, h->threads, h->descriptors, h->heap, h->resident,
	       h->mapped);
	fflush(stdout);
}

static int worse;

static void grew(const char *what, uint64_t before, uint64_t now, uint64_t may)
{
	if (now <= before + may)
		return;
	printf("soak: %s grew from %" PRIu64 " to %" PRIu64 "\n", what, before,
	       now);
	worse = 1;
}

/* ---- heals ------------------------------------------------------------------ */

static uint64_t planted[WAYS];

static enum way draw(struct rng *rng)
{
	uint32_t of_thousand = rng_below(rng, 1000);

	if (of_thousand < 3)
		return (enum way)(RAW + of_thousand);
	return (enum way)rng_below(rng, RAW);
}

static struct ward_stats stats_of(struct ward_pool *pool)
{
	struct ward_stats s = WARD_STATS_INIT;

	if (ward_pool_stats(pool, &s))
		abort();
	return s;
}

static void nobody_hears(void *arg, const struct ward_report *report)
{
	(void)arg;
	(void)report;
}

static struct ward_pool *pool_up(void)
{
	static const struct ward_hooks hooks = { .report = nobody_hears };
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_pool *pool;

	policy.busy_within = WARD_MS(10);
	policy.blocked_within = WARD_MS(10);
	config.workers = WORKERS;
	config.spares = WORKERS;
	config.scan = WARD_MS(2);
	config.flags = WARD_POOL_CATCH_FAULTS;
	config.policy = &policy;
	config.hooks = &hooks;
	config.trace_signo = WARD_TRACE_NONE;
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool))
		abort();
	return pool;
}

/* Every thread is where it was at the start. */
static void wait_whole(struct ward_pool *pool)
{
	for (;;) {
		struct ward_stats s = stats_of(pool);
		uint64_t seated = s.workers + s.spares;

		if (s.workers == WORKERS && s.spares >= WORKERS && !s.zombies &&
		    s.threads_created - s.threads_joined == seated)
			return;
		usleep(1000);
	}
}

static void heal(struct ward_pool *pool, uint64_t heals, struct rng *rng)
{
	static struct lost lost[WINDOW];
	uint64_t sent = 0, begun = atomic_load(&returned);

	for (int i = 0; i < WINDOW; i++)
		atomic_store(&lost[i].free, 1);
	for (int i = 0; sent % 256 || stats_of(pool).heals < heals;
	     i = (i + 1) % WINDOW) {
		while (!atomic_load(&lost[i].free))
			usleep(20);
		atomic_store(&lost[i].free, 0);
		lost[i].way = draw(rng);
		planted[lost[i].way]++;
		lost[i].task = (struct ward_task){ .run = run,
						   .done = done,
						   .release = release };
		if (ward_submit(pool, &lost[i].task, WARD_FOREVER))
			abort();
		sent++;
	}
	while (atomic_load(&returned) - begun < sent)
		usleep(1000);
	wait_whole(pool);
}

int main(int argc, char **argv)
{
	uint64_t heals = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000;
	struct rng rng = rng_of(39, 0, 0);
	struct ward_audit audit = WARD_AUDIT_INIT;
	struct house before, standing, now;
	struct ward_pool *pool;
	struct ward_stats s;
	struct timespec t0, t1;
	uint64_t raw;

	/* Memory that is made once, and stays, is made by the first pool. */
	pool = pool_up();
	heal(pool, WARM_UP, &rng);
	if (ward_pool_destroy(pool, WARD_FOREVER))
		return 1;
	before = look();
	show("before", &before);
	memset(planted, 0, sizeof(planted));
	clock_gettime(CLOCK_MONOTONIC, &t0);
	pool = pool_up();
	wait_whole(pool);
	standing = look();
	show("at first", &standing);
	for (uint64_t part = 1; part <= 4; part++) {
		heal(pool, heals * part / 4, &rng);
		now = look();
		show("so far", &now);
		grew("threads", standing.threads, now.threads, WORKERS);
		grew("descriptors", standing.descriptors, now.descriptors,
		     3 * WORKERS);
	}
	s = stats_of(pool);
	if (ward_audit(pool, &audit)) {
		printf("soak: audit: %s\n", audit.first);
		worse = 1;
	}
	if (ward_pool_destroy(pool, WARD_FOREVER))
		worse = 1;
	clock_gettime(CLOCK_MONOTONIC, &t1);
	now = look();
	show("after", &now);
	raw = planted[RAW] * (2 << 10);
	grew("threads", before.threads, now.threads, 0);
	grew("descriptors", before.descriptors, now.descriptors, 0);
	grew("the heap", before.heap, now.heap, (64 << 10) + raw);
	grew("what is resident", before.resident, now.resident,
	     1024 + raw / 1024);
	for (int i = 0; i < WAYS; i++)
		printf("%s%s %" PRIu64, i ? ", " : "soak: ", way_name[i],
		       planted[i]);
	printf("\nsoak: %s: %" PRIu64 " heals, %" PRIu64 " deaths, %" PRIu64
	       " faults, %" PRIu64 " stalls, %" PRIu64 " failed, %" PRIu64
	       " threads in %ld s\n",
	       worse ? "FAILED" : "ok", s.heals, s.deaths, s.faulted, s.stalled,
	       s.failed, s.threads_created, (long)(t1.tv_sec - t0.tv_sec));
	return worse;
}
