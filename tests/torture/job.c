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
#include "run/run.h"
#include "task/slot.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
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
	[UNBLOCK] = "unblock",	 [PAUSE] = "pause",
	[FAIL] = "fail",	 [RAISE] = "raise",
	[FAULT] = "fault",	 [EXIT] = "exit",
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
	static const uint32_t reruns[POLICIES][5] = {
		/* runs stalls deaths errors faults */
		{ 1, 0, 0, 0, 0 },
		{ 2, 1, 1, 1, 1 },
		{ 6, 1, 2, 3, 2 },
		{ 3, 3, 0, 1, 0 }
	};

	for (int i = 0; i < POLICIES; i++) {
		policy[i] = (struct ward_policy)WARD_POLICY_INIT;
		policy[i].runs = reruns[i][0];
		policy[i].stalls = reruns[i][1];
		policy[i].deaths = reruns[i][2];
		policy[i].errors = reruns[i][3];
		policy[i].faults = reruns[i][4];
		policy[i].busy_within = job_times.busy;
		policy[i].blocked_within = job_times.blocked;
	}
	policy[2].backoff_min = 100000;
	policy[2].backoff_max = 2 * MS;
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
	hang_policy.busy_within = 3600 * SECOND; /* its naps add up */
}

/* How often it may run if it is lost each time. */
static uint32_t runs_of(const struct job *job, uint32_t reruns)
{
	const struct ward_policy *p = job->task.policy;

	return p->runs < 1 + reruns ? (p->runs ? p->runs : 1) : 1 + reruns;
}

static uint32_t most_runs(const struct job *job)
{
	const struct ward_policy *p = job->task.policy;

	return runs_of(job, p->stalls + p->deaths + p->errors + p->faults);
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

/* From a depth of its own; it does not come back. */
static __attribute__((noinline)) void raise_deep(int err, uint32_t depth)
{
	volatile char here[48];

	here[0] = (char)depth;
	if (depth)
		raise_deep(err, depth - 1);
	if (here[0] == 0)
		ward_raise(err, "torture: from the deepest");
}

static void come_home_by_a_raise(struct job *job)
{
	sub_acq_rel(&job->inside, 1);
	raise_deep(-EDOM, job->param % 7);
}

/* A fenced attempt tries everything here, and is refused. */
static void try_all(struct job *job)
{
	struct ward_task none = WARD_TASK_INIT(NULL);
	uint64_t number;

	expect_stale("check", ward_check());
	expect_stale("commit", ward_commit());
	expect_stale("fence", ward_fence(&number));
	expect_stale("pause", ward_pause(WARD_FOREVER));
	add_relaxed(&tally.stale, 1);
	if (ward_submit(job->cycle->pool, &none, WARD_NOWAIT) != -EINVAL)
		fault("a task without run was accepted");
	if (job->param % 3 == 0)
		come_home_by_a_raise(job);
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

static void pause_a_little(struct job *job)
{
	bool fire = job->param % 3 == 0;
	int got;

	if (fire)
		ward_cancel_fire(&job->token, -EINTR);
	got = ward_pause(fire ? WARD_FOREVER :
				ward_in(10000 + job->param % 200000));
	if (got != (fire ? -EINTR : 0) && got != -ESHUTDOWN &&
	    !(got == -ESTALE && load_acquire(&job->cycle->destroying)))
		fault("id %u: paused: %d", job->id, got);
}

/* An attempt's number is its own, and greater than the last one's. */
static void draw_number(struct job *job)
{
	uint64_t number = 0, again = 0, last = load_acquire(&job->number);
	int got = ward_fence(&number);

	if (got == -ESTALE && fenced())
		return;
	if (got)
		fault("id %u: fence number: %d", job->id, got);
	got = ward_fence(&again);
	if (got ? got != -ESTALE : again != number)
		fault("id %u: another fence number: %d", job->id, got);
	while (last < number && !cas_acq_rel(&job->number, &last, number))
		;
	if (last >= number && !fenced())
		fault("id %u: fence number %llu after %llu", job->id,
		      (unsigned long long)number, (unsigned long long)last);
	add_relaxed(&tally.numbers, 1);
}

/* Caught where the cycle's pool does so; see job_draw(). */
static void fall(struct job *job)
{
	static volatile uintptr_t nowhere = 16;

	add_relaxed(&tally.planted_faults, 1);
	sub_acq_rel(&job->inside, 1);
	if (job->param % 4 == 0)
		abort();
	if (job->param % 4 == 1)
		__builtin_trap();
	*(volatile char *)nowhere = 1;
	abort();
}

static int own_status(const struct job *job);

/* Ends with an error of its own: how? */
static int fail(struct job *job)
{
	int err = own_status(job);

	add_relaxed(&tally.planted_errors, 1);
	if (job->kind == RAISE) {
		sub_acq_rel(&job->inside, 1);
		raise_deep(err, job->param % 9);
	}
	if (job->param % 4 == 0)
		return ward_wrap(ward_failure(), err, "torture: %u", job->id);
	if (job->param % 4 == 1)
		return ward_fail(err, "torture: %u", job->id);
	return err;
}

static void misbehave(struct job *job)
{
	if (job->kind == FAULT)
		fall(job);
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
	case PAUSE:
		pause_a_little(job);
		break;
	default:
		break;
	}
}

/* A failing job's status: no error of the library's. */
static int own_status(const struct job *job)
{
	return (int)(job->id & INT32_MAX) + 1;
}

static int run(struct ward_task *task)
{
	struct job *job = ward_entry(task, struct job, task);
	const struct ward_self *self = ward_self();
	uint32_t runs = add_acq_rel(&job->runs, 1) + 1;
	int status = 0;

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
	if (job->param % 16 == 1)
		draw_number(job);
	if (job->kind < FAIL || (runs > 1 && job->once))
		behave(job);
	else if (job->kind < EXIT)
		status = fail(job);
	else
		misbehave(job);
	sub_acq_rel(&job->inside, 1);
	return status;
}

/* ---- how it may end ------------------------------------------------------------ */

static int bad_status(const struct job *job)
{
	return job->kind < EXIT	  ? own_status(job) :
	       job->kind <= RAW	  ? -EOWNERDEAD :
	       job->kind == FAULT ? -EFAULT :
				    -ETIME;
}

/* Of its policy, how many reruns after a loss of its kind. */
static uint32_t budget_of(const struct job *job)
{
	const struct ward_policy *p = job->task.policy;

	return job->kind < EXIT	  ? p->errors :
	       job->kind <= RAW	  ? p->deaths :
	       job->kind == FAULT ? p->faults :
				    p->stalls;
}

/* The status that this job ends with if nobody destroys the pool first. */
static int fair_status(const struct job *job)
{
	if (job->kind < FAIL ||
	    (job->once && runs_of(job, budget_of(job)) > 1 &&
	     !load_acquire(&job->commits)))
		return 0;
	return bad_status(job);
}

static bool is_fair(const struct job *job, int status)
{
	if (status == fair_status(job))
		return true;
	/* Nothing is run again then, and what is queued never runs. */
	if (load_acquire(&job->cycle->destroying) &&
	    (status == -ECANCELED ||
	     (job->kind >= FAIL && status == bad_status(job))))
		return true;
	/* Its scribe may be late. */
	return job->kind == UNBLOCK && status == -ETIME;
}

void job_dead(void *arg, struct ward_task *task,
	      const struct ward_report *report)
{
	struct job *job = ward_entry(task, struct job, task);

	(void)arg;
	add_acq_rel(&job->letters, 1);
	add_relaxed(&tally.letters, 1);
	if (fate_is_done(&job->cycle->fates, job->id))
		fault("id %u: a dead letter after its end", job->id);
	if (!report->err || report->err == -ECANCELED ||
	    report->id != ward_incident(task))
		fault("id %u: a dead letter of %d, incident %llu", job->id,
		      report->err, (unsigned long long)report->id);
	if (job->twist == DIE_IN_DEAD && host_self())
		leave(NULL, EXIT);
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
	if (status && status != -ECANCELED && !ward_incident(task))
		fault("id %u: lost without a report", job->id);
	if (!job->once && job->kind >= FAIL && status == bad_status(job) &&
	    !load_acquire(&job->cycle->destroying) &&
	    !load_acquire(&job->commits) &&
	    runs != runs_of(job, budget_of(job)))
		fault("id %u (%s): ended after %u runs of %u", job->id,
		      kind_name(job->kind), runs,
		      runs_of(job, budget_of(job)));
	if (load_acquire(&job->letters) != (status && status != -ECANCELED))
		fault("id %u: ended with %d and %u dead letters", job->id,
		      status, load_acquire(&job->letters));
	if (job->twist == SPIN_IN_DONE && host_self())
		spin_until_fenced(SPIN);
	if (job->twist == DIE_IN_DONE && host_self())
		leave(NULL, EXIT);
	if (job->twist == RAISE_IN_DONE && host_self()) {
		add_relaxed(&tally.planted_deaths, 1);
		raise_deep(-EDOM, 3);
	}
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
	       draw < 521 ? PAUSE :
			    EMPTY;
}

/* Deaths are quick, stalls are not: eight of the first to one of the second. */
static enum kind draw_faulty(struct rng *rng)
{
	static const enum kind stall[] = { SPIN, SPIN_CALL, SPIN_YIELD, BLOCK,
					   STAGNANT };

	if (rng_once(rng, 9))
		return stall[rng_below(rng, 5)];
	if (rng_once(rng, 3))
		return rng_once(rng, 2) ? FAIL : RAISE;
	if (rng_once(rng, 4) && !UNDER_TSAN && !UNDER_ASAN)
		return FAULT;
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
		job->twist = rng_once(rng, 8) ?
				     SPIN_IN_DONE :
				     (enum twist)(1 + rng_below(rng, 4));
	if (job->kind == FAULT && !job->cycle->catches)
		job->kind = EXIT;
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
	job->task.cancel = job->kind == ASKED || job->kind == PAUSE ?
				   &job->token :
				   NULL;
	job->task.name = kind_name(job->kind);
	if (job->kind == HANG)
		job->task.policy = &hang_policy;
	ward_cancel_init(&job->token);
	store_relaxed(&job->runs, 0);
	store_relaxed(&job->inside, 0);
	store_relaxed(&job->commits, 0);
	store_relaxed(&job->letters, 0);
	store_relaxed(&job->number, 0);
	job->id = fate_open(&job->cycle->fates);
}
