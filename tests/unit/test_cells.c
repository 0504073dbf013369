/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cells by their public calls: what each answers, how calls end, what becomes of cells.
 */
#include "cell_ask.h"
#include "filter.h"
#include <poll.h>
#include <sys/wait.h>

CELLS_ARE_THERE;

#define SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- one call, its answer -------------------------------- */

Test(cells, a_call_and_its_answer)
{
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;

	pool = pool_of(1);
	cells = cells_of(pool, 1);
	asked(cells, ask_init(&ask, ASK_ECHO, 5));
	ask_had(&ask, 0);
	cr_assert(ask.had_out);
	cr_assert_eq(ask.out_size, sizeof(ask.request));
	cr_assert_eq(memcmp(&ask.answer, &ask.request, sizeof(ask.request)), 0);
	cr_assert_eq(ask.incident, 0);
	cr_assert_neq(answer_of(cells, ASK_PID, 0), getpid());
	/* The memory is the caller's again, and may be used anew. */
	asked(cells, ask_init(&ask, ASK_SIZE, 0));
	ask_had(&ask, 0);
	cr_assert(ask.had_out);
	cr_assert_eq(ask.out_size, 0);
	cells_end(pool, cells);
}

Test(cells, answers_of_each_size)
{
	static const int said[] = { 0, 1, 255, 256, 257, 1 << 20, -1 };
	static const uint32_t had[] = { 0, 1, 255, 256, 256, 256, 256 };
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;

	pool = pool_of(1);
	cells = cells_of(pool, 1);
	for (size_t i = 0; i < SIZE(said); i++) {
		asked(cells, ask_init(&ask, ASK_SIZE, said[i]));
		ask_had(&ask, 0);
		cr_assert_eq(ask.out_size, had[i], "%d: %u", said[i],
			     ask.out_size);
	}
	cr_assert_eq(counted(cells).garbled, 0);
	cells_end(pool, cells);
}

Test(cells, a_request_of_no_bytes)
{
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;

	pool = pool_of(1);
	cells = cells_of(pool, 1);
	ask_init(&ask, ASK_ECHO, 0);
	ask.call.in = NULL;
	ask.call.in_size = 0;
	asked(cells, &ask);
	ask_had(&ask, 0);
	cr_assert_eq(ask.out_size, 0);
	cells_end(pool, cells);
}

static int fill_request(struct ward_call *call, void *to)
{
	struct ask *ask = ward_entry(call, struct ask, call);

	if (ask->request.order == ASK_STATUS)
		return ask->request.n;
	cr_assert_eq((uintptr_t)to % 16, 0);
	memcpy(to, &ask->request, sizeof(ask->request));
	return 0;
}

Test(cells, fill_writes_the_request)
{
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;

	pool = pool_of(1);
	cells = cells_of(pool, 1);
	ask_init(&ask, ASK_ONCE, 1);
	ask.call.fill = fill_request;
	ask.call.in = NULL;
	ask.call.task.policy = &(struct ward_policy){
		.size = sizeof(struct ward_policy), .deaths = 1
	};
	asked(cells, &ask); /* each attempt's: the first one kills the cell */
	ask_had(&ask, 0);
	cr_assert_eq(ask.answer.n, 2);
	ask_init(&ask, ASK_STATUS, -EDOM);
	ask.call.fill = fill_request;
	for (int i = 0; i < 20; i++) /* more often than there is room */
		cr_assert_eq(ward_cells_submit(cells, &ask.call, WARD_NOWAIT),
			     -EDOM);
	ask_is_untouched(&ask);
	cells_end(pool, cells);
}

Test(cells, calls_of_task_h_in_a_cell)
{
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;
	int64_t fence;

	pool = pool_of(1);
	cells = cells_of(pool, 1);
	asked(cells, ask_init(&ask, ASK_SELF, 0));
	ask_had(&ask, 0);
	cr_assert_eq(ask.answer.n, 1);
	cr_assert_eq(ask.answer.more[0], 0);	   /* the commit */
	cr_assert_eq(ask.answer.more[1], -ESTALE); /* a second one */
	fence = ask.answer.more[2];
	asked(cells, ask_init(&ask, ASK_SELF, 0));
	ask_had(&ask, 0);
	cr_assert_gt(ask.answer.more[2], fence);
	cr_assert_eq(answer_of(cells, ASK_LOCAL, 0), 42);
	cells_end(pool, cells);
}

/* ---- errors of the program -------------------------------- */

#define told_by(field, number)                                                 \
	({                                                                     \
		int by_ = (int)load_acquire(&told.n) - 1;                      \
                                                                               \
		while (by_ >= 0 && told.report[by_].field != (number))         \
			by_--;                                                 \
		by_;                                                           \
	})

Test(cells, errors_and_their_words)
{
	static const struct {
		enum order order;
		const char *words;
	} row[] = { { ASK_STATUS, "" },
		    { ASK_FAIL, "failed -5" },
		    { ASK_WRAP, "for a user" },
		    { ASK_RAISE, "raised -5" } };
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;

	pool = pool_of(1);
	cells = cells_of(pool, 1);
	for (size_t i = 0; i < SIZE(row); i++) {
		int n = -1;

		asked(cells, ask_init(&ask, row[i].order, -EIO));
		ask_had(&ask, -EIO);
		cr_assert_not(ask.had_out);
		cr_assert(comes_true((n = told_by(id, ask.incident)) >= 0));
		cr_assert_eq(told.report[n].kind, WARD_R_ERROR);
		cr_assert_eq(told.report[n].err, -EIO);
		cr_assert_eq(told.report[n].attempt, 1);
		cr_assert_eq(told.report[n].known, row[i].order == ASK_WRAP);
		cr_assert_str_eq(told.task[n], "ask");
		cr_assert_str_eq(told.message[n], row[i].words);
	}
	one(cells, ASK_ECHO, 0, 0); /* the cell goes on */
	cr_assert(count_is(cells, spares, 1));
	cr_assert_eq(counted(cells).born, 2);
	cells_end(pool, cells);
}

Test(cells, an_error_is_rerun_in_a_cell)
{
	struct ward_policy policy = { .size = sizeof(policy), .errors = 2 };
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;

	pool = pool_of(1);
	cells = cells_of(pool, 2);
	ask_init(&ask, ASK_FAIL, -EIO)->call.task.policy = &policy;
	asked(cells, &ask);
	ask_had(&ask, -EIO);
	cr_assert_eq(board->ran[0], 3);
	cr_assert(comes_true(told_times(WARD_R_ERROR) == 3));
	cr_assert_eq(stats_of(pool).reruns, 2);
	cells_end(pool, cells);
}

/* ---- deaths, stalls -------------------------------- */

Test(cells, a_cell_that_ends_is_replaced)
{
	static const struct {
		enum order order;
		int signo, code;
	} row[] = { { ASK_EXIT, 0, 3 }, { ASK_ABORT, SIGABRT, 0 },
		    { ASK_FAULT, SIGSEGV, 0 }, { ASK_KILL, SIGKILL, 0 } };
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;

	pool = pool_of(1);
	cells = cells_of(pool, 1);
	for (size_t i = 0; i < SIZE(row); i++) {
		int n = -1;

		asked(cells, ask_init(&ask, row[i].order, 0));
		ask_had(&ask, -EOWNERDEAD);
		cr_assert(comes_true((n = told_by(id, ask.incident)) >= 0));
		cr_assert_eq(told.report[n].kind, WARD_R_DEATH);
		cr_assert_eq(told.report[n].signo, row[i].signo, "%d: %d",
			     row[i].signo, told.report[n].signo);
		cr_assert_eq(told.report[n].attempt, 1);
		cr_assert_str_eq(told.task[n], "ask");
		cr_assert(told.report[n].ended);
		cr_assert_eq(told.report[n].exit_code, row[i].code);
		cr_assert(!told.report[n].core || row[i].signo);
		cr_assert_gt(told.report[n].cpu, 0);
		cr_assert_gt(told.report[n].peak, 1 << 16);
		one(cells, ASK_ECHO, 0, 0);
	}
	cr_assert(count_is(cells, died, 4));
	cr_assert(count_is(cells, spares, 1));
	cr_assert(count_is(cells, leaving, 0));
	cr_assert_eq(counted(cells).lost, 4);
	cr_assert_eq(counted(cells).killed, 0);
	cells_end(pool, cells);
}

static const struct ward_policy beats_only = { .size = sizeof(beats_only),
					       .busy_within = WARD_S(60),
					       .blocked_within = WARD_S(60),
					       .progress_within = WARD_MS(30) };
static const struct ward_policy excused = { .size = sizeof(excused),
					    .busy_within = WARD_S(60),
					    .blocked_within = WARD_S(60),
					    .progress_within = WARD_MS(30),
					    .declared_within = WARD_MS(30) };

Test(cells, one_that_is_silent_is_killed)
{
	static const struct {
		enum order order;
		const struct ward_policy *policy;
		enum ward_kind kind;
	} row[] = { { ASK_SPIN, &hasty, WARD_R_LIVELOCK },
		    { ASK_SLEEP, &hasty, WARD_R_BLOCKED },
		    { ASK_BEAT, &beats_only, WARD_R_NO_PROGRESS },
		    { ASK_EXCUSE, &excused, WARD_R_NO_PROGRESS } };
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;

	pool = pool_of(1);
	cells = cells_of(pool, 1);
	for (size_t i = 0; i < SIZE(row); i++) {
		int64_t pid = answer_of(cells, ASK_PID, 0);
		int n = -1;

		ask_init(&ask, row[i].order, 0)->call.task.policy =
			row[i].policy;
		asked(cells, &ask);
		ask_had(&ask, -ETIME);
		cr_assert(comes_true((n = told_by(id, ask.incident)) >= 0));
		cr_assert_eq(told.report[n].kind, row[i].kind);
		cr_assert_str_eq(told.task[n], "ask");
		cr_assert_eq(told.report[n].tid, pid);
		cr_assert_geq(told.report[n].ledger.silence +
				      told.report[n].budget,
			      told.report[n].budget);
		cr_assert(comes_true(no_such_process((int32_t)pid)));
		cr_assert(comes_true((n = told_by(cause, ask.incident)) >= 0));
		cr_assert_eq(told.report[n].kind, WARD_R_HOME);
		cr_assert_eq(told.report[n].tid, pid);
		cr_assert(told.report[n].ended);
		cr_assert_eq(told.report[n].signo, SIGKILL);
		cr_assert_gt(told.report[n].peak, 1 << 16);
		one(cells, ASK_ECHO, 0, 0);
	}
	cr_assert_eq(counted(cells).killed, SIZE(row));
	cr_assert_eq(stats_of(pool).zombies_entered, 0);
	cells_end(pool, cells);
}

/* Of the set's threads; its cells are the zygote's, which is not refused anything. */
static void heals_without(unsigned nr, unsigned err)
{
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;

	cr_assert(refuse_call(nr, err));
	pool = pool_of(1);
	cells = cells_of(pool, 1);
	one(cells, ASK_ECHO, 0, 0);
	ask_init(&ask, ASK_ABORT, 0);
	asked(cells, &ask);
	ask_had(&ask, -EOWNERDEAD);
	ask_init(&ask, ASK_SPIN, 0)->call.task.policy = &hasty;
	asked(cells, &ask);
	ask_had(&ask, -ETIME);
	one(cells, ASK_ECHO, 0, 0);
	cells_end(pool, cells);
}

#define HEALS_WITHOUT(name, nr, err)                                            \
	Test(cells, heals_without_##name)                                       \
	{                                                                       \
		heals_without(nr, err);                                         \
	}

HEALS_WITHOUT(futex_waitv, 449, ENOSYS)
HEALS_WITHOUT(pidfds, 434, ENOSYS)
HEALS_WITHOUT(their_signals, 424, EPERM)

/* What is not seen then is told. */
Test(cells, heals_without_proc)
{
	heals_without(SYS_openat, EACCES);
	cr_assert(comes_true(told_of(WARD_R_EVIDENCE)));
}

Test(cells, a_declared_wait_is_no_silence)
{
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask, other;

	pool = pool_of(1);
	cells = cells_of(pool, 2);
	ask_at(&ask, ASK_DECLARED, 1)->call.task.policy = &hasty;
	asked(cells, &ask);
	cr_assert(at_gate(1, 1));
	/* In the time in which another one is convicted twice. */
	for (int i = 0; i < 2; i++) {
		ask_init(&other, ASK_SLEEP, 0)->call.task.policy = &hasty;
		asked(cells, &other);
		ask_had(&other, -ETIME);
	}
	open_gate(1);
	ask_had(&ask, 0);
	cells_end(pool, cells);
}

/* ---- in a grace -------------------------------- */

static void asks_before_it_kills(int signo)
{
	struct ward_cells_config config;
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;

	store_relaxed(&board->signo, signo);
	config = cells_config(1);
	config.grace = WARD_MS(300); /* it needs a CPU to hear of it */
	config.signo = signo;
	pool = pool_of(1);
	cells = cells_with(pool, &config);
	/* ThreadSanitizer hands no signal to one that spins. */
	ask_init(&ask, UNDER_TSAN ? ASK_SLEEP : ASK_SPIN, 0)->call.task.policy = &hasty;
	asked(cells, &ask);
	ask_had(&ask, -ETIME);
	cr_assert_eq(board->asked, 1);
	cr_assert_eq(counted(cells).killed, 1);
	one(cells, ASK_ECHO, 0, 0);
	cells_end(pool, cells);
}

Test(cells, sigterm_first)
{
	asks_before_it_kills(SIGTERM);
}

Test(cells, sigabrt_first)
{
	asks_before_it_kills(SIGABRT);
}

Test(cells, sigterm_is_ignored_by_others)
{
	struct ward_pool *pool;
	struct ward_cells *cells;

	pool = pool_of(1);
	cells = cells_of(pool, 1);
	kill((pid_t)answer_of(cells, ASK_PID, 0), SIGTERM);
	one(cells, ASK_ECHO, 0, 0);
	cr_assert_eq(counted(cells).died, 0);
	cells_end(pool, cells);
}

/* ---- births that fail -------------------------------- */

Test(cells, the_first_cell_is_not_ready)
{
	static const struct {
		int32_t as;
		int want;
	} row[] = { { ASK_STATUS, -EOWNERDEAD }, { ASK_EXIT, -EOWNERDEAD },
		    { ASK_FAULT, -EOWNERDEAD }, { ASK_SLEEP, -ETIMEDOUT } };
	struct ward_cells_config config;
	struct ward_pool *pool;

	pool = pool_of(1);
	config = cells_config(1);
	for (size_t i = 0; i < SIZE(row); i++) {
		store_relaxed(&board->start_as, row[i].as);
		not_made(pool, &config, row[i].want);
	}
	cr_assert(comes_true(told_of(WARD_R_NO_THREAD)));
	ended(pool);
}

Test(cells, later_cells_that_are_not_ready_are_told_and_tried_again)
{
	struct ward_pool *pool;
	struct ward_cells *cells;

	pool = pool_of(1);
	cells = cells_of(pool, 1);
	cr_assert(count_is(cells, spares, 1));
	store_relaxed(&board->start_as, ASK_EXIT);
	one(cells, ASK_EXIT, 0, -EOWNERDEAD);
	one(cells, ASK_ECHO, 0, 0); /* the spare's */
	cr_assert(comes_true(counted(cells).unborn >= 3));
	cr_assert(comes_true(told_of(WARD_R_NO_THREAD)));
	store_relaxed(&board->start_as, -1);
	cr_assert(count_is(cells, spares, 1));
	cr_assert_eq(told_times(WARD_R_NO_THREAD), 1);
	cells_end(pool, cells);
}

Test(cells, stop_is_called_where_a_cell_leaves_in_good_order)
{
	struct ward_pool *pool;
	struct ward_cells *cells;

	pool = pool_of(1);
	cells = cells_of(pool, 2);
	one(cells, ASK_KILL, 0, -EOWNERDEAD);
	cr_assert(comes_true(counted(cells).working + counted(cells).spares == 3));
	cells_end(pool, cells);
	cr_assert_eq(board->starts, 4);
	cr_assert_eq(board->stops, 3);
}

/* ---- limits, recycling -------------------------------- */

Test(cells, a_limit_of_memory)
{
	struct ward_cells_config config;
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;

	if (UNDER_ASAN || UNDER_TSAN)
		cr_skip_test("the sanitizer has terabytes of address space");
	config = cells_config(1);
	config.memory = 1 << 29;
	pool = pool_of(1);
	cells = cells_with(pool, &config);
	asked(cells, ask_init(&ask, ASK_HEAP, 0));
	ask_had(&ask, 0);
	cr_assert_gt(ask.answer.n, 1);
	cr_assert_lt(ask.answer.n, 512);
	cells_end(pool, cells);
}

Test(cells, a_limit_of_files)
{
	struct ward_cells_config config;
	struct ward_pool *pool;
	struct ward_cells *cells;

	config = cells_config(1);
	config.files = 40;
	pool = pool_of(1);
	cells = cells_with(pool, &config);
	cr_assert_lt(answer_of(cells, ASK_FILES, 0), 40);
	cr_assert_eq(answer_of(cells, ASK_FILES, 0), 0); /* they are kept */
	one(cells, ASK_ECHO, 0, 0);
	cells_end(pool, cells);
}

Test(cells, a_limit_of_cpu)
{
	struct ward_cells_config config;
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;
	int n = -1;

	config = cells_config(1);
	config.cpu_s = 1;
	pool = pool_of(1);
	cells = cells_with(pool, &config);
	asked(cells, ask_init(&ask, ASK_SPIN, 0));
	ask_had(&ask, -EOWNERDEAD);
	cr_assert(comes_true((n = told_by(id, ask.incident)) >= 0));
	cr_assert(told.report[n].signo == SIGXCPU || told.report[n].signo == SIGKILL,
		  "%d", told.report[n].signo);
	cells_end(pool, cells);
}

Test(cells, recycled_by_calls)
{
	struct ward_cells_config config;
	struct ward_pool *pool;
	struct ward_cells *cells;
	int64_t first;

	config = cells_config(1);
	config.recycle_calls = 3;
	pool = pool_of(1);
	cells = cells_with(pool, &config);
	first = answer_of(cells, ASK_PID, 0);
	cr_assert(comes_true(answer_of(cells, ASK_PID, 0) &&
			     counted(cells).recycled >= 3));
	cr_assert(comes_true(no_such_process((int32_t)first)));
	cr_assert_eq(counted(cells).died, 0);
	cr_assert_eq(counted(cells).lost, 0);
	cr_assert(count_is(cells, spares, 1)); /* none is on its way up */
	cells_end(pool, cells);
	cr_assert_eq(board->stops, board->starts);
}

Test(cells, recycled_by_growth)
{
	struct ward_cells_config config;
	struct ward_pool *pool;
	struct ward_cells *cells;
	int64_t first;

	config = cells_config(1);
	config.recycle_growth = 8 << 20;
	pool = pool_of(1);
	cells = cells_with(pool, &config);
	first = answer_of(cells, ASK_GROW, 1);
	cr_assert_eq(answer_of(cells, ASK_PID, 0), first);
	cr_assert_eq(answer_of(cells, ASK_GROW, 16 << 10), first);
	cr_assert(comes_true(answer_of(cells, ASK_PID, 0) != first));
	cr_assert_eq(counted(cells).recycled, 1);
	cells_end(pool, cells);
}

/* ---- a thread that waits for room -------------------------------- */

struct waiter {
	struct ward_cells *cells;
	struct ask *ask;
	pthread_t thread;
	_Atomic int32_t tid;
	int err;
};

static void *wait_for_room(void *arg)
{
	struct waiter *waiter = arg;

	store_release(&waiter->tid, host_tid());
	waiter->err = ward_cells_submit(waiter->cells, &waiter->ask->call,
					WARD_FOREVER);
	return NULL;
}

static void waiter_up(struct waiter *waiter, struct ward_cells *cells,
		      struct ask *ask)
{
	*waiter = (struct waiter){ .cells = cells, .ask = ask };
	pthread_create(&waiter->thread, NULL, wait_for_room, waiter);
	cr_assert(comes_true(load_acquire(&waiter->tid) &&
			     sleeps_in_futex(load_acquire(&waiter->tid))));
}

static int waiter_down(struct waiter *waiter)
{
	pthread_join(waiter->thread, NULL);
	return waiter->err;
}

/* ---- drained, destroyed -------------------------------- */

Test(cells, drain_waits_for_all)
{
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask[3], late;

	pool = pool_of(1);
	cells = cells_of(pool, 1);
	for (int i = 0; i < 3; i++)
		asked(cells, ask_at(&ask[i], ASK_WAIT, 1));
	cr_assert(at_gate(1, 1));
	cr_assert_eq(ward_cells_drain(cells, WARD_NOWAIT), -ETIMEDOUT);
	cr_assert_eq(ward_cells_drain(cells, ward_in(WARD_MS(1))), -ETIMEDOUT);
	ask_init(&late, ASK_ECHO, 0);
	cr_assert_eq(ward_cells_submit(cells, &late.call, WARD_FOREVER),
		     -ESHUTDOWN);
	ask_is_untouched(&late);
	open_gate(1);
	cr_assert_eq(ward_cells_drain(cells, ward_in(IN_TIME)), 0);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(ask[i].releases, 1);
		ask_had(&ask[i], 0);
	}
	cells_end(pool, cells);
}

Test(cells, drain_refuses_those_that_wait_for_room)
{
	struct ward_cells_config config;
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask[2], late;
	struct waiter waiter;

	config = cells_config(1);
	config.depth = 2;
	pool = pool_of(1);
	cells = cells_with(pool, &config);
	for (int i = 0; i < 2; i++)
		asked(cells, ask_at(&ask[i], ASK_WAIT, 1));
	ask_init(&late, ASK_ECHO, 0);
	cr_assert_eq(ward_cells_submit(cells, &late.call, WARD_NOWAIT), -EAGAIN);
	cr_assert_eq(ward_cells_submit(cells, &late.call, ward_in(1)),
		     -ETIMEDOUT);
	waiter_up(&waiter, cells, &late);
	cr_assert_eq(ward_cells_drain(cells, WARD_NOWAIT), -ETIMEDOUT);
	cr_assert_eq(waiter_down(&waiter), -ESHUTDOWN);
	ask_is_untouched(&late);
	open_gate(1);
	cells_end(pool, cells);
}

/* Three: one is inside, one waits in the cell; and how the first takes it. */
static void destroyed(enum order inside, int status)
{
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask[3];
	int32_t pid;

	pool = pool_of(1);
	cells = cells_of(pool, 1);
	for (int i = 0; i < 3; i++)
		asked(cells, ask_at(&ask[i], inside, 1));
	cr_assert(at_gate(1, 1));
	pid = ward_cells_pid(cells, 0);
	cr_assert_eq(ward_cells_destroy(cells, ward_in(WARD_MS(100))), 0);
	cr_assert(no_such_process(pid));
	ask_had(&ask[0], status);
	ask_had(&ask[1], -ECANCELED);
	ask_had(&ask[2], -ECANCELED);
	cr_assert_eq(board->came[1], 1);
	ended(pool);
}

Test(cells, destroy_is_seen_by_check)
{
	destroyed(ASK_CHECK, -ESHUTDOWN);
}

Test(cells, destroy_kills_what_hangs)
{
	destroyed(ASK_SPIN, -ECANCELED);
}

/* The last call is not released: done() is inside of a worker. */
static _Atomic uint32_t hold_done;

static void done_waits(struct ward_call *call, int status)
{
	ask_done(call, status);
	while (!load_acquire(&hold_done))
		host_yield();
}

Test(cells, destroy_tells_what_is_not_released)
{
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;

	pool = pool_of(1);
	cells = cells_of(pool, 1);
	ask_init(&ask, ASK_ECHO, 0)->call.done = done_waits;
	asked(cells, &ask);
	cr_assert(comes_true(load_acquire(&ask.dones) == 1));
	cr_assert_eq(ward_cells_destroy(cells, WARD_NOWAIT), 1);
	cr_assert_eq(memcmp(ask.call.out, &ask.request, sizeof(ask.request)), 0);
	store_release(&hold_done, 1);
	ask_had(&ask, 0);
	ended(pool);
}

/* ---- several -------------------------------- */

Test(cells, two_sets_on_one_pool)
{
	struct ward_cells_config config = path_config(1);
	struct ward_pool *pool;
	struct ward_cells *cells, *other;
	struct ask ask;

	pool = pool_of(2);
	cells = cells_of(pool, 2);
	other = cells_with(pool, &config);
	asked(cells, ask_at(&ask, ASK_WAIT, 1));
	one(other, ASK_ECHO, 0, 0);
	one(other, ASK_KILL, 0, -EOWNERDEAD);
	cr_assert_eq(counted(cells).died, 0);
	cr_assert_eq(ward_cells_drain(other, ward_in(IN_TIME)), 0);
	cr_assert_eq(ward_cells_destroy(other, ward_in(IN_TIME)), 0);
	open_gate(1);
	ask_had(&ask, 0);
	cells_end(pool, cells);
}

Test(cells, many_calls_to_many_cells)
{
	enum { CALLS = 1000 };
	static struct ask ask[CALLS];
	struct ward_cells_stats stats;
	struct ward_pool *pool;
	struct ward_cells *cells;

	pool = pool_of(2);
	cells = cells_of(pool, 4);
	for (int i = 0; i < CALLS; i++) {
		ask_init(&ask[i], ASK_ECHO, i)->request.number = (uint32_t)i;
		asked(cells, &ask[i]);
	}
	for (int i = 0; i < CALLS; i++) {
		ask_had(&ask[i], 0);
		cr_assert_eq(memcmp(&ask[i].answer, &ask[i].request,
				    sizeof(ask[i].request)), 0);
		cr_assert_eq(board->ran[i], 1);
	}
	cr_assert(count_is(cells, calls, 0));
	/* One that comes up is a spare until it is put to work: so not by their number. */
	cr_assert(count_is(cells, born, 5));
	cr_assert(count_is(cells, working, 4));
	cr_assert(count_is(cells, spares, 1)); /* counted as born just before it is one */
	stats = counted(cells);
	cr_assert_eq(stats.answered, CALLS);
	cr_assert_eq(stats.sent, CALLS + stats.moved);
	cr_assert_eq(stats.born, 5);
	cells_end(pool, cells);
}

/* ---- the zygote, the process -------------------------------- */

static int32_t child_called(const char *name)
{
	char path[300], text[64];
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int32_t found = 0, parent;
	FILE *file;

	while (!found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "r");
		if (file && fscanf(file, "%*d (%63[^)]) %*c %d", text, &parent) == 2 &&
		    parent == getpid() && !strcmp(text, name))
			found = atoi(entry->d_name);
		if (file)
			fclose(file);
	}
	closedir(dir);
	return found;
}

Test(cells, the_zygote_is_killed)
{
	struct ward_cells_config path = path_config(1);
	struct ward_pool *pool;
	struct ward_cells *cells, *other;
	int32_t zygote;

	pool = pool_of(1);
	cells = cells_of(pool, 1);
	cr_assert(count_is(cells, spares, 1));
	zygote = child_called("ward-zygote");
	cr_assert_gt(zygote, 0);
	kill(zygote, SIGKILL);
	one(cells, ASK_ECHO, 0, 0);
	one(cells, ASK_KILL, 0, -EOWNERDEAD);
	one(cells, ASK_ECHO, 0, 0); /* the last spare */
	cr_assert(comes_true(told_of(WARD_R_NO_THREAD)));
	cr_assert(comes_true(no_such_process(zygote)));
	cr_assert_eq(counted(cells).spares, 0);
	other = cells_with(pool, &path);
	one(other, ASK_ECHO, 0, 0);
	cr_assert_eq(ward_cells_destroy(other, ward_in(IN_TIME)), 0);
	cells_end(pool, cells);
}

static _Atomic uint32_t child_ends;

static void child_ended(int signo)
{
	(void)signo;
	add_relaxed(&child_ends, 1);
}

/* The program's own wait() meets none of them, living or dead. */
Test(cells, the_programs_own_children)
{
	struct ward_pool *pool;
	struct ward_cells *cells;
	pid_t child;

	signal(SIGCHLD, child_ended);
	pool = pool_of(1);
	cells = cells_of(pool, 1);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
	cr_assert_eq(errno, ECHILD);
	for (int i = 0; i < 5; i++) {
		one(cells, ASK_KILL, 0, -EOWNERDEAD);
		cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
	}
	cr_assert_eq(load_relaxed(&child_ends), 0);
	child = fork();
	if (!child)
		_exit(0);
	cr_assert_eq(wait(NULL), child);
	cr_assert(count_is(cells, died, 5));
	cells_end(pool, cells);
	cr_assert_eq(wait(NULL), -1);
	cr_assert_eq(load_relaxed(&child_ends), 1);
}

/* What a child may not; 0, or the line. */
static int child_is_refused(struct ward_pool *pool, struct ward_cells *cells,
			    const struct ward_cells_config *config)
{
	struct ward_cells_stats stats = WARD_CELLS_STATS_INIT;
	struct ward_cells *other;
	struct ask ask;

	ask_init(&ask, ASK_ECHO, 0);
	if (ward_cells_submit(cells, &ask.call, WARD_FOREVER) != -ECHILD ||
	    ward_cells_cancel(cells, &ask.call, 0) != -ECHILD)
		return __LINE__;
	if (ward_cells_stats(cells, &stats) != -ECHILD ||
	    ward_cells_pid(cells, 0) != -ECHILD ||
	    ward_cells_drain(cells, WARD_FOREVER) != -ECHILD)
		return __LINE__;
	if (ward_cells_create(&other, pool, config) != -ECHILD)
		return __LINE__;
	if (ward_cells_destroy(cells, WARD_FOREVER) != 0)
		return __LINE__;
	return ward_pool_destroy(pool, WARD_NOWAIT) ? __LINE__ : 0;
}

static int child_has_its_own(const struct ward_cells_config *config)
{
	struct ward_pool_config shape = job_config(1);
	struct ward_cells *cells;
	struct ward_pool *pool;

	if (ward_pool_create(&pool, &shape) || ward_pool_start(pool))
		return __LINE__;
	/* The zygote is a parent process's. */
	if (ward_cells_create(&cells, pool, config) != -ECHILD)
		return __LINE__;
	return ward_pool_destroy(pool, WARD_FOREVER) ? __LINE__ : 0;
}

Test(cells, a_child_of_fork)
{
	struct ward_cells_config config;
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;
	int status;
	pid_t child;

	needs_a_whole_child();
	config = cells_config(1);
	pool = pool_of(1);
	cells = cells_with(pool, &config);
	asked(cells, ask_at(&ask, ASK_WAIT, 1));
	child = fork();
	if (!child) {
		int line = child_is_refused(pool, cells, &config);

		line = line ? line : child_has_its_own(&config);
		if (line)
			dprintf(2, "line %d\n", line);
		_exit(line != 0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && !WEXITSTATUS(status));
	open_gate(1);
	ask_had(&ask, 0);
	one(cells, ASK_KILL, 0, -EOWNERDEAD);
	one(cells, ASK_ECHO, 0, 0);
	cells_end(pool, cells);
}

/* ---- bad input -------------------------------- */

static void no_create(struct ward_pool *pool, struct ward_cells_config config, int want)
{
	struct ward_cells *const untouched = (void *)&told, *cells = untouched;
	int err = ward_cells_create(&cells, pool, &config);

	cr_assert_eq(err, want, "create: %d, not %d", err, want);
	cr_assert_eq(cells, untouched);
}

#define WRONG(pool, want, field, ...)                                                \
	do {                                                                         \
		const __typeof__(((struct ward_cells_config *)0)->field) value_[] = \
			{ __VA_ARGS__ };                                             \
                                                                                     \
		for (size_t k_ = 0; k_ < SIZE(value_); k_++) {                       \
			struct ward_cells_config config_ = cells_config(1);          \
                                                                                     \
			config_.field = value_[k_];                                  \
			no_create(pool, config_, want);                              \
		}                                                                    \
	} while (0)

static void wrong_programs(struct ward_pool *pool)
{
	struct ward_cell_program bad[3] = { cell_program, cell_program,
					    cell_program };

	bad[0].size++;
	bad[1].reserved = 1;
	bad[2].run = NULL;
	WRONG(pool, -EINVAL, program, NULL, &bad[0], &bad[1], &bad[2]);
	WRONG(pool, -EINVAL, path, "/bin/true"); /* both */
	WRONG(pool, -EINVAL, argv, (char *[]){ NULL });
}

Test(cells, wrong_configurations)
{
	struct ward_cells_config config = cells_config(1);
	struct ward_cells *cells = NULL;
	struct ward_pool *pool;
	uint32_t had;

	pool = pool_of(1);
	had = descriptors();
	WRONG(pool, -EINVAL, size, 0, 1, sizeof(config) - 1, sizeof(config) + 1);
	WRONG(pool, -EINVAL, flags, 1, 1u << 31);
	WRONG(pool, -EINVAL, cells, 49, UINT32_MAX);
	WRONG(pool, -EINVAL, spares, 9, UINT32_MAX);
	WRONG(pool, -EINVAL, depth, 1, 3, 100, 8192, UINT32_MAX);
	WRONG(pool, -EINVAL, in_max, (1u << 30) + 1, UINT32_MAX);
	WRONG(pool, -EINVAL, out_max, (1u << 30) + 1, UINT32_MAX);
	WRONG(pool, -EINVAL, grace, 1); /* without a signal */
	WRONG(pool, -EINVAL, signo, -1, 65, INT32_MIN, INT32_MAX);
	WRONG(pool, -EINVAL, reserved, 1);
	WRONG(pool, -ENAMETOOLONG, name, "twelve bytes");
	wrong_programs(pool);
	config.program = &cell_program;
	no_create(NULL, config, -EINVAL);
	cr_assert_eq(ward_cells_create(NULL, pool, &config), -EINVAL);
	cr_assert_eq(ward_cells_create(&cells, pool, NULL), -EINVAL);
	cr_assert_eq(descriptors(), had);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG | __WALL), 0); /* the zygote alone */
	ended(pool);
}

static int no_fill(struct ward_call *call, void *to)
{
	(void)call;
	(void)to;
	cr_assert(false, "called");
	return 0;
}

/* Nothing is called, nothing counted, and the call is the caller's. */
static void refused(struct ward_cells *cells, struct ask *ask, int want)
{
	struct ward_cells_stats before = counted(cells), after;
	int err = ward_cells_submit(cells, &ask->call, WARD_FOREVER);

	cr_assert_eq(err, want, "submit: %d, not %d", err, want);
	ask_is_untouched(ask);
	after = counted(cells);
	cr_assert_eq(before.calls, after.calls);
	cr_assert_eq(before.sent, after.sent);
}

Test(cells, wrong_calls)
{
	struct ward_policy bad = { .size = 1 };
	struct ward_cancel token = { { 0 } };
	struct ward_pool *pool, *stranger;
	struct ward_lane *lane, *far, *closed;
	struct ward_cells *cells;
	struct ask ask;

	pool = pool_of(1);
	stranger = pool_of(1);
	cells = cells_of(pool, 1);
	ask_init(&ask, ASK_ECHO, 0);
	cr_assert_eq(ward_cells_submit(NULL, &ask.call, WARD_NOWAIT), -EINVAL);
	cr_assert_eq(ward_cells_submit(cells, NULL, WARD_NOWAIT), -EINVAL);
	if (!UNDER_TSAN) /* its first word is being written */
		cr_assert_eq(ward_cells_submit((void *)pool, &ask.call, WARD_NOWAIT),
			     -EINVAL);
	ask_init(&ask, ASK_ECHO, 0)->call.reserved = 1;
	refused(cells, &ask, -EINVAL);
	ask_init(&ask, ASK_ECHO, 0)->call.in = NULL;
	refused(cells, &ask, -EINVAL);
	ask_init(&ask, ASK_ECHO, 0)->call.in_size = 257;
	refused(cells, &ask, -EMSGSIZE);
	ask.call.in_size = UINT32_MAX;
	ask.call.fill = no_fill;
	refused(cells, &ask, -EMSGSIZE);
	ask_init(&ask, ASK_ECHO, 0)->call.task.policy = &bad;
	refused(cells, &ask, -EINVAL);
	ward_cancel_fire(&token, -EPIPE);
	ask_init(&ask, ASK_ECHO, 0)->call.task.cancel = &token;
	refused(cells, &ask, -EPIPE);
	lane = lane_of(pool, .active = 2, .queued = 1,
		       .flags = WARD_LANE_CALLER_RUNS);
	ask_init(&ask, ASK_ECHO, 0)->call.lane = lane;
	refused(cells, &ask, -EINVAL);
	far = lane_of(stranger, .active = 1);
	ask.call.lane = far;
	refused(cells, &ask, -EINVAL);
	closed = lane_of(pool, .active = 1);
	cr_assert_eq(ward_lane_close(closed, 0), 0);
	ask.call.lane = closed;
	refused(cells, &ask, -ESHUTDOWN);
	cr_assert_eq(ward_lane_destroy(closed), 0);
	cr_assert_eq(ward_lane_destroy(lane), 0);
	gone(stranger, far);
	one(cells, ASK_ECHO, 0, 0);
	cells_end(pool, cells);
}

Test(cells, one_call_twice)
{
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;

	pool = pool_of(1);
	cells = cells_of(pool, 2);
	asked(cells, ask_at(&ask, ASK_WAIT, 1));
	for (int i = 0; i < 3; i++)
		cr_assert_eq(ward_cells_submit(cells, &ask.call, WARD_NOWAIT),
			     -EBUSY);
	open_gate(1);
	ask_had(&ask, 0);
	cr_assert_eq(board->came[1], 1);
	cells_end(pool, cells);
}

Test(cells, other_wrong_arguments)
{
	struct ward_cells_stats stats = WARD_CELLS_STATS_INIT;
	struct ward_pool *pool;
	struct ward_cells *cells;
	struct ask ask;

	cr_assert_eq(ward_cell_zygote(), -EALREADY);
	pool = pool_of(1);
	cells = cells_of(pool, 1);
	cr_assert_eq(ward_cells_stats(NULL, &stats), -EINVAL);
	cr_assert_eq(ward_cells_stats(cells, NULL), -EINVAL);
	stats.size--;
	cr_assert_eq(ward_cells_stats(cells, &stats), -EINVAL);
	cr_assert_eq(ward_cells_pid(NULL, 0), -EINVAL);
	cr_assert_eq(ward_cells_pid(cells, UINT32_MAX), -EINVAL);
	cr_assert_eq(ward_cells_pid(cells, 64), -EINVAL);
	cr_assert_gt(ward_cells_pid(cells, 0), 0);
	cr_assert_eq(ward_cells_drain(NULL, WARD_NOWAIT), -EINVAL);
	cr_assert_eq(ward_cells_destroy(NULL, WARD_NOWAIT), -EINVAL);
	ask_init(&ask, ASK_ECHO, 0);
	cr_assert_eq(ward_cells_cancel(NULL, &ask.call, 0), -EINVAL);
	cr_assert_eq(ward_cells_cancel(cells, NULL, 0), -EINVAL);
	cr_assert_eq(ward_cells_cancel(cells, &ask.call, 1), -EINVAL);
	cr_assert_eq(ward_cells_cancel(cells, &ask.call, 0), -ENOENT);
	cells_end(pool, cells);
}

/* From a thread of the pool both would wait for themselves. */
static struct ward_cells *own;

static int ends_its_own(struct ward_task *task)
{
	(void)task;
	if (ward_cells_drain(own, WARD_FOREVER) != -EDEADLK)
		return 1;
	return ward_cells_destroy(own, WARD_FOREVER) == -EDEADLK ? 0 : 2;
}

Test(cells, a_task_may_not_end_them)
{
	struct job job = job_of_kind(ends_its_own);
	struct ward_pool *pool;

	pool = pool_of(1);
	own = cells_of(pool, 1);
	submitted(pool, &job);
	job_had(&job, 0);
	one(own, ASK_ECHO, 0, 0); /* it was not closed */
	cells_end(pool, own);
}
