/* SPDX-License-Identifier: BSD-2-Clause */
/* fleet_worker.c - one worker process of the fleet: a pool, and its consumer. */
#include "fleet.h"
#include "../nats/queue.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct stage *stage;
static _Atomic int term;

uint64_t fleet_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Some 20 us of work. */
uint64_t fleet_hash(uint32_t number)
{
	uint64_t h = 14695981039346656037u;

	for (uint32_t i = 0; i < 20000; i++)
		h = (h ^ ((number + i) & 255)) * 1099511628211u;
	return h;
}

/* ---- what goes wrong --------------------------------------------------------- */

static void nap(void)
{
	poll(NULL, 0, 2);
}

static bool runs_elsewhere(const struct mark *mark)
{
	return atomic_load(&mark->again) != 0;
}

/* In pieces, so that its process may end. */
static _Noreturn void sleep_for_ever(void)
{
	for (;;)
		pause();
}

/* Asleep without a sign of life; signals do not end it early. */
static void sleep_until_again(const struct mark *mark)
{
	while (!runs_elsewhere(mark))
		nap();
}

static void spin_until_again(const struct mark *mark)
{
	while (!runs_elsewhere(mark))
		;
}

/* A wait that is declared: it is the process that is stopped, not the task that hangs. */
static void sleep_on(const struct mark *mark)
{
	ward_block_enter(ward_in(WARD_S(600)));
	atomic_store(&stage->sleeper, getpid());
	while (&stage->mark[atomic_load(&stage->continued)] < mark)
		nap();
	ward_block_leave();
}

static void fault(void)
{
	int *volatile nowhere = (int *)8;

	*nowhere = 1;
}

/* The rest of it, when it comes back, is as if it was well. */
static int go_wrong(const struct mark *mark)
{
	atomic_fetch_add(&stage->did[mark->kind], 1); /* as is told at the end */
	switch ((enum kind)mark->kind) {
	case HANGS:
		sleep_for_ever();
	case COMES_HOME:
		sleep_until_again(mark);
		return 0;
	case SPINS:
		spin_until_again(mark);
		return 0;
	case DIES:
		pthread_exit(NULL);
	case FAULTS:
		fault();
		return 0;
	case FAILS:
	case HOPELESS:
		return -EIO;
	case POISON:
		return -EBADMSG;
	case SLEEPS_ON:
		sleep_on(mark);
		return 0;
	default:
		return 0;
	}
}

/* ---- a message --------------------------------------------------------------- */

/* True: it runs for the first time. */
static bool note(struct mark *mark)
{
	uint32_t before = atomic_fetch_add(&mark->runs, 1);

	if (before < 2)
		atomic_store(before ? &mark->again : &mark->began, fleet_now());
	return !before;
}

static bool always_goes_wrong(const struct mark *mark)
{
	return mark->kind == POISON || mark->kind == HOPELESS;
}

static int run(void *arg, struct ward_nats_message *m)
{
	uint32_t number = (uint32_t)atoi(m->data);
	struct mark *mark = &stage->mark[number];
	int err = note(mark) || always_goes_wrong(mark) ? go_wrong(mark) : 0;

	(void)arg;
	if (err)
		return err;
	m->out_size = (uint32_t)snprintf(m->out, m->out_max, "%u %016" PRIx64 " %" PRIu64
					 " %" PRIu64, number, fleet_hash(number),
					 m->sequence, m->delivery);
	return 0;
}

/* ---- the process ------------------------------------------------------------- */

static void not_told(void *arg, const struct ward_report *report)
{
	(void)arg, (void)report;
}

static void not_logged(void *arg, const char *line)
{
	(void)arg;
	if (getenv("FLEET_LOG"))
		fprintf(stderr, "%d: %s\n", getpid(), line);
}

static struct ward_pool *pool_up(void)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	static const struct ward_hooks hooks = { .report = not_told };
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_pool *pool = NULL;

	policy.busy_within = policy.blocked_within = WARD_MS(BUDGET_MS);
	config.workers = 2;
	config.flags = WARD_POOL_CATCH_FAULTS;
	config.policy = &policy;
	config.hooks = &hooks;
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool))
		return NULL;
	return pool;
}

/* As long as the servers are not there a service manager would start it again. */
static struct ward_nats *consumer_up(struct ward_pool *pool, const char *urls)
{
	struct ward_nats_config config = WARD_NATS_CONFIG_INIT;
	struct ward_nats *consumer = NULL;

	config.url = urls;
	config.stream = QUEUE_STREAM;
	config.consumer = QUEUE_CONSUMER;
	config.pool = pool;
	config.run = run;
	config.log = not_logged;
	config.results = QUEUE_RESULTS;
	config.out_max = 128;
	config.deliveries = 12;
	config.backoff_min = WARD_MS(5);
	config.backoff_max = WARD_MS(500);
	config.dead = QUEUE_DEAD_SUBJECT;
	config.health = FLEET_HEALTH;
	config.health_period = WARD_MS(200);
	while (!atomic_load(&term) && ward_nats_create(&consumer, &config))
		poll(NULL, 0, 50);
	return consumer;
}

static void told_to_end(int signal)
{
	(void)signal;
	atomic_store(&term, 1);
}

static bool stage_open(int fd)
{
	struct stat stat;

	if (fstat(fd, &stat))
		return false;
	stage = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return stage != MAP_FAILED;
}

/* Up to SIGTERM, and then to the end of running tasks. */
static int serve(struct ward_nats *consumer, struct ward_pool *pool, struct life *life)
{
	int err;

	atomic_store(&life->serves, 1);
	while (!atomic_load(&term)) {
		ward_nats_stats(consumer, &life->stats);
		ward_pool_stats(pool, &life->pool);
		poll(NULL, 0, 10);
	}
	err = ward_nats_drain(consumer, ward_in(WARD_S(10)));
	ward_nats_stats(consumer, &life->stats);
	if (err)
		fprintf(stderr, "fleet: drained: %d\n", err);
	ward_nats_destroy(consumer, WARD_NOWAIT);
	ward_pool_destroy(pool, WARD_NOWAIT);
	return err ? 1 : 0;
}

int fleet_worker(char **argv)
{
	struct ward_nats *consumer;
	struct ward_pool *pool;
	struct life *life;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, told_to_end);
	if (!stage_open(atoi(argv[0])) || !(pool = pool_up()))
		return 2;
	if (getppid() != stage->director)
		return 2;
	life = &stage->life[atoi(argv[1])];
	life->stats = (struct ward_nats_stats)WARD_NATS_STATS_INIT;
	life->pool = (struct ward_stats)WARD_STATS_INIT;
	consumer = consumer_up(pool, argv[2]);
	/* Threads that hang stay to the end: this one leaves without them. */
	_exit(consumer ? serve(consumer, pool, life) : 0);
}
