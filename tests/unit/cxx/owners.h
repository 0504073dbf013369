/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * owners.h - pools, lanes, tokens and tasks as objects: made, refused, moved, ended while
 * others are at it.
 */
#ifndef WARD_TESTS_UNIT_CXX_OWNERS_H
#define WARD_TESTS_UNIT_CXX_OWNERS_H

#include "check.h"

static void spans()
{
	using hours = std::chrono::hours;

	expect(libward::span(3us) == 3000 && libward::span(-1s) == 0);
	expect(libward::span(std::chrono::duration<double>(0.5)) == WARD_MS(500));
	expect(libward::span(hours::max()) == WARD_FOREVER);
	expect(libward::in(hours::max()) == WARD_FOREVER);
	expect(libward::at(std::chrono::steady_clock::time_point()) == 1);
	expect(libward::at(std::chrono::steady_clock::now()) <= ward_now());
}

/* ---- made, moved, ended -------------------------------------------------- */

static void refused_to_be_made()
{
	ward_pool_config bad = WARD_POOL_CONFIG_INIT;
	ward_lane_config wrong = WARD_LANE_CONFIG_INIT;
	std::error_code err;

	bad.workers = 1000000;
	libward::pool none(bad, err);
	expect(err == std::errc::invalid_argument && !none.get());
	expect(thrown_by([&] { libward::pool p(bad); }) == -EINVAL);
	libward::pool pool(1);
	libward::pool good(WARD_POOL_CONFIG_INIT, err);
	expect(!err && good.get());
	wrong.prio = 77;
	libward::lane no(pool, wrong, err);
	expect(err == std::errc::invalid_argument && !no.get());
	expect(thrown_by([&] { libward::lane l(pool, wrong); }) == -EINVAL);
}

static void moved()
{
	libward::pool a(1), b(std::move(a));
	libward::lane la(b, 1), lb(std::move(la));
	libward::token ta, tb(std::move(ta));

	expect(!a.get() && !la.get() && !ta.get());
	expect(a.submit([] {}).status() == -EINVAL);
	expect(lb.submit([] { return 1; }).get() == 1);
	a = std::move(b);
	la = std::move(lb);
	ta = std::move(tb);
	expect(la.submit([] { return 2; }).get() == 2 && ta.cause() == 0);
	expect(a.submit([] { return 3; }).get() == 3);
}

/* What is queued is answered, what hangs is left; futures outlive the pool. */
static void a_pool_that_ends()
{
	libward::future<counted> running, queued;
	gate g;

	{
		libward::pool pool = calm_pool(1);

		pool.grace(1ms);
		running = pool.submit([&g] {
			g.pass();
			return some("late");
		});
		comes_true(g.inside());
		queued = pool.submit([held = some("queued")] { return held; });
	}
	expect(running.ready() && running.status() == -ECANCELED);
	expect(queued.ready() && thrown_by([&] { queued.get(); }) == -ECANCELED);
	expect(counted::alive == 0);
	g.open();
	comes_true(g.inside() == 0);
	expect(thrown_by([&] { running.get(); }) == -ECANCELED);
	comes_true(counted::alive == 0);
}

static void a_pool_that_ends_itself()
{
	libward::pool pool = calm_pool(1);

	expect(pool.submit([&] { return pool.destroy(WARD_NOWAIT); }).get() ==
	       -EDEADLK);
	expect(pool.get());
	ends_well(pool);
	expect(!pool.get());
}

static void refused_to_be_submitted()
{
	libward::pool pool = calm_pool(1);

	expect(!pool.drain());
	auto f = pool.submit([held = some("held")] { return held; });
	expect(f.ready() && f.status() == -ESHUTDOWN && counted::alive == 0);
	expect(thrown_by([&] { f.get(); }) == -ESHUTDOWN);
	expect(pool.go([held = some("held")] {}) == -ESHUTDOWN);
	expect(counted::alive == 0);
}

static void at_a_time()
{
	libward::pool pool = calm_pool(1);
	libward::lane lane(pool);
	ward_ns when = libward::in(20ms);
	libward::options how;

	how.when = when;
	expect(pool.submit([] { return ward_now(); }, how).get() >= when);
	expect(lane.submit([] { return ward_now(); }, how).get() >= when);
}

/* ---- lanes --------------------------------------------------------------- */

static void a_lane_of_one()
{
	libward::pool pool = calm_pool(2);
	libward::lane lane(pool, 1);
	std::vector<int> order; /* one at a time: no lock */

	for (int i = 0; i < 1000; i++)
		expect(!lane.go([&order, i] { order.push_back(i); }));
	expect(!lane.join());
	for (int i = 0; i < 1000; i++)
		expect(order[static_cast<size_t>(i)] == i);
}

static void a_lane_that_is_full_or_cancelled()
{
	libward::pool pool = calm_pool(1);
	ward_lane_config config = WARD_LANE_CONFIG_INIT;
	gate g;

	config.active = config.queued = 1;
	libward::lane lane(pool, config);
	auto runs = lane.submit([&g] { g.pass(); });
	auto waits = lane.submit([] {});
	auto full = lane.submit([] {}, { WARD_NOWAIT });
	expect(full.status() == -EAGAIN && lane.count() == 2);
	expect(lane.cancel());
	expect(thrown_by([&] { waits.get(); }) == -ECANCELED);
	expect(lane.submit([] {}).status() == -ECANCELED);
	g.open();
	runs.wait();
}

/* The object goes, its lane goes with the last task; then the pool's memory can. */
static void a_lane_whose_task_hangs()
{
	libward::pool pool = calm_pool(2);
	libward::future<void> held, waits;
	gate g;

	{
		libward::lane lane(pool, 1);

		lane.grace(1ms);
		held = lane.submit([&g, held = some("held")] { g.pass(); });
		comes_true(g.inside());
		waits = lane.submit([held = some("waits")] {});
	}
	expect(!held.ready());
	expect(thrown_by([&] { waits.get(); }) == -ECANCELED);
	g.open();
	held.wait();
	ends_well(pool);
	expect(counted::alive == 0);
}

/* ---- cancelled ----------------------------------------------------------- */

static libward::options with(const libward::token &token)
{
	libward::options how;

	how.cancel = &token;
	return how;
}

static void cancelled()
{
	libward::pool pool = calm_pool(1);
	libward::token token, child = token.child();
	std::atomic<bool> runs{ false };
	auto sees = pool.submit(
		[&runs] {
			int why;

			runs = true;
			while (!(why = ward_check()))
				std::this_thread::sleep_for(500us);
			return why;
		},
		with(child));
	auto waits = pool.submit([held = some("waits")] {}, with(child));

	comes_true(runs);
	expect(token.fire(-EINTR) && !token.fire() && child.cause() == -EINTR);
	expect(sees.get() == -EINTR);
	expect(thrown_by([&] { waits.get(); }) == -EINTR);
	expect(pool.submit([] {}, with(child)).status() == -EINTR);
	expect(pool.go([held = some("held")] {}, with(child)) == -EINTR);
	ends_well(pool);
	expect(counted::alive == 0);
}

/* It is there as long as a thread may look at it. */
static void a_token_whose_task_hangs()
{
	libward::pool pool = hasty_pool(1);
	libward::future<int> f;
	std::atomic<int> seen{ 0 };
	gate g;

	{
		libward::token above, token = above.child();

		f = pool.submit(
			[&g, &seen] {
				g.pass();
				seen = ward_check();
				return ward_cancel_cause(ward_token());
			},
			with(token));
		expect(f.wait() == 0 && f.status() == -ETIME);
	}
	g.open();
	ends_well(pool);
	expect(seen == -ESTALE);
}

/* ---- tasks of the user's ------------------------------------------------- */

static void tasks()
{
	libward::pool pool = hasty_pool(1);
	libward::lane lane(pool, 1);
	libward::token fired;
	gate g;

	fired.fire(-EINTR);
	{
		libward::task counts([n = 0]() mutable { return ++n; });
		libward::task never([] {});

		expect(counts.wait() == -EINVAL && !counts.rest());
		for (int i = 1; i < 100; i++) {
			expect(!(i % 2 ? pool.submit(counts) : lane.submit(counts)));
			expect(counts.get() == i && !counts.rest());
		}
		expect(pool.submit(never, with(fired)) == -EINTR && !never.rest());
		expect(never.status() == -EINTR);
	}
	{
		libward::task hangs([&g, held = some("held")] { g.pass(); });

		expect(!pool.submit(hangs));
		expect(thrown_by([&] { hangs.get(); }) == -ETIME && hangs.incident());
		expect(hangs.rest(libward::in(1ms)) == -ETIMEDOUT);
		expect(pool.submit(hangs) == -EBUSY && counted::alive == 1);
		g.open();
		expect(!hangs.rest());
		expect(!pool.submit(hangs) && !hangs.wait() && !hangs.rest());
	}
	expect(counted::alive == 0);
	ends_well(pool);
}

/* ---- in a child ---------------------------------------------------------- */

/* True: in a copy of the process the function came to its end. */
template <class F> bool child_ends(F f, int *how)
{
	pid_t pid = ::fork();

	if (pid == 0) {
		f();
		std::_Exit(0);
	}
	expect(pid > 0 && waitpid(pid, how, 0) == pid);
	return WIFEXITED(*how) && WEXITSTATUS(*how) == 0;
}

static void in_a_child()
{
#if !defined(__SANITIZE_THREAD__)
	auto pool = std::make_unique<libward::pool>(calm_pool(1));
	auto lane = std::make_unique<libward::lane>(*pool, 1);
	auto token = std::make_unique<libward::token>();
	gate g;
	auto f = pool->submit([&g] { g.pass(); });
	auto t = std::make_unique<libward::task<void (*)()>>([] {});
	int how;

	expect(!pool->submit(*t));
	expect(child_ends(
		[&] {
			expect(f.wait() == -ECHILD && !f.ready());
			expect(thrown_by([&] { f.get(); }) == -ECHILD);
			expect(pool->submit([] {}).status() == -ECHILD);
			expect(lane->submit([] {}).status() == -ECHILD);
			expect(t->wait() == -ECHILD);
			libward::pool own(1);
			expect(own.submit([] { return 5; }).get() == 5);
			f = {};
			t.reset();
			token.reset();
			lane.reset();
			pool.reset();
		},
		&how));
	expect(!child_ends(
		       [&] { /* not at rest */
			       libward::pool own(1);
			       libward::task<void (*)()> bad(
				       [] { ward_pause(WARD_FOREVER); });

			       expect(std::freopen("/dev/null", "w", stderr));
			       expect(!own.submit(bad));
		       },
		       &how) &&
	       WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT);
	g.open();
	f.get();
	expect(!t->rest());
	lane.reset();
	ends_well(*pool);
#endif
}

/* ---- forks --------------------------------------------------------------- */

static uint64_t fib(unsigned n)
{
	if (n < 2)
		return n;
	auto left = libward::fork([n] { return fib(n - 1); });
	uint64_t right = fib(n - 2);

	return left.join() + right;
}

static void forks()
{
	libward::pool pool = calm_pool(2);
	auto a = pool.submit([] { return fib(18); });
	auto b = pool.submit([] {
		libward::parallel_for(0, 100, 1, [](uint64_t i, uint64_t end) {
			if (i <= 50 && 50 < end)
				throw libward::error(-EDOM);
		});
	});

	expect(a.get() == 2584);
	expect(thrown_by([&] { b.get(); }) == -EDOM);
	ends_well(pool);
}

static void all_of_owners()
{
	spans();
	refused_to_be_made();
	moved();
	a_pool_that_ends();
	a_pool_that_ends_itself();
	refused_to_be_submitted();
	at_a_time();
	a_lane_of_one();
	a_lane_that_is_full_or_cancelled();
	a_lane_whose_task_hangs();
	cancelled();
	a_token_whose_task_hangs();
	tasks();
	forks();
	in_a_child();
}

#endif
