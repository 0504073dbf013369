/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keepalive_pool - ten workers that are there as long as the program runs.
 *
 * Each has an id.  After a while one panics, the next leaves its thread, the third
 * returns, and so on; whatever it was, it is told with its error, and the worker is
 * started again under the same id, on a thread in good health.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <ward/ward.h>

enum { WORKERS = 10, ROUNDS = 3 };

static struct worker {
	int id;
	struct ward *ward;
	sem_t work; /* the end of a while */
	_Atomic unsigned ends;
	int status;
} worker[WORKERS];

static int run(void *arg)
{
	struct worker *me = arg;

	while (sem_trywait(&me->work))
		if (ward_pause(ward_in(WARD_MS(1))))
			return 0; /* told to stop */
	switch (me->id % 3) {
	case 0:
		ward_raise(-EIO, "worker %d panics", me->id);
	case 1:
		pthread_exit(NULL);
	default:
		return -EAGAIN;
	}
}

/* On some worker's thread; the next run of this one comes after it. */
static void ended(void *arg, int status)
{
	struct worker *me = arg;

	me->status = status;
	me->ends++;
}

static bool is_back(const struct worker *w, unsigned round)
{
	struct ward_view view = WARD_VIEW_INIT;

	return w->ends == round && ward_view(w->ward, &view) == 0 &&
	       view.running && view.starts == round + 1;
}

static void tell(void *arg, const struct ward_report *report)
{
	char line[1024];

	(void)arg;
	ward_report_format(report, line, sizeof(line), false);
	fprintf(stderr, "%s\n", line);
}

static int start(struct ward_steward *steward)
{
	struct ward_spec spec = WARD_SPEC_INIT;

	spec.name = "worker";
	spec.run = run;
	spec.ended = ended;
	for (int id = 0; id < WORKERS; id++) {
		worker[id].id = id;
		sem_init(&worker[id].work, 0, 0);
		spec.arg = &worker[id];
		if (ward_start(&worker[id].ward, steward, &spec))
			return 1;
	}
	return 0;
}

static void play(unsigned round)
{
	for (int id = 0; id < WORKERS; id++)
		sem_post(&worker[id].work);
	for (int id = 0; id < WORKERS; id++) {
		struct worker *w = &worker[id];

		while (!is_back(w, round))
			ward_pause(ward_in(WARD_MS(1)));
		printf("worker %d: run %u ended with \"%s\", and it runs again\n",
		       id, round, strerror(-w->status));
	}
}

int main(void)
{
	struct ward_hooks hooks = { .report = tell };
	struct ward_pool_config pool = WARD_POOL_CONFIG_INIT;
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_steward *steward;

	pool.hooks = &hooks;
	config.pool = &pool;
	config.name = "keepalive";
	config.restarts = WORKERS * ROUNDS; /* else it would give up */
	if (ward_steward_create(&steward, &config) || start(steward))
		return 1;
	for (unsigned round = 1; round <= ROUNDS; round++)
		play(round);
	for (int id = 0; id < WORKERS; id++)
		ward_put(worker[id].ward);
	printf("%d threads left behind\n",
	       ward_steward_destroy(steward, ward_in(WARD_S(10))));
	return 0;
}
