/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * helpers_held.c - each thread that heals or tells, held at each of its calls, while
 * workers die, a task hangs, the process forks, and the pool is drained and destroyed.
 *
 * Expected: the hanging thread is told of, within some five seconds; a loss is healed
 * until then, unless that is the hanging thread's part; fork() comes back at once,
 * drain and destroy by their deadlines.  Let go afterwards, the thread that was held
 * gives back what was left to it.  A table says what became of each.
 *
 * The linker puts this file's doors in front of the host's.  Each case has a process
 * of its own; they run side by side, for most of their time is waiting.
 */
#include "story.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum place { WAITS, WAKES, LOOKS, ASKS, SPAWNS, JOINS, WATCHES, HOLDS, OPENS, TELLS };

static const struct held {
	const char *thread; /* the end of its name; "": any worker */
	enum place place;
	const char *says;
} held[] = {
	{ "/steward", WAITS, "futex wait" },
	{ "/steward", WAKES, "futex wake" },
	{ "/steward", LOOKS, "/proc, CPU clock" },
	{ "/steward", ASKS, "/proc, system call" },
	{ "/deputy", WAITS, "futex wait" },
	{ "/clerk", WAITS, "futex wait" },
	{ "/clerk", SPAWNS, "thread made" },
	{ "/clerk", JOINS, "thread joined" },
	{ "/scribe", WAITS, "futex wait" },
	{ "/scribe", TELLS, "report hook" },
	{ "", WATCHES, "spare: asleep" },
	{ "", HOLDS, "newborn: robust mutex" },
	{ "", OPENS, "newborn: /proc opened" },
};

/* ---- holding ------------------------------------------------------------------- */

static const struct held *mine; /* of this process */
static _Atomic uint32_t armed, is_held, gate, muttered;

static bool is_it(void)
{
	char name[16] = "";
	size_t len, end = strlen(mine->thread);

	prctl(PR_GET_NAME, name);
	len = strlen(name);
	if (!end)
		return strchr(name, '/') && !strstr(name, "/s") &&
		       !strstr(name, "/d") && !strstr(name, "/c");
	return len >= end && !strcmp(name + len - end, mine->thread);
}

WRAPPED(host_wait);

static void at(enum place place)
{
	if (!load_relaxed(&armed) || mine->place != place || !is_it() ||
	    !swap_acq_rel(&armed, 0))
		return;
	store_release(&is_held, 1);
	while (!load_acquire(&gate))
		__real_host_wait(&gate, 0, HOST_FOREVER);
}

int __wrap_host_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	at(WAITS);
	return __real_host_wait(word, seen, until);
}

WRAPPED(host_wake);
void __wrap_host_wake(_Atomic uint32_t *word, int n)
{
	at(WAKES);
	__real_host_wake(word, n);
}

WRAPPED(host_sample);
int __wrap_host_sample(const struct host_stat_files *files,
		       struct host_sample *look)
{
	at(LOOKS);
	return __real_host_sample(files, look);
}

WRAPPED(host_syscall);
int __wrap_host_syscall(const struct host_stat_files *files, int32_t *nr,
			uint64_t *arg)
{
	at(ASKS);
	return __real_host_syscall(files, nr, arg);
}

WRAPPED(host_spawn);
int __wrap_host_spawn(host_thread *out, const struct host_spawn *how,
		      void (*fn)(void *arg), void (*last)(void *arg), void *arg)
{
	at(SPAWNS);
	return __real_host_spawn(out, how, fn, last, arg);
}

WRAPPED(host_join);
int __wrap_host_join(host_thread thread, uint64_t until)
{
	at(JOINS);
	return __real_host_join(thread, until);
}

WRAPPED(host_wait_lives);
void __wrap_host_wait_lives(_Atomic uint32_t *word, uint32_t seen,
			    _Atomic uint32_t *gen, uint32_t gen_seen,
			    struct host_life *const *lives, unsigned n)
{
	__real_host_wait_lives(word, seen, gen, gen_seen, lives, n);
	at(WATCHES); /* on its way to its seat */
}

WRAPPED(host_life_hold);
void __wrap_host_life_hold(struct host_life *life)
{
	at(HOLDS);
	__real_host_life_hold(life);
}

WRAPPED(host_stat_open);
void __wrap_host_stat_open(struct host_stat_files *files, int32_t tid)
{
	at(OPENS);
	__real_host_stat_open(files, tid);
}

WRAPPED(host_try_stderr);
void __wrap_host_try_stderr(const char *line, size_t len)
{
	(void)line;
	(void)len;
	add_acq_rel(&muttered, 1);
}

static void on_report(void *arg, const struct ward_report *report)
{
	at(TELLS);
	story_report(arg, report);
}

/* ---- one case -------------------------------------------------------------------- */

static int dies(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

static bool somebody_said(void)
{
	return told_count(WARD_R_HELPER) || told_count(WARD_R_STEWARD) ||
	       told_count(WARD_R_NO_THREAD) || load_acquire(&muttered);
}

/* The steward sleeps, and misses nobody, where there is nothing to do. */
static int keeps_it_awake(struct item *item)
{
	(void)item;
	while (!somebody_said() && !ward_check())
		ward_pause(ward_in(10 * MS));
	return 0;
}

/* The task is answered, or it is known why not. */
static bool is_answered(const struct item *item)
{
	wait_until(load_acquire(&item->done) ||
		   (somebody_said() && !told_count(WARD_R_STEWARD)));
	return load_acquire(&item->done);
}

static double seconds_since(uint64_t start)
{
	return (double)(host_now() - start) / (double)SECOND;
}

/* A call that has a deadline, or takes no time; a slow machine has its own. */
#define in_time(call, span)                                                    \
	do {                                                                   \
		uint64_t start_ = host_now();                                  \
                                                                               \
		call;                                                          \
		expect(host_now() - start_ < (span) + 3 * SECOND);             \
	} while (0)

static void forks(void)
{
	int status;
	pid_t pid;

	in_time(pid = fork(), 0);
	if (pid == 0)
		_exit(0);
	expect_equal(waitpid(pid, &status, 0), pid);
}

static void one_case(void)
{
	static const struct ward_hooks hooks = { .report = on_report };
	static struct item item[5], busy;
	struct ward_pool_config config = story_config();
	unsigned threads = threads_now(), answered = 0, n = 0;
	struct ward_pool *pool;
	uint64_t start;
	int left = 0;

	config.hooks = &hooks;
	pool = pool_up(&config);
	wait_healed(pool);
	start = host_now();
	store_release(&armed, 1);
	for (; n < 5; n++) {
		item_start(pool, &item[n],
			   n % 4 ? dies : task_spin_until_fenced, NULL, "lost");
		if (!is_answered(&item[n]))
			break;
		answered++;
	}
	forks();
	wait_until(load_acquire(&is_held));
	item_start(pool, &busy, keeps_it_awake, NULL, "busy");
	wait_until(somebody_said());
	printf("%-10s %-24s %u of 5 answered, %u vacant, %s after %.1f s\n",
	       *mine->thread ? mine->thread + 1 : "worker", mine->says,
	       answered, (unsigned)stats_of(pool).vacant,
	       told_count(WARD_R_STEWARD)    ? "steward replaced" :
	       told_count(WARD_R_HELPER)     ? "told" :
	       told_count(WARD_R_NO_THREAD)  ? "told" :
					       "said on stderr",
	       seconds_since(start));
	fflush(stdout);
	forks();
	in_time((void)ward_pool_drain(pool, ward_in(100 * MS)), 100 * MS);
	in_time(left = ward_pool_destroy(pool, ward_in(100 * MS)), 100 * MS);
	expect(left >= 0);
	for (unsigned i = 0; i < n; i++)
		expect(load_acquire(&item[i].done));
	expect(load_acquire(&busy.done));
	store_release(&gate, 1);
	__real_host_wake(&gate, INT32_MAX);
	wait_until(threads_now() == threads);
}

int main(void)
{
	enum { N = sizeof(held) / sizeof(held[0]) };
	pid_t pid[N];
	int status, bad = 0;

	for (unsigned i = 0; i < N; i++) {
		fflush(stdout);
		pid[i] = fork();
		expect(pid[i] >= 0);
		if (pid[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		mine = &held[i];
		one_case();
		exit(0);
	}
	for (unsigned i = 0; i < N; i++) {
		expect_equal(waitpid(pid[i], &status, 0), pid[i]);
		if (status)
			fprintf(stderr, "%s at %s: status %x\n",
				held[i].thread, held[i].says, status);
		bad += status != 0;
	}
	return bad ? 1 : 0;
}
