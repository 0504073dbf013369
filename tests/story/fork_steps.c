/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork_steps.c - a handler of a signal forks at each instruction of a worker: in the
 * middle of a put, of an end, of a take; and while it sleeps.
 *
 * Expected: the child's copy of the thread ends with the attempt that it was in.  It
 * takes no other task, and waits for nobody; every call on the pool is refused there.
 * In the parent each task ends once.
 */
#include "story.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#define TRAP UINT64_C(0x100)

enum { NOT_YET = -100, RAN = 20, HUNG = 30, REFUSED = 40 }; /* how a child ends */

static struct ward_pool *pool;
static struct item item[3];
static volatile uint32_t steps;
static uint32_t act_at;
static volatile bool acted, in_child;
static bool asks, taken;
static _Atomic int ended; /* the child: as what */

static inline void trap(bool on)
{
	uint64_t flags = __builtin_ia32_readeflags_u64() & ~TRAP;

	__builtin_ia32_writeeflags_u64(flags | (on ? TRAP : 0));
}

/* ---- the child ------------------------------------------------------------------- */

static int refused(void)
{
	struct ward_task task = { .run = item[0].task.run };

	if (ward_submit(pool, &task, WARD_NOWAIT) != -ECHILD ||
	    ward_submit(pool, &task, WARD_FOREVER) != -ECHILD ||
	    ward_pool_drain(pool, WARD_FOREVER) != -ECHILD)
		return 1;
	/* The thread stands on it: nothing happens. */
	return ward_pool_destroy(pool, WARD_FOREVER) ? 2 : REFUSED;
}

static void goes_on(ucontext_t *context)
{
	in_child = true;
	if (asks)
		_exit(refused());
	context->uc_mcontext.gregs[REG_EFL] &= ~(long long)TRAP;
}

static int end_of(pid_t child)
{
	uint64_t end = host_now() + IN_TIME;
	int status;

	while (!waitpid(child, &status, WNOHANG)) {
		if (host_now() > end) {
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			return HUNG;
		}
		nap(MS / 10);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void after_each(int signo, siginfo_t *info, void *context)
{
	int saved = errno;
	pid_t child;

	(void)signo;
	(void)info;
	if (in_child || steps++ != act_at)
		return;
	acted = true;
	taken = owned_count(&slot_here()->local.ring) < 2;
	child = fork();
	if (child == 0)
		goes_on(context);
	else
		ended = child < 0 ? child : end_of(child);
	errno = saved;
}

/* ---- its tasks ------------------------------------------------------------------- */

/* One of a copy's shows in its end. */
static void ran(const struct item *it)
{
	trap(false);
	if (in_child)
		_exit(RAN + (int)(it - item));
}

static int runs(struct item *it)
{
	ran(it);
	return 0;
}

/* Its own queue has two more; it steps through its end, and the take of the next. */
static int ends(struct item *it)
{
	(void)it;
	item_submit(pool, &item[1]);
	item_submit(pool, &item[2]);
	trap(true);
	return 0;
}

static int puts_one(struct item *it)
{
	int err;

	(void)it;
	item_submit(pool, &item[1]);
	trap(true);
	err = ward_submit(pool, &item[2].task, WARD_FOREVER);
	trap(false);
	return err;
}

/* False: the handler was not called so often. */
static bool round_of(int (*what)(struct item *))
{
	steps = 0;
	acted = false;
	ended = NOT_YET;
	item_init(&item[0], what, NULL, "steps");
	item_init(&item[1], runs, NULL, "second");
	item_init(&item[2], runs, NULL, "third");
	item_submit(pool, &item[0]);
	for (int i = 0; i < 3; i++)
		item_ends(&item[i], 0);
	act_at++;
	return acted;
}

/* ---- the stories ----------------------------------------------------------------- */

static void in_a_put(void)
{
	act_at = 0;
	while (round_of(puts_one))
		expect_equal(ended, asks ? REFUSED : 0);
	expect(act_at > 20);
}

/* A task that was taken counts as begun. */
static void in_a_take(void)
{
	act_at = 0;
	while (round_of(ends))
		if (asks || !taken || ended != RAN + 1)
			expect_equal(ended, asks ? REFUSED : 0);
	expect(act_at > 50);
}

static void asleep(void)
{
	act_at = 0;
	steps = 0;
	acted = false;
	ended = NOT_YET;
	wait_until(BELL_TOP(load_acquire(&((struct pool *)pool)->inbox.bell.word)));
	syscall(SYS_tgkill, getpid(), load_acquire(&item[0].tid), SIGTRAP);
	wait_until(ended != NOT_YET);
	expect_equal(ended, asks ? REFUSED : 0);
}

int main(void)
{
	struct ward_policy patient = WARD_POLICY_INIT;
	struct ward_pool_config config = story_config();
	struct sigaction action = { .sa_sigaction = after_each,
				    .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &action, NULL);
	patient.busy_within = patient.blocked_within = 2 * IN_TIME;
	config.policy = &patient;
	config.workers = 1;
	pool = pool_up(&config);
	for (int i = 0; i < 2; i++) {
		asks = i;
		in_a_put();
		in_a_take();
		asleep();
	}
	pool_down(pool);
	return 0;
}
#else
int main(void)
{
	story_skip("no instruction can be stepped through here");
}
#endif
