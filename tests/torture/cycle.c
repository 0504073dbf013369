/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cycle.c - one pool from create to destroy.
 *
 * Its shape, the number of producers and what each of them submits are drawn
 * from the seed and the cycle's number alone, so a cycle is the same again.  It
 * ends in one of four ways:
 *
 *	DRAIN	  the producers end; drain; the books are audited whole
 *	RUNNING	  the same, but drain comes while they submit
 *	EARLY	  destroy with a deadline of a few ms, tasks queued, zombies out
 *	BLOCKED	  all workers hang, all producers wait for room, then destroy
 *
 * Meanwhile two threads read the numbers and audit the books all the time.
 */
#include "torture.h"
#include "pool/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum ending { DRAIN, RUNNING, EARLY, BLOCKED, ENDINGS };

enum { PRODUCERS = 12, JOBS = 192, BATCH = 32, WORKERS = 8 };

/* A1 to A10. */
#define ALL_BOOKS 0x7feu

struct shape {
	struct ward_pool_config config;
	enum ending ending;
	uint32_t producers, quota;
	uint32_t faulty; /* of 65536 */
	bool trickle;	 /* producers nap, so that workers park */
	bool resizes;
};

struct producer {
	struct cycle *cycle;
	const struct shape *shape;
	pthread_t thread;
	struct rng rng;
	struct job *job; /* JOBS of them */
	struct job *stock;
	struct job *_Atomic back; /* by release(), from any thread */
	_Atomic uint32_t hungry;  /* futex */
	struct host_stat_files files;
	bool shut;
};

/* ---- stuck -------------------------------------------------------------------- */

/* Nothing moves any more: says all that is known, and ends the program. */
_Noreturn static void stuck(struct cycle *cycle, const char *what)
{
	struct ward_stats s = WARD_STATS_INIT;
	struct ward_audit audit = WARD_AUDIT_INIT;

	ward_pool_stats(cycle->pool, &s);
	ward_audit(cycle->pool, &audit);
	fault("stuck: %s; accepted %llu answered %llu queued %llu owed %llu "
	      "workers %u running %u idle %u spares %u zombies %u vacant %u "
	      "degraded %u; audit: %s",
	      what, (unsigned long long)s.accepted,
	      (unsigned long long)s.answered, (unsigned long long)s.queued,
	      (unsigned long long)s.owed, s.workers, s.running, s.idle,
	      s.spares, s.zombies, s.vacant, s.degraded, audit.first);
	if (getenv("TORTURE_WAIT"))
		pause(); /* for a debugger */
	_exit(1);
}

/* ---- producers ------------------------------------------------------------------ */

/* The last step of every release(): [a] for the producer that reuses the memory later. */
static _Atomic uint32_t last_steps;

static void give_back(struct job *job)
{
	struct producer *p = job->owner;
	struct job *top;

	if (!p) {
		store_release(&job->busy, 0);
		return;
	}
	top = load_relaxed(&p->back);
	do {
		job->next = top;
	} while (!cas_acq_rel(&p->back, &top, job));
	barrier_seq_cst(); /* given back | does it wait? */
	if (load_relaxed(&p->hungry) && swap_acq_rel(&p->hungry, 0))
		host_wake(&p->hungry, 1);
}

void job_back(struct job *job)
{
	give_back(job);
	add_acq_rel(&last_steps, 1); /* [a] */
}

static struct job *take_job(struct producer *p)
{
	uint64_t end = ward_in(IN_TIME);
	struct job *job;

	while (!p->stock) {
		p->stock = swap_acq_rel(&p->back, NULL);
		if (p->stock)
			break;
		store_relaxed(&p->hungry, 1);
		barrier_seq_cst(); /* I wait | given back? */
		if (load_relaxed(&p->back))
			continue;
		host_wait(&p->hungry, 1, end);
		if (ward_now() > end)
			stuck(p->cycle, "no job comes back");
	}
	job = p->stock;
	p->stock = job->next;
	return job;
}

/*
 * A11: what a call with a deadline took beyond it, less the time for which there
 * was no CPU for this thread: as the kernel counts it, or, if it was not switched
 * at all, all but its CPU time, for then the machine itself was away (as virtual
 * ones are).  Such pauses hide among switches, too: counted and told is every
 * overrun, a fault is one that no pause explains.
 */
static void overrun(struct producer *p, ward_ns until,
		    const struct host_sample *before)
{
	struct host_sample after;
	ward_ns now = ward_now();
	uint64_t over = now > until ? now - until : 0, starved;

	add_relaxed(&tally.timed, 1);
	if (over <= p->shape->config.scan || host_sample(&p->files, &after))
		return;
	starved = after.run_delay - before->run_delay;
	over = over > starved ? over - starved : 0;
	if (after.slices == before->slices && over > after.cpu - before->cpu)
		over = after.cpu - before->cpu;
	if (over <= p->shape->config.scan)
		return;
	add_relaxed(&tally.overruns, 1);
	if (over > load_relaxed(&tally.worst_overrun))
		store_relaxed(&tally.worst_overrun, over);
	if (over > 10 * SECOND)
		fault("A11: a submit returned %llu us after its deadline",
		      (unsigned long long)(over / 1000));
}

static int submit(struct producer *p, struct ward_task *const *task, uint32_t n,
		  ward_ns until)
{
	bool timed = until != WARD_NOWAIT && until != WARD_FOREVER;
	struct host_sample before;
	int got;

	timed = timed && !host_sample(&p->files, &before);
	if (n == 1 && rng_once(&p->rng, 2)) {
		got = ward_submit(p->cycle->pool, task[0], until);
		got = got ? got : 1;
	} else {
		got = ward_submit_n(p->cycle->pool, task, n, until);
		add_relaxed(&tally.batches, 1);
	}
	if (timed)
		overrun(p, until, &before);
	if (got == -ETIMEDOUT && ward_now() < until)
		fault("a submit gave up before its deadline");
	return got;
}

static bool may_answer(int got, ward_ns until)
{
	return got > 0 || got == -ESHUTDOWN ||
	       (got == -EAGAIN && until == WARD_NOWAIT) ||
	       (got == -ETIMEDOUT && until != WARD_NOWAIT &&
		until != WARD_FOREVER);
}

static ward_ns draw_until(struct producer *p)
{
	uint32_t draw = rng_below(&p->rng, 4);

	if (draw == 0 || p->shape->ending == BLOCKED)
		return WARD_FOREVER;
	if (draw == 1)
		return ward_in(rng_below(&p->rng, 2000000));
	return WARD_NOWAIT;
}

static uint32_t produce(struct producer *p, uint32_t most)
{
	struct ward_task *task[BATCH];
	struct job *job[BATCH];
	uint32_t n = rng_once(&p->rng, 4) ? rng_range(&p->rng, 1, BATCH) : 1;
	ward_ns until = draw_until(p);
	int got;

	if (n > most)
		n = most;
	for (uint32_t i = 0; i < n; i++) {
		job[i] = take_job(p);
		job_draw(job[i], &p->rng, p->shape->faulty);
		job_open(job[i]);
		task[i] = &job[i]->task;
	}
	perturb();
	got = submit(p, task, n, until);
	if (!may_answer(got, until))
		fault("submit until %llu: %d", (unsigned long long)until, got);
	fate_accepted(&p->cycle->fates, got > 0 ? (uint32_t)got : 0);
	for (uint32_t i = got > 0 ? (uint32_t)got : 0; i < n; i++) {
		fate_refused(&p->cycle->fates, job[i]->id);
		job_back(job[i]);
	}
	/* What was in time for a part of them is the last call that destroy allows. */
	p->shut = got == -ESHUTDOWN || load_acquire(&p->cycle->destroying);
	return n;
}

static void *producer(void *arg)
{
	struct producer *p = arg;
	uint32_t left = p->shape->quota;

	perturb_seed(rng_next(&p->rng));
	host_stat_open(&p->files, host_tid());
	while (left && !p->shut) {
		left -= produce(p, left);
		if (p->shape->trickle && rng_once(&p->rng, 4))
			usleep(rng_below(&p->rng, 200));
		perturb();
	}
	host_stat_close(&p->files);
	return NULL;
}

static void producer_init(struct producer *p, struct cycle *cycle,
			  const struct shape *shape, struct rng rng)
{
	memset(p, 0, sizeof(*p));
	p->cycle = cycle;
	p->shape = shape;
	p->rng = rng;
	p->job = calloc(JOBS, sizeof(*p->job));
	for (uint32_t i = 0; p->job && i < JOBS; i++) {
		struct job *job = &p->job[i];

		job->cycle = cycle;
		job->owner = p;
		job->next = p->stock;
		p->stock = job;
		if (i % 4)
			continue;
		job->child = calloc(CHILDREN, sizeof(*job->child));
		for (uint32_t k = 0; job->child && k < CHILDREN; k++) {
			job->child[k].cycle = cycle;
			job->child[k].task.policy = cycle->policy;
		}
	}
}

static void producer_fini(struct producer *p)
{
	for (uint32_t i = 0; i < JOBS; i++)
		free(p->job[i].child);
	free(p->job);
}

/* ---- readers -------------------------------------------------------------------- */

static void grows(const char *what, uint64_t before, uint64_t now)
{
	if (now < before)
		fault("%s went from %llu back to %llu", what,
		      (unsigned long long)before, (unsigned long long)now);
}

static void *read_stats(void *arg)
{
	struct cycle *cycle = arg;
	struct ward_stats before = WARD_STATS_INIT, now = WARD_STATS_INIT;

	while (!load_acquire(&cycle->stop_readers)) {
		if (ward_pool_stats(cycle->pool, &now))
			fault("no stats");
		if (now.answered > now.accepted)
			fault("answered %llu, accepted %llu",
			      (unsigned long long)now.answered,
			      (unsigned long long)now.accepted);
		if (now.ended > now.started)
			fault("ended %llu, started %llu",
			      (unsigned long long)now.ended,
			      (unsigned long long)now.started);
		grows("accepted", before.accepted, now.accepted);
		grows("started", before.started, now.started);
		grows("ended", before.ended, now.ended);
		grows("stalled", before.stalled, now.stalled);
		grows("deaths", before.deaths, now.deaths);
		grows("heals", before.heals, now.heals);
		grows("threads", before.threads_created, now.threads_created);
		before = now;
		usleep(300);
	}
	return NULL;
}

static void *read_audit(void *arg)
{
	struct cycle *cycle = arg;
	struct ward_audit audit = WARD_AUDIT_INIT;

	while (!load_acquire(&cycle->stop_readers)) {
		if (ward_audit(cycle->pool, &audit))
			fault("audit: %s", audit.first);
		add_relaxed(&tally.audits, 1);
		usleep(200);
	}
	return NULL;
}

/* Sizes at random; one a millisecond, or as fast as may be. */
static void *resize(void *arg)
{
	struct cycle *cycle = arg;
	uint32_t most = ((struct pool *)cycle->pool)->seats;
	struct rng rng = rng_of(cycle->sizes, most, 0);

	while (!load_acquire(&cycle->stop_readers)) {
		uint32_t workers = rng_range(&rng, 1, most);
		uint32_t max = rng_range(&rng, workers, most);

		if (ward_pool_resize(cycle->pool, workers,
				     rng_once(&rng, 2) ? max : 0))
			fault("no other size");
		add_relaxed(&tally.resizes, 1);
		if (!rng_once(&rng, 8))
			usleep(rng_below(&rng, 2000));
	}
	return NULL;
}

/* ---- hooks ---------------------------------------------------------------------- */

static void *on_start(void *arg, unsigned thread)
{
	(void)arg;
	perturb_seed(thread * UINT64_C(0x9e3779b97f4a7c15) + host_now());
	return (void *)(uintptr_t)(thread + 1);
}

static void on_stop(void *arg, unsigned thread, void *local)
{
	(void)arg;
	if (local != (void *)(uintptr_t)(thread + 1))
		fault("thread %u stops with what another began", thread);
}

/* A9: an id is told once. */
static void told_once(uint64_t id)
{
	static _Atomic uint64_t told[1 << 16];

	if (swap_acq_rel(&told[id % (1 << 16)], id) == id)
		fault("A9: incident %llu was told twice",
		      (unsigned long long)id);
}

static void on_report(void *arg, const struct ward_report *r)
{
	const struct ward_ledger *l = &r->ledger;

	(void)arg;
	told_once(r->id);
	if (l->busy + l->blocked + l->starved + l->stopped + l->blind !=
	    l->silence)
		fault("A8: the ledger of incident %llu does not add up",
		      (unsigned long long)r->id);
	if (r->kind == WARD_R_HOME)
		tally.home++;
	if (r->kind == WARD_R_DEGRADED)
		tally.degraded++;
	if (r->id % 512 == 0)
		usleep(2000); /* a hook that takes long */
}

static const struct ward_hooks hooks = { .start = on_start,
					 .stop = on_stop,
					 .report = on_report,
					 .dead = job_dead };

/* ---- the ways to end -------------------------------------------------------------- */

static void sum_up(const struct ward_stats *s)
{
	tally.deaths += s->deaths;
	tally.stalls += s->stalled;
	tally.heals += s->heals;
	tally.late += s->late;
	tally.reruns += s->reruns;
	tally.failed += s->failed;
	tally.faulted += s->faulted;
	tally.dead_letters += s->dead_letters;
	tally.regrets += s->regrets;
	tally.acquitted += s->acquitted;
	tally.returned += s->zombies_returned;
	tally.reaped += s->zombies_reaped;
	tally.scans += s->scans;
	tally.looks += s->looks;
	tally.told += s->reports_told;
	tally.suppressed += s->reports_suppressed;
	tally.rescues += s->rescues;
	tally.threads += s->threads_created;
	if (s->rescues)
		fault("%llu rescues", (unsigned long long)s->rescues);
}

static struct ward_stats stats_of(struct cycle *cycle)
{
	struct ward_stats s = WARD_STATS_INIT;

	if (ward_pool_stats(cycle->pool, &s))
		fault("no stats");
	return s;
}

/* Everybody is home, every seat is taken, the spares are there. */
static void wait_whole(struct cycle *cycle, const struct shape *shape)
{
	uint64_t end = ward_in(IN_TIME);
	struct ward_stats s;

	for (;;) {
		s = stats_of(cycle);
		if (s.workers == s.wanted && !s.vacant && !s.zombies &&
		    s.spares >= shape->config.spares && !s.degraded)
			return;
		if (ward_now() > end)
			stuck(cycle, "it does not become whole again");
		usleep(200);
	}
}

static void audit_whole(struct cycle *cycle)
{
	struct ward_audit audit = WARD_AUDIT_INIT;
	uint64_t end = ward_in(IN_TIME);

	do {
		if (ward_audit(cycle->pool, &audit)) {
			fault("audit after drain: %s", audit.first);
			return;
		}
		if (ward_now() > end)
			stuck(cycle, "the books are never still");
	} while ((audit.checked & ALL_BOOKS) != ALL_BOOKS);
	add_relaxed(&tally.whole_audits, 1);
}

static void check_totals(struct cycle *cycle)
{
	struct ward_stats s = stats_of(cycle);
	uint64_t accepted = load_acquire(&cycle->fates.accepted);

	if (s.accepted != accepted || s.answered != accepted || s.queued ||
	    s.owed || s.waiting)
		fault("drained: accepted %llu, answered %llu, queued %llu, owed "
		      "%llu; %llu were handed over",
		      (unsigned long long)s.accepted,
		      (unsigned long long)s.answered,
		      (unsigned long long)s.queued, (unsigned long long)s.owed,
		      (unsigned long long)accepted);
}

static void drain(struct cycle *cycle)
{
	int err = ward_pool_drain(cycle->pool, ward_in(IN_TIME));

	if (err == -ETIMEDOUT)
		stuck(cycle, "drain");
	if (err)
		fault("drain: %d", err);
}

/* Threads that wait for room in a ring. */
static uint32_t waiting(struct cycle *cycle)
{
	struct inbox *inbox = &((struct pool *)cycle->pool)->inbox;
	uint32_t n = 0;

	for (uint32_t i = 0; i < inbox->rings; i++)
		n += load_acquire(&inbox->ring[i].room.inside);
	return n;
}

static void wait_blocked(struct cycle *cycle, uint32_t producers)
{
	uint64_t end = ward_in(IN_TIME);

	while (waiting(cycle) < producers) {
		if (ward_now() > end)
			stuck(cycle, "the rings do not fill up");
		usleep(100);
	}
}

static void join_producers(struct producer *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		pthread_join(p[i].thread, NULL);
}

/* 'n' producers are inside a submit. */
static void destroy(struct cycle *cycle, ward_ns span, struct producer *p,
		    uint32_t n, unsigned threads)
{
	ward_ns until = ward_in(span), now;
	int left;

	store_release(&cycle->destroying, 1);
	left = ward_pool_destroy(cycle->pool, until);
	now = ward_now();
	if (now > until + 10 * SECOND)
		fault("A11: destroy returned %llu ms after its deadline",
		      (unsigned long long)((now - until) / MS));
	if (left < 0)
		fault("destroy: %d", left);
	join_producers(p, n);
	if (left > 0)
		tally.left += (uint64_t)left;
	else
		fates_settled(&cycle->fates);
	if (!house_threads_down_to(threads)) {
		fault("threads stay: destroy said %d", left);
		_exit(1);
	}
	add_acq_rel(&last_steps, 0); /* [a] */
	if (left > 0)
		fates_settled(&cycle->fates);
}

/* ---- up and down ------------------------------------------------------------------ */

static void draw_shape(struct shape *shape, struct rng *rng,
		       const struct ward_policy *policy)
{
	static const struct {
		uint32_t quota, faulty;
	} profile[] = { { 8000, 0 },   { 6000, 16 },  { 3000, 128 },
			{ 800, 1024 }, { 150, 8192 }, { 300, 128 } };
	uint32_t draw = rng_below(rng, 6);

	shape->config = (struct ward_pool_config)WARD_POOL_CONFIG_INIT;
	shape->config.name = "torture";
	shape->config.workers = rng_range(rng, 1, WORKERS);
	shape->config.spares = rng_range(rng, 1, 3);
	shape->config.zombies = rng_range(rng, 1, 12);
	shape->config.ring = 1u << rng_range(rng, 1, rng_once(rng, 4) ? 12 : 6);
	shape->resizes = rng_once(rng, 3);
	shape->config.max =
		rng_once(rng, 2)
			? 0
			: rng_range(rng, shape->config.workers, 2 * WORKERS);
	shape->config.idle = rng_range(rng, 1, 20) * MS;
	if (rng_once(rng, 4))
		shape->config.flags |= WARD_POOL_AHEAD;
	shape->config.scan = rng_range(rng, 1, 4) * MS;
	shape->config.trace_signo = rng_once(rng, 4) ? 0 : WARD_TRACE_NONE;
	shape->config.policy = policy;
	shape->config.hooks = &hooks;
	if (rng_once(rng, 2) && !UNDER_TSAN && !UNDER_ASAN)
		shape->config.flags |= WARD_POOL_CATCH_FAULTS;
	shape->producers = rng_range(rng, 1, PRODUCERS);
	shape->quota = profile[draw].quota;
	shape->faulty = profile[draw].faulty;
	shape->trickle = draw == 5;
	shape->ending = (enum ending)rng_below(rng, ENDINGS);
	if (UNDER_TSAN || UNDER_ASAN)
		shape->quota /= 4;
	if (shape->ending == BLOCKED) {
		shape->quota = JOBS;
		shape->faulty = 0;
		shape->trickle = false;
		shape->resizes = false;
		shape->config.max = shape->config.workers;
		if (shape->config.ring > 64)
			shape->config.ring = 64;
	}
}

static void hang_all(struct cycle *cycle, struct job *hang, uint32_t n)
{
	uint64_t end = ward_in(IN_TIME);

	for (uint32_t i = 0; i < n; i++) {
		memset(&hang[i], 0, sizeof(hang[i]));
		hang[i].cycle = cycle;
		hang[i].kind = HANG;
		job_open(&hang[i]);
		if (ward_submit(cycle->pool, &hang[i].task, WARD_FOREVER))
			fault("a task that hangs was refused");
		fate_accepted(&cycle->fates, 1);
		while (!load_acquire(&hang[i].inside)) {
			if (ward_now() > end)
				stuck(cycle, "nobody hangs");
			usleep(100);
		}
	}
}

static void start_producers(struct producer *p, struct cycle *cycle,
			    const struct shape *shape, uint64_t seed,
			    uint64_t number)
{
	for (uint32_t i = 0; i < shape->producers; i++) {
		producer_init(&p[i], cycle, shape, rng_of(seed, number, i + 1));
		if (pthread_create(&p[i].thread, NULL, producer, &p[i]))
			abort();
	}
}

static void start_readers(struct cycle *cycle, pthread_t *reader)
{
	if (pthread_create(&reader[0], NULL, read_stats, cycle) ||
	    pthread_create(&reader[1], NULL, read_audit, cycle) ||
	    (cycle->sizes && pthread_create(&reader[2], NULL, resize, cycle)))
		abort();
}

static void stop_readers(struct cycle *cycle, const pthread_t *reader)
{
	store_release(&cycle->stop_readers, 1);
	pthread_join(reader[0], NULL);
	pthread_join(reader[1], NULL);
	if (cycle->sizes)
		pthread_join(reader[2], NULL);
	cycle->sizes = 0;
}

static void end_whole(struct cycle *cycle, const struct shape *shape,
		      struct producer *p, const pthread_t *reader,
		      unsigned threads)
{
	struct ward_stats s;

	if (shape->ending == DRAIN)
		join_producers(p, shape->producers);
	drain(cycle);
	if (shape->ending == RUNNING)
		join_producers(p, shape->producers);
	check_totals(cycle);
	stop_readers(cycle, reader);
	wait_whole(cycle, shape);
	audit_whole(cycle);
	s = stats_of(cycle);
	sum_up(&s);
	destroy(cycle, IN_TIME, NULL, 0, threads);
}

static void end_early(struct cycle *cycle, const struct shape *shape,
		      struct producer *p, const pthread_t *reader,
		      unsigned threads, struct rng *rng)
{
	uint32_t blocked = shape->ending == BLOCKED ? shape->producers : 0;
	struct ward_stats s;

	if (blocked)
		wait_blocked(cycle, blocked);
	else
		join_producers(p, shape->producers);
	stop_readers(cycle, reader);
	s = stats_of(cycle);
	sum_up(&s);
	destroy(cycle, rng_below(rng, 5) * MS, p, blocked, threads);
}

void cycle_run(uint64_t seed, uint64_t number)
{
	static struct producer p[PRODUCERS];
	static struct job hang[WORKERS];
	static struct ward_policy policy[POLICIES];
	struct rng rng = rng_of(seed, number, 0);
	struct cycle cycle = { .policy = policy };
	unsigned threads = house_look().threads;
	struct shape shape;
	pthread_t reader[3];

	policies_init(policy);
	draw_shape(&shape, &rng, &policy[0]);
	cycle.sizes = shape.resizes ? seed + number + 1 : 0;
	cycle.catches = shape.config.flags & WARD_POOL_CATCH_FAULTS;
	fates_init(&cycle.fates,
		   shape.producers * shape.quota * (1 + CHILDREN) + WORKERS);
	if (ward_pool_create(&cycle.pool, &shape.config) ||
	    ward_pool_start(cycle.pool)) {
		fault("no pool");
		return;
	}
	if (shape.ending == BLOCKED)
		hang_all(&cycle, hang, shape.config.workers);
	start_readers(&cycle, reader);
	start_producers(p, &cycle, &shape, seed, number);
	if (shape.ending <= RUNNING)
		end_whole(&cycle, &shape, p, reader, threads);
	else
		end_early(&cycle, &shape, p, reader, threads, &rng);
	for (uint32_t i = 0; i < shape.producers; i++)
		producer_fini(&p[i]);
	fates_fini(&cycle.fates);
}
