/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * job.c - tasks of many kinds, each with what must be true of its end.
 *
 * Checked of every one: its id's fate (fate.c); that it did not run more often
 * than its policy allows; that no attempt began after one had committed, and not
 * two committed; that the status handed to done() is one that its kind can have
 * (a healthy task is never convicted); that release() comes when no thread is
 * inside run() any more.
 *
 * A task that spins finds out that it was fenced from its slot and not by
 * ward_check(), which is a sign of life.
 */
#include "torture.h"
#include "work/slot.h"

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A sanitizer makes everything slower; what is healthy stays healthy. */
#define SLOWER (UNDER_TSAN || UNDER_ASAN ? 4 : 1)
const struct times job_times = { 10 * MS * SLOWER, 40 * MS * SLOWER,
				 20 * MS * SLOWER };

static const char *const names[KINDS] = {
	[EMPTY] = "empty",	 [SLEEP] = "sleep",
	[SLOW] = "slow",	 [BEAT] = "beat",
	[DECLARED] = "declared", [NEST] = "nest",
	[COMMIT] = "commit",	 [ASKED] = "asked",
	[UNBLOCK] = "unblock",	 [EXIT] = "exit",
	[CANCEL] = "cancel",	 [RAW] = "raw",
	[SPIN] = "spin",	 [SPIN_CALL] = "spin_call",
	[SPIN_YIELD] = "spin_yield", [BLOCK] = "block",
	[STAGNANT] = "stagnant", [HANG] = "hang"
};

const char *kind_name(enum kind kind)
{
	return names[kind];
}

/* ---- policies --------------------------------------------------------------- */

/* Each with the budgets of the cycle; 'progress' is STAGNANT's own. */
void policies_init(struct ward_policy *policy)
{
	static const uint32_t reruns[POLICIES][3] = { /* runs stalls deaths */
						      { 1, 0, 0 },
						      { 2, 1, 1 },
						      { 4, 1, 2 },
						      { 3, 3, 0 }
	};

	for (int i = 0; i < POLICIES; i++) {
		policy[i] = (struct ward_policy)WARD_POLICY_INIT;
		policy[i].runs = reruns[i][0];
		policy[i].stalls = reruns[i][1];
		policy[i].deaths = reruns[i][2];
		policy[i].busy_within = job_times.busy;
		policy[i].blocked_within = job_times.blocked;
	}
}

static struct ward_policy progress_policy, hang_policy;

__attribute__((constructor)) static void own_policies(void)
{
	progress_policy = (struct ward_policy)WARD_POLICY_INIT;
	progress_policy.runs = 2;
	progress_policy.stalls = 1;
	progress_policy.progress_within = job_times.progress;
	hang_policy = (struct ward_policy)WARD_POLICY_INIT;
	hang_policy.blocked_within = 3600 * SECOND;
}

/* How often it may run if it is lost each time. */
static uint32_t runs_of(const struct job *job, uint32_t reruns)
{
	const struct ward_policy *p = job->task.policy;

	return p->runs < 1 + reruns ? (p->runs ? p->runs : 1) : 1 + reruns;
}

static uint32_t most_runs(const struct job *job)
{
	return runs_of(job, job->task.policy->stalls +
				    job->task.policy->deaths);
}

/* ---- what a task does ---------------------------------------------------------- */

static bool fenced(void)
{
	struct slot *slot = host_self();

	return slot && slot_taken(slot);
}

static void nap(uint64_t ns)
{
	struct timespec span = { (time_t)(ns / SECOND), (long)(ns % SECOND) };

	/* The system call itself: nanosleep() is a cancellation point. */
	syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &span, NULL);
}

static uint64_t cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static void burn(uint64_t ns, bool beats)
{
	uint64_t end = cpu_now() + ns;

	while (cpu_now() < end)
		if (beats)
			ward_beat();
}

static void expect_stale(const char *what, int got)
{
	if (got != -ESTALE && got != -ESHUTDOWN)
		fault("%s of a fenced attempt: %d", what, got);
}

/* Here a fenced attempt tries everything, and is refused. */
static void try_all(struct job *job)
{
	struct ward_task none = WARD_TASK_INIT(NULL);

	expect_stale("check", ward_check());
	expect_stale("commit", ward_commit());
	add_relaxed(&tally.stale, 1);
	if (ward_submit(job->cycle->pool, &none, WARD_NOWAIT) != -EINVAL)
		fault("a task without run was accepted");
}

static void spin_until_fenced(enum kind kind)
{
	while (!fenced()) {
		if (kind == SPIN_CALL)
			syscall(SYS_getppid);
		else if (kind == SPIN_YIELD)
			syscall(SYS_sched_yield);
		else if (kind == BLOCK)
			nap(500000);
		else if (kind == HANG)
			nap(2 * MS);
		else if (kind == STAGNANT)
			ward_progress(0);
	}
}

static void leave(struct job *job, enum kind kind)
{
	add_relaxed(&tally.planted_deaths, 1);
	if (job)
		sub_acq_rel(&job->inside, 1);
	if (kind == CANCEL) {
		pthread_cancel(pthread_self());
		for (;;)
			pthread_testcancel();
	}
	if (kind == RAW) {
		add_relaxed(&tally.planted_raw, 1);
		syscall(SYS_exit, 0);
	}
	pthread_exit(NULL);
}

/* Its own state at that moment: busy children are passed over. */
static void nest(struct job *job)
{
	struct ward_task *batch[CHILDREN];
	struct job *child[CHILDREN];
	unsigned n = 0;
	int got;

	for (unsigned i = 0; i < CHILDREN; i++) {
		uint32_t idle = 0;

		if (!cas_acq_rel(&job->child[i].busy, &idle, 1))
			continue;
		child[n] = &job->child[i];
		job_open(child[n]);
		batch[n] = &child[n]->task;
		n++;
	}
	got = ward_submit_n(job->cycle->pool, batch, n,
			    job->param % 4 ? WARD_NOWAIT : ward_in(1 * MS));
	if (got < 0 && got != -EAGAIN && got != -ETIMEDOUT &&
	    got != -ESHUTDOWN && got != -ESTALE)
		fault("nested submit: %d", got);
	fate_accepted(&job->cycle->fates, got > 0 ? (uint32_t)got : 0);
	add_relaxed(&tally.nested, got > 0 ? (uint64_t)got : 0);
	for (unsigned i = got > 0 ? (unsigned)got : 0; i < n; i++) {
		fate_refused(&job->cycle->fates, child[i]->id);
		job_back(child[i]);
	}
}

static void commit(struct job *job)
{
	int got = ward_commit();

	if (got == 0) {
		if (add_acq_rel(&job->commits, 1))
			fault("id %u: committed twice", job->id);
		add_relaxed(&tally.commits, 1);
		if (ward_commit() != -ESTALE)
			fault("id %u: a second commit of the same attempt",
			      job->id);
	} else if (got != -ESTALE || !fenced()) {
		fault("id %u: commit: %d", job->id, got);
	}
}

static void asked(struct job *job)
{
	int got;

	if (job->param % 2)
		ward_cancel_fire(&job->token, -EINTR);
	while ((got = ward_check()) == 0) {
		nap(50000);
		ward_cancel_fire(&job->token, 0);
	}
	if (got != -EINTR && got != -ECANCELED && got != -ESHUTDOWN &&
	    !(got == -ESTALE && load_acquire(&job->cycle->destroying)))
		fault("id %u: asked: %d", job->id, got);
}

static void post(void *arg)
{
	struct job *job = arg;

	store_release(&job->posted, 1);
	host_wake(&job->posted, 1);
}

static void unblock(struct job *job)
{
	store_relaxed(&job->posted, 0);
	if (ward_unblock(post, job))
		fault("id %u: no hook", job->id);
	while (!load_acquire(&job->posted) && !fenced())
		host_wait(&job->posted, 0, ward_in(5 * MS));
	if (job->param % 2)
		ward_unblock(NULL, NULL);
}

static void misbehave(struct job *job)
{
	if (job->kind <= RAW) {
		leave(job, job->kind);
		return;
	}
	add_relaxed(&tally.planted_stalls, 1);
	if (job->kind != HANG && job->param % 8 == 0)
		commit(job);
	spin_until_fenced(job->kind);
	try_all(job);
}

static void behave(struct job *job)
{
	switch (job->kind) {
	case SLEEP:
		nap(20000 + job->param % 500000);
		break;
	case SLOW:
		burn(20000 + job->param % 200000, false);
		break;
	case BEAT:
		burn(job_times.busy * 3 / 2, true);
		break;
	case DECLARED:
		ward_block_enter(ward_in(job_times.blocked * 5 / 4));
		nap(job_times.blocked * 9 / 8);
		ward_block_leave();
		break;
	case NEST:
		nest(job);
		break;
	case COMMIT:
		commit(job);
		break;
	case ASKED:
		asked(job);
		break;
	case UNBLOCK:
		unblock(job);
		break;
	default:
		break;
	}
}

static int own_status(const struct job *job)
{
	return (int)(job->id & INT32_MAX); /* no error of the library's */
}

static int run(struct ward_task *task)
{
	struct job *job = ward_entry(task, struct job, task);
	const struct ward_self *self = ward_self();
	uint32_t runs = add_acq_rel(&job->runs, 1) + 1;
	int status = own_status(job);

	add_acq_rel(&job->inside, 1);
	if (runs > most_runs(job))
		fault("id %u (%s): run %u of %u", job->id,
		      kind_name(job->kind), runs, most_runs(job));
	if (!self || self->attempt != runs)
		fault("id %u: run %u is attempt %u", job->id, runs,
		      self ? self->attempt : 0);
	if (load_acquire(&job->commits))
		fault("id %u: runs again after its commit", job->id);
	perturb();
	if (job->kind >= EXIT && (runs == 1 || !job->once))
		misbehave(job);
	else
		behave(job);
	sub_acq_rel(&job->inside, 1);
	return status;
}

/* ---- how it may end ------------------------------------------------------------ */

static int lost_status(const struct job *job)
{
	return job->kind <= RAW ? -EOWNERDEAD : -ETIME;
}

/* The status that this job ends with if nobody destroys the pool first. */
static int fair_status(const struct job *job)
{
	bool death = job->kind >= EXIT && job->kind <= RAW;
	uint32_t reruns;

	if (job->kind < EXIT)
		return own_status(job);
	reruns = death ? job->task.policy->deaths : job->task.policy->stalls;
	if (job->once && runs_of(job, reruns) > 1 &&
	    !load_acquire(&job->commits))
		return own_status(job);
	return lost_status(job);
}

static bool is_fair(const struct job *job, int status)
{
	if (status == fair_status(job))
		return true;
	/* Nothing is run again then, and what is queued never runs. */
	if (load_acquire(&job->cycle->destroying) &&
	    (status == -ECANCELED ||
	     (job->kind >= EXIT && status == lost_status(job))))
		return true;
	/* Its scribe may be late. */
	return job->kind == UNBLOCK && status == -ETIME;
}

static void done(struct ward_task *task, int status)
{
	struct job *job = ward_entry(task, struct job, task);
	uint32_t runs = load_acquire(&job->runs);

	fate_done(&job->cycle->fates, job->id);
	if (!is_fair(job, status))
		fault("id %u (%s%s): ended with %d instead of %d after %u runs",
		      job->id, kind_name(job->kind), job->once ? ", once" : "",
		      status, fair_status(job), runs);
	if (runs == 0 && status != -ECANCELED)
		fault("id %u: ended with %d and never ran", job->id, status);
	if ((status == -ETIME || status == -EOWNERDEAD) &&
	    !ward_incident(task))
		fault("id %u: lost without a report", job->id);
	if (job->twist == SPIN_IN_DONE && host_self())
		spin_until_fenced(SPIN);
	if (job->twist == DIE_IN_DONE && host_self())
		leave(NULL, EXIT);
}

static void release(struct ward_task *task)
{
	struct job *job = ward_entry(task, struct job, task);
	bool dies = job->twist == DIE_IN_RELEASE && host_self();

	if (load_acquire(&job->inside))
		fault("id %u (%s): released with %u threads inside", job->id,
		      kind_name(job->kind), load_acquire(&job->inside));
	fate_released(&job->cycle->fates, job->id);
	job_back(job);
	if (dies)
		leave(NULL, EXIT);
}

/* ---- making one ------------------------------------------------------------------ */

static enum kind draw_healthy(struct rng *rng)
{
	uint32_t draw = rng_below(rng, 4096);

	return draw < 24  ? SLEEP :
	       draw < 48  ? SLOW :
	       draw < 49  ? BEAT :
	       draw < 50  ? DECLARED :
	       draw < 250 ? NEST :
	       draw < 500 ? COMMIT :
	       draw < 510 ? ASKED :
	       draw < 511 ? UNBLOCK :
			    EMPTY;
}

/* Deaths are quick, stalls are not: eight of the first to one of the second. */
static enum kind draw_faulty(struct rng *rng)
{
	static const enum kind stall[] = { SPIN, SPIN_CALL, SPIN_YIELD, BLOCK,
					   STAGNANT };

	if (rng_once(rng, 9))
		return stall[rng_below(rng, 5)];
	if (rng_once(rng, 3) && !UNDER_TSAN && !UNDER_ASAN)
		return RAW;
	return rng_once(rng, 2) ? CANCEL : EXIT;
}

void job_draw(struct job *job, struct rng *rng, uint32_t faulty)
{
	bool bad = rng_below(rng, 65536) < faulty;

	job->kind = bad ? draw_faulty(rng) : draw_healthy(rng);
	job->once = rng_once(rng, 2);
	job->param = rng_below(rng, UINT32_MAX);
	job->twist = STRAIGHT;
	if (rng_below(rng, 65536) < faulty / 4)
		job->twist = rng_once(rng, 8) ? SPIN_IN_DONE :
			     rng_once(rng, 2) ? DIE_IN_DONE :
						DIE_IN_RELEASE;
	if (job->kind == NEST && !job->child)
		job->kind = EMPTY;
	job->task.policy = &job->cycle->policy[rng_below(rng, POLICIES)];
	if (job->kind == STAGNANT)
		job->task.policy = &progress_policy;
	else if (job->kind == HANG)
		job->task.policy = &hang_policy;
}

void job_open(struct job *job)
{
	job->task.run = run;
	job->task.done = done;
	job->task.release = release;
	job->task.cancel = job->kind == ASKED ? &job->token : NULL;
	job->task.name = kind_name(job->kind);
	if (job->kind == HANG)
		job->task.policy = &hang_policy;
	ward_cancel_init(&job->token);
	store_relaxed(&job->runs, 0);
	store_relaxed(&job->inside, 0);
	store_relaxed(&job->commits, 0);
	job->id = fate_open(&job->cycle->fates);
}
