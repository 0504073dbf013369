/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every call on wards and stewards with every argument wrong, in every state: a
 * named error, and nothing changed.  The number of calls is printed.
 */
#include "job.h"
#include <sys/wait.h>
#include <ward/steward.h>

#define SIZE(a) (sizeof(a) / sizeof((a)[0]))

static _Atomic uint32_t calls;

/* ---- what must not change ---------------------------------------------- */

static struct ward_steward *root;
static struct ward *subject; /* runs all the time */
static _Atomic uint32_t begun;

static int run(void *arg)
{
	(void)arg;
	add_acq_rel(&begun, 1);
	while (!ward_pause(WARD_FOREVER))
		;
	return 0;
}

static struct ward_spec good_spec(void)
{
	struct ward_spec spec = WARD_SPEC_INIT;

	spec.run = run;
	spec.blocked_within = WARD_S(3600);
	return spec;
}

static struct ward_view seen(void)
{
	struct ward_view view = WARD_VIEW_INIT;

	if (subject)
		cr_assert_eq(ward_view(subject, &view), 0);
	view.beats = 0;
	return view;
}

#define bad(call, want)                                                        \
	do {                                                                   \
		struct ward_view before_ = seen(), after_;                     \
		long got_ = (call);                                            \
                                                                               \
		add_relaxed(&calls, 1);                                        \
		cr_assert_eq(got_, (want), "%s: %ld, not %ld", #call, got_,    \
			     (long)(want));                                    \
		after_ = seen();                                               \
		cr_assert_arr_eq(&before_, &after_, sizeof(after_),            \
				 "%s: it has changed", #call);                 \
	} while (0)

#define EACH_UNTIL(until)                                                      \
	for (ward_ns i_ = 0, until = 0; i_ < 5;                                \
	     i_++, until = i_ == 1 ? 1 :                                       \
			   i_ == 2 ? ward_now() - 1 :                          \
			   i_ == 3 ? ward_in(WARD_S(1)) :                      \
				     WARD_FOREVER)

static void root_up(uint32_t wards)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = good_spec();

	config.wards = wards;
	cr_assert_eq(ward_steward_create(&root, &config), 0);
	cr_assert_eq(ward_start(&subject, root, &spec), 0);
	cr_assert(comes_true(load_acquire(&begun) == 1));
}

static void root_down(void)
{
	cr_assert_eq(ward_steward_destroy(root, ward_in(IN_TIME)), 0);
	ward_put(subject);
	subject = NULL;
}

static void tally(const char *what)
{
	printf("%u bad calls: %s\n", load_relaxed(&calls), what);
}

/* ---- configurations ------------------------------------------------------ */

static const uint32_t size_of[] = { 0,	  1,  4,	8,	   16,
				    1024, -1, 1u << 31, INT32_MAX, 0xdeadbeef };
static struct ward_steward *const nobody = (struct ward_steward *)16;
static struct ward *const no_ward = (struct ward *)16;

static void create(const struct ward_steward_config *config, int want)
{
	struct ward_steward *out = nobody;

	bad(ward_steward_create(&out, config), want);
	cr_assert_eq(out, nobody, "*out was written");
	bad(ward_steward_create(NULL, config), -EINVAL);
}

#define WRONG(type, init, call, field, want, ...)                              \
	do {                                                                   \
		const __typeof__(((type *)0)->field) value_[] = {              \
			__VA_ARGS__                                            \
		};                                                             \
                                                                               \
		for (size_t k_ = 0; k_ < SIZE(value_); k_++) {                 \
			type config_ = init;                                   \
                                                                               \
			config_.field = value_[k_];                            \
			call(&config_, want);                                  \
		}                                                              \
	} while (0)
#define WRONG_CONFIG(field, want, ...)                                         \
	WRONG(struct ward_steward_config, WARD_STEWARD_CONFIG_INIT, create,    \
	      field, want, __VA_ARGS__)

static void bad_configs(void)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_pool_config pool = WARD_POOL_CONFIG_INIT;

	create(NULL, -EINVAL);
	for (size_t i = 0; i < SIZE(size_of); i++) {
		WRONG_CONFIG(size, -EINVAL, size_of[i]);
		pool.size = size_of[i];
		WRONG_CONFIG(pool, -EINVAL, &pool);
	}
	for (int bit = 2; bit < 32; bit++)
		WRONG_CONFIG(flags, -EINVAL, 1u << bit);
	config.flags = WARD_STEWARD_NO_RESTARTS;
	config.restarts = 1;
	create(&config, -EINVAL);
	config.flags = config.restarts = 0;
	WRONG_CONFIG(strategy, -EINVAL, (enum ward_strategy)3,
		     (enum ward_strategy)-1, (enum ward_strategy)1000);
	WRONG_CONFIG(last, -EINVAL, (enum ward_last)3, (enum ward_last)-1,
		     WARD_LAST_STARVE);
	WRONG_CONFIG(wards, -EINVAL, 1025, 4096, -1, 1u << 31);
	WRONG_CONFIG(name, -ENAMETOOLONG, "twelve bytes", "more than twelve "
							  "bytes");
	pool = (struct ward_pool_config)WARD_POOL_CONFIG_INIT;
	pool.scan = 1;
	config.pool = &pool;
	create(&config, -EINVAL);
	pool.scan = 0;
	pool.flags = 1u << 31;
	create(&config, -EINVAL);
}

#define WRONG_CHILD(field, ...)                                                \
	do {                                                                   \
		struct ward_steward_config child_ = WARD_STEWARD_CONFIG_INIT;  \
                                                                               \
		child_.parent = root;                                          \
		child_.field = __VA_ARGS__;                                    \
		create(&child_, -EINVAL);                                      \
	} while (0)

static void bad_children(void)
{
	struct ward_pool_config pool = WARD_POOL_CONFIG_INIT;

	WRONG_CHILD(wards, 1);
	WRONG_CHILD(pool, &pool);
	WRONG_CHILD(last, WARD_LAST_ABORT);
	WRONG_CHILD(last, WARD_LAST_STARVE);
	WRONG_CHILD(flags, WARD_STEWARD_NOTIFY);
}

static void start(const struct ward_spec *spec, int want)
{
	struct ward *out = no_ward;

	bad(ward_start(&out, root, spec), want);
	cr_assert_eq(out, no_ward, "*out was written");
	bad(ward_start(NULL, root, spec), -EINVAL);
	bad(ward_start(&out, NULL, spec), -EINVAL);
}

#define WRONG_SPEC(field, want, ...)                                           \
	WRONG(struct ward_spec, good_spec(), start, field, want, __VA_ARGS__)

static void bad_specs(void)
{
	struct ward_spec spec = good_spec();

	start(NULL, -EINVAL);
	for (size_t i = 0; i < SIZE(size_of); i++)
		WRONG_SPEC(size, -EINVAL, size_of[i]);
	for (int bit = 0; bit < 32; bit++) {
		WRONG_SPEC(flags, -EINVAL, 1u << bit);
		WRONG_SPEC(reserved, -EINVAL, 1u << bit);
	}
	WRONG_SPEC(run, -EINVAL, NULL);
	WRONG_SPEC(restart, -EINVAL, (enum ward_restart)3,
		   (enum ward_restart)-1, (enum ward_restart)1000);
	spec.backoff_min = 2;
	spec.backoff_max = 1;
	start(&spec, -EINVAL);
	spec.backoff_max = 0;
	spec.state = SIZE_MAX / 2;
	start(&spec, -EINVAL);
	spec.state = SIZE_MAX;
	start(&spec, -EINVAL);
	spec.state = ((size_t)1 << 30) + 1;
	start(&spec, -EINVAL);
}

Test(bad_ward, configurations)
{
	root_up(4);
	bad_configs();
	bad_children();
	bad_specs();
	root_down();
	tally("configurations");
}

/* ---- handles ---------------------------------------------------------------- */

static void bad_handles(void)
{
	struct ward_view view = WARD_VIEW_INIT;
	uint64_t beats = 0, units = 0;
	int status;

	for (size_t i = 0; i < SIZE(size_of); i++) {
		view.size = size_of[i];
		bad(ward_view(subject, &view), -EINVAL);
	}
	bad(ward_view(subject, NULL), -EINVAL);
	view.size = sizeof(view);
	bad(ward_view(NULL, &view), -EINVAL);
	bad(ward_restart(NULL), -EINVAL);
	EACH_UNTIL(until) {
		bad(ward_steward_stop(NULL, until), -EINVAL);
		bad(ward_steward_destroy(NULL, until), -EINVAL);
		bad(ward_stop(NULL, until), -EINVAL);
		bad(ward_wait(NULL, until, &status), -EINVAL);
		bad(ward_wait(NULL, until, NULL), -EINVAL);
		bad(ward_pulse_wait(NULL, &beats, &units, until), -EINVAL);
		bad(ward_pulse_wait(subject, NULL, &units, until), -EINVAL);
		bad(ward_pulse_wait(subject, &beats, NULL, until), -EINVAL);
		if (until < WARD_FOREVER)
			bad(ward_wait(subject, until, &status), -ETIMEDOUT);
	}
	ward_put(NULL);
}

Test(bad_ward, handles)
{
	root_up(4);
	bad_handles();
	root_down();
	tally("handles");
}

/* ---- states ------------------------------------------------------------------ */

static _Atomic uint32_t inside_done;

static int tries_itself(void *arg)
{
	struct ward **self = arg;

	EACH_UNTIL(until) {
		bad(ward_stop(*self, until), -EDEADLK);
		bad(ward_wait(*self, until, NULL), -EDEADLK);
		bad(ward_steward_stop(root, until), -EDEADLK);
		bad(ward_steward_destroy(root, until), -EDEADLK);
	}
	add_acq_rel(&inside_done, 1);
	return 0;
}

static void tries_its_end(void *arg, int status)
{
	(void)status;
	tries_itself(arg);
}

Test(bad_ward, from_inside)
{
	static struct ward *ward;
	struct ward_spec spec = good_spec();

	root_up(2);
	spec.run = tries_itself;
	spec.ended = tries_its_end;
	spec.arg = &ward;
	spec.restart = WARD_NEVER;
	cr_assert_eq(ward_start(&ward, root, &spec), 0);
	cr_assert(comes_true(load_acquire(&inside_done) == 2));
	cr_assert_eq(ward_wait(ward, ward_in(IN_TIME), NULL), 0);
	ward_put(ward);
	root_down();
	tally("from inside");
}

Test(bad_ward, too_many)
{
	struct ward_spec spec = good_spec();
	struct ward *more;

	root_up(2);
	cr_assert_eq(ward_start(&more, root, &spec), 0);
	for (int i = 0; i < 100; i++)
		start(&spec, -EAGAIN);
	cr_assert_eq(ward_stop(more, ward_in(IN_TIME)), 0);
	ward_put(more);
	cr_assert_eq(ward_start(&more, root, &spec), 0);
	ward_put(more);
	root_down();
	tally("too many");
}

Test(bad_ward, after_the_end)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = good_spec();
	struct ward_steward *below;
	uint64_t beats = 0, units = 0;

	root_up(4);
	config.parent = root;
	cr_assert_eq(ward_steward_create(&below, &config), 0);
	cr_assert_eq(ward_steward_stop(root, ward_in(IN_TIME)), 0);
	start(&spec, -ESHUTDOWN);
	create(&config, -ESHUTDOWN);
	config.parent = below;
	create(&config, -ESHUTDOWN);
	bad(ward_restart(subject), -ESHUTDOWN);
	ward_pulse_wait(subject, &beats, &units, WARD_NOWAIT);
	EACH_UNTIL(until) {
		bad(ward_stop(subject, until), 0); /* it is */
		bad(ward_wait(subject, until, NULL), 0);
		bad(ward_pulse_wait(subject, &beats, &units, until), -EPIPE);
		bad(ward_steward_stop(root, until), 0);
		bad(ward_steward_stop(below, until), 0);
	}
	root_down();
	tally("after the end");
}

Test(bad_ward, in_a_child_process)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_view view = WARD_VIEW_INIT;
	struct ward_spec spec = good_spec();
	uint64_t beats = 0, units = 0;
	struct ward *out;
	int status, bads = 0;
	pid_t child;

	needs_a_whole_child();
	root_up(4);
	config.parent = root;
	child = fork();
	if (!child) {
		bads += ward_start(&out, root, &spec) != -ECHILD;
		bads += ward_steward_create(&root, &config) != -ECHILD;
		bads += ward_view(subject, &view) != -ECHILD;
		bads += ward_restart(subject) != -ECHILD;
		EACH_UNTIL(until) {
			bads += ward_stop(subject, until) != -ECHILD;
			bads += ward_wait(subject, until, NULL) != -ECHILD;
			bads += ward_pulse_wait(subject, &beats, &units,
						until) != -ECHILD;
			bads += ward_steward_stop(root, until) != -ECHILD;
		}
		ward_put(subject);
		bads += ward_steward_destroy(root, WARD_NOWAIT) != 0;
		_exit(bads);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0, "%d answers were wrong",
		     WEXITSTATUS(status));
	cr_assert(seen().running);
	root_down();
}
