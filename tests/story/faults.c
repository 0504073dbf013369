/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * faults.c - scenarios 17 and 18: what faults in a task of a pool that catches
 * faults, in all the ways there are.
 *
 * Expected: the attempt ends with -EFAULT and a report with the signal, the
 * address and a backtrace that begins in the faulty function; or it runs again
 * where the policy allows it.  The thread is replaced; the books are right;
 * threads and descriptors are as before.
 */
#include "faulty.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int by_writing(struct item *item)
{
	(void)item;
	writes_nowhere();
	return 1;
}

static int by_reading(struct item *item)
{
	(void)item;
	reads_past_the_end();
	return 1;
}

static int by_dividing(struct item *item)
{
	(void)item;
	divides();
	return 1;
}

static int by_no_code(struct item *item)
{
	(void)item;
	is_no_code();
	return 1;
}

static int by_abort(struct item *item)
{
	(void)item;
	aborts();
	return 1;
}

static int by_calling(struct item *item)
{
	(void)item;
	calls_nowhere();
	return 1;
}

static int by_smashing(struct item *item)
{
	(void)item;
	smashes_a_frame();
	return 1;
}

static int by_recursion(struct item *item)
{
	char first = 'a';

	(void)item;
	return recurses(&first);
}

static int by_alloca(struct item *item)
{
	(void)item;
	asks_for_much();
	return 1;
}

#define ALL ((void *)1) /* any address */

static const struct way {
	const char *name;
	int (*what)(struct item *item);
	int signo;
	void *addr;
	const char *from, *to; /* where the first frame lies; NULL: nowhere */
	unsigned frames;       /* at least so many */
} ways[] = {
#define WAY(what, signo, addr, fn, frames)                                     \
	{ #fn, what, signo, addr, __start_in_##fn, __stop_in_##fn, frames }
	WAY(by_writing, SIGSEGV, (void *)NOWHERE, writes_nowhere, 4),
	WAY(by_reading, SIGBUS, ALL, reads_past_the_end, 4),
#if defined(__x86_64__) || defined(__i386__)
	WAY(by_dividing, SIGFPE, ALL, divides, 4),
#endif
	WAY(by_no_code, SIGILL, ALL, is_no_code, 4),
	WAY(by_abort, SIGABRT, NULL, aborts, 4),
	WAY(by_smashing, SIGSEGV, (void *)NOWHERE, smashes, 1),
	WAY(by_recursion, SIGSEGV, ALL, recurses, WARD_FRAMES),
	WAY(by_alloca, SIGSEGV, ALL, asks_for_much, 4),
	{ "calls_nowhere", by_calling, SIGSEGV, (void *)NOWHERE, NULL, NULL,
	  2 },
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static void tells(const struct way *way, const struct item *item)
{
	const struct told *told = told_id(item->incident);
	const struct ward_report *report = &told->report;
	const char *first = report->frames[0];

	expect_equal(report->kind, WARD_R_FAULT);
	expect_equal(report->err, -EFAULT);
	expect_equal(report->signo, way->signo);
	expect_equal(report->tid, load_relaxed(&item->tid));
	expect_equal(report->attempt, load_relaxed(&item->runs));
	expect(report->worker < 2);
	expect(!strcmp(report->task, way->name));
	if (way->addr == ALL)
		expect(report->addr != NULL);
	else
		expect(report->addr == way->addr);
	expect(report->nframes >= way->frames);
	if (way->from) {
		expect(first >= way->from && first < way->to);
	} else {
		expect(first == (const char *)NOWHERE);
		expect(IN(calls_nowhere, report->frames[1]));
	}
}

static void faults_and_is_answered(struct ward_pool *pool,
				   const struct way *way)
{
	struct ward_stats before, after_it;
	struct item item;

	wait_healed(pool);
	before = stats_of(pool);
	item_start(pool, &item, way->what, NULL, way->name);
	item_ends(&item, -EFAULT);
	expect_equal(load_relaxed(&item.runs), 1);
	tells(way, &item);
	wait_healed(pool);
	after_it = stats_of(pool);
	expect_equal(after_it.faulted, before.faulted + 1);
	expect_equal(after_it.deaths, before.deaths + 1);
	expect_equal(after_it.died, before.died);
	expect_equal(after_it.heals, before.heals + 1);
	expect_equal(after_it.dead_letters, before.dead_letters + 1);
	expect_equal(after_it.reruns, before.reruns);
	audit_whole(pool);
}

/* ---- again ------------------------------------------------------------------------ */

static int faults_once(struct item *item)
{
	if (load_relaxed(&item->runs) == 1)
		writes_nowhere();
	return 0;
}

static int commits_and_faults(struct item *item)
{
	(void)item;
	expect_equal(ward_commit(), 0);
	writes_nowhere();
	return 1;
}

static void faults_and_runs_again(struct ward_pool *pool)
{
	struct ward_policy again = story_policy;
	struct item item;

	again.runs = 5;
	item_start(pool, &item, faults_once, &again, "no budget");
	item_ends(&item, -EFAULT);
	again.deaths = again.errors = again.stalls = 4; /* none of these */
	item_start(pool, &item, faults_once, &again, "no budget for faults");
	item_ends(&item, -EFAULT);
	again.faults = 2;
	item_start(pool, &item, faults_once, &again, "once");
	item_ends(&item, 0);
	expect_equal(load_relaxed(&item.runs), 2);
	for (size_t i = 0; i < WAYS; i++) {
		item_start(pool, &item, ways[i].what, &again, ways[i].name);
		item_ends(&item, -EFAULT);
		expect_equal(load_relaxed(&item.runs), 3);
		tells(&ways[i], &item);
	}
	item_start(pool, &item, commits_and_faults, &again, "committed");
	item_ends(&item, -EFAULT);
	expect_equal(load_relaxed(&item.runs), 1);
}

/* ---- what is on the stack, and what the thread has ---------------------------------- */

static _Atomic uint32_t cleaned, destroyed;
static pthread_key_t key;

static void cleans(void *arg)
{
	(void)arg;
	add_acq_rel(&cleaned, 1);
}

static void destroys(void *arg)
{
	(void)arg;
	add_acq_rel(&destroyed, 1);
}

static int faults_with_cleanup(struct item *item)
{
	pthread_setspecific(key, item);
	pthread_cleanup_push(cleans, NULL);
	writes_nowhere();
	pthread_cleanup_pop(1);
	return 1;
}

/* Handlers do not run; destructors do. */
static void leaves_things_open(struct ward_pool *pool)
{
	struct item item;

	expect_equal(pthread_key_create(&key, destroys), 0);
	item_start(pool, &item, faults_with_cleanup, NULL, "open");
	item_ends(&item, -EFAULT);
	wait_until(load_acquire(&destroyed) == 1);
	expect_equal(load_acquire(&cleaned), 0);
	wait_healed(pool);
}

static volatile uintptr_t garbage = 0x1000;

static int says_garbage(struct item *item)
{
	(void)item;
	return ward_fail(-EIO, "%s", (const char *)garbage);
}

static int asks_with_garbage(struct item *item)
{
	(void)item;
	return ward_fence((uint64_t *)garbage);
}

static int waits_with_garbage(struct item *item)
{
	item->task.cancel = (struct ward_cancel *)garbage;
	return ward_pause(WARD_FOREVER);
}

/* More often than there are records of reports. */
static void hands_garbage_to_us(struct ward_pool *pool)
{
	static int (*const what[])(struct item *) = { says_garbage,
						      asks_with_garbage,
						      waits_with_garbage };
	struct item item;

	for (int i = 0; i < 80; i++)
		for (int k = 0; k < 3; k++) {
			item_start(pool, &item, what[k], NULL, "garbage");
			item_ends(&item, -EFAULT);
		}
}

/* ---- a zombie ------------------------------------------------------------------------ */

/* Fenced and out of its seat: between the two it would die as one that has it. */
static int faults_as_a_zombie(struct item *item)
{
	const struct slot *slot = host_self();

	(void)item;
	while (LIFE_STATE(load_acquire(&slot->thread.life)) != LIFE_ZOMBIE)
		;
	writes_nowhere();
	return 1;
}

static void faults_too_late(struct ward_pool *pool)
{
	struct ward_stats before = stats_of(pool), now;
	struct item item;

	item_start(pool, &item, faults_as_a_zombie, NULL, "zombie");
	item_ends(&item, -ETIME);
	wait_until(stats_of(pool).zombies_reaped == before.zombies_reaped + 1);
	wait_healed(pool);
	now = stats_of(pool);
	expect_equal(now.faulted, before.faulted);
	expect_equal(now.stalled, before.stalled + 1);
	expect_equal(now.zombies_reaped, before.zombies_reaped + 1);
	audit_whole(pool);
}

/* ---- copies ----------------------------------------------------------------------------- */

static int forks_and_faults(struct item *item)
{
	pid_t child = item->number ? fork() : vfork();
	int status;

	if (child == 0) {
		writes_nowhere();
		_exit(0);
	}
	expect_equal(waitpid(child, &status, 0), child);
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	return 0;
}

static void copies_are_not_caught(struct ward_pool *pool)
{
	struct item item;

	for (int way = 0; way < 2; way++) {
		item_init(&item, forks_and_faults, NULL, "forks");
		item.number = (uint64_t)way;
		item_submit(pool, &item);
		item_ends(&item, 0);
	}
}

/* ---- handlers that came later ------------------------------------------------------------ */

static struct sigaction ours;
static _Atomic uint32_t passed;

static void passes_on(int signo, siginfo_t *info, void *context)
{
	add_relaxed(&passed, 1);
	ours.sa_sigaction(signo, info, context);
}

/* A handler blocks all signals; the thread's next fault must be seen all the same. */
static void handler_that_came_later(struct ward_pool *pool)
{
	struct sigaction later = { .sa_sigaction = passes_on,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct item item;

	sigfillset(&later.sa_mask);
	expect_equal(sigaction(SIGSEGV, &later, &ours), 0);
	for (int i = 0; i < 20; i++) {
		item_start(pool, &item, by_writing, NULL, "passed on");
		item_ends(&item, -EFAULT);
	}
	expect_equal(load_relaxed(&passed), 20);
	wait_healed(pool);
	expect_equal(sigaction(SIGSEGV, &ours, NULL), 0);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	unsigned descriptors, threads;
	struct ward_pool *pool, *other;

	config.flags = WARD_POOL_CATCH_FAULTS;
	pool = pool_up(&config);
	other = pool_up(&config);
	for (size_t i = 0; i < WAYS; i++)
		faults_and_is_answered(pool, &ways[i]);
	wait_buried(pool);
	descriptors = descriptors_now();
	threads = threads_now();
	for (size_t i = 0; i < 2 * WAYS; i++)
		faults_and_is_answered(i & 1 ? pool : other, &ways[i % WAYS]);
	faults_and_runs_again(pool);
	leaves_things_open(pool);
	hands_garbage_to_us(pool);
	faults_too_late(pool);
	if (!UNDER_ASAN) /* whose locks do not survive a fork */
		copies_are_not_caught(pool);
	handler_that_came_later(pool);
	wait_buried(pool);
	wait_buried(other);
	wait_until(threads_now() == threads);
	wait_until(descriptors_now() == descriptors);
	pool_down(pool);
	pool_down(other);
	wait_until(threads_now() == 1);
	return 0;
}
