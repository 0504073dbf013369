/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutex.c - the pool of every textbook: a bounded list under one mutex, a
 * condition for "not empty", another for "not full".
 */
#include "bench.h"
#include "plain.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	struct job *head, **tail;
	uint32_t queued, room;
	bool closed;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .filled = PTHREAD_COND_INITIALIZER,
	   .emptied = PTHREAD_COND_INITIALIZER,
	   .tail = &pool.head };

/* The task's private words are free here; one of them links the list. */
static inline struct job **job_next(struct job *job)
{
	return (struct job **)(void *)&job->task.priv[0];
}

/* NULL: closed and empty. */
static struct job *take(void)
{
	struct job *job;

	pthread_mutex_lock(&pool.lock);
	while (!pool.head && !pool.closed)
		pthread_cond_wait(&pool.filled, &pool.lock);
	job = pool.head;
	if (job) {
		pool.head = *job_next(job);
		if (!pool.head)
			pool.tail = &pool.head;
		if (pool.queued-- == pool.room)
			pthread_cond_broadcast(&pool.emptied);
	}
	pthread_mutex_unlock(&pool.lock);
	return job;
}

static void work(unsigned number)
{
	struct job *job;

	(void)number;
	while ((job = take()))
		job_run(job);
}

static bool mutex_start(const struct setup *setup)
{
	pool.room = rival_room(setup);
	return plain_start(setup->workers, work);
}

static void mutex_submit(unsigned producer, struct job *job)
{
	(void)producer;
	*job_next(job) = NULL;
	pthread_mutex_lock(&pool.lock);
	while (pool.queued == pool.room)
		pthread_cond_wait(&pool.emptied, &pool.lock);
	*pool.tail = job;
	pool.tail = job_next(job);
	pool.queued++;
	pthread_cond_signal(&pool.filled);
	pthread_mutex_unlock(&pool.lock);
}

static bool mutex_finish(void)
{
	pthread_mutex_lock(&pool.lock);
	pool.closed = true;
	pthread_cond_broadcast(&pool.filled);
	pthread_mutex_unlock(&pool.lock);
	plain_join();
	return true;
}

const struct rival rival_mutex = {
	.name = "mutex",
	.what = "a list, one mutex, two conditions",
	.start = mutex_start,
	.submit = mutex_submit,
	.finish = mutex_finish,
};
