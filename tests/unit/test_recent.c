/* SPDX-License-Identifier: BSD-2-Clause */
#include "tell/recent.h"
#include "base/host.h"
#include "base/host_lock.h"
#include "json.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char buf[4096], want[4096];

/* Where its strings stand, and nobody else's. */
struct strings {
	char pool[16], task[400], what[400], message[400], user[400];
	char chain[400];
	void *frame[WARD_FRAMES];
};

static void fill(char *room, size_t len, const char *word, uint64_t id)
{
	snprintf(room, len, "%s%llu", word, (unsigned long long)id);
}

static struct ward_report report_of(struct strings *s, uint64_t id)
{
	fill(s->pool, sizeof(s->pool), "p", id);
	fill(s->task, sizeof(s->task), "task", id);
	fill(s->what, sizeof(s->what), "what", id);
	fill(s->message, sizeof(s->message), "message", id);
	fill(s->user, sizeof(s->user), "user", id);
	fill(s->chain, sizeof(s->chain), "chain", id);
	for (uint32_t i = 0; i < WARD_FRAMES; i++)
		s->frame[i] = (void *)(uintptr_t)(id + i + 1);
	return (struct ward_report){ .size = sizeof(struct ward_report),
				     .kind = WARD_R_ERROR,
				     .id = id,
				     .err = -5,
				     .worker = 1,
				     .pool = s->pool,
				     .task = s->task,
				     .what = s->what,
				     .message = s->message,
				     .user = s->user,
				     .host = "here",
				     .boot = "now",
				     .syscall = -1,
				     .chain = s->chain,
				     .trace = "",
				     .frames = s->frame,
				     .nframes = WARD_FRAMES };
}

static void put(uint64_t id)
{
	struct strings s;
	struct ward_report report = report_of(&s, id);

	recent_put(&report);
	memset(&s, '#', sizeof(s)); /* what was kept is a copy */
}

static bool is_whole_as(uint64_t id, bool json)
{
	struct strings s;
	struct ward_report report = report_of(&s, id);
	int len = ward_report_format(&report, want, sizeof(want), json);

	return ward_report_find(id, buf, sizeof(buf), json) == len &&
	       strcmp(buf, want) == 0;
}

static bool is_whole(uint64_t id)
{
	return is_whole_as(id, false);
}

static void is_there(uint64_t id, bool json)
{
	cr_assert(is_whole_as(id, json), "%s, not %s", buf, want);
}

static void is_not(uint64_t id)
{
	cr_assert_eq(ward_report_find(id, buf, sizeof(buf), false), -ENOENT);
}

/* ---- what is kept ---------------------------------------------------- */

Test(recent, at_first_there_is_none)
{
	is_not(0);
	is_not(1);
	is_not(UINT64_MAX);
}

Test(recent, one_is_found_as_it_was)
{
	put(7);
	is_there(7, false);
	is_there(7, true);
	cr_assert(json_is_one(buf));
	is_not(6);
	is_not(0);
}

Test(recent, the_last_ones_stay_and_the_oldest_goes)
{
	for (uint64_t id = 1; id <= 3 * RECENT; id++) {
		put(id);
		is_there(id, false);
		if (id > RECENT)
			is_not(id - RECENT);
	}
	for (uint64_t id = 2 * RECENT + 1; id <= 3 * RECENT; id++)
		is_there(id, id % 2);
}

Test(recent, too_long_is_cut)
{
	struct strings s;
	struct ward_report report = report_of(&s, 9);
	char got[1024];

	memset(s.task, 'x', sizeof(s.task) - 1);
	s.task[sizeof(s.task) - 1] = '\0';
	memset(s.message, 'y', sizeof(s.message) - 1);
	s.message[sizeof(s.message) - 1] = '\0';
	recent_put(&report);
	cr_assert_gt(ward_report_find(9, buf, sizeof(buf), true), 0);
	cr_assert(json_is_one(buf));
	cr_assert(json_get(buf, "task", got, sizeof(got)));
	cr_assert_eq(strspn(got + 1, "x"), 63);
	cr_assert(json_get(buf, "message", got, sizeof(got)));
	cr_assert_eq(strspn(got + 1, "y"), 255);
	cr_assert(json_get(buf, "user", got, sizeof(got)));
	cr_assert_str_eq(got, "\"user9\"");
}

Test(recent, is_cut_as_snprintf_does)
{
	int len;

	put(5);
	len = ward_report_find(5, want, sizeof(want), false);
	cr_assert_eq(ward_report_find(5, NULL, 0, false), len);
	memset(buf, '#', sizeof(buf));
	cr_assert_eq(ward_report_find(5, buf, 20, false), len);
	cr_assert_eq(strlen(buf), 19);
	cr_assert_eq(strncmp(buf, want, 19), 0);
	cr_assert_eq(buf[20], '#');
}

Test(recent, refuses_what_it_cannot_do)
{
	put(5);
	cr_assert_eq(ward_report_find(5, NULL, 1, false), -EINVAL);
	cr_assert_eq(ward_report_find(6, NULL, 1, true), -EINVAL);
}

/* ---- threads, and a fork --------------------------------------------- */

enum { WRITERS = 2, EACH = 3000 };

static _Atomic uint32_t stop;

static void *writes(void *arg)
{
	uint64_t first = (uintptr_t)arg * EACH;

	for (uint64_t id = first + 1; id <= first + EACH; id++)
		put(id);
	return NULL;
}

static void *forks_on(void *arg)
{
	for (uint64_t id = 1; !load_relaxed(&stop); id = id % 1000 + 1)
		put(id);
	return arg;
}

Test(recent, whatever_is_found_is_whole)
{
	pthread_t thread[WRITERS];
	struct strings s;
	uint32_t found = 0;

	for (uintptr_t i = 0; i < WRITERS; i++)
		pthread_create(&thread[i], NULL, writes, (void *)i);
	for (uint64_t id = 1; id <= WRITERS * EACH; id++) {
		struct ward_report report = report_of(&s, id);

		if (ward_report_find(id, buf, sizeof(buf), false) < 0)
			continue;
		ward_report_format(&report, want, sizeof(want), false);
		cr_assert_str_eq(buf, want);
		found++;
	}
	for (uint32_t i = 0; i < WRITERS; i++)
		pthread_join(thread[i], NULL);
	for (uint64_t id = 1; id <= WRITERS * EACH; id++)
		found += ward_report_find(id, NULL, 0, false) > 0;
	cr_assert_geq(found, RECENT);
}

/* The lock may be held at a fork, and a copy be half done: not so in the child. */
Test(recent, a_forked_child_finds_and_keeps)
{
	pthread_t thread;

	host_init();
	pthread_create(&thread, NULL, forks_on, NULL);
	for (int i = 0; i < 200; i++) {
		int status;
		pid_t child = fork();

		if (child == 0) {
			alarm(20);
			for (uint64_t id = 1; id <= 1000; id += 7)
				if (ward_report_find(id, NULL, 0, false) > 0 &&
				    !is_whole(id))
					_exit(1);
			put(2000);
			_exit(!is_whole(2000));
		}
		cr_assert_eq(waitpid(child, &status, 0), child);
		cr_assert_eq(status, 0);
	}
	store_relaxed(&stop, 1);
	pthread_join(thread, NULL);
}

/* ---- the lock itself -------------------------------------------------- */

static struct host_lock lock;
static uint64_t counted;

static void *counts(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		cr_assert(host_lock_take(&lock));
		counted++;
		if (i % 64 == 0)
			host_yield(); /* others come to sleep */
		host_lock_give(&lock);
	}
	return arg;
}

Test(recent, a_lock_lets_one_in)
{
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, counts, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	cr_assert_eq(counted, 80000);
	cr_assert_eq(load_relaxed(&lock.word), 0);
}

Test(recent, a_lock_of_another_generation_is_free_and_says_so)
{
	cr_assert(host_lock_take(&lock));
	add_relaxed(&host_generation, 1);
	cr_assert_not(host_lock_take(&lock));
	host_lock_give(&lock);
	cr_assert(host_lock_take(&lock));
	host_lock_give(&lock);
	host_unhold(); /* of the first take, which nobody gave back */
	cr_assert_eq(host_holds, 0);
}
