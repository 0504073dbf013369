/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steward - an irresponsible ward, and the steward that heals it.
 *
 * The ward never gives a sign of life.  Its steward waits for one as long as it was
 * told to, takes it for blocked, starts another in its place, and so on, until the
 * program has seen enough.  After "Healing Unhealthy Goroutines" in "Concurrency
 * in Go" (K. Cox-Buday, 2017), where a ward is given 4 s and the program 9.
 *
 * A goroutine is asked to halt and replaced once it listens.  A thread may be deaf,
 * so here the ward loses its right to be one (it is fenced), is replaced at once,
 * and hears of it when it looks.  Only for the sake of the order of these lines it
 * waits with its last words until its successor is there.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <ward/ward.h>

#define PATIENCE WARD_MS(300) /* of the steward */

static sem_t successor, halted;

static void say(const char *line)
{
	dprintf(STDOUT_FILENO, "%s\n", line); /* at once: lines do not mix */
}

static int irresponsible(void *arg)
{
	static _Atomic unsigned wards;

	(void)arg;
	say("ward: Hello, I'm irresponsible!");
	if (wards++)
		sem_post(&successor);
	/* Until there is a reason to stop: it is a zombie, or was told to. */
	if (ward_pause(WARD_FOREVER) == -ESTALE)
		sem_wait(&successor);
	say("ward: I am halting.");
	sem_post(&halted);
	return 0;
}

/* Once for each ward, before the next one is started. */
static void ended(void *arg, int status)
{
	(void)arg;
	if (status == -ETIME)
		say("steward: ward unhealthy; restarting");
}

/* Each has its reports, which are more than is wanted here. */
static void tell(void *arg, const struct ward_report *report)
{
	char line[1024];

	(void)arg;
	ward_report_format(report, line, sizeof(line), false);
	fprintf(stderr, "%s\n", line);
}

int main(void)
{
	struct ward_hooks hooks = { .report = tell };
	struct ward_pool_config pool = WARD_POOL_CONFIG_INIT;
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward_steward *steward;
	struct ward *ward;

	sem_init(&successor, 0, 0);
	sem_init(&halted, 0, 0);
	pool.hooks = &hooks;
	config.pool = &pool;
	if (ward_steward_create(&steward, &config))
		return 1;
	spec.name = "irresponsible";
	spec.run = irresponsible;
	spec.ended = ended;
	spec.blocked_within = PATIENCE;
	if (ward_start(&ward, steward, &spec))
		return 1;
	sem_wait(&halted);
	sem_wait(&halted); /* twice is enough */
	say("main: halting steward and ward.");
	if (ward_steward_stop(steward, ward_in(WARD_S(10))))
		return 1;
	ward_put(ward);
	if (ward_steward_destroy(steward, ward_in(WARD_S(10))))
		return 1;
	say("Done");
	return 0;
}
