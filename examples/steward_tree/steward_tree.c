/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steward_tree - a steward under a steward: what one cannot heal, the next tries to.
 *
 *	house (gives up after 1 restart)
 *	   floor (after 2)
 *	      clock	goes until it is told to stop
 *	      lamp	fails, again and again
 *
 * The floor starts the lamp again, twice.  Then it gives up: it stops what it has,
 * the last first, and the house starts the floor anew, clock and all: perhaps that
 * helps.  It does not; so the house gives up, and its owner is told.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>
#include <ward/ward.h>

static sem_t ticking, over;

static void say(const char *line)
{
	dprintf(STDOUT_FILENO, "%s\n", line);
}

static int clock_run(void *arg)
{
	(void)arg;
	say("    clock: begins");
	sem_post(&ticking);
	ward_pause(WARD_FOREVER);
	say("    clock: told to stop");
	return 0;
}

static int lamp_run(void *arg)
{
	(void)arg;
	return ward_fail(-EIO, "the bulb is broken");
}

static void lamp_ended(void *arg, int status)
{
	(void)arg;
	(void)status;
	say("    lamp: failed");
}

static void floor_gave_up(void *arg, struct ward_steward *steward)
{
	(void)arg;
	(void)steward;
	say("  floor: gave up");
}

static void house_gave_up(void *arg, struct ward_steward *steward)
{
	(void)arg;
	(void)steward;
	say("house: gave up");
	sem_post(&over);
}

static void tell(void *arg, const struct ward_report *report)
{
	char line[1024];

	(void)arg;
	ward_report_format(report, line, sizeof(line), false);
	fprintf(stderr, "%s\n", line);
}

static struct ward_steward *house_create(void)
{
	static const struct ward_hooks hooks = { .report = tell };
	struct ward_pool_config pool = WARD_POOL_CONFIG_INIT;
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_steward *house;

	pool.hooks = &hooks;
	config.name = "house";
	config.restarts = 1;
	config.within = WARD_S(60);
	config.gave_up = house_gave_up;
	config.pool = &pool;
	return ward_steward_create(&house, &config) ? NULL : house;
}

static struct ward_steward *floor_create(struct ward_steward *house)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_steward *floor;

	config.name = "floor";
	config.parent = house;
	config.restarts = 2;
	config.within = WARD_S(60);
	config.gave_up = floor_gave_up;
	return ward_steward_create(&floor, &config) ? NULL : floor;
}

static int start(struct ward_steward *steward, const char *name,
		 int (*run)(void *), void (*ended)(void *, int))
{
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward *ward;
	int err;

	spec.name = name;
	spec.run = run;
	spec.ended = ended;
	err = ward_start(&ward, steward, &spec);
	if (!err)
		ward_put(ward); /* it goes on without us */
	return err;
}

int main(void)
{
	struct ward_steward *house, *floor;

	sem_init(&ticking, 0, 0);
	sem_init(&over, 0, 0);
	house = house_create();
	floor = house ? floor_create(house) : NULL;
	if (!floor || start(floor, "clock", clock_run, NULL))
		return 1;
	sem_wait(&ticking);
	if (start(floor, "lamp", lamp_run, lamp_ended))
		return 1;
	sem_wait(&over);
	printf("nothing is started any more: %s\n",
	       start(floor, "lamp", lamp_run, NULL) == -ESHUTDOWN ? "yes" :
								     "no");
	return ward_steward_destroy(house, ward_in(WARD_S(10)));
}
