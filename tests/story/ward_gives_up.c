/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ward_gives_up.c - scenario 20 for wards: every new one dies at once.
 *
 * Expected: each restart waits for its backoff, random up to a bound that doubles;
 * after as many restarts as the intensity allows the steward gives up and says so,
 * with the report that led to it; it stops what it has, the last first, calls
 * gave_up(), and starts nothing more; a root's wards are gone for good then.  A
 * steward below is started again by the one above, until that has had enough.  As
 * a last resort the process is aborted, with the report.  A gave_up() that dies,
 * raises or hangs changes nothing of it.
 */
#include "wards.h"

#include "flow/tree.h"

#include <signal.h>
#include <sys/wait.h>

static _Atomic uint32_t gave_up;

static void count_gave_up(void *arg, struct ward_steward *steward)
{
	(void)arg;
	(void)steward;
	diary('!', 's');
	add_acq_rel(&gave_up, 1);
}


static _Atomic uint32_t dead_runs;

static int die_at_once(void *arg)
{
	(void)arg;
	add_acq_rel(&dead_runs, 1);
	pthread_exit(NULL);
}

static const struct told *spent(uint32_t restarts, unsigned n)
{
	const struct told *report = told(WARD_R_GAVE_UP, n);

	expect_equal(told_count(WARD_R_RESTART), restarts);
	expect_equal(told_id(report->report.cause)->report.kind, WARD_R_DEATH);
	return report;
}

/* a lives, b dies again and again. */
static void gives_up(void)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward_steward *root;
	struct actor a;
	struct ward *b;
	int status;

	config.restarts = 5;
	config.within = 3600 * SECOND;
	config.gave_up = count_gave_up;
	root = supervisor_up(&config);
	diary_clear();
	actor_start(&a, 'a', root);
	spec.name = "b";
	spec.run = die_at_once;
	spec.backoff_min = 2 * MS;
	spec.backoff_max = 8 * MS;
	expect_equal(ward_start(&b, root, &spec), 0);
	wait_until(load_acquire(&gave_up) == 1);
	diary_says("+a-a!s");
	expect_equal(load_acquire(&dead_runs), 6);
	expect(!strcmp(spent(5, 0)->task, "steward"));
	expect_equal(view_of(b).failures, 6);
	expect(!view_of(b).running && !view_of(a.ward).running);
	expect_equal(ward_start(&a.ward, root, &a.spec), -ESHUTDOWN);
	expect_equal(ward_restart(b), -ESHUTDOWN);
	expect_equal(ward_wait(b, ward_in(IN_TIME), &status), 0);
	expect_equal(status, -EOWNERDEAD);
	expect(view_of(b).gone && view_of(a.ward).gone);
	expect_equal(ward_steward_stop(root, ward_in(IN_TIME)), 0);
	steward_gone(root);
	expect_equal(ward_wait(b, WARD_NOWAIT, &status), 0);
	ward_put(a.ward);
	ward_put(b);
}

/* None is a number of restarts, too. */
static void restarts_nothing(void)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = WARD_SPEC_INIT;
	uint32_t before = load_acquire(&gave_up);
	struct ward_steward *root;
	struct ward *b;

	config.flags = WARD_STEWARD_NO_RESTARTS;
	config.gave_up = count_gave_up;
	root = supervisor_up(&config);
	store_relaxed(&dead_runs, 0);
	spec.run = die_at_once;
	expect_equal(ward_start(&b, root, &spec), 0);
	wait_until(load_acquire(&gave_up) == before + 1);
	expect_equal(load_acquire(&dead_runs), 1);
	steward_gone(root);
	ward_put(b);
}

/* The bound of the wait doubles, and a long run sets it back. */
static void backs_off(void)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = WARD_SPEC_INIT;
	ward_ns last = host_now(), now, longest = 0;
	struct ward_steward *root;
	uint32_t runs = 1;
	struct ward *b;

	config.restarts = 1000;
	root = supervisor_up(&config);
	store_relaxed(&dead_runs, 0);
	spec.run = die_at_once;
	spec.backoff_min = MS;
	spec.backoff_max = 32 * MS;
	expect_equal(ward_start(&b, root, &spec), 0);
	while (runs < 40) {
		wait_until(load_acquire(&dead_runs) > runs);
		now = host_now();
		runs = load_acquire(&dead_runs);
		longest = now - last > longest ? now - last : longest;
		last = now;
	}
	/* Of 34 that are up to 32 ms: all below 8 once in 10^20 times. */
	expect(longest > 8 * MS);
	expect_equal(ward_stop(b, ward_in(IN_TIME)), 0);
	ward_put(b);
	steward_gone(root);
}

/* ---- up the tree --------------------------------------------------------------- */

static _Atomic uint32_t below_gave_up;

static void below_gives_up(void *arg, struct ward_steward *steward)
{
	static struct actor nobody;

	(void)steward;
	add_acq_rel(&below_gave_up, 1);
	actor_does(&nobody, *(enum deed *)arg); /* whatever it does */
}

static void escalates(enum deed deed)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward_steward *root, *below;
	struct ward *b;

	store_relaxed(&gave_up, 0);
	store_relaxed(&dead_runs, 0);
	store_relaxed(&below_gave_up, 0);
	config.within = 3600 * SECOND;
	config.restarts = 2;
	config.gave_up = count_gave_up;
	root = supervisor_up(&config);
	config.parent = root;
	config.restarts = 3;
	config.gave_up = below_gives_up;
	config.arg = &deed;
	below = supervisor_up(&config);
	spec.run = die_at_once;
	expect_equal(ward_start(&b, below, &spec), 0);
	ward_put(b);
	wait_until(load_acquire(&gave_up) == 1);
	expect_equal(load_acquire(&below_gave_up), 3);
	expect_equal(load_acquire(&dead_runs), 3 * 4);
	expect_equal(ward_start(&b, below, &spec), -ESHUTDOWN);
	steward_gone(root);
}

/* ---- the last resort -------------------------------------------------------------- */

static void child_aborts(void)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_pool_config pool = story_config();
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward_steward *root;
	struct ward *b;

	signal(SIGABRT, SIG_DFL);
	pool.hooks = NULL; /* on stderr */
	config.pool = &pool;
	config.last = WARD_LAST_ABORT;
	config.gave_up = count_gave_up;
	spec.run = die_at_once;
	if (ward_steward_create(&root, &config) ||
	    ward_start(&b, root, &spec))
		_exit(1);
	nap(IN_TIME);
	_exit(2);
}

static void aborts(void)
{
	char text[16384];
	size_t len = 0;
	int out[2], status;
	ssize_t got;
	pid_t child;

	expect_equal(pipe(out), 0);
	child = fork();
	expect(child >= 0);
	if (!child) {
		dup2(out[1], STDERR_FILENO);
		child_aborts();
	}
	close(out[1]);
	while (len < sizeof(text) - 1 &&
	       (got = read(out[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	close(out[0]);
	expect_equal(waitpid(child, &status, 0), child);
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	expect(strstr(text, "the root of all stewards gave up"));
	expect(strstr(text, "a ward ended and is started again"));
}

int main(void)
{
	aborts(); /* before there are threads */
	gives_up();
	restarts_nothing();
	backs_off();
	escalates(DEED_RETURN_0);
	escalates(DEED_EXIT);
	escalates(DEED_RAISE);
	wait_until(threads_now() == 1);
	return 0;
}
