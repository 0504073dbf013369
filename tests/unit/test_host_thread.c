/* SPDX-License-Identifier: BSD-2-Clause */
#include "wait.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

static const struct host_spawn plain = { .stack = 65536 };

static void set_up(void)
{
	cr_assert_eq(host_init(), 0);
}

TestSuite(host_thread, .init = set_up);

/* ---- spawn ----------------------------------------------------------- */

struct birth {
	char name[32];
	sigset_t mask;
	cpu_set_t cpus;
	size_t stack;
	int32_t tid;
	int cancel_state, cancel_type;
};

static void birth(void *arg)
{
	struct birth *mine = arg;
	pthread_attr_t attr;

	mine->tid = host_tid();
	prctl(PR_GET_NAME, mine->name);
	pthread_sigmask(SIG_SETMASK, NULL, &mine->mask);
	sched_getaffinity(0, sizeof(mine->cpus), &mine->cpus);
	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstacksize(&attr, &mine->stack);
	pthread_attr_destroy(&attr);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &mine->cancel_state);
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &mine->cancel_type);
}

static struct birth born(const struct host_spawn *how)
{
	struct birth it = { .tid = 0 };
	host_thread thread;

	cr_assert_eq(host_spawn(&thread, how, birth, NULL, &it), 0);
	cr_assert_eq(host_join(thread, HOST_FOREVER), 0);
	return it;
}

Test(host_thread, has_its_name_stack_and_cancellation)
{
	char name[16] = "pool/1";
	struct host_spawn how = { .stack = 1 << 20, .name = name };
	struct birth it = born(&how);

	cr_assert_str_eq(it.name, "pool/1");
	cr_assert_geq(it.stack, (size_t)1 << 20);
	cr_assert_eq(it.cancel_state, PTHREAD_CANCEL_ENABLE);
	cr_assert_eq(it.cancel_type, PTHREAD_CANCEL_DEFERRED);
	cr_assert_neq(it.tid, 0);
}

Test(host_thread, long_names_are_cut_and_small_stacks_made_enough)
{
	struct host_spawn how = { .stack = 1, .name = "0123456789abcdefgh" };
	struct birth it = born(&how);

	cr_assert_str_eq(it.name, "0123456789abcde");
	cr_assert_geq(it.stack, (size_t)sysconf(_SC_THREAD_STACK_MIN));
}

Test(host_thread, runs_where_it_is_told)
{
	struct host_spawn how = plain;
	struct birth inherited = born(&how);
	struct birth it;
	char list[16];
	int cpu = 0;

	while (!CPU_ISSET(cpu, &inherited.cpus))
		cpu++;
	snprintf(list, sizeof(list), "%d", cpu);
	how.cpus = host_cpus_parse(list);
	cr_assert_not_null(how.cpus);
	it = born(&how);
	host_cpus_free((struct host_cpus *)(uintptr_t)how.cpus);
	cr_assert_eq(CPU_COUNT(&it.cpus), 1);
	cr_assert(CPU_ISSET(cpu, &it.cpus));
}

static void takes_only(const sigset_t *mask, int also)
{
	for (int i = 1; i <= SIGRTMAX; i++) {
		bool own = i == SIGSEGV || i == SIGBUS || i == SIGFPE ||
			   i == SIGILL || i == SIGABRT || i == SIGTRAP ||
			   i == SIGSYS;
		/* Nobody can block these: 32 and 33 are the C library's. */
		bool never = i == SIGKILL || i == SIGSTOP || i == 32 || i == 33;

		cr_assert_eq(sigismember(mask, i) == 0,
			     own || never || i == also, "signal %d", i);
	}
}

Test(host_thread, blocks_what_is_not_its_own)
{
	struct host_spawn how = plain;
	sigset_t before, after;
	struct birth it;

	it = born(&how);
	takes_only(&it.mask, 0);
	how.open = UINT64_C(1) << (SIGRTMAX - 1);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	it = born(&how);
	takes_only(&it.mask, SIGRTMAX);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int i = 1; i <= SIGRTMAX; i++)
		cr_assert_eq(sigismember(&before, i), sigismember(&after, i));
}

static bool takes(uint64_t signals, int signo)
{
	return signals >> (signo - 1) & 1;
}

/* Programs that it starts can be ended, and profilers see it. */
Test(host_thread, what_its_creator_takes_it_may_take)
{
	struct host_spawn how = plain;
	struct birth it;
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGRTMIN);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	how.open = host_signals();
	cr_assert(takes(how.open, SIGTERM) && takes(how.open, SIGPROF));
	cr_assert(takes(how.open, SIGHUP) && takes(how.open, SIGTSTP));
	cr_assert_not(takes(how.open, SIGINT), "its creator does not");
	cr_assert_not(takes(how.open, SIGALRM) || takes(how.open, SIGCHLD) ||
		      takes(how.open, SIGUSR1) || takes(how.open, SIGPIPE) ||
		      takes(how.open, SIGRTMAX));
	it = born(&how);
	for (int i = 1; i < 32; i++)
		if (takes(how.open, i))
			cr_assert_not(sigismember(&it.mask, i), "%d", i);
	cr_assert(sigismember(&it.mask, SIGINT));
}

/* ---- thread-local variables ------------------------------------------ */

#define LARGE ((size_t)300 << 10)
static __thread char large[LARGE];
static size_t left_over;

static void measures(void *arg)
{
	pthread_attr_t attr;
	void *base;
	size_t size;
	char here;

	(void)arg;
	*(volatile char *)&large[LARGE - 1] = 1;
	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstack(&attr, &base, &size);
	pthread_attr_destroy(&attr);
	left_over = (size_t)((uintptr_t)&here - (uintptr_t)base);
}

/* The variables lie on its stack, and are no part of what was asked for. */
Test(host_thread, has_its_stack_beside_thread_local_variables)
{
	host_thread thread;

	cr_assert_eq(host_spawn(&thread, &plain, measures, NULL, NULL), 0);
	cr_assert_eq(host_join(thread, HOST_FOREVER), 0);
	cr_assert_geq(left_over, plain.stack - (16 << 10));
}

Test(host_thread, that_cannot_be_made_is_an_error)
{
	struct host_spawn how = { .stack = SIZE_MAX / 4 };
	host_thread thread = 77;

	cr_assert_lt(host_spawn(&thread, &how, birth, NULL, NULL), 0);
	how.stack = SIZE_MAX;
	cr_assert_lt(host_spawn(&thread, &how, birth, NULL, NULL), 0);
	cr_assert_eq(thread, 77);
}

/* ---- ends ------------------------------------------------------------ */

struct end {
	void (*way)(struct end *end);
	struct gate gate;
	_Atomic int last;    /* calls of the hook */
	_Atomic int order;   /* of hook and destructor */
	int last_at, tsd_at; /* their places */
	int32_t last_tid, tid;
};

static pthread_key_t key;

static void destroy(void *arg)
{
	struct end *end = arg;

	end->tsd_at = add_relaxed(&end->order, 1) + 1;
}

static void last(void *arg)
{
	struct end *end = arg;

	add_relaxed(&end->last, 1);
	end->last_at = add_relaxed(&end->order, 1) + 1;
	end->last_tid = host_tid();
}

static void live(void *arg)
{
	struct end *end = arg;

	end->tid = host_tid();
	pthread_setspecific(key, end);
	end->way(end);
}

static host_thread lives(struct end *end, void (*way)(struct end *end))
{
	host_thread thread;

	memset(end, 0, sizeof(*end));
	end->way = way;
	pthread_key_create(&key, destroy);
	cr_assert_eq(host_spawn(&thread, &plain, live, last, end), 0);
	return thread;
}

static void by_return(struct end *end)
{
	(void)end;
}

/* Some frames deep, as a task would. */
static __attribute__((noinline)) void deep(int n)
{
	volatile int left = n;

	if (left > 0)
		deep(left - 1);
	if (left == 0)
		pthread_exit(NULL);
}

static void by_exit(struct end *end)
{
	(void)end;
	deep(10);
}

static void by_host_exit(struct end *end)
{
	(void)end;
	host_exit();
}

static void until_cancelled(struct end *end)
{
	store_release(&end->gate.came, (uint32_t)host_tid());
	for (;;)
		pause();
}

#if !UNDER_ASAN
static void by_raw_exit(struct end *end)
{
	(void)end;
	raw_exit();
}
#endif

Test(host_thread, return_is_no_last)
{
	struct end end;

	cr_assert_eq(host_join(lives(&end, by_return), HOST_FOREVER), 0);
	cr_assert_eq(load_relaxed(&end.last), 0);
	cr_assert_eq(end.tsd_at, 1);
}

static void had_its_last(struct end *end)
{
	cr_assert_eq(load_relaxed(&end->last), 1);
	cr_assert_eq(end->last_at, 1);
	cr_assert_eq(end->tsd_at, 2, "the destructor came first");
	cr_assert_eq(end->last_tid, end->tid);
}

Test(host_thread, pthread_exit_runs_last)
{
	struct end end;

	cr_assert_eq(host_join(lives(&end, by_exit), HOST_FOREVER), 0);
	had_its_last(&end);
	cr_assert_eq(host_join(lives(&end, by_host_exit), HOST_FOREVER), 0);
	had_its_last(&end);
}

Test(host_thread, cancel_runs_last)
{
	struct end end;
	host_thread thread = lives(&end, until_cancelled);

	gate_came(&end.gate);
	cr_assert_eq(pthread_cancel((pthread_t)thread), 0);
	cr_assert_eq(host_join(thread, HOST_FOREVER), 0);
	had_its_last(&end);
}

Test(host_thread, cancel_before_its_first_step_runs_last)
{
	for (int i = 0; i < 200; i++) {
		struct end end;
		host_thread thread = lives(&end, until_cancelled);

		pthread_cancel((pthread_t)thread);
		cr_assert_eq(host_join(thread, HOST_FOREVER), 0);
		had_its_last(&end);
	}
}

#if !UNDER_ASAN /* see raw_exit() */
Test(host_thread, raw_exit_can_be_joined)
{
	struct end end;

	cr_assert_eq(host_join(lives(&end, by_raw_exit), HOST_FOREVER), 0);
	cr_assert_eq(load_relaxed(&end.last), 0);
	cr_assert_eq(end.tsd_at, 0);
}
#endif

/* ---- joining --------------------------------------------------------- */

static void pass(void *arg)
{
	gate_pass(arg);
}

Test(host_thread, join_waits_until_its_time)
{
	static struct gate gate;
	uint64_t until = host_now() + 20 * MS;
	host_thread thread;

	cr_assert_eq(host_spawn(&thread, &plain, pass, NULL, &gate), 0);
	cr_assert_eq(host_join(thread, 0), -ETIMEDOUT);
	cr_assert_eq(host_join(thread, until), -ETIMEDOUT);
	cr_assert_geq(host_now(), until);
	gate_open(&gate);
	cr_assert_eq(host_join(thread, host_now() + IN_TIME), 0);
}

Test(host_thread, join_of_one_that_ended_needs_no_time)
{
	static struct gate gate;
	host_thread thread;
	int32_t tid;

	cr_assert_eq(host_spawn(&thread, &plain, pass, NULL, &gate), 0);
	tid = gate_came(&gate);
	gate_open(&gate);
	cr_assert(comes_true(syscall(SYS_tgkill, getpid(), tid, 0) != 0));
	cr_assert_eq(host_join(thread, 0), 0);
}

static struct gate held;
static _Atomic int joined;

static void join_held(void *arg)
{
	host_thread *thread = arg;

	store_release(&joined, host_join(*thread, HOST_FOREVER) == 0);
	pthread_testcancel();
	store_release(&joined, 2);
}

Test(host_thread, join_is_no_cancellation_point)
{
	host_thread thread, joiner;

	cr_assert_eq(host_spawn(&thread, &plain, pass, NULL, &held), 0);
	cr_assert_eq(host_spawn(&joiner, &plain, join_held, NULL, &thread), 0);
	pthread_cancel((pthread_t)joiner);
	cr_assert_eq(host_join(joiner, host_now() + 20 * MS), -ETIMEDOUT);
	gate_open(&held);
	cr_assert_eq(host_join(joiner, HOST_FOREVER), 0);
	cr_assert_eq(load_acquire(&joined), 1);
}

Test(host_thread, detached_ones_go_by_themselves)
{
	static struct gate gate;
	host_thread thread;
	int32_t tid;

	cr_assert_eq(host_spawn(&thread, &plain, pass, NULL, &gate), 0);
	tid = gate_came(&gate);
	host_detach(thread);
	gate_open(&gate);
	cr_assert(comes_true(syscall(SYS_tgkill, getpid(), tid, 0) != 0));
}
