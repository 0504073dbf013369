/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crew.c - the size of a crew follows 'active', the tasks that want a thread: up at once,
 * by the task that is one more; down by 'trim', a task that comes half a second after
 * threads were unused, and once more when those that are kept have been unused for their
 * time.  What was wanted between two looks ('peak') is kept.
 *
 * Edges, of each pair one sees the other: [g] active is more | size was made less;
 * [t] active is less | trim finds nothing unused.
 */
#include "crew.h"
#include "base/atomic.h"
#include "log.h"
#include "setup.h"
#include <dlfcn.h>
#include <glib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	THREADS_MAX = 4096,
	BUSY_ZOMBIES = 64 /* that may keep their CPU; more are a burden and no help */
};
#define LINGER WARD_MS(500) /* GLib's threads wait so long for their pool */

static const struct setting_names names = {
	.budget = "WARD_GLIB_BUDGET",
	.cpu_budget = "WARD_GLIB_CPU_BUDGET",
	.zombies = "WARD_GLIB_ZOMBIES",
	.log = "WARD_GLIB_LOG",
	.publish = "WARD_GLIB_PUBLISH",
};

struct crew {
	pthread_mutex_t lock;
	struct ward_pool *ward;	   /* L: lock; I once 'usable' is set */
	struct ward_lane *rest;	   /* the same: for what finds no room, it never refuses */
	struct ward_pool *parents; /* L: in a child, what fork() left */
	sigset_t mask;		   /* I: once 'usable' is set */
	bool shared;		   /* I */
	bool waits;		   /* L: trim is in the pool, */
	bool to_last;		   /* L: and then looks at those that are kept, too */
	_Atomic uint32_t usable;   /* L */
	_Atomic uint32_t size;	   /* L: threads that are asked for */
	_Atomic uint32_t active;   /* X */
	_Atomic uint32_t peak;	   /* X: about the most since trim looked */
	_Atomic uint32_t trimmed;  /* L: there is nothing to do for trim before it comes */
	struct ward_task trim;
};

static _Atomic int kept;	  /* X: -1: all */
static _Atomic unsigned kept_for; /* X: ms; 0: for ever */
static struct settings settings;  /* I: by read_all() */
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* What GLib has, which is not the same in all versions. */
static unsigned of_glib(const char *name, unsigned otherwise)
{
	unsigned (*get)(void);

	*(void **)&get = dlsym(RTLD_NEXT, name);
	return get ? get() : otherwise;
}

static void read_all(void)
{
	settings_read(&settings, &names);
	log_open(&settings);
	store_relaxed(&kept, (int)of_glib("g_thread_pool_get_max_unused_threads", 2));
	store_relaxed(&kept_for, of_glib("g_thread_pool_get_max_idle_time", 15000));
}

static int trim_run(struct ward_task *task);
static void trim_again(struct ward_task *task);
static struct crew everyones = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.shared = true,
	.trim = { .run = trim_run, .release = trim_again, .name = "glib trim" },
};

struct crew *crew_shared(void)
{
	pthread_once(&once, read_all);
	return &everyones;
}

/* ---- made ------------------------------------------------------------------- */

/* As GLib calls its own. */
static void *start(void *arg, unsigned thread)
{
	const char *program = g_get_prgname();
	char name[16] = "pool";

	if (program)
		snprintf(name, sizeof(name), "pool-%s", program);
	pthread_setname_np(pthread_self(), name);
	return setup_start(arg, thread);
}

static size_t stack_size(void)
{
	pthread_attr_t attr;
	size_t size = 8 << 20;

	if (!pthread_getattr_default_np(&attr)) {
		pthread_attr_getstacksize(&attr, &size);
		pthread_attr_destroy(&attr);
	}
	return size;
}

/* Locked.  A pool of libward's has one thread at least. */
static int set_size(struct crew *crew, uint32_t n)
{
	uint32_t workers = n > 1 ? n : 1;

	store_relaxed(&crew->size, n);
	return ward_pool_resize(crew->ward, workers, workers);
}

static int pool_create(struct crew *crew)
{
	static _Atomic unsigned pools;
	unsigned number = add_relaxed(&pools, 1);
	struct setup setup;
	char name[12] = "glib";

	if (number)
		snprintf(name, sizeof(name), "glib-%u", number % 1000000);
	setup_fill(&setup, &settings, &crew->mask);
	setup.hooks.start = start;
	setup.config.name = name;
	setup.config.workers = 1;
	setup.config.max = THREADS_MAX;
	setup.config.zombies = BUSY_ZOMBIES;
	setup.config.stack = stack_size();
	return ward_pool_create(&crew->ward, &setup.config);
}

static int pool_start(struct crew *crew)
{
	int err = ward_lane_create(&crew->rest, crew->ward, NULL);

	if (err)
		return err;
	err = set_size(crew, load_relaxed(&crew->size));
	if (!err)
		err = ward_pool_start(crew->ward);
	if (err)
		ward_lane_destroy(crew->rest);
	return err;
}

/* Locked. */
static int make(struct crew *crew)
{
	int err;

	if (crew->parents)
		ward_pool_destroy(crew->parents, WARD_NOWAIT);
	crew->parents = NULL;
	err = pool_create(crew);
	if (err)
		return err;
	err = pool_start(crew);
	if (err)
		ward_pool_destroy(crew->ward, WARD_NOWAIT);
	else
		store_release(&crew->usable, 1); /* all of it before that */
	return err;
}

static int ready(struct crew *crew)
{
	int err = 0;

	if (likely(load_acquire(&crew->usable))) /* make() */
		return 0;
	pthread_mutex_lock(&crew->lock);
	if (!load_relaxed(&crew->usable))
		err = make(crew);
	pthread_mutex_unlock(&crew->lock);
	return err;
}

/* ---- one's own -------------------------------------------------------------- */

struct crew *crew_own(unsigned n, int *err)
{
	struct crew *crew = aligned_alloc(_Alignof(struct crew), sizeof(*crew));

	if (!crew)
		return NULL;
	pthread_once(&once, read_all);
	memset(crew, 0, sizeof(*crew));
	pthread_mutex_init(&crew->lock, NULL);
	store_relaxed(&crew->size, n);
	*err = ready(crew);
	return crew;
}

int crew_resize(struct crew *crew, unsigned n)
{
	int err;

	pthread_mutex_lock(&crew->lock);
	store_relaxed(&crew->size, n);
	err = load_relaxed(&crew->usable) ? set_size(crew, n) : make(crew);
	pthread_mutex_unlock(&crew->lock);
	return err;
}

static void *end(void *arg)
{
	struct crew *crew = arg;

	if (crew->parents)
		ward_pool_destroy(crew->parents, WARD_NOWAIT);
	if (load_acquire(&crew->usable)) {
		ward_lane_destroy(crew->rest);
		ward_pool_destroy(crew->ward, WARD_FOREVER);
	}
	pthread_mutex_destroy(&crew->lock);
	free(crew);
	return NULL;
}

/* A thread of the crew's may call this, and cannot wait for itself. */
void crew_end(struct crew *crew)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_create(&thread, &attr, end, crew); /* if not, its threads stay */
	pthread_attr_destroy(&attr);
}

/* ---- more, and fewer -------------------------------------------------------- */

static bool wants_more(const struct crew *crew)
{
	return load_relaxed(&crew->active) > load_relaxed(&crew->size);
}

/* Locked. */
static void fit(struct crew *crew, uint32_t n)
{
	if (n < load_relaxed(&crew->size))
		set_size(crew, n);
	barrier_seq_cst(); /* [g] size | active */
	if (wants_more(crew))
		set_size(crew, load_relaxed(&crew->active));
}

static uint32_t unused(const struct crew *crew)
{
	uint32_t active = load_relaxed(&crew->active), size = load_relaxed(&crew->size);

	return size > active ? size - active : 0;
}

static uint32_t most_kept(void)
{
	int n = load_relaxed(&kept);

	return n < 0 ? THREADS_MAX : (uint32_t)n;
}

static int trim_run(struct ward_task *task)
{
	struct crew *crew = ward_entry(task, struct crew, trim);
	uint32_t active = load_relaxed(&crew->active), peak = load_relaxed(&crew->peak);

	pthread_mutex_lock(&crew->lock);
	fit(crew, (peak > active ? peak : active) + (crew->to_last ? 0 : most_kept()));
	store_relaxed(&crew->peak, active);
	pthread_mutex_unlock(&crew->lock);
	return 0;
}

/* Locked.  Those that are too many go first. */
static ward_ns trim_when(struct crew *crew)
{
	unsigned ms = load_relaxed(&kept_for);

	crew->to_last = unused(crew) <= most_kept();
	if (!crew->to_last)
		return ward_in(LINGER);
	return ms ? ward_in(WARD_MS(ms)) : WARD_FOREVER;
}

/* Locked. */
static void trim_submit(struct crew *crew)
{
	ward_ns when;

	store_relaxed(&crew->trimmed, 0);
	barrier_seq_cst(); /* [t] trimmed | active */
	if (!unused(crew))
		return;
	when = trim_when(crew);
	crew->waits = when != WARD_FOREVER &&
		      !ward_submit_at(crew->ward, &crew->trim, when, 0);
	store_relaxed(&crew->trimmed, crew->waits || when == WARD_FOREVER);
}

static void trim_again(struct ward_task *task)
{
	struct crew *crew = ward_entry(task, struct crew, trim);

	pthread_mutex_lock(&crew->lock);
	crew->waits = false;
	trim_submit(crew);
	pthread_mutex_unlock(&crew->lock);
}

/* Locked: by what is set now.  If trim is just at work it will see that by itself. */
static void trim_anew(struct crew *crew)
{
	if (!crew->waits || ward_task_recall(crew->ward, &crew->trim, 0) == WARD_RECALLED)
		trim_submit(crew);
}

static cold void trim_begin(struct crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	if (!load_relaxed(&crew->trimmed))
		trim_submit(crew);
	pthread_mutex_unlock(&crew->lock);
}

static cold void grow(struct crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	if (wants_more(crew))
		set_size(crew, load_relaxed(&crew->active));
	if (crew->to_last)
		trim_anew(crew);
	pthread_mutex_unlock(&crew->lock);
}

static void one_more(struct crew *crew)
{
	uint32_t n = add_acq_rel(&crew->active, 1) + 1;

	if (n > load_relaxed(&crew->peak))
		store_relaxed(&crew->peak, n);
	barrier_seq_cst(); /* [g] active | size */
	if (unlikely(n > load_relaxed(&crew->size)))
		grow(crew);
}

int crew_begin(struct crew *crew, struct ward_task *task)
{
	int err = ready(crew);

	if (unlikely(err))
		return err;
	if (crew->shared)
		one_more(crew);
	err = ward_submit(crew->ward, task, WARD_NOWAIT);
	if (unlikely(err))
		err = ward_lane_submit(crew->rest, task, WARD_NOWAIT);
	if (unlikely(err))
		crew_leave(crew);
	return err;
}

void crew_leave(struct crew *crew)
{
	if (!crew->shared)
		return;
	sub_acq_rel(&crew->active, 1);
	barrier_seq_cst(); /* [t] active | trimmed */
	if (unlikely(!load_relaxed(&crew->trimmed)) && unused(crew))
		trim_begin(crew);
}

/* ---- the unused -------------------------------------------------------------- */

unsigned crew_unused(void)
{
	return unused(&everyones);
}

/* The crew as it is, with no more unused than n. */
static void keep_now(uint32_t n)
{
	struct crew *crew = crew_shared();

	pthread_mutex_lock(&crew->lock);
	if (load_relaxed(&crew->usable)) {
		fit(crew, load_relaxed(&crew->active) + n);
		trim_anew(crew);
	}
	pthread_mutex_unlock(&crew->lock);
}

void crew_keep(int n)
{
	crew_shared();
	store_relaxed(&kept, n);
	keep_now(most_kept());
}

void crew_keep_for(unsigned ms)
{
	crew_shared();
	store_relaxed(&kept_for, ms);
	keep_now(THREADS_MAX);
}

void crew_stop_unused(void)
{
	keep_now(0);
}

int crew_kept(void)
{
	crew_shared();
	return load_relaxed(&kept);
}

unsigned crew_kept_for(void)
{
	crew_shared();
	return load_relaxed(&kept_for);
}

/* ---- fork -------------------------------------------------------------------- */

void crew_before_fork(struct crew *crew)
{
	pthread_mutex_lock(&crew->lock);
}

void crew_in_parent(struct crew *crew)
{
	pthread_mutex_unlock(&crew->lock);
}

void crew_in_child(struct crew *crew)
{
	if (load_relaxed(&crew->usable))
		crew->parents = crew->ward;
	store_relaxed(&crew->usable, 0);
	if (crew->shared)
		store_relaxed(&crew->size, 0);
	store_relaxed(&crew->active, 0);
	store_relaxed(&crew->peak, 0);
	store_relaxed(&crew->trimmed, 0);
	crew->waits = crew->to_last = false;
	memset(crew->trim.priv, 0, sizeof(crew->trim.priv));
	pthread_mutex_unlock(&crew->lock);
}
