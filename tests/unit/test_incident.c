/* SPDX-License-Identifier: BSD-2-Clause */
#include "tell/incident.h"
#include "wait.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tell tell;

static void setup(void)
{
	host_init();
	cr_assert_eq(tell_init(&tell, "pool", NULL, NULL), 0);
}

static void teardown(void)
{
	tell_fini(&tell);
}

TestSuite(incident, .init = setup, .fini = teardown);

static void counts(uint64_t raised, uint64_t told, uint64_t suppressed)
{
	cr_assert_eq(load_relaxed(&tell.raised), raised);
	cr_assert_eq(load_relaxed(&tell.told), told);
	cr_assert_eq(load_relaxed(&tell.suppressed), suppressed);
}

Test(incident, ids_are_one_two_three)
{
	cr_assert_eq(incident_id(), 1);
	cr_assert_eq(incident_id(), 2);
	cr_assert_eq(incident_id(), 3);
}

Test(incident, a_record_says_what_when_and_nothing_else)
{
	uint64_t before = host_now();
	int64_t utc_s;
	uint32_t utc_ns;
	struct incident *in;
	char name[256];

	host_utc(&utc_s, &utc_ns);
	in = incident_open(&tell, WARD_R_SLOW, 77);
	cr_assert_not_null(in);
	cr_assert_eq(in->report.size, sizeof(struct ward_report));
	cr_assert_eq(in->report.kind, WARD_R_SLOW);
	cr_assert_eq(in->report.id, 77);
	cr_assert(in->report.at >= before && in->report.at <= host_now());
	cr_assert_geq(in->report.utc_s, utc_s);
	cr_assert_leq(in->report.utc_s, utc_s + 60);
	cr_assert_lt(in->report.utc_ns, 1000000000);
	cr_assert_eq(in->report.worker, UINT32_MAX);
	cr_assert_str_eq(in->report.pool, "pool");
	cr_assert_str_empty(in->report.task);
	cr_assert_str_empty(in->report.what);
	cr_assert_str_empty(in->report.chain);
	cr_assert_str_empty(in->report.message);
	cr_assert_str_empty(in->report.user);
	gethostname(name, sizeof(name));
	cr_assert_str_eq(in->report.host, name);
	cr_assert_eq(strlen(in->report.boot), 36);
	cr_assert_eq(in->report.pid, getpid());
	cr_assert_eq(in->report.syscall, -1);
	cr_assert_eq(in->report.tid, 0);
	cr_assert_eq(in->report.attempt, 0);
	cr_assert_eq(in->report.nframes, 0);
	cr_assert_eq(in->report.holder, 0);
	cr_assert_null(in->trace);
	cr_assert_null(in->call);
	cr_assert_null(in->heal);
	cr_assert_not(in->abort);
	counts(1, 0, 0);
}

Test(incident, a_forked_child_has_a_number_of_its_own)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(incident_open(&tell, WARD_R_SLOW, 1)->report.pid !=
		      getpid());
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
}

static const char *user_of(enum ward_kind kind, bool known, const char *message)
{
	static char room[TELL_USER];
	struct ward_report report;

	report_init(&report, kind, UINT64_MAX, "pool");
	report.known = known;
	report.message = message;
	return report_user(&report, room, sizeof(room));
}

Test(incident, a_user_is_told_what_was_meant_for_him_or_where_to_ask)
{
	static const char ask[] = "An unexpected error; please report it under "
				  "number 18446744073709551615.";

	cr_assert_str_eq(user_of(WARD_R_ERROR, true, "No."), "No.");
	cr_assert_str_eq(user_of(WARD_R_ERROR, false, "fopen: no"), ask);
	cr_assert_str_eq(user_of(WARD_R_ERROR, true, ""), ask);
	cr_assert_str_eq(user_of(WARD_R_DEATH, false, ""), ask);
	cr_assert_str_eq(user_of(WARD_R_FAULT, false, ""), ask);
	cr_assert_str_empty(user_of(WARD_R_RECOVERED, false, ""));
	cr_assert_str_empty(user_of(WARD_R_SLOW, false, ""));
}

static _Atomic uint32_t sleeper, awake;

static void *sleep_like_the_scribe(void *arg)
{
	store_release(&sleeper, (uint32_t)host_tid());
	host_wait(&tell.word, *(uint32_t *)arg, HOST_FOREVER);
	store_release(&awake, 1);
	return NULL;
}

/* The record is there: a thread about to sleep sees it, and one that sleeps sleeps on. */
Test(incident, what_is_left_wakes_nobody_until_it_is_rung)
{
	uint32_t seen = load_relaxed(&tell.word);
	struct incident *in = incident_open(&tell, WARD_R_ERROR, 1);
	pthread_t thread;

	tell_ring(&tell);
	cr_assert_eq(load_relaxed(&tell.left), 0);
	cr_assert_eq(pthread_create(&thread, NULL, sleep_like_the_scribe,
				    &seen),
		     0);
	cr_assert(comes_true(load_acquire(&sleeper) &&
			     sleeps_in_futex((int32_t)sleeper)));
	incident_leave(&tell, in);
	cr_assert_eq(load_relaxed(&tell.left), 1);
	cr_assert_neq(load_relaxed(&tell.word), seen);
	cr_assert_eq(stack_take(&tell.ready),
		     (uint32_t)(in - tell.record));
	cr_assert(sleeps_in_futex((int32_t)sleeper));
	cr_assert_eq(load_acquire(&awake), 0);
	tell_ring(&tell);
	cr_assert_eq(load_relaxed(&tell.left), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	counts(1, 0, 0);
}

Test(incident, without_a_record_it_is_counted_and_not_told)
{
	struct incident *in[TELL_RECORDS];

	for (uint32_t i = 0; i < TELL_RECORDS; i++) {
		in[i] = incident_open(&tell, WARD_R_HOME, i);
		cr_assert_not_null(in[i]);
		for (uint32_t k = 0; k < i; k++)
			cr_assert_neq(in[i], in[k]);
	}
	counts(TELL_RECORDS, 0, 0);
	cr_assert_null(incident_open(&tell, WARD_R_HOME, 100));
	cr_assert_null(incident_open(&tell, WARD_R_HOME, 101));
	counts(TELL_RECORDS + 2, 0, 2);
	cr_assert_eq(load_relaxed(&tell.unsaid), 2);
}

Test(incident, one_is_kept_for_last_words)
{
	struct incident *last;

	while (incident_open(&tell, WARD_R_HOME, 1))
		;
	last = incident_last(&tell, WARD_R_BLOCKED, 2);
	cr_assert_not_null(last);
	cr_assert_eq(last->report.id, 2);
	cr_assert_null(incident_last(&tell, WARD_R_BLOCKED, 3));
	counts(TELL_RECORDS + 2, 0, 1);
	incident_raise(&tell, last);
	cr_assert_eq(stack_take(&tell.ready), (uint32_t)(last - tell.record));
}

Test(incident, a_used_record_comes_back_clean)
{
	struct incident *in, *again = NULL;

	while ((in = incident_open(&tell, WARD_R_HOME, 1)))
		again = in;
	memset(again, 0xff, sizeof(*again));
	stack_push(&tell.free, (uint32_t)(again - tell.record));
	in = incident_open(&tell, WARD_R_DEATH, 2);
	cr_assert_eq(in, again);
	cr_assert_eq(in->report.id, 2);
	cr_assert_null(in->trace);
	cr_assert_null(in->report.frames);
	cr_assert_str_empty(in->report.what);
}

Test(incident, raised_ones_wait_newest_on_top)
{
	struct incident *one = incident_open(&tell, WARD_R_HOME, 1);
	struct incident *two = incident_open(&tell, WARD_R_HOME, 2);
	uint32_t word = load_relaxed(&tell.word);

	incident_raise(&tell, one);
	incident_raise(&tell, two);
	cr_assert_eq(load_relaxed(&tell.word), word + 2, "the scribe is rung");
	cr_assert_eq(stack_pop(&tell.ready), (uint32_t)(two - tell.record));
	cr_assert_eq(stack_pop(&tell.ready), (uint32_t)(one - tell.record));
	cr_assert_eq(stack_pop(&tell.ready), STACK_NONE);
}

/* ---- threads --------------------------------------------------------- */

enum { THREADS = 4, EACH = 2000 };

static _Atomic uint8_t seen[THREADS * EACH + 1];

static void *raiser(void *arg)
{
	for (int i = 0; i < EACH; i++) {
		uint64_t id = incident_id();
		struct incident *in = incident_open(&tell, WARD_R_HOME, id);

		add_relaxed(&seen[id], 1);
		if (in)
			incident_raise(&tell, in);
	}
	return arg;
}

Test(incident, many_threads_raise_and_none_waits)
{
	pthread_t thread[THREADS];
	uint64_t ready = 0;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, raiser, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	while (stack_pop(&tell.ready) != STACK_NONE)
		ready++;
	cr_assert_eq(ready, TELL_RECORDS);
	counts(THREADS * EACH, 0, THREADS * EACH - TELL_RECORDS);
	for (uint32_t id = 1; id <= THREADS * EACH; id++)
		cr_assert_eq(load_relaxed(&seen[id]), 1, "id %u", id);
}
