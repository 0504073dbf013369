/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plain.h - threads, for implementations that are a queue and need workers; read
 * by C and by C++.
 */
#ifndef BENCH_PLAIN_H
#define BENCH_PLAIN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct plain_worker {
	pthread_t thread;
	unsigned number;
	void (*work)(unsigned number);
};

/* The workers; one implementation is started in a process. */
static struct {
	struct plain_worker *worker;
	unsigned n;
} plain;

static inline void *plain_main(void *arg)
{
	struct plain_worker *me = (struct plain_worker *)arg;

	me->work(me->number);
	return NULL;
}

/* n threads that each call work(), numbered from 0. */
static inline bool plain_start(unsigned n, void (*work)(unsigned number))
{
	plain.worker = (struct plain_worker *)calloc(n, sizeof(*plain.worker));
	if (!plain.worker)
		return false;
	for (; plain.n < n; plain.n++) {
		struct plain_worker *w = &plain.worker[plain.n];

		w->number = plain.n;
		w->work = work;
		if (pthread_create(&w->thread, NULL, plain_main, w))
			return false;
	}
	return true;
}

/* When each has returned, or is about to. */
static inline void plain_join(void)
{
	for (unsigned i = 0; i < plain.n; i++)
		pthread_join(plain.worker[i].thread, NULL);
	free(plain.worker);
}

#endif
