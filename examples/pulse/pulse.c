/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pulse - a producer that is heard: while it waits, and at each unit of work.
 *
 * The reader waits for a pulse, never for a span of time that should be enough: so
 * a producer that is slow to start is waited for exactly as long as it takes.  When
 * the pulse stays away the reader knows within its patience that it is silent,
 * whatever the reason; when the producer is gone for good it is told so.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <ward/ward.h>

static sem_t slow_start, orders, fell_silent;
static _Atomic int order, result;
enum { SILENCE = -1 };

static void serve(int number)
{
	if (number == SILENCE) {
		sem_post(&fell_silent);
		ward_pause(WARD_FOREVER);
		return;
	}
	result = number * number;
	ward_progress(1);
}

static int produce(void *arg)
{
	(void)arg;
	sem_wait(&slow_start); /* connects, reads its configuration ... */
	while (!ward_check()) { /* a beat, and the question whether to stop */
		if (sem_trywait(&orders) == 0)
			serve(order);
		else
			ward_pause(ward_in(WARD_MS(1)));
	}
	return 0;
}

static void take(int number)
{
	order = number;
	sem_post(&orders);
}

/* Waits until the producer has done so many units. */
static int results(struct ward *ward, uint64_t n)
{
	uint64_t beats = 0, units = 0;
	int err = 0;

	while (!err && units < n)
		err = ward_pulse_wait(ward, &beats, &units,
				      ward_in(WARD_S(10)));
	return err;
}

static void listen_to(struct ward *ward)
{
	uint64_t beats = 0, units = 0;

	printf("before it is up: %s\n",
	       strerror(-ward_pulse_wait(ward, &beats, &units,
					 ward_in(WARD_MS(20)))));
	sem_post(&slow_start);
	printf("the first beat: %s\n",
	       strerror(-ward_pulse_wait(ward, &beats, &units, WARD_FOREVER)));
	for (int i = 1; i <= 3; i++) {
		take(i);
		printf("unit %d: %s, ", i, strerror(-results(ward, i)));
		printf("%d\n", result);
	}
	for (int i = 1; i <= 3; i++)
		printf("idle, beat %d: %s\n", i,
		       strerror(-ward_pulse_wait(ward, &beats, &units,
						 WARD_FOREVER)));
	take(SILENCE);
	sem_wait(&fell_silent);
	ward_pulse_wait(ward, &beats, &units, WARD_NOWAIT); /* what was last */
	printf("silent: %s\n",
	       strerror(-ward_pulse_wait(ward, &beats, &units,
					 ward_in(WARD_MS(50)))));
	ward_stop(ward, WARD_FOREVER);
	ward_pulse_wait(ward, &beats, &units, WARD_NOWAIT);
	printf("gone: %s\n",
	       strerror(-ward_pulse_wait(ward, &beats, &units, WARD_FOREVER)));
}

int main(void)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward_steward *steward;
	struct ward *ward;

	sem_init(&slow_start, 0, 0);
	sem_init(&orders, 0, 0);
	sem_init(&fell_silent, 0, 0);
	spec.name = "producer";
	spec.run = produce;
	if (ward_steward_create(&steward, &config) ||
	    ward_start(&ward, steward, &spec))
		return 1;
	listen_to(ward);
	ward_put(ward);
	return ward_steward_destroy(steward, ward_in(WARD_S(10)));
}
