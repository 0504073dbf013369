/* SPDX-License-Identifier: BSD-2-Clause */
#include "wait.h"
#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

static _Atomic int hooks;
static void *hook_self;

static void on_fork(void *self)
{
	add_relaxed(&hooks, 1);
	hook_self = self;
}

/* Each bit is something that is wrong in the child. */
static int wrong_in_child(uint32_t generation, void *self)
{
	int wrong = 0;

	wrong |= (load_relaxed(&host_generation) != generation + 1) << 0;
	wrong |= (load_relaxed(&hooks) != 1) << 1;
	wrong |= (hook_self != self) << 2;
	host_barrier_heavy();
	return wrong;
}

Test(host_init, child_of_a_fork_knows_it, .timeout = 60)
{
	uint32_t generation;
	int self, status;
	pid_t child;
	bool asymmetric;

	host_init();
	host_init(); /* once is enough: the hook below is called once */
	asymmetric = host_asymmetric;
	host_on_fork(on_fork);
	host_set_self(&self);
	generation = load_relaxed(&host_generation);
	child = fork();
	if (child == 0) {
		int wrong = wrong_in_child(generation, &self);

		_exit(wrong | (host_asymmetric != asymmetric) << 3);
	}
	cr_assert_gt(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0, "bits %d", WEXITSTATUS(status));
	cr_assert_eq(load_relaxed(&host_generation), generation);
	cr_assert_eq(load_relaxed(&hooks), 0);
}

static struct gate gate;
static _Atomic int child_status;

static void fork_here(void *arg)
{
	int status = -1;
	pid_t child;

	host_set_self(arg);
	child = fork();
	if (child == 0)
		_exit(hook_self == arg ? 0 : 1);
	waitpid(child, &status, 0);
	store_release(&child_status, status);
}

static void pass(void *arg)
{
	gate_pass(arg);
}

/* The hook gets the words of the thread that forked, not of another. */
Test(host_init, fork_by_a_thread_among_others, .timeout = 60)
{
	struct host_spawn how = { .stack = 1 << 18 };
	host_thread other, thread;
	int main_self, self;

	host_init();
	host_on_fork(on_fork);
	host_set_self(&main_self);
	store_release(&child_status, -1);
	cr_assert_eq(host_spawn(&other, &how, pass, NULL, &gate), 0);
	gate_came(&gate);
	cr_assert_eq(host_spawn(&thread, &how, fork_here, NULL, &self), 0);
	cr_assert_eq(host_join(thread, HOST_FOREVER), 0);
	cr_assert_eq(load_acquire(&child_status), 0);
	gate_open(&gate);
	cr_assert_eq(host_join(other, HOST_FOREVER), 0);
}
