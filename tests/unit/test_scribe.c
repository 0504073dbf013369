/* SPDX-License-Identifier: BSD-2-Clause */
#include "tell/incident.h"
#include "base/host_fault.h"
#include "wait.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

static struct tell tell;

/* ---- a hook that remembers ------------------------------------------- */

static struct heard {
	_Atomic uint32_t n;
	uint64_t id[1024];
	uint32_t suppressed[1024];
	uint64_t heal[1024];
	uint32_t nframes;
	int32_t holder;
	char chain[160];
	char thread[16], trace[40];
} heard;

static struct gate *_Atomic hold; /* the hook waits there, if there is one */

static void hear(void *arg, const struct ward_report *report)
{
	uint32_t n = load_relaxed(&heard.n);

	cr_assert_eq(arg, &heard);
	prctl(PR_GET_NAME, heard.thread);
	heard.id[n] = report->id;
	heard.suppressed[n] = report->suppressed;
	heard.heal[n] = report->heal;
	heard.nframes = report->nframes;
	for (uint32_t i = 0; i < report->nframes; i++)
		cr_assert_not_null(report->frames[i]);
	snprintf(heard.trace, sizeof(heard.trace), "%s", report->trace);
	heard.holder = report->holder;
	snprintf(heard.chain, sizeof(heard.chain), "%s", report->chain);
	store_release(&heard.n, n + 1);
	if (load_acquire(&hold))
		gate_pass(load_acquire(&hold));
}

static _Atomic uint32_t ends; /* times that the scribe said so */

static void has_ended(void *whom)
{
	cr_assert_eq(whom, &ends);
	add_relaxed(&ends, 1);
}

static void setup(void)
{
	host_init();
	cr_assert_eq(tell_init(&tell, "pool", hear, &heard), 0);
	tell.ended = has_ended;
	tell.whom = &ends;
}

static void teardown(void)
{
	tell_fini(&tell);
}

TestSuite(scribe, .init = setup, .fini = teardown);

static struct incident *open_one(uint64_t id)
{
	struct incident *in = incident_open(&tell, WARD_R_SLOW, id);

	cr_assert_not_null(in);
	return in;
}

static void raise_one(uint64_t id)
{
	incident_raise(&tell, open_one(id));
}

static void start(void)
{
	cr_assert_eq(tell_start(&tell), 0);
}

static void stop(void)
{
	cr_assert_eq(tell_stop(&tell, HOST_FOREVER), 0);
	cr_assert_eq(ends, 1);
}

static void hears(uint32_t n)
{
	cr_assert(comes_true(load_acquire(&heard.n) == n));
}

/* ---- telling --------------------------------------------------------- */

Test(scribe, tells_on_its_own_thread)
{
	start();
	raise_one(5);
	hears(1);
	stop();
	cr_assert_eq(heard.id[0], 5);
	cr_assert_str_eq(heard.thread, "pool/scribe");
	cr_assert_eq(load_relaxed(&tell.told), 1);
	cr_assert_eq(load_relaxed(&tell.suppressed), 0);
}

Test(scribe, oldest_first_and_all_before_it_ends)
{
	for (uint64_t id = 1; id <= TELL_RECORDS; id++)
		raise_one(id);
	start();
	stop();
	cr_assert_eq(load_relaxed(&heard.n), TELL_RECORDS);
	for (uint64_t id = 1; id <= TELL_RECORDS; id++)
		cr_assert_eq(heard.id[id - 1], id);
}

Test(scribe, records_go_round)
{
	start();
	for (uint64_t id = 1; id <= 1000; id++) {
		struct incident *in;

		cr_assert(comes_true(
			(in = incident_open(&tell, WARD_R_SLOW, id))));
		incident_raise(&tell, in);
	}
	stop();
	cr_assert_eq(load_relaxed(&heard.n), load_relaxed(&tell.told));
	cr_assert_eq(load_relaxed(&tell.raised),
		     load_relaxed(&tell.told) + load_relaxed(&tell.suppressed));
	for (uint32_t i = 1; i < load_relaxed(&heard.n); i++)
		cr_assert_gt(heard.id[i], heard.id[i - 1]);
}

Test(scribe, what_was_not_told_is_counted_in_the_next_report)
{
	static struct gate gate;

	store_release(&hold, &gate);
	start();
	raise_one(1);
	cr_assert(comes_true(load_acquire(&gate.came)));
	while (incident_open(&tell, WARD_R_HOME, 9))
		;
	cr_assert_null(incident_open(&tell, WARD_R_HOME, 9));
	cr_assert_eq(load_relaxed(&tell.unsaid), 2);
	incident_raise(&tell, &tell.record[10]);
	incident_raise(&tell, &tell.record[11]);
	gate_open(&gate);
	stop();
	cr_assert_eq(heard.n, 3);
	cr_assert_eq(heard.suppressed[0], 0);
	cr_assert_eq(heard.suppressed[1], 2);
	cr_assert_eq(heard.suppressed[2], 0);
}

static void called(void *who, uint64_t epoch)
{
	*(uint64_t *)who = load_relaxed(&heard.n) + epoch;
}

Test(scribe, calls_what_it_is_given_before_it_tells)
{
	uint64_t when = 0;
	struct incident *in = open_one(1);

	in->call = called;
	in->who = &when;
	in->epoch = 100;
	incident_raise(&tell, in);
	start();
	stop();
	cr_assert_eq(when, 100);
	cr_assert_eq(heard.n, 1);
}

Test(scribe, reads_the_heal_latency_when_it_tells)
{
	_Atomic uint64_t healed = 0;
	struct incident *in = open_one(1);

	in->heal = &healed;
	incident_raise(&tell, in);
	store_relaxed(&healed, 12345);
	start();
	hears(1);
	stop();
	cr_assert_eq(heard.heal[0], 12345);
}

/* The seat is taken a little later; but the telling does not wait for ever. */
Test(scribe, tells_without_it_where_nobody_heals)
{
	_Atomic uint64_t healed = 0;
	struct incident *in = open_one(1);

	in->heal = &healed;
	incident_raise(&tell, in);
	start();
	hears(1);
	stop();
	cr_assert_eq(heard.heal[0], 0);
}

/* ---- its end --------------------------------------------------------- */

Test(scribe, a_hook_that_hangs_is_left_behind_in_time)
{
	static struct gate gate;
	uint64_t until;

	store_release(&hold, &gate);
	start();
	raise_one(1);
	cr_assert(comes_true(load_acquire(&gate.came)));
	until = host_now() + 5 * MS;
	cr_assert_eq(tell_stop(&tell, until), -ETIMEDOUT);
	cr_assert_geq(host_now(), until);
	cr_assert_eq(ends, 0);
	gate_open(&gate);
	stop();
	cr_assert_eq(heard.n, 1);
}

Test(scribe, the_last_report_may_end_the_process, .signal = SIGABRT)
{
	struct incident *in = open_one(1);

	in->abort = true;
	incident_raise(&tell, in);
	start();
	stop();
}

/* ---- to stderr, where there is no hook ------------------------------- */

static void keeps(uint64_t id, const char *part)
{
	char line[4096];

	cr_assert_gt(ward_report_find(id, line, sizeof(line), false), 0);
	cr_assert_not_null(strstr(line, part), "%s", line);
}

/* Told, heard elsewhere, or too many: each is found, and counted in its group. */
Test(scribe, what_is_not_printed_is_found)
{
	FILE *file = tmpfile();
	char part[64];

	cr_assert_not_null(file);
	cr_assert_geq(dup2(fileno(file), STDERR_FILENO), 0);
	tell.hook = NULL;
	for (uint64_t id = 1; id <= 50; id++) {
		struct incident *in = open_one(id);

		in->heard = id % 2;
		in->report.kind = id <= 25 ? WARD_R_ERROR : WARD_R_DEATH;
		incident_raise(&tell, in);
	}
	start();
	stop();
	for (uint64_t id = 1; id <= 50; id++) {
		snprintf(part, sizeof(part), " seen=%u ",
			 (unsigned)(id <= 25 ? id : id - 25));
		keeps(id, part);
		snprintf(part, sizeof(part), "under number %u.\"",
			 (unsigned)id);
		keeps(id, part);
	}
	/* A report heard elsewhere was told; of the rest ten are printed in a second. */
	cr_assert_geq(load_relaxed(&tell.suppressed), 5);
	cr_assert_eq(load_relaxed(&tell.told) + load_relaxed(&tell.suppressed),
		     50);
	fclose(file);
}

static uint32_t lines_in(FILE *file, uint32_t *marked)
{
	char line[4096];
	uint32_t n = 0;

	rewind(file);
	*marked = 0;
	while (fgets(line, sizeof(line), file)) {
		cr_assert_eq(line[strlen(line) - 1], '\n');
		cr_assert_not_null(strstr(line, "pool"));
		*marked += strstr(line, "of interest") != NULL;
		n++;
	}
	return n;
}

Test(scribe, without_a_hook_ten_lines_a_second)
{
	FILE *file = tmpfile();
	uint32_t lines, marked;
	uint64_t told;

	cr_assert_not_null(file);
	tell.hook = NULL;
	for (uint64_t id = 1; id <= 50; id++) {
		struct incident *in = open_one(id);

		in->report.what = "of interest";
		incident_raise(&tell, in);
	}
	fflush(stderr);
	cr_assert_geq(dup2(fileno(file), STDERR_FILENO), 0);
	start();
	stop();
	lines = lines_in(file, &marked);
	told = load_relaxed(&tell.told);
	cr_assert_eq(lines, told);
	cr_assert_eq(marked, told);
	cr_assert_eq(told + load_relaxed(&tell.suppressed), 50);
	/* Fifty take no second, but may fall into two. */
	cr_assert(told >= 10 && told <= 20, "%lu lines", told);
}

/* ---- chains of waiting threads ----------------------------------------- */

static pthread_mutex_t mutex_a = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t mutex_b = PTHREAD_MUTEX_INITIALIZER;

struct lover {
	pthread_mutex_t *first, *second;
	pthread_barrier_t *both;
	_Atomic int32_t tid;
};

static void *embraces(void *arg)
{
	struct lover *me = arg;

	pthread_mutex_lock(me->first);
	if (me->both)
		pthread_barrier_wait(me->both);
	store_release(&me->tid, host_tid());
	pthread_mutex_lock(me->second);
	return NULL;
}

/* For ever: it ends with the process. */
static void stuck(struct lover *lover)
{
	pthread_t thread;

	pthread_create(&thread, NULL, embraces, lover);
	pthread_detach(thread);
}

static void tell_stuck(int32_t tid)
{
	struct host_stat_files files = host_stat_of(tid);
	struct incident *in = open_one(1);

	in->report.tid = tid;
	cr_assert_eq(host_syscall(&files, &in->report.syscall,
				  &in->report.syscall_arg),
		     0);
	cr_assert(host_is_futex(in->report.syscall));
	incident_raise(&tell, in);
	start();
	/* Awake: a thread that joins the scribe waits for it. */
	hears(1);
	stop();
}

Test(scribe, a_deadlock_is_named_as_a_cycle)
{
	pthread_barrier_t both;
	struct lover one = { &mutex_a, &mutex_b, &both, 0 };
	struct lover two = { &mutex_b, &mutex_a, &both, 0 };
	char want[64];

	pthread_barrier_init(&both, NULL, 2);
	stuck(&one);
	stuck(&two);
	cr_assert(comes_true(load_relaxed(&one.tid) &&
			     sleeps_in_futex(load_relaxed(&one.tid))));
	cr_assert(comes_true(load_relaxed(&two.tid) &&
			     sleeps_in_futex(load_relaxed(&two.tid))));
	tell_stuck(load_relaxed(&one.tid));
	snprintf(want, sizeof(want), "%d > %d > %d", load_relaxed(&one.tid),
		 load_relaxed(&two.tid), load_relaxed(&one.tid));
	cr_assert_str_eq(heard.chain, want);
	cr_assert_eq(heard.holder, load_relaxed(&two.tid));
}

Test(scribe, a_chain_ends_with_who_does_not_wait)
{
	struct lover one = { &mutex_a, &mutex_b, NULL, 0 };
	char want[64];

	pthread_mutex_lock(&mutex_b);
	stuck(&one);
	cr_assert(comes_true(load_relaxed(&one.tid) &&
			     sleeps_in_futex(load_relaxed(&one.tid))));
	tell_stuck(load_relaxed(&one.tid));
	snprintf(want, sizeof(want), "%d > %d", load_relaxed(&one.tid),
		 host_tid());
	cr_assert_str_eq(heard.chain, want);
	cr_assert_eq(heard.holder, host_tid());
}

/* Each waits for the next: too long to be told whole, and never told twice. */
Test(scribe, a_long_chain_is_cut)
{
	enum { LINKS = 12 };
	static pthread_mutex_t mutex[LINKS + 1];
	static struct lover lover[LINKS];
	uint32_t arrows = 0;

	for (int i = 0; i <= LINKS; i++)
		pthread_mutex_init(&mutex[i], NULL);
	pthread_mutex_lock(&mutex[LINKS]);
	for (int i = LINKS - 1; i >= 0; i--) {
		lover[i] = (struct lover){ &mutex[i], &mutex[i + 1], NULL, 0 };
		stuck(&lover[i]);
		cr_assert(comes_true(
			load_relaxed(&lover[i].tid) &&
			sleeps_in_futex(load_relaxed(&lover[i].tid))));
	}
	tell_stuck(load_relaxed(&lover[0].tid));
	for (const char *c = heard.chain; *c; c++)
		arrows += *c == '>';
	cr_assert(arrows >= 4 && arrows <= 8, "%s", heard.chain);
}

/* ---- a backtrace ----------------------------------------------------- */

static struct host_trace trace;
static _Atomic uint64_t word = 9;
static void *stack; /* for its handlers */
static _Atomic int32_t spinner;
static _Atomic uint32_t enough;

static void spins(void *arg)
{
	host_alt_stack_use(stack);
	host_trace_here(&trace, &word, NULL);
	store_release(&spinner, host_tid());
	while (!load_relaxed(&enough))
		host_relax();
	host_alt_stack_leave();
	(void)arg;
}

/* A thread spins with those signals open, and it is told of that. */
static void asks_a_spinner(uint64_t open)
{
	struct host_spawn how = { .stack = 65536, .open = open };
	struct incident *in = open_one(1);
	host_thread thread;
	int signo;

	stack = host_alt_stack_new();
	cr_assert_eq(host_trace_install(0, &signo), 0);
	cr_assert_eq(host_spawn(&thread, &how, spins, NULL, NULL), 0);
	cr_assert(comes_true(load_acquire(&spinner)));
	in->trace = &trace;
	in->trace_epoch = 9;
	in->report.tid = load_relaxed(&spinner);
	incident_raise(&tell, in);
	start();
	hears(1);
	stop();
	store_relaxed(&enough, 1);
	host_join(thread, HOST_FOREVER);
}

Test(scribe, asks_a_spinning_thread_where_it_is)
{
	asks_a_spinner(UINT64_C(1) << (SIGRTMAX - 1));
	cr_assert_gt(heard.nframes, 0);
	cr_assert_str_eq(heard.trace, "");
}

Test(scribe, a_thread_that_has_gone_on_is_not_asked)
{
	struct incident *in = open_one(1);

	in->trace = &trace;
	in->trace_epoch = 8;
	trace.word = &word;
	host_trace_install(0, &(int){ 0 });
	incident_raise(&tell, in);
	start();
	hears(1);
	stop();
	cr_assert_eq(heard.nframes, 0);
	cr_assert_str_eq(heard.trace, "left before it could be asked");
}

/* A thread that does not answer is waited for a tenth of a second. */
Test(scribe, a_thread_that_does_not_answer_has_no_backtrace)
{
	asks_a_spinner(0);
	cr_assert_eq(heard.n, 1);
	cr_assert_eq(heard.nframes, 0);
	cr_assert_str_eq(heard.trace, "no answer");
}
