/* SPDX-License-Identifier: BSD-2-Clause */
#include "objects.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* ---- going back --------------------------------------------------------- */

static void window_release(struct ward_task *task)
{
	/* [J] what was done in the job is seen by the producer that finds it free */
	atomic_store_explicit(&job_of(task)->free, 1, memory_order_release);
}

/* Of the one load that has them. */
static struct list *lists;

static void list_release(struct ward_task *task)
{
	struct job *job = job_of(task);
	struct list *list = &lists[job->producer];
	uint32_t top = atomic_load_explicit(&list->back, memory_order_relaxed);

	do
		atomic_store_explicit(&job->free, top == LIST_ASLEEP ? 0 : top,
				      memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(
		&list->back, &top, job->index + 1u,
		memory_order_release, /* [J] */
		memory_order_relaxed));
	if (top == LIST_ASLEEP)
		os_wake(&list->back, 1);
}

/* ---- waiting ------------------------------------------------------------ */

void objects_wait(const struct rival *rival, unsigned producer, unsigned *waits)
{
	if (rival->wait)
		rival->wait(producer);
	else if (++*waits < 16)
		sched_yield();
	else
		os_sleep(20 * US);
}

void job_await(const struct rival *rival, unsigned producer, struct job *job)
{
	unsigned waits = 0;

	while (!job_is_free(job))
		objects_wait(rival, producer, &waits);
}

/* All that came back, or 0. */
static uint32_t list_take(struct list *list)
{
	uint32_t top = atomic_exchange_explicit(&list->back, 0,
						memory_order_acquire); /* [J] */

	return top == LIST_ASLEEP ? 0 : top;
}

static void list_wait(struct load *load, unsigned producer, unsigned *waits)
{
	struct list *list = &load->list[producer];
	uint32_t empty = 0;

	if (load->rival->wait || !load->sleeps)
		objects_wait(load->rival, producer, waits);
	else if (atomic_compare_exchange_strong_explicit(
			 &list->back, &empty, LIST_ASLEEP, memory_order_relaxed,
			 memory_order_relaxed))
		os_wait(&list->back, LIST_ASLEEP);
}

uint32_t list_refill(struct load *load, unsigned producer)
{
	struct list *list = &load->list[producer];
	unsigned waits = 0;
	uint32_t number;

	while (!(number = list_take(list))) {
		if (list->begun < load->setup.window)
			return ++list->begun;
		list_wait(load, producer, &waits);
	}
	return number;
}

/* How many from that one on; *last is the end of them. */
static uint32_t list_length(struct job *window, uint32_t number,
			    struct job **last)
{
	uint32_t n = 0;

	for (; number; n++) {
		*last = &window[number - 1];
		number = atomic_load_explicit(&(*last)->free,
					      memory_order_relaxed);
	}
	return n;
}

static void list_await(struct load *load, unsigned producer)
{
	struct list *list = &load->list[producer];
	struct job *window = load->window[producer], *last;
	uint32_t n = list_length(window, list->own, &last);
	unsigned waits = 0;

	while (n < list->begun) {
		uint32_t more = list_take(list);

		if (!more) {
			list_wait(load, producer, &waits);
			continue;
		}
		n += list_length(window, more, &last);
		atomic_store_explicit(&last->free, list->own,
				      memory_order_relaxed);
		list->own = more;
	}
}

void objects_await(struct load *load, unsigned producer)
{
	if (load->free_list) {
		list_await(load, producer);
		return;
	}
	for (uint32_t i = 0; i < load->setup.window; i++)
		job_await(load->rival, producer, &load->window[producer][i]);
}

/* ---- made and given back ------------------------------------------------ */

static struct job *window_new(const struct load *load, unsigned producer)
{
	uint32_t n = load->setup.window;
	struct job *job = aligned_alloc(64, n * sizeof(*job));

	if (!job)
		return NULL;
	memset(job, 0, n * sizeof(*job));
	for (uint32_t i = 0; i < n; i++) {
		atomic_init(&job[i].free, !load->free_list);
		job[i].producer = (uint16_t)producer;
		job[i].index = (uint16_t)i;
		job[i].task.run = load->run ? load->run : job_count;
		job[i].task.release = load->release	? load->release
				      : load->free_list ? list_release
							: window_release;
	}
	return job;
}

static bool lists_new(struct load *load)
{
	size_t size = load->setup.producers * sizeof(*load->list);

	lists = load->list = aligned_alloc(_Alignof(struct list), size);
	if (lists)
		memset(lists, 0, size);
	return lists;
}

bool objects_start(struct load *load)
{
	unsigned producers = load->setup.producers;

	load->window = calloc(producers, sizeof(*load->window));
	if (!load->window || (load->free_list && !lists_new(load)))
		return false;
	for (unsigned p = 0; p < producers; p++) {
		load->window[p] = window_new(load, p);
		if (!load->window[p])
			return false;
	}
	return true;
}

void objects_finish(struct load *load)
{
	for (unsigned p = 0; p < load->setup.producers; p++)
		free(load->window[p]);
	free(load->window);
	free(load->list);
}
