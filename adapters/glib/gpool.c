/* SPDX-License-Identifier: BSD-2-Clause */
#include "gpool.h"
#include "base/atomic.h"
#include "crew.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#ifdef EXERCISE
#include "exercise.h"
#endif

struct runner {
	line_aligned struct ward_task task;
	struct gpool *pool;   /* I */
	struct runner *next; /* L: of the pool's spare ones */
	bool placed;	     /* L: it is one of 'threads' */
};

struct gpool {
	GThreadPool shown; /* I */
	pthread_mutex_t lock;
	pthread_cond_t left; /* no thread is inside */
	struct crew *crew;   /* I */
	GDestroyNotify free_item;
	/* L: lock */
	struct queue queue;
	struct runner *spare;
	int most;	  /* threads at once; -1: any number */
	unsigned threads; /* at work, less those that were convicted */
	unsigned inside;  /* runners that have not come home */
	bool open, immediate, awaited;
	struct gpool *next, *before; /* L: of all pools */
};

static pthread_mutex_t pools_lock = PTHREAD_MUTEX_INITIALIZER;
static struct gpool *pools; /* L: pools_lock; for fork */

struct gpool *gpool_of(GThreadPool *shown)
{
	return (struct gpool *)shown;
}

/* ---- runners ---------------------------------------------------------------- */

static bool has_room(const struct gpool *pool)
{
	return pool->most < 0 || pool->threads < (unsigned)pool->most;
}

static void leave_place(struct runner *runner)
{
	runner->placed = false;
	runner->pool->threads--;
	crew_leave(runner->pool->crew);
}

/* The next item.  NULL: the runner has no place any more. */
static gpointer next_item(struct gpool *pool, struct runner *runner)
{
	gpointer data = NULL;

	pthread_mutex_lock(&pool->lock);
	if (runner->placed) {
		bool superfluous = pool->most >= 0 && pool->threads > (unsigned)pool->most;

		if (!superfluous && !pool->immediate)
			data = queue_take(&pool->queue);
		if (!data)
			leave_place(runner);
	}
	pthread_mutex_unlock(&pool->lock);
	return data;
}

static int run(struct ward_task *task)
{
	struct runner *runner = ward_entry(task, struct runner, task);
	struct gpool *pool = runner->pool;
	gpointer data;

	/* A sign of life for each item; one that was convicted takes no more. */
	while (!ward_check() && (data = next_item(pool, runner))) {
		pool->shown.func(data, pool->shown.user_data);
#ifdef EXERCISE
		exercise();
#endif
	}
	return 0;
}

static int start(struct gpool *pool);

/* Of one that was convicted, or whose thread has ended, while it had its place. */
static void lost(struct ward_task *task, int status)
{
	struct runner *runner = ward_entry(task, struct runner, task);
	struct gpool *pool = runner->pool;

	if (likely(!status && !runner->placed))
		return;
	pthread_mutex_lock(&pool->lock);
	if (runner->placed)
		leave_place(runner);
	pthread_mutex_unlock(&pool->lock);
	start(pool);
}

static void end(struct gpool *pool);

/* True: the pool has ended, and nobody waits for that. */
static bool came_home(struct gpool *pool, struct runner *runner)
{
	runner->next = pool->spare;
	pool->spare = runner;
	if (--pool->inside || pool->open)
		return false;
	pthread_cond_broadcast(&pool->left);
	return !pool->awaited;
}

static void home(struct ward_task *task)
{
	struct runner *runner = ward_entry(task, struct runner, task);
	struct gpool *pool = runner->pool;
	bool last;

	pthread_mutex_lock(&pool->lock);
	last = came_home(pool, runner);
	pthread_mutex_unlock(&pool->lock);
	if (last)
		end(pool);
}

/* ---- more of them ------------------------------------------------------------ */

/*
 * A pool with any number of threads needs no place of a thread that hangs.  So that thread
 * is not convicted, and takes nothing from the number of those that may be.
 */
static const struct ward_policy patient = {
	.size = sizeof(patient),
	.blocked_within = WARD_FOREVER,
	.busy_within = WARD_FOREVER,
};

/* Locked.  NULL: no memory. */
static struct runner *runner_get(struct gpool *pool)
{
	struct runner *runner = pool->spare;

	if (runner) {
		pool->spare = runner->next;
		return runner;
	}
	runner = aligned_alloc(_Alignof(struct runner), sizeof(*runner));
	if (!runner)
		return NULL;
	memset(runner, 0, sizeof(*runner));
	runner->pool = pool;
	runner->task.run = run;
	runner->task.done = lost;
	runner->task.release = home;
	runner->task.name = "glib pool";
	return runner;
}

/* Locked: a place for one more, if something waits for it.  NULL: not so, or *err. */
static struct runner *place(struct gpool *pool, int *err)
{
	struct runner *runner;

	if (!pool->queue.n || pool->immediate || !has_room(pool))
		return NULL;
	runner = runner_get(pool);
	if (!runner) {
		*err = -ENOMEM;
		return NULL;
	}
	runner->task.policy = pool->most < 0 ? &patient : NULL;
	runner->placed = true;
	pool->threads++;
	pool->inside++;
	return runner;
}

/* Not locked: threads may have to be made. */
static int begin(struct gpool *pool, struct runner *runner)
{
	int err = runner ? crew_begin(pool->crew, &runner->task) : 0;
	bool last;

	if (likely(!err))
		return 0;
	pthread_mutex_lock(&pool->lock);
	runner->placed = false;
	pool->threads--;
	last = came_home(pool, runner);
	pthread_mutex_unlock(&pool->lock);
	if (last)
		end(pool);
	return err;
}

static int start(struct gpool *pool)
{
	struct runner *runner;
	int err = 0;

	pthread_mutex_lock(&pool->lock);
	runner = place(pool, &err);
	pthread_mutex_unlock(&pool->lock);
	return err ? err : begin(pool, runner);
}

int gpool_push(struct gpool *pool, gpointer data)
{
	struct runner *runner;
	int err = 0;

	pthread_mutex_lock(&pool->lock);
	queue_put(&pool->queue, data);
	runner = place(pool, &err);
	pthread_mutex_unlock(&pool->lock);
	return unlikely(err) ? err : begin(pool, runner);
}

int gpool_set_most(struct gpool *pool, int most)
{
	unsigned waiting;
	int err = 0;

	pthread_mutex_lock(&pool->lock);
	pool->most = most;
	waiting = pool->queue.n;
	pthread_mutex_unlock(&pool->lock);
	if (pool->shown.exclusive)
		err = crew_resize(pool->crew, (unsigned)most);
	while (!err && waiting--)
		err = start(pool);
	return err;
}

/* ---- asked and told ------------------------------------------------------------ */

int gpool_most(struct gpool *pool)
{
	int most;

	pthread_mutex_lock(&pool->lock);
	most = pool->most;
	pthread_mutex_unlock(&pool->lock);
	return most;
}

/* Those of an exclusive pool are there, with work or without. */
unsigned gpool_threads(struct gpool *pool)
{
	unsigned n;

	pthread_mutex_lock(&pool->lock);
	n = pool->shown.exclusive ? (unsigned)pool->most : pool->threads;
	pthread_mutex_unlock(&pool->lock);
	return n;
}

unsigned gpool_waiting(struct gpool *pool)
{
	unsigned n;

	pthread_mutex_lock(&pool->lock);
	n = pool->queue.n;
	pthread_mutex_unlock(&pool->lock);
	return n;
}

void gpool_order(struct gpool *pool, GCompareDataFunc order, gpointer order_data)
{
	pthread_mutex_lock(&pool->lock);
	queue_order(&pool->queue, order, order_data);
	pthread_mutex_unlock(&pool->lock);
}

bool gpool_move_to_front(struct gpool *pool, gpointer data)
{
	bool found;

	pthread_mutex_lock(&pool->lock);
	found = queue_move_to_front(&pool->queue, data);
	pthread_mutex_unlock(&pool->lock);
	return found;
}

bool gpool_is_open(const struct gpool *pool)
{
	return pool->open;
}

/* ---- fork ---------------------------------------------------------------------- */

static void before_fork(void)
{
	pthread_mutex_lock(&pools_lock);
	for (struct gpool *pool = pools; pool; pool = pool->next) {
		pthread_mutex_lock(&pool->lock);
		if (pool->shown.exclusive)
			crew_before_fork(pool->crew);
	}
	crew_before_fork(crew_shared());
}

static void in_parent(void)
{
	crew_in_parent(crew_shared());
	for (struct gpool *pool = pools; pool; pool = pool->next) {
		if (pool->shown.exclusive)
			crew_in_parent(pool->crew);
		pthread_mutex_unlock(&pool->lock);
	}
	pthread_mutex_unlock(&pools_lock);
}

/* What waits in the parent's pool, or is at work there, is the parent's. */
static void in_child(void)
{
	crew_in_child(crew_shared());
	for (struct gpool *pool = pools; pool; pool = pool->next) {
		if (pool->shown.exclusive)
			crew_in_child(pool->crew);
		queue_forget(&pool->queue);
		pool->threads = pool->inside = 0;
		pthread_cond_init(&pool->left, NULL);
		pthread_mutex_unlock(&pool->lock);
	}
	pthread_mutex_unlock(&pools_lock);
}

static void watch_forks(void)
{
	pthread_atfork(before_fork, in_parent, in_child);
}

/* ---- made, and freed ------------------------------------------------------------ */

static void enlist(struct gpool *pool)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_forks);
	pthread_mutex_lock(&pools_lock);
	pool->next = pools;
	if (pools)
		pools->before = pool;
	pools = pool;
	pthread_mutex_unlock(&pools_lock);
}

static void strike(struct gpool *pool)
{
	pthread_mutex_lock(&pools_lock);
	*(pool->before ? &pool->before->next : &pools) = pool->next;
	if (pool->next)
		pool->next->before = pool->before;
	pthread_mutex_unlock(&pools_lock);
}

GThreadPool *gpool_new(GFunc func, gpointer user_data, GDestroyNotify free_item, int most,
		      bool exclusive, int *err)
{
	struct gpool *pool = g_new0(struct gpool, 1);

	pool->shown = (GThreadPool){ func, user_data, exclusive };
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->left, NULL);
	*err = 0;
	pool->crew = exclusive ? crew_own((unsigned)most, err) : crew_shared();
	pool->free_item = free_item;
	pool->most = most;
	pool->open = true;
	enlist(pool);
	return &pool->shown;
}

static void end(struct gpool *pool)
{
	struct runner *runner, *next;

	strike(pool);
	queue_end(&pool->queue, pool->free_item);
	for (runner = pool->spare; runner; runner = next) {
		next = runner->next;
		free(runner);
	}
	if (pool->shown.exclusive)
		crew_end(pool->crew);
	pthread_cond_destroy(&pool->left);
	pthread_mutex_destroy(&pool->lock);
	g_free(pool);
}

void gpool_free(struct gpool *pool, bool immediate, bool wait)
{
	bool last;

	if (!immediate)
		start(pool); /* if there was no thread for what waits */
	pthread_mutex_lock(&pool->lock);
	pool->open = false;
	pool->immediate = immediate;
	pool->awaited = wait;
	while (wait && pool->inside)
		pthread_cond_wait(&pool->left, &pool->lock);
	last = !pool->inside;
	pthread_mutex_unlock(&pool->lock);
	if (last)
		end(pool);
}
