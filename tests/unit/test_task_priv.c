/* SPDX-License-Identifier: BSD-2-Clause */
#include "task/task_priv.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

static struct ward_task task;
static struct task_priv *priv;

static void fresh(void)
{
	memset(&task, 0, sizeof(task));
	priv = task_priv(&task);
	task_open(priv);
}

static void is(enum task_state state, uint32_t attempt, int32_t refs)
{
	uint64_t word = load_relaxed(&priv->word);

	cr_assert_eq(task_state(word), state, "state %d", task_state(word));
	cr_assert_eq(task_attempt(word), attempt, "attempt %u",
		     task_attempt(word));
	cr_assert_eq(task_refs(word), refs, "refs %d", task_refs(word));
}

static void moves_to(enum task_state state)
{
	store_relaxed(&priv->word,
		      task_with_state(load_relaxed(&priv->word), state));
}

Test(priv, zero_is_the_users)
{
	memset(&task, 0, sizeof(task));
	cr_assert_eq(task_state(load_relaxed(&task_priv(&task)->word)),
		     TASK_FREE);
}

Test(priv, opens_at_the_first_attempt)
{
	fresh();
	is(TASK_QUEUED, 1, 0);
	cr_assert(task_fresh(load_relaxed(&priv->word)));
	cr_assert(task_plain(load_relaxed(&priv->word)));
}

Test(priv, with_a_stamp_it_is_plain_but_not_fresh)
{
	fresh();
	task_stamp(priv, 7);
	is(TASK_QUEUED, 1, 0);
	cr_assert_eq(priv->stamp, 7);
	cr_assert(load_relaxed(&priv->word) & TASK_STAMPED);
	cr_assert_not(task_fresh(load_relaxed(&priv->word)));
	cr_assert(task_plain(load_relaxed(&priv->word)));
	fresh();
	cr_assert_not(load_relaxed(&priv->word) & TASK_STAMPED);
}

Test(priv, of_a_lane_it_is_fresh_but_not_plain)
{
	fresh();
	task_open_lane(priv, NULL, false);
	cr_assert(task_fresh(load_relaxed(&priv->word)));
	cr_assert_not(task_plain(load_relaxed(&priv->word)));
}

Test(priv, what_was_said_about_it_is_neither_or_both)
{
	static const uint64_t said[] = { TASK_CANCELLED, TASK_PERIODIC,
					 TASK_GRANT, TASK_COMMITTED };

	for (unsigned i = 0; i < 4; i++) {
		fresh();
		or_relaxed(&priv->word, said[i]);
		cr_assert_not(task_fresh(load_relaxed(&priv->word)));
		cr_assert_eq(task_plain(load_relaxed(&priv->word)),
			     said[i] != TASK_PERIODIC);
	}
	fresh();
	task_lose(priv, true, TASK_RERUN, TASK_LOST);
	cr_assert_not(task_plain(load_relaxed(&priv->word)));
}

Test(priv, an_ordinary_answer_is_the_callers_to_release)
{
	fresh();
	cr_assert(task_answer(priv));
	is(TASK_FREE, 1, 0);
}

Test(priv, fields_do_not_touch_each_other)
{
	fresh();
	for (uint32_t i = 0; i < 70; i++)
		task_lose(priv, true, TASK_RERUN, TASK_LOST);
	is(TASK_RERUN, 71, 70);
	for (uint32_t i = 0; i < 70; i++)
		cr_assert_not(task_put(priv));
	is(TASK_RERUN, 71, 0);
	moves_to(TASK_QUEUED);
	is(TASK_QUEUED, 71, 0);
}

/* ---- lost ------------------------------------------------------------ */

Test(priv, a_lost_attempt_runs_again_or_is_answered)
{
	fresh();
	cr_assert_not(task_lose(priv, false, TASK_RERUN, TASK_LOST));
	is(TASK_RERUN, 2, 0);
	fresh();
	cr_assert_not(task_lose(priv, true, TASK_LOST, TASK_LOST));
	is(TASK_LOST, 2, 1);
}

Test(priv, answered_before_the_thread_is_home_it_is_the_threads_to_release)
{
	fresh();
	task_lose(priv, true, TASK_LOST, TASK_LOST);
	cr_assert_not(task_answer(priv));
	is(TASK_ANSWERED, 2, 1);
	cr_assert(task_put(priv));
	is(TASK_FREE, 2, 0);
}

Test(priv, home_before_it_is_answered_it_is_the_answerers_to_release)
{
	fresh();
	task_lose(priv, true, TASK_LOST, TASK_LOST);
	cr_assert_not(task_put(priv));
	is(TASK_LOST, 2, 0);
	cr_assert(task_answer(priv));
	is(TASK_FREE, 2, 0);
}

/* The fencer's swap of the word may come after the thread is home. */
Test(priv, home_before_the_reference_is_entered)
{
	fresh();
	cr_assert_not(task_put(priv));
	is(TASK_QUEUED, 1, -1);
	task_lose(priv, true, TASK_LOST, TASK_LOST);
	is(TASK_LOST, 2, 0);
	cr_assert(task_answer(priv));
}

Test(priv, the_last_of_several_that_come_home_releases)
{
	fresh();
	for (int i = 0; i < 3; i++) {
		task_lose(priv, true, TASK_RERUN, TASK_LOST);
		moves_to(TASK_QUEUED);
	}
	cr_assert_not(task_put(priv));
	cr_assert_not(task_answer(priv));
	is(TASK_ANSWERED, 4, 2);
	cr_assert_not(task_put(priv));
	cr_assert(task_put(priv));
	is(TASK_FREE, 4, 0);
}

/* ---- commits --------------------------------------------------------- */

Test(priv, one_commit)
{
	fresh();
	cr_assert_not(task_commit(priv, 0));
	cr_assert_not(task_commit(priv, 2));
	cr_assert(task_commit(priv, 1));
	cr_assert_not(task_commit(priv, 1));
}

Test(priv, a_lost_attempt_commits_no_more_and_the_next_one_may)
{
	fresh();
	task_lose(priv, true, TASK_RERUN, TASK_LOST);
	moves_to(TASK_QUEUED);
	cr_assert_not(task_commit(priv, 1));
	cr_assert(task_commit(priv, 2));
}

Test(priv, what_has_committed_does_not_run_again)
{
	fresh();
	cr_assert(task_commit(priv, 1));
	cr_assert(task_lose(priv, true, TASK_RERUN, TASK_LOST));
	is(TASK_LOST, 2, 1);
	cr_assert_not(task_commit(priv, 2), "not twice");
}

Test(priv, shut_forgets_all_but_the_attempt)
{
	fresh();
	task_commit(priv, 1);
	task_lose(priv, true, TASK_LOST, TASK_LOST);
	task_put(priv);
	cr_assert(task_answer(priv));
	cr_assert_eq(load_relaxed(&priv->word), 2 * TASK_ATTEMPT_ONE);
	task_open(priv);
	is(TASK_QUEUED, 1, 0);
	cr_assert(task_commit(priv, 1));
}

/* ---- threads --------------------------------------------------------- */

enum { ROUNDS = 20000 };

static pthread_barrier_t line;
static _Atomic uint32_t releases, commits;

/* A thread that lost its attempt tries to commit, and comes home. */
static void *comes_home(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&line);
		if (task_commit(priv, 1))
			add_relaxed(&commits, 1);
		if (task_put(priv))
			add_relaxed(&releases, 1);
		pthread_barrier_wait(&line);
	}
	return arg;
}

/* The steward's step, and then that of the worker that answers. */
static void takes_and_answers(void)
{
	bool committed = task_lose(priv, true, TASK_RERUN, TASK_LOST);

	if (!committed && task_commit(priv, 2))
		add_relaxed(&commits, 1);
	if (task_answer(priv))
		add_relaxed(&releases, 1);
}

Test(priv, release_is_due_once_whoever_is_first)
{
	pthread_t thread;

	pthread_barrier_init(&line, NULL, 2);
	pthread_create(&thread, NULL, comes_home, NULL);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		fresh();
		pthread_barrier_wait(&line);
		takes_and_answers();
		pthread_barrier_wait(&line);
		cr_assert_eq(load_relaxed(&releases), i + 1);
		cr_assert_eq(task_state(load_relaxed(&priv->word)), TASK_FREE);
		cr_assert_eq(load_relaxed(&commits), i + 1, "one of the two");
	}
	pthread_join(thread, NULL);
}
