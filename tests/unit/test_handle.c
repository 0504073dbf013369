/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every public call that takes a handle, with a pointer that is none, is one of
 * another kind, or was given back: -EINVAL; or a line on stderr, where the call cannot
 * say so.
 */
#include "base/handle.h"
#include "lane_job.h"
#include <malloc.h>
#include <signal.h>
#include <sys/wait.h>

/* Memory of whatever: as large as any handle. */
static struct {
	line_aligned uint32_t word[16384];
} memory;

static const void *what; /* of all calls, for messages */

#define refused(call)                                                          \
	cr_assert_eq((call), -EINVAL, "%s of %s", #call, (const char *)what)

/* ---- calls that cannot say so ------------------------------------------------ */

/* In a child, whose stderr comes back; true if it told of it and, or, was aborted. */
static bool is_said(void (*call)(void *handle), void *handle)
{
	char text[1024] = "";
	size_t had = 0;
	ssize_t got;
	int fd[2], status;
	pid_t child;

	cr_assert_eq(pipe(fd), 0);
	child = fork();
	if (child == 0) {
		dup2(fd[1], STDERR_FILENO);
		call(handle);
		_exit(0);
	}
	close(fd[1]);
	while ((got = read(fd[0], text + had, sizeof(text) - 1 - had)) > 0)
		had += (size_t)got;
	close(fd[0]);
	cr_assert_eq(waitpid(child, &status, 0), child);
	if (CHECK_ABORTS)
		cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	else
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0,
			  "status %x", (unsigned)status);
	return strstr(text, "this does not hold: handle_is(");
}

#define tells(call, handle)                                                    \
	cr_assert(is_said(call, handle), "%s of %s", #call, (const char *)what)

static void lane_cancel(void *handle)
{
	if (ward_lane_cancel(handle, 0))
		_exit(1);
}

static void lane_token(void *handle)
{
	if (ward_lane_token(handle))
		_exit(1);
}

static void lane_count(void *handle)
{
	if (ward_lane_count(handle))
		_exit(1);
}

static void bridge_cause(void *handle)
{
	if (ward_bridge_cause(handle))
		_exit(1);
}

static void bridge_destroy(void *handle)
{
	ward_bridge_destroy(handle);
}

static void hedge_put(void *handle)
{
	ward_hedge_put(handle);
}

static void put_ward(void *handle)
{
	ward_put(handle);
}

/* ---- the calls, by kind ------------------------------------------------------- */

static int run_go(void *arg)
{
	(void)arg;
	return 0;
}

static int run_try(void *arg, unsigned n)
{
	(void)arg;
	(void)n;
	return 0;
}

static struct ward_hedge_config one_try(int (*run)(void *arg, unsigned n))
{
	struct ward_hedge_config config = WARD_HEDGE_CONFIG_INIT;

	config.tries = 1;
	config.run = run;
	return config;
}

static struct ward_steward *root_steward(void)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_steward *root = NULL;

	cr_assert_eq(ward_steward_create(&root, &config), 0);
	return root;
}

static void steward_ended(struct ward_steward *root)
{
	cr_assert_eq(ward_steward_destroy(root, ward_in(IN_TIME)), 0);
}

static void pool_calls(struct ward_pool *pool)
{
	struct ward_hedge_config hedge = one_try(run_try);
	struct job job = job_of_kind(job_run);
	struct ward_task *list[] = { &job.task };
	struct ward_stats stats = WARD_STATS_INIT;
	struct ward_audit audit = WARD_AUDIT_INIT;
	struct ward_lane *lane = NULL;

	refused(ward_pool_start(pool));
	refused(ward_pool_resize(pool, 1, 0));
	refused(ward_submit(pool, &job.task, WARD_NOWAIT));
	refused(ward_submit(pool, &job.task, WARD_FOREVER));
	refused(ward_submit_n(pool, list, 1, WARD_NOWAIT));
	refused(ward_submit_n(pool, NULL, 0, WARD_NOWAIT));
	refused(ward_submit_at(pool, &job.task, 1, 0));
	refused(ward_go(pool, run_go, NULL, WARD_NOWAIT));
	refused(ward_task_cancel(pool, &job.task, 0));
	refused(ward_task_recall(pool, &job.task, 0));
	refused(ward_task_hold(pool, &job.task));
	refused(ward_task_drop(pool, &job.task));
	refused(ward_task_wait(pool, &job.task, WARD_NOWAIT, NULL));
	refused(ward_pool_drain(pool, WARD_NOWAIT));
	refused(ward_pool_stats(pool, &stats));
	refused(ward_audit(pool, &audit));
	refused(ward_lane_create(&lane, pool, NULL));
	refused(ward_hedge_start(NULL, pool, &hedge));
	refused(ward_pool_destroy(pool, WARD_NOWAIT));
	cr_assert_null(lane);
	job_is_untouched(&job);
}

static void lane_calls(struct ward_lane *lane)
{
	struct ward_lane_stats stats = WARD_LANE_STATS_INIT;
	struct job job = job_of_kind(job_run);
	struct ward_task *list[] = { &job.task };

	refused(ward_lane_submit(lane, &job.task, WARD_NOWAIT));
	refused(ward_lane_submit_n(lane, list, 1, WARD_NOWAIT));
	refused(ward_lane_submit_n(lane, NULL, 0, WARD_NOWAIT));
	refused(ward_lane_submit_at(lane, &job.task, 1));
	refused(ward_lane_resize(lane, 1, 0));
	refused(ward_lane_stats(lane, &stats));
	refused(ward_lane_join(lane, WARD_NOWAIT));
	refused(ward_lane_close(lane, 0));
	refused(ward_lane_destroy(lane));
	tells(lane_cancel, lane);
	tells(lane_token, lane);
	tells(lane_count, lane);
	job_is_untouched(&job);
}

static void port_calls(struct ward_port *port)
{
	refused(ward_port_fd(port));
	refused(ward_port_run(port, 0));
	refused(ward_port_destroy(port));
}

static void bridge_calls(struct ward_bridge *bridge)
{
	uint64_t number = 0;
	void *item = NULL;

	refused(ward_bridge_open(bridge, &number));
	refused(ward_bridge_put(bridge, 0, &number, WARD_NOWAIT));
	refused(ward_bridge_get(bridge, &item, &number, WARD_NOWAIT));
	refused(ward_bridge_take(bridge, &item, 1, WARD_NOWAIT));
	refused(ward_bridge_close(bridge, 0));
	tells(bridge_cause, bridge);
	tells(bridge_destroy, bridge);
}

static void hedge_calls(struct ward_hedge *hedge)
{
	refused(ward_hedge_wait(hedge, WARD_NOWAIT));
	tells(hedge_put, hedge);
}

static void steward_calls(struct ward_steward *steward)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward_steward *below = NULL;
	struct ward *ward = NULL;

	config.parent = steward;
	spec.run = run_go;
	refused(ward_steward_create(&below, &config));
	refused(ward_start(&ward, steward, &spec));
	refused(ward_steward_stop(steward, WARD_NOWAIT));
	refused(ward_steward_destroy(steward, WARD_NOWAIT));
	cr_assert_null(below);
	cr_assert_null(ward);
}

static void ward_calls(struct ward *ward)
{
	struct ward_view view = WARD_VIEW_INIT;
	uint64_t beats = 0, units = 0;

	refused(ward_stop(ward, WARD_NOWAIT));
	refused(ward_restart(ward));
	refused(ward_wait(ward, WARD_NOWAIT, NULL));
	refused(ward_view(ward, &view));
	refused(ward_pulse_wait(ward, &beats, &units, WARD_NOWAIT));
	tells(put_ward, ward);
}

static void all_calls(void *handle, enum handle_kind but)
{
	what = "memory";
	if (but != HANDLE_POOL)
		pool_calls(handle);
	if (but != HANDLE_LANE)
		lane_calls(handle);
	if (but != HANDLE_PORT)
		port_calls(handle);
	if (but != HANDLE_BRIDGE)
		bridge_calls(handle);
	if (but != HANDLE_HEDGE)
		hedge_calls(handle);
	if (but != HANDLE_STEWARD)
		steward_calls(handle);
	if (but != HANDLE_WARD)
		ward_calls(handle);
}

static void filled(uint32_t word, enum handle_kind but)
{
	for (size_t i = 0; i < sizeof(memory) / sizeof(*memory.word); i++)
		memory.word[i] = word;
	all_calls(&memory, but);
	for (size_t i = 0; i < sizeof(memory) / sizeof(*memory.word); i++)
		cr_assert_eq(memory.word[i], word, "it was written to");
}

Test(handle, memory_that_is_no_handle_is_refused_and_not_written_to)
{
	filled(0, 0);
	filled(0x5a5a5a5a, 0);
	filled(UINT32_MAX, 0);
	filled(HANDLE_DEAD, 0);
}

Test(handle, one_of_another_kind_is_refused)
{
	static const enum handle_kind kind[] = {
		HANDLE_POOL,  HANDLE_LANE,    HANDLE_PORT, HANDLE_BRIDGE,
		HANDLE_HEDGE, HANDLE_STEWARD, HANDLE_WARD
	};

	for (size_t i = 0; i < sizeof(kind) / sizeof(*kind); i++)
		filled(handle_magic(kind[i]), kind[i]);
}

Test(handle, what_a_configuration_names_is_looked_at_too)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;
	struct ward_steward *root = root_steward();
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward_lane *lane;
	struct ward *ward;

	what = "a configuration";
	config.under = (void *)&memory;
	refused(ward_lane_create(&lane, pool, &config));
	config.under = NULL;
	config.port = (void *)&memory;
	refused(ward_lane_create(&lane, pool, &config));
	spec.run = run_go;
	spec.bridge = (void *)&memory;
	refused(ward_start(&ward, root, &spec));
	steward_ended(root);
	ended(pool);
}

/* ---- given back, and the memory is there ---------------------------------------- */

Test(handle, a_lane_that_was_destroyed_is_refused)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *lane = lane_of(pool), *again;

	what = "a lane's memory";
	given_back(lane);
	lane_calls(lane);
	again = lane_of(pool);
	cr_assert_eq(again, lane, "its memory is used again");
	cr_assert_eq(ward_lane_join(again, 0), 0);
	gone(pool, again);
}

static struct gate go_on;

static int run_long(void *arg, unsigned n)
{
	(void)arg;
	(void)n;
	gate_pass(&go_on);
	return 0;
}

Test(handle, a_hedge_that_was_put_is_refused_while_it_goes_on)
{
	struct ward_hedge_config config = one_try(run_long);
	struct ward_pool *pool = pool_of(1);
	struct ward_hedge *hedge;

	what = "a hedge that goes on";
	cr_assert_eq(ward_hedge_start(&hedge, pool, &config), 0);
	ward_hedge_put(hedge);
	hedge_calls(hedge);
	gate_open(&go_on);
	ended(pool);
}

Test(handle, a_pool_is_not_destroyed_twice)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_lane *lane = lane_of(pool);

	ended(pool);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(ward_pool_destroy(pool, WARD_NOWAIT), -EINVAL);
	cr_assert_eq(ward_lane_destroy(lane), 0);
}

/* ---- freed, and still mapped ---------------------------------------------------- */

/* A sanitizer would say it first. */
static bool may_look(void)
{
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	return !UNDER_ASAN && !UNDER_TSAN;
}

Test(handle, one_that_was_freed_is_refused_while_its_memory_is_there)
{
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward_steward *root;
	struct ward_bridge *bridge;
	struct ward_pool *pool;
	struct ward_port *port;
	struct ward *ward;

	if (!may_look())
		cr_skip_test("a sanitizer watches over what was freed");
	what = "freed memory";
	cr_assert_eq(ward_port_create(&port), 0);
	cr_assert_eq(ward_port_destroy(port), 0);
	port_calls(port);
	cr_assert_eq(ward_bridge_create(&bridge, 2, NULL), 0);
	ward_bridge_destroy(bridge);
	bridge_calls(bridge);
	pool = pool_of(1);
	ended(pool);
	pool_calls(pool);
	root = root_steward();
	spec.run = run_go;
	spec.restart = WARD_NEVER;
	cr_assert_eq(ward_start(&ward, root, &spec), 0);
	steward_ended(root);
	steward_calls(root);
	ward_put(ward);
	ward_calls(ward);
}
