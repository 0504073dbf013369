/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"
#include "objects.h"
#include "placement.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a task does --------------------------------------------------- */

#define COUNTERS 16384u

/* W: its thread writes, anyone reads. */
struct counter {
	_Alignas(64) _Atomic uint64_t n;
};

static struct counter counter[COUNTERS];
static _Atomic uint32_t counters;
static __thread struct counter *own;

static __attribute__((noinline)) struct counter *counter_new(void)
{
	uint32_t i =
		atomic_fetch_add_explicit(&counters, 1, memory_order_relaxed);

	if (i >= COUNTERS) {
		fprintf(stderr, "wardbench: more than %u threads\n", COUNTERS);
		_exit(1);
	}
	return &counter[i];
}

static inline void count(void)
{
	if (__builtin_expect(!own, 0))
		own = counter_new();
	atomic_store_explicit(
		&own->n,
		atomic_load_explicit(&own->n, memory_order_relaxed) + 1,
		memory_order_relaxed);
}

int job_count(struct ward_task *task)
{
	(void)task;
	count();
	return 0;
}

uint64_t job_counted(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < COUNTERS; i++)
		sum += atomic_load_explicit(&counter[i].n,
					    memory_order_relaxed);
	return sum;
}

static unsigned spin_steps = 1000;

static inline void spin(unsigned steps)
{
	for (unsigned i = 0; i < steps; i++)
		__asm__ volatile("" : "+r"(i));
}

int job_spin_us(struct ward_task *task)
{
	(void)task;
	count();
	spin(spin_steps);
	return 0;
}

/* The quickest of several tries: the one that nobody disturbed. */
void job_spin_calibrate(void)
{
	uint64_t best = UINT64_MAX;
	const unsigned steps = 200000;

	for (unsigned i = 0; i < 20; i++) {
		uint64_t from = os_now(), took;

		spin(steps);
		took = os_now() - from;
		if (took < best)
			best = took;
	}
	spin_steps = (unsigned)(steps * US / (best ? best : 1));
}

/* ---- a load ------------------------------------------------------------- */

bool load_start(struct load *load)
{
	return objects_start(load) && load->rival->start(&load->setup);
}

bool load_finish(struct load *load)
{
	bool ok = load->rival->finish();

	objects_finish(load);
	return ok;
}

/* ---- producers ---------------------------------------------------------- */

struct producer {
	_Alignas(64) struct load *load;
	pthread_barrier_t *gate;
	pthread_t thread;
	unsigned number;
	uint64_t share, cap, from, to, made;
};

#define CLOCK_EVERY 256u

static void produce(struct producer *p)
{
	struct load *load = p->load;
	uint64_t end = p->from + p->cap;
	uint32_t at = 0;

	while (p->made < p->share) {
		load->rival->submit(p->number,
				    objects_next(load, p->number, &at));
		if (++p->made % CLOCK_EVERY == 0 && os_now() > end)
			break;
	}
}

static void producer_body(void *all, unsigned number)
{
	struct producer *p = (struct producer *)all + number;

	placement_producer();
	pthread_barrier_wait(p->gate);
	p->from = os_now();
	produce(p);
	objects_await(p->load, p->number);
	p->to = os_now();
}

static void *producer_main(void *arg)
{
	struct producer *p = arg;

	producer_body(p - p->number, p->number);
	return NULL;
}

static void must(int err, const char *what)
{
	if (err) {
		fprintf(stderr, "wardbench: %s: %s\n", what, strerror(err));
		exit(1);
	}
}

/* The producers' threads, unless the implementation has its own. */
static void producers_run(struct load *load, struct producer *p)
{
	unsigned n = load->setup.producers;

	if (load->rival->carry) {
		load->rival->carry(producer_body, p);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		must(pthread_create(&p[i].thread, NULL, producer_main, &p[i]),
		     "thread");
	for (unsigned i = 0; i < n; i++)
		must(pthread_join(p[i].thread, NULL), "join");
}

uint64_t load_run(struct load *load, uint64_t tasks, uint64_t cap,
		  uint64_t *wall)
{
	unsigned n = load->setup.producers;
	struct producer *p = aligned_alloc(64, n * sizeof(*p));
	uint64_t from = UINT64_MAX, to = 0, made = 0;
	pthread_barrier_t gate;

	must(p ? 0 : ENOMEM, "producers");
	must(pthread_barrier_init(&gate, NULL, n), "barrier");
	for (unsigned i = 0; i < n; i++)
		p[i] = (struct producer){ .load = load,
					  .gate = &gate,
					  .number = i,
					  .cap = cap,
					  .share =
						  tasks / n + (i < tasks % n) };
	producers_run(load, p);
	for (unsigned i = 0; i < n; i++) {
		from = p[i].from < from ? p[i].from : from;
		to = p[i].to > to ? p[i].to : to;
		made += p[i].made;
	}
	pthread_barrier_destroy(&gate);
	free(p);
	*wall = to - from;
	return made;
}

void load_as_producer(struct load *load, producer_fn *body, void *arg)
{
	if (load->rival->carry)
		load->rival->carry(body, arg);
	else
		body(arg, 0);
}
