/* SPDX-License-Identifier: BSD-2-Clause */
#include "work/book.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

static struct ward_task task;
static struct book *book;

static void fresh(void)
{
	memset(&task, 0, sizeof(task));
	book = book_of(&task);
	book_open(book);
}

static void is(enum book_state state, uint32_t attempt, int32_t debt)
{
	uint64_t word = load_relaxed(&book->word);

	cr_assert_eq(book_state(word), state, "state %d", book_state(word));
	cr_assert_eq(book_attempt(word), attempt, "attempt %u",
		     book_attempt(word));
	cr_assert_eq(book_debt(word), debt, "debt %d", book_debt(word));
}

static void moves_to(enum book_state state)
{
	store_relaxed(&book->word,
		      book_with_state(load_relaxed(&book->word), state));
}

Test(book, zero_is_the_users)
{
	memset(&task, 0, sizeof(task));
	cr_assert_eq(book_state(load_relaxed(&book_of(&task)->word)),
		     BOOK_FREE);
}

Test(book, opens_at_the_first_attempt)
{
	fresh();
	is(BOOK_QUEUED, 1, 0);
	cr_assert(book_fresh(load_relaxed(&book->word)));
	cr_assert(book_plain(load_relaxed(&book->word)));
}

Test(book, with_a_stamp_it_is_plain_but_not_fresh)
{
	fresh();
	book_stamp(book, 7);
	is(BOOK_QUEUED, 1, 0);
	cr_assert_eq(book->stamp, 7);
	cr_assert(load_relaxed(&book->word) & BOOK_STAMPED);
	cr_assert_not(book_fresh(load_relaxed(&book->word)));
	cr_assert(book_plain(load_relaxed(&book->word)));
	fresh();
	cr_assert_not(load_relaxed(&book->word) & BOOK_STAMPED);
}

Test(book, of_a_lane_it_is_fresh_but_not_plain)
{
	fresh();
	book_open_lane(book, NULL, false);
	cr_assert(book_fresh(load_relaxed(&book->word)));
	cr_assert_not(book_plain(load_relaxed(&book->word)));
}

Test(book, what_was_said_about_it_is_neither_or_both)
{
	static const uint64_t said[] = { BOOK_CANCELLED, BOOK_PERIODIC,
					 BOOK_GRANT, BOOK_COMMITTED };

	for (unsigned i = 0; i < 4; i++) {
		fresh();
		or_relaxed(&book->word, said[i]);
		cr_assert_not(book_fresh(load_relaxed(&book->word)));
		cr_assert_eq(book_plain(load_relaxed(&book->word)),
			     said[i] != BOOK_PERIODIC);
	}
	fresh();
	book_lose(book, true, BOOK_RERUN, BOOK_LOST);
	cr_assert_not(book_plain(load_relaxed(&book->word)));
}

Test(book, an_ordinary_answer_is_the_callers_to_release)
{
	fresh();
	cr_assert(book_answer(book));
	is(BOOK_FREE, 1, 0);
}

Test(book, fields_do_not_touch_each_other)
{
	fresh();
	for (uint32_t i = 0; i < 70; i++)
		book_lose(book, true, BOOK_RERUN, BOOK_LOST);
	is(BOOK_RERUN, 71, 70);
	for (uint32_t i = 0; i < 70; i++)
		cr_assert_not(book_home(book));
	is(BOOK_RERUN, 71, 0);
	moves_to(BOOK_QUEUED);
	is(BOOK_QUEUED, 71, 0);
}

/* ---- lost ------------------------------------------------------------ */

Test(book, a_lost_attempt_runs_again_or_is_answered)
{
	fresh();
	cr_assert_not(book_lose(book, false, BOOK_RERUN, BOOK_LOST));
	is(BOOK_RERUN, 2, 0);
	fresh();
	cr_assert_not(book_lose(book, true, BOOK_LOST, BOOK_LOST));
	is(BOOK_LOST, 2, 1);
}

Test(book, answered_before_the_thread_is_home_it_is_the_threads_to_release)
{
	fresh();
	book_lose(book, true, BOOK_LOST, BOOK_LOST);
	cr_assert_not(book_answer(book));
	is(BOOK_ANSWERED, 2, 1);
	cr_assert(book_home(book));
	is(BOOK_FREE, 2, 0);
}

Test(book, home_before_it_is_answered_it_is_the_answerers_to_release)
{
	fresh();
	book_lose(book, true, BOOK_LOST, BOOK_LOST);
	cr_assert_not(book_home(book));
	is(BOOK_LOST, 2, 0);
	cr_assert(book_answer(book));
	is(BOOK_FREE, 2, 0);
}

/* The fencer's swap of the word may come after the thread is home. */
Test(book, home_before_the_debt_is_entered)
{
	fresh();
	cr_assert_not(book_home(book));
	is(BOOK_QUEUED, 1, -1);
	book_lose(book, true, BOOK_LOST, BOOK_LOST);
	is(BOOK_LOST, 2, 0);
	cr_assert(book_answer(book));
}

Test(book, the_last_of_several_that_come_home_releases)
{
	fresh();
	for (int i = 0; i < 3; i++) {
		book_lose(book, true, BOOK_RERUN, BOOK_LOST);
		moves_to(BOOK_QUEUED);
	}
	cr_assert_not(book_home(book));
	cr_assert_not(book_answer(book));
	is(BOOK_ANSWERED, 4, 2);
	cr_assert_not(book_home(book));
	cr_assert(book_home(book));
	is(BOOK_FREE, 4, 0);
}

/* ---- commits --------------------------------------------------------- */

Test(book, one_commit)
{
	fresh();
	cr_assert_not(book_commit(book, 0));
	cr_assert_not(book_commit(book, 2));
	cr_assert(book_commit(book, 1));
	cr_assert_not(book_commit(book, 1));
}

Test(book, a_lost_attempt_commits_no_more_and_the_next_one_may)
{
	fresh();
	book_lose(book, true, BOOK_RERUN, BOOK_LOST);
	moves_to(BOOK_QUEUED);
	cr_assert_not(book_commit(book, 1));
	cr_assert(book_commit(book, 2));
}

Test(book, what_has_committed_does_not_run_again)
{
	fresh();
	cr_assert(book_commit(book, 1));
	cr_assert(book_lose(book, true, BOOK_RERUN, BOOK_LOST));
	is(BOOK_LOST, 2, 1);
	cr_assert_not(book_commit(book, 2), "not twice");
}

Test(book, shut_forgets_all_but_the_attempt)
{
	fresh();
	book_commit(book, 1);
	book_lose(book, true, BOOK_LOST, BOOK_LOST);
	book_home(book);
	cr_assert(book_answer(book));
	cr_assert_eq(load_relaxed(&book->word), 2 * BOOK_ATTEMPT_ONE);
	book_open(book);
	is(BOOK_QUEUED, 1, 0);
	cr_assert(book_commit(book, 1));
}

/* ---- threads --------------------------------------------------------- */

enum { ROUNDS = 20000 };

static pthread_barrier_t line;
static _Atomic uint32_t releases, commits;

/* What a thread does that lost its attempt: tries to commit, comes home. */
static void *comes_home(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&line);
		if (book_commit(book, 1))
			add_relaxed(&commits, 1);
		if (book_home(book))
			add_relaxed(&releases, 1);
		pthread_barrier_wait(&line);
	}
	return arg;
}

/* What the steward does, and then the worker that answers. */
static void takes_and_answers(void)
{
	bool committed = book_lose(book, true, BOOK_RERUN, BOOK_LOST);

	if (!committed && book_commit(book, 2))
		add_relaxed(&commits, 1);
	if (book_answer(book))
		add_relaxed(&releases, 1);
}

Test(book, release_is_due_once_whoever_is_first)
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
		cr_assert_eq(book_state(load_relaxed(&book->word)), BOOK_FREE);
		cr_assert_eq(load_relaxed(&commits), i + 1, "one of the two");
	}
	pthread_join(thread, NULL);
}
