/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart.c - see restart.h.  The time is taken inside the ward on both sides; what
 * stands between are its thread's end, the decision to start it again, and one
 * wakeup.
 */
#include "restart.h"
#include "bench.h"

#include <pthread.h>

static struct {
	struct ward *ward;
	uint64_t began, first;
	unsigned runs;
	_Atomic uint32_t die, up; /* futexes */
	_Atomic uint32_t threads;
} subject;

static int run(void *arg)
{
	subject.first = os_now();
	os_raise(&subject.up);
	os_await(&subject.die);
	atomic_store_explicit(&subject.die, 0, memory_order_relaxed);
	subject.began = os_now();
	if (subject.runs++ % 2)
		pthread_exit(arg);
	pthread_cancel(pthread_self());
	pthread_testcancel();
	return 0;
}

static void on_report(void *arg, const struct ward_report *report)
{
	(void)arg;
	(void)report;
}

/* Each death makes the pool start one thread more. */
static void *on_start(void *arg, unsigned thread)
{
	(void)thread;
	atomic_fetch_add_explicit(&subject.threads, 1, memory_order_acq_rel);
	return arg;
}

/* As it was before the first death: its spares are there. */
static void await_threads(unsigned n)
{
	while (atomic_load_explicit(&subject.threads, memory_order_acquire) < n)
		os_sleep(100 * US);
	os_sleep(100 * US); /* from its start to its place */
}

static struct ward_steward *start(void)
{
	static const struct ward_hooks hooks = { .report = on_report,
						 .start = on_start };
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_pool_config pool = WARD_POOL_CONFIG_INIT;
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward_steward *steward;

	pool.spares = 4;
	pool.hooks = &hooks;
	config.pool = &pool;
	config.wards = 1;
	config.restarts = UINT32_MAX;
	spec.run = run;
	spec.blocked_within = WARD_S(3600);
	if (ward_steward_create(&steward, &config))
		return NULL;
	if (ward_start(&subject.ward, steward, &spec) == 0)
		return steward;
	ward_steward_destroy(steward, WARD_FOREVER);
	return NULL;
}

static void await_up(void)
{
	os_await(&subject.up);
	atomic_store_explicit(&subject.up, 0, memory_order_relaxed);
}

bool restart_samples(double *us, unsigned n)
{
	struct ward_steward *steward = start();
	unsigned threads;

	if (!steward)
		return false;
	await_up();
	threads = atomic_load_explicit(&subject.threads, memory_order_acquire);
	for (unsigned i = 0; i < n; i++) {
		await_threads(threads + i);
		os_raise(&subject.die);
		await_up();
		us[i] = (double)(subject.first - subject.began) / 1e3;
	}
	/* It sleeps where no request to stop reaches it. */
	ward_stop(subject.ward, WARD_NOWAIT);
	os_raise(&subject.die);
	ward_put(subject.ward);
	return ward_steward_destroy(steward, ward_in(5 * S)) == 0;
}
