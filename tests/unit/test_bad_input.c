/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every public call with every argument wrong, in every state of a pool: a named
 * error, and nothing changed.  The number of calls is printed.
 */
#include "job.h"
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- the tally, also of calls on other threads and in children ------- */

static struct tally {
	_Atomic uint32_t calls, wrong;
	char first[400]; /* the first that was wrong */
} * tally;

__attribute__((format(printf, 1, 2))) static void wrong(const char *format, ...)
{
	va_list args;

	if (add_relaxed(&tally->wrong, 1))
		return;
	va_start(args, format);
	vsnprintf(tally->first, sizeof(tally->first), format, args);
	va_end(args);
}

/* ---- what must not change -------------------------------------------- */

static struct ward_pool *subject; /* the pool that is called upon, or NULL */
static struct job *bystander;	  /* the task that is handed over, or NULL */

struct snap {
	struct ward_stats stats;
	struct job job;
};

static void snap(struct snap *snap)
{
	memset(snap, 0, sizeof(*snap));
	snap->stats.size = sizeof(snap->stats);
	if (subject && ward_pool_stats(subject, &snap->stats) == 0) {
		snap->stats.scans = snap->stats.looks = 0;
		snap->stats.worst_lateness = 0;
		snap->stats.reports_told = 0; /* a span is told */
		snap->stats.refused = 0; /* that is what it counts */
	}
	if (bystander)
		memcpy(&snap->job, bystander, sizeof(snap->job));
}

static void is_same(const struct snap *before, const char *call)
{
	struct snap after;

	snap(&after);
	if (memcmp(&after.stats, &before->stats, sizeof(after.stats)))
		wrong("%s: the numbers have changed", call);
	if (memcmp(&after.job, &before->job, sizeof(after.job)))
		wrong("%s: the task has changed", call);
}

#define bad(call, want)                                                        \
	do {                                                                   \
		struct snap before_;                                           \
		long got_;                                                     \
                                                                               \
		snap(&before_);                                                \
		got_ = (call);                                                 \
		add_relaxed(&tally->calls, 1);                                 \
		if (got_ != (want))                                            \
			wrong("%s: %ld, not %ld (line %d)", #call, got_,       \
			      (long)(want), __LINE__);                         \
		is_same(&before_, #call);                                      \
	} while (0)

/* ---- every 'until' --------------------------------------------------- */

enum { UNTILS = 5 };

static ward_ns until_of(int i)
{
	const ward_ns until[UNTILS] = { WARD_NOWAIT, 1, ward_now() - 1,
					ward_in(WARD_S(1)), WARD_FOREVER };

	return until[i];
}

#define EACH_UNTIL(until)                                                      \
	for (int i_ = 0; i_ < UNTILS; i_++)                                    \
		for (ward_ns until = until_of(i_), once_ = 1; once_; once_ = 0)

/* ---- create ---------------------------------------------------------- */

static struct ward_pool *untouched;

static void create(const struct ward_pool_config *config, int want)
{
	struct ward_pool *out = untouched;

	bad(ward_pool_create(&out, config), want);
	if (out != untouched)
		wrong("create: *out was written");
}

/* One field after the other is wrong, the others good. */
#define WRONG_FIELD(field, want, ...)                                          \
	do {                                                                   \
		const __typeof__(((struct ward_pool_config *)0)                \
					 ->field) value_[] = { __VA_ARGS__ };  \
                                                                               \
		for (size_t k_ = 0; k_ < SIZE(value_); k_++) {                 \
			struct ward_pool_config config_ =                      \
				WARD_POOL_CONFIG_INIT;                         \
                                                                               \
			config_.field = value_[k_];                            \
			create(&config_, want);                                \
		}                                                              \
	} while (0)

static const uint32_t size_of[] = { 0,	  1,  4,	8,	   16,
				    1024, -1, 1u << 31, INT32_MAX, 0xdeadbeef };

static void bad_policies(void (*with)(const struct ward_policy *policy))
{
	struct ward_policy policy = WARD_POLICY_INIT;

	for (size_t i = 0; i < SIZE(size_of); i++) {
		policy.size = size_of[i];
		with(&policy);
	}
	policy.size = sizeof(policy) - 1;
	with(&policy);
	policy.size = sizeof(policy) + 1;
	with(&policy);
	policy.size = sizeof(policy);
	for (int bit = 1; bit < 32; bit++) {
		policy.flags = 1u << bit;
		with(&policy);
	}
	policy.flags = 0;
	for (int bit = 0; bit < 32; bit++) {
		policy.reserved = 1u << bit;
		with(&policy);
	}
	policy.reserved = 0;
	/* The least wait is more than the most. */
	for (int bit = 0; bit < 63; bit++) {
		policy.backoff_max = (ward_ns)1 << bit;
		policy.backoff_min = policy.backoff_max + 1;
		with(&policy);
		policy.backoff_min = WARD_FOREVER;
		with(&policy);
	}
}

static void good_policies(void)
{
	static const ward_ns pair[][2] = { { 0, 0 },
					   { 1, 0 },
					   { 0, 1 },
					   { 1, 1 },
					   { WARD_FOREVER, 0 },
					   { WARD_FOREVER, WARD_FOREVER } };
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_pool *pool;

	policy.flags = WARD_POLICY_QUIET;
	policy.runs = policy.errors = policy.faults = UINT32_MAX;
	policy.stalls = policy.deaths = UINT32_MAX;
	config.policy = &policy;
	config.workers = 1;
	for (size_t i = 0; i < SIZE(pair); i++) {
		policy.backoff_min = pair[i][0];
		policy.backoff_max = pair[i][1];
		cr_assert_eq(ward_pool_create(&pool, &config), 0);
		cr_assert_eq(ward_pool_destroy(pool, 0), 0);
	}
}

static void create_with_policy(const struct ward_policy *policy)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	config.policy = policy;
	create(&config, -EINVAL);
}

static void bad_names(void)
{
	for (size_t len = 12; len < 64; len++) {
		struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
		char name[65];

		memset(name, 'n', len);
		name[len] = '\0';
		config.name = name;
		create(&config, -ENAMETOOLONG);
	}
}

static void less_than_workers(void)
{
	for (uint32_t workers = 2; workers <= 4096; workers *= 2)
		for (uint32_t max = 1; max < workers; max *= 2) {
			struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

			config.workers = workers;
			config.max = max;
			create(&config, -EINVAL);
		}
}

static void bad_creates(void)
{
	static char far[1]; /* never looked into */

	untouched = (struct ward_pool *)far;
	bad(ward_pool_create(NULL, NULL), -EINVAL);
	for (size_t i = 0; i < SIZE(size_of); i++)
		WRONG_FIELD(size, -EINVAL, size_of[i]);
	WRONG_FIELD(size, -EINVAL, sizeof(struct ward_pool_config) - 1,
		    sizeof(struct ward_pool_config) + 1,
		    2 * sizeof(struct ward_pool_config));
	for (int bit = 9; bit < 32; bit++) {
		WRONG_FIELD(flags, -EINVAL, 1u << bit);
		WRONG_FIELD(flags, -EINVAL, 1u << bit | WARD_POOL_CLAMP);
	}
	bad_names();
	WRONG_FIELD(workers, -EINVAL, 4097, 5000, 65536, 1u << 31, UINT32_MAX);
	WRONG_FIELD(max, -EINVAL, 4097, 5000, 65536, 1u << 31, UINT32_MAX);
	less_than_workers();
	WRONG_FIELD(idle, -EINVAL, 1, 1000, WARD_MS(1) - 1);
	WRONG_FIELD(spares, -EINVAL, 1025, 4096, 65536, 1u << 31, UINT32_MAX);
	WRONG_FIELD(zombies, -EINVAL, 4097, 5000, 65536, 1u << 31, UINT32_MAX);
	WRONG_FIELD(ring, -EINVAL, 1, 3, 5, 6, 7, 9, 100, 4095, 4097,
		    (1u << 20) - 1, (1u << 20) + 1, 1u << 21, 1u << 31,
		    UINT32_MAX);
	WRONG_FIELD(on_stall, -EINVAL, 3, 4, 100, (enum ward_stall_action) - 1,
		    INT_MAX, (enum ward_stall_action)INT_MIN);
	WRONG_FIELD(trace_signo, -EINVAL, -2, -3, INT_MIN, 65, 66, 100, 1000,
		    INT_MAX, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL,
		    SIGABRT, SIGTRAP, SIGSYS);
	WRONG_FIELD(cpus, -EINVAL, "", "x", "-", "-1", "0-", "0-x", "1-0", ",",
		    "0,", ",0", "0,,0", "0 1", " ", "0x0", "1000000",
		    "0-1000000", "99999999999999999999", "\n", "0;1");
	WRONG_FIELD(stack, -EINVAL, 1, 2, 4096, 16384, (64 << 10) - 1, SIZE_MAX,
		    SIZE_MAX / 2 + 1, SIZE_MAX - 4096);
	WRONG_FIELD(scan, -EINVAL, 1, 1000, WARD_MS(1) - 1, WARD_S(1) + 1,
		    WARD_S(2), WARD_S(3600), WARD_FOREVER, WARD_FOREVER - 1);
	bad_policies(create_with_policy);
}

/* ---- tasks that are not taken ---------------------------------------- */

/* By both calls, with every deadline. */
static void refused(struct ward_task *task, int want)
{
	struct ward_task *list[3] = { task, task, task };

	EACH_UNTIL(until)
	{
		bad(ward_submit(subject, task, until), want);
		for (unsigned n = 1; n <= 3; n++)
			bad(ward_submit_n(subject, list, n, until), want);
	}
}

static void submit_with_policy(const struct ward_policy *policy)
{
	struct job job = job_of_kind(job_run);
	struct ward_task *list[] = { &job.task };

	job.task.policy = policy;
	bystander = &job;
	bad(ward_submit(subject, &job.task, 0), -EINVAL);
	bad(ward_submit_n(subject, list, 1, WARD_FOREVER), -EINVAL);
	bystander = NULL;
}

static void bad_tasks(void)
{
	static char space[sizeof(struct job) + 16] __attribute__((aligned(16)));
	struct job job = job_of_kind(NULL);
	struct ward_task *list[] = { &job.task };

	refused(NULL, -EINVAL);
	for (size_t off = 1; off < 8; off++) {
		struct ward_task good = WARD_TASK_INIT(job_run);

		memcpy(space + off, &good, sizeof(good));
		refused((void *)(space + off), -EINVAL);
	}
	bystander = &job;
	refused(&job.task, -EINVAL);
	bystander = NULL;
	bad_policies(submit_with_policy);
	EACH_UNTIL(until)
	{
		static const unsigned many[] = { 1,
						 2,
						 INT_MAX,
						 (unsigned)INT_MAX + 1,
						 UINT_MAX - 1,
						 UINT_MAX };

		for (size_t i = 0; i < SIZE(many); i++)
			bad(ward_submit_n(subject, NULL, many[i], until),
			    -EINVAL);
		bad(ward_submit_n(subject, list, (unsigned)INT_MAX + 1, until),
		    -EINVAL);
		bad(ward_submit_n(subject, list, UINT_MAX, until), -EINVAL);
		bad(ward_submit_n(subject, NULL, 0, until), 0);
	}
}

/* ---- no pool --------------------------------------------------------- */

static void no_pool(void)
{
	struct job job = job_of_kind(job_run);
	struct ward_stats stats = WARD_STATS_INIT;
	struct ward_audit audit = WARD_AUDIT_INIT;

	subject = NULL;
	bystander = &job;
	refused(&job.task, -EINVAL);
	bystander = NULL;
	EACH_UNTIL(until)
	{
		bad(ward_pool_drain(NULL, until), -EINVAL);
		bad(ward_pool_destroy(NULL, until), -EINVAL);
	}
	bad(ward_pool_start(NULL), -EINVAL);
	bad(ward_pool_resize(NULL, 1, 0), -EINVAL);
	bad(ward_pool_resize(NULL, 0, 0), -EINVAL);
	bad(ward_pool_stats(NULL, NULL), -EINVAL);
	bad(ward_pool_stats(NULL, &stats), -EINVAL);
	bad(ward_audit(NULL, NULL), -EINVAL);
	bad(ward_audit(NULL, &audit), -EINVAL);
}

/* ---- looking at a pool ----------------------------------------------- */

static void bad_looks(void)
{
	struct ward_stats stats, stats_before;
	struct ward_audit audit, audit_before;

	bad(ward_pool_stats(subject, NULL), -EINVAL);
	bad(ward_audit(subject, NULL), -EINVAL);
	memset(&stats, 0x5a, sizeof(stats));
	memset(&audit, 0x5a, sizeof(audit));
	for (size_t i = 0; i < SIZE(size_of) + 2; i++) {
		uint32_t off = i == SIZE(size_of) ? 1 : -1u;
		bool near = i >= SIZE(size_of);

		stats.size = near ? (uint32_t)sizeof(stats) + off : size_of[i];
		audit.size = near ? (uint32_t)sizeof(audit) + off : size_of[i];
		stats_before = stats;
		audit_before = audit;
		bad(ward_pool_stats(subject, &stats), -EINVAL);
		bad(ward_audit(subject, &audit), -EINVAL);
		if (memcmp(&stats, &stats_before, sizeof(stats)) ||
		    memcmp(&audit, &audit_before, sizeof(audit)))
			wrong("a refused look was written");
	}
}

/* ---- a pool in its several states ------------------------------------ */

static const struct ward_hooks quiet_hooks = { .report = tell_told };

static struct ward_pool_config small(void)
{
	struct ward_pool_config config = job_config(1);

	config.ring = 4;
	config.hooks = &quiet_hooks;
	return config;
}

static void fresh_pool(void)
{
	struct ward_pool_config config = small();

	subject = created(&config);
	bad_tasks();
	bad_looks();
	cr_assert_eq(ward_pool_destroy(subject, 0), 0);
}

/* Of a pool of one worker, made for five. */
static void bad_sizes(void)
{
	for (uint32_t max = 0; max < 8; max++)
		bad(ward_pool_resize(subject, 0, max), -EINVAL);
	for (uint32_t workers = 2; workers <= 5; workers++)
		for (uint32_t max = 1; max < workers; max++)
			bad(ward_pool_resize(subject, workers, max), -EINVAL);
	bad(ward_pool_resize(subject, UINT32_MAX, 1), -EINVAL);
	for (uint32_t size = 6; size; size *= 2) {
		bad(ward_pool_resize(subject, size, 0), -ERANGE);
		bad(ward_pool_resize(subject, size, size), -ERANGE);
		bad(ward_pool_resize(subject, 1, size), -ERANGE);
		bad(ward_pool_resize(subject, 1, UINT32_MAX), -ERANGE);
	}
	bad(ward_pool_resize(subject, 1, 0), 0); /* as it is */
}

static void running_pool(void)
{
	struct ward_pool_config config = small();

	subject = started(&config);
	cr_assert(stat_is(subject, idle, 1));
	bad_tasks();
	bad_sizes();
	bad_looks();
	for (int i = 0; i < 10; i++)
		bad(ward_pool_start(subject), -EALREADY);
	ended(subject);
}

/* The task is in a pool: this one, or another; queued, or running. */
static void busy_tasks(void)
{
	struct ward_pool_config config = small();
	struct ward_pool *other = created(&config);
	struct job running = job_of_kind(job_sleep);
	struct job queued = job_of_kind(job_run);
	struct job foreign = job_of_kind(job_run);

	subject = started(&config);
	submitted(subject, &running);
	cr_assert(gate_came(&running.gate));
	submitted(subject, &queued);
	submitted(other, &foreign);
	refused(&running.task, -EBUSY);
	refused(&queued.task, -EBUSY);
	refused(&foreign.task, -EBUSY);
	gate_open(&running.gate);
	ended(subject);
	job_had(&running, 0);
	job_had(&queued, 0);
	cr_assert_eq(ward_pool_destroy(other, 0), 0);
	job_had(&foreign, -ECANCELED);
}

static void full_pool(void)
{
	struct ward_pool_config config = small();
	struct job job[3], late = job_of_kind(job_run);
	struct ward_task *list[] = { &late.task };

	subject = created(&config);
	for (int i = 0; i < 3; i++) {
		job[i] = job_of_kind(job_run);
		submitted(subject, &job[i]);
	}
	bystander = &late;
	for (int i = 0; i < 20; i++) {
		bad(ward_submit(subject, &late.task, 0), -EAGAIN);
		bad(ward_submit_n(subject, list, 1, 0), -EAGAIN);
		bad(ward_submit(subject, &late.task, 1), -ETIMEDOUT);
		bad(ward_submit_n(subject, list, 1, ward_now()), -ETIMEDOUT);
	}
	bystander = NULL;
	cr_assert_eq(ward_pool_destroy(subject, 0), 0);
	for (int i = 0; i < 3; i++)
		job_had(&job[i], -ECANCELED);
	job_is_untouched(&late);
}

/* Of a thread in no pool, and of one without a name. */
static void bad_recalls(struct ward_pool *pool, struct ward_task *task)
{
	int status = 5;

	bad(ward_task_cancel(pool, task, 0), -ENOENT);
	bad(ward_task_recall(pool, task, 0), -ENOENT);
	bad(ward_task_wait(pool, task, WARD_NOWAIT, NULL), 0);
	for (int i = 0; i < 3; i++) { /* at least one is NULL */
		struct ward_pool *p = i & 1 ? pool : NULL;
		struct ward_task *t = i & 2 ? task : NULL;

		bad(ward_task_cancel(p, t, 0), -EINVAL);
		bad(ward_task_recall(p, t, 0), -EINVAL);
		bad(ward_task_hold(p, t), -EINVAL);
		bad(ward_task_drop(p, t), -EINVAL);
		EACH_UNTIL(until)
		bad(ward_task_wait(p, t, until, &status), -EINVAL);
	}
	bad(ward_task_recall(pool, task, 1), -EINVAL);
	bad(ward_task_recall(pool, task, INT_MIN), -EINVAL);
	bad(ward_task_recall(pool, task, -4096), -EINVAL);
	if (status != 5)
		wrong("a refused wait wrote a status");
}

static void drained_pool(void)
{
	struct ward_pool_config config = small();
	struct job late = job_of_kind(job_run);

	subject = started(&config);
	cr_assert_eq(ward_pool_drain(subject, WARD_FOREVER), 0);
	cr_assert(stat_is(subject, idle, 1));
	bystander = &late;
	for (int i = 0; i < 3; i++)
		refused(&late.task, -ESHUTDOWN);
	bad_recalls(subject, &late.task);
	bystander = NULL;
	bad_tasks();
	bad_looks();
	job_is_untouched(&late);
	EACH_UNTIL(until)
	bad(ward_pool_drain(subject, until), 0);
	bad(ward_pool_start(subject), -EALREADY);
	ended(subject);
}

/* Twice in one batch: the first counts, the second is in a pool already. */
static void twice_in_a_batch(void)
{
	struct ward_pool_config config = small();
	struct job job = job_of_kind(job_run), next = job_of_kind(job_run);
	struct ward_task *list[] = { &job.task, &job.task, &next.task };

	subject = created(&config);
	cr_assert_eq(ward_submit_n(subject, list, 3, WARD_FOREVER), 1);
	cr_assert_eq(stats_of(subject).accepted, 1);
	refused(&job.task, -EBUSY);
	cr_assert_eq(ward_pool_start(subject), 0);
	job_had(&job, 0);
	cr_assert_eq(job.runs, 1);
	job_is_untouched(&next);
	ended(subject);
}

/* ---- from a thread of the pool --------------------------------------- */

static void from_own_thread(void)
{
	EACH_UNTIL(until)
	{
		bad(ward_pool_drain(subject, until), -EDEADLK);
		bad(ward_pool_destroy(subject, until), -EDEADLK);
	}
	bad(ward_pool_start(subject), -EALREADY);
}

static void never_called(void *arg)
{
	(void)arg;
	wrong("an unblock hook that was refused was called");
}

/* Between tasks, and where there is no task at all. */
static void outside_run(void)
{
	uint64_t number = 5;

	for (int i = 0; i < 10; i++) {
		bad(ward_commit(), -EPERM);
		bad(ward_unblock(NULL, NULL), -EPERM);
		bad(ward_unblock(never_called, &subject), -EPERM);
		bad(ward_check(), 0);
		bad(ward_fence(&number), -EPERM);
		bad(ward_fence(NULL), -EINVAL);
	}
	if (number != 5)
		wrong("a refused fence number was written");
}

static int calls_in_run(struct ward_task *task)
{
	from_own_thread();
	bad_tasks();
	bad_looks();
	for (int i = 0; i < 10; i++)
		bad(ward_fence(NULL), -EINVAL);
	return job_run(task);
}

static void calls_in_done(struct ward_task *task, int status)
{
	from_own_thread();
	outside_run();
	job_done(task, status);
}

static void calls_in_release(struct ward_task *task)
{
	from_own_thread();
	outside_run();
	job_release(task);
}

static void own_pool(void)
{
	struct ward_pool_config config = small();
	struct job job = job_of_kind(calls_in_run);

	subject = started(&config);
	job.task.done = calls_in_done;
	job.task.release = calls_in_release;
	submitted(subject, &job);
	job_had(&job, 0);
	ended(subject);
}

/* ---- in a child ------------------------------------------------------ */

static void foreign_calls(struct ward_pool *pool)
{
	struct job job = job_of_kind(job_run);
	struct ward_stats stats = WARD_STATS_INIT;
	struct ward_audit audit = WARD_AUDIT_INIT;

	subject = pool;
	bystander = &job;
	refused(&job.task, -ECHILD);
	bystander = NULL;
	refused(&job.task, -ECHILD);
	for (int i = 0; i < 10; i++) {
		bad(ward_pool_start(pool), -ECHILD);
		bad(ward_pool_stats(pool, &stats), -ECHILD);
		bad(ward_audit(pool, &audit), -ECHILD);
	}
	EACH_UNTIL(until)
	bad(ward_pool_drain(pool, until), -ECHILD);
	bad(ward_pool_resize(pool, 1, 0), -ECHILD);
	bad(ward_task_cancel(pool, &job.task, 0), -ECHILD);
	bad(ward_task_recall(pool, &job.task, 0), -ECHILD);
	bad(ward_task_hold(pool, &job.task), -ECHILD);
	bad(ward_task_drop(pool, &job.task), -ECHILD);
	bad(ward_task_wait(pool, &job.task, 0, NULL), -ECHILD);
	bad(ward_pool_resize(pool, 0, 0), -ECHILD);
}

static void foreign_pool(bool start)
{
	struct ward_pool_config config = small();
	struct ward_pool *pool = start ? started(&config) : created(&config);
	pid_t child;
	int status;

	child = fork();
	if (child == 0) {
		foreign_calls(pool);
		_exit(0);
	}
	cr_assert_gt(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
}

/* ---- calls without a pool -------------------------------------------- */

static void bad_reports(void)
{
	struct ward_report report = { .size = sizeof(report) };
	static const size_t len_of[] = { 1, 2, 100, SIZE_MAX };
	char buf[8] = "before";

	for (int json = 0; json < 2; json++) {
		bad(ward_report_format(NULL, NULL, 0, json), -EINVAL);
		bad(ward_report_format(NULL, buf, sizeof(buf), json), -EINVAL);
		for (size_t i = 0; i < SIZE(len_of); i++)
			bad(ward_report_format(&report, NULL, len_of[i], json),
			    -EINVAL);
		if (strcmp(buf, "before") != 0)
			wrong("a refused report was written");
	}
	for (int kind = -100; kind < 200; kind++) {
		bool is = kind >= WARD_R_LIVELOCK && kind <= WARD_R_HELPER;
		const char *name = ward_kind_name((enum ward_kind)kind);

		bad(strcmp(name, "unknown") == 0, !is);
	}
}

static void no_tokens(void)
{
	static const int cause[] = { 0, 1, -1, -ECANCELED, INT_MIN, INT_MAX };

	for (size_t i = 0; i < SIZE(cause); i++)
		bad(ward_cancel_fire(NULL, cause[i]), false);
	bad(ward_cancel_cause(NULL), 0);
	bad((ward_cancel_init(NULL), 0), 0);
	bad(ward_cancel_fini(NULL), -EINVAL);
	EACH_UNTIL(at) {
		bad(ward_cancel_deadline(NULL, at), -EINVAL);
		bad(ward_cancel_move(NULL, at), -EINVAL);
		bad(ward_cancel_wait(NULL, at), -EINVAL);
	}
	bad(ward_token() != NULL, 0);
	bad((long)ward_incident(NULL), 0);
	bad(ward_self() != NULL, 0);
	bad((ward_block_enter(0), ward_block_leave(), 0), 0);
}

static void is_told(struct ward_watch *watch, int cause)
{
	(void)watch;
	(void)cause;
}

static void no_watches(void)
{
	struct ward_cancel token = { { 0 } }, other = { { 0 } };
	struct ward_watch watch = { .fn = is_told }, link = { 0 }, blank = { 0 };

	bad(ward_cancel_watch(NULL, NULL), -EINVAL);
	bad(ward_cancel_watch(NULL, &watch), -EINVAL);
	bad(ward_cancel_watch(&token, NULL), -EINVAL);
	bad(ward_cancel_watch(&token, &blank), -EINVAL);
	bad(ward_cancel_unwatch(NULL, NULL), false);
	bad(ward_cancel_unwatch(&token, NULL), false);
	bad(ward_cancel_unwatch(NULL, &watch), false);
	bad(ward_cancel_unwatch(&token, &watch), false);
	for (int i = 0; i < 7; i++) /* at least one is NULL */
		bad(ward_cancel_link(i & 1 ? &token : NULL,
				     i & 2 ? &other : NULL,
				     i & 4 ? &link : NULL),
		    -EINVAL);
	bad(ward_cancel_link(&token, &token, &link), -EINVAL);
	bad(ward_cancel_fini(&token), 0);
	ward_cancel_watch(&token, &watch);
	ward_cancel_link(&other, &token, &link);
	bad(ward_cancel_watch(&token, &watch), -EBUSY);
	bad(ward_cancel_watch(&other, &watch), -EBUSY);
	bad(ward_cancel_link(&token, &other, &link), -EBUSY);
	bad(ward_cancel_unwatch(&other, &watch), false);
	bad(ward_cancel_unwatch(&other, &link), false);
	bad(ward_cancel_fini(&token), -EBUSY);
	bad(ward_cancel_unwatch(&token, &watch), true);
	bad(ward_cancel_fini(&token), -EBUSY);
	bad(ward_cancel_unwatch(&token, &link), true);
	bad(ward_cancel_fini(&token), 0);
}

/* On a thread that is no worker there is nobody to tell. */
static void nobody_hears(void)
{
	static const int err[] = { 0, 1, -1, -EINVAL, -EIO, INT_MIN, INT_MAX };

	for (size_t i = 0; i < SIZE(err); i++) {
		int want = err[i] ? err[i] : -EINVAL;

		bad(ward_fail(err[i], "%s", "fails"), want);
		bad(ward_wrap(0, err[i], "%s", "fails"), want);
		bad(ward_wrap(UINT64_MAX, err[i], "%s", "fails"), want);
		bad((long)ward_failure(), 0);
	}
	bad(ward_pause(WARD_NOWAIT), 0);
	bad(ward_pause(1), 0);
	bad(ward_pause(ward_now() - 1), 0);
	bad(ward_block_on(NULL, 0, WARD_FOREVER), -EINVAL);
	bad(ward_block_on((uint32_t *)(err + 1), 0, WARD_FOREVER), 0); /* it is 1 */
	bad(ward_block_on((uint32_t *)((char *)err + 1), 0, WARD_FOREVER), -EINVAL);
	ward_wake(NULL);
}

Test(bad_input, every_call_names_the_error_and_changes_nothing)
{
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(tally, MAP_FAILED);
	bad_creates();
	good_policies();
	no_pool();
	fresh_pool();
	running_pool();
	busy_tasks();
	full_pool();
	drained_pool();
	twice_in_a_batch();
	own_pool();
	foreign_pool(false);
	foreign_pool(true);
	subject = NULL;
	bad_reports();
	no_tokens();
	no_watches();
	nobody_hears();
	outside_run();
	printf("bad calls: %u\n", load_relaxed(&tally->calls));
	fflush(stdout);
	cr_assert_eq(tally->wrong, 0, "%u wrong, the first: %s",
		     load_relaxed(&tally->wrong), tally->first);
	cr_assert_geq(tally->calls, 1000);
}
