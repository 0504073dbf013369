/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futures.h - what comes out of a future: results, what was thrown, what was refused, what
 * hung; and whose the lambda and its result are meanwhile.
 */
#ifndef WARD_TESTS_UNIT_CXX_FUTURES_H
#define WARD_TESTS_UNIT_CXX_FUTURES_H

#include "check.h"

#include <pthread.h>
#include <stdexcept>

static void results()
{
	libward::pool pool = calm_pool(2);
	std::string here = "here";
	auto number = pool.submit([] { return 42; });
	auto none = pool.submit([] {});
	auto moved = pool.submit([p = std::make_unique<int>(7)]() mutable {
		return std::move(p);
	});
	auto same = pool.submit([&here]() -> std::string & { return here; });
	auto large = pool.submit([a = std::vector<char>(10),
				  b = std::array<char, 2000>()] {
		return a.size() + b.size();
	});
	libward::future<int> nothing;

	expect(number.valid() && number.get() == 42 && !number.valid());
	none.get();
	expect(*moved.get() == 7);
	expect(&same.get() == &here);
	expect(large.get() == 2010);
	expect(!nothing.valid() && !nothing.ready());
	expect(nothing.wait() == -EINVAL && nothing.status() == -EINVAL);
	expect(thrown_by([&] { nothing.get(); }) == -EINVAL);
	nothing = pool.submit([] { return 1; });
	expect(nothing.wait() == 0 && nothing.ready() && nothing.get() == 1);
	ends_well(pool);
}

static void waits()
{
	libward::pool pool = calm_pool(1);
	gate g;
	auto held = pool.submit([&g] { g.pass(); }, { WARD_FOREVER, "held" });

	expect(!held.ready() && held.wait(WARD_NOWAIT) == -ETIMEDOUT);
	expect(held.wait_for(1ms) == -ETIMEDOUT);
	expect(held.wait_until(std::chrono::steady_clock::now()) == -ETIMEDOUT);
	expect(thrown_by([&] { held.get(1); }) == -ETIMEDOUT && held.valid());
	std::thread opens([&g] { g.open(); });
	held.get();
	opens.join();
	ends_well(pool);
}

/* Each waits for the one that it has submitted, in a pool of one worker; and for one of
 * another pool. */
static void waits_inside()
{
	libward::pool pool = calm_pool(1), other = calm_pool(1);
	auto outer = pool.submit([&] {
		auto inner = pool.submit([] { return 1; });
		auto far = other.submit([] { return 10; });

		return inner.get() + far.get();
	});

	expect(outer.get() == 11);
	ends_well(pool);
	ends_well(other);
}

static void what_was_thrown()
{
	libward::pool pool = calm_pool(1);
	auto words = pool.submit([]() -> int { throw std::runtime_error("ducks"); });
	auto code = pool.submit([] {
		throw std::system_error(EIO, std::generic_category());
	});
	auto raised = pool.submit([] { ward_raise(-EPIPE, "from below"); });
	auto left = pool.submit([] { pthread_exit(nullptr); });
	auto through = pool.submit([&] {
		return pool.submit([]() -> int { throw libward::error(-EDOM); }).get();
	});
	uint64_t incident = 0;

	expect(words.wait() == 0);
	expect(words.status() == libward::exception_code && words.incident());
	expect(thrown_by([&] { words.get(); }, &incident) == libward::exception_code);
	comes_true(libward::error(-1, incident)
			   .report()
			   .find("std::runtime_error: ducks") != std::string::npos);
	expect(std::string(libward::error(-EIO, 7).what()) ==
	       "incident #7: " + std::string(std::strerror(EIO)));
	expect(libward::error(-EIO).report().empty());
	expect(thrown_by([&] { code.get(); }) == -EIO);
	expect(thrown_by([&] { raised.get(); }) == -EPIPE);
	expect(thrown_by([&] { left.get(); }) == -EOWNERDEAD);
	expect(thrown_by([&] { through.get(); }) == -EDOM);
	ends_well(pool);
}

/* ---- exceptions, reruns -------------------------------------------------- */

static void runs_again()
{
	libward::pool pool = calm_pool(2);
	ward_policy twice = WARD_POLICY_INIT, once = WARD_POLICY_INIT;
	std::atomic<int> runs{ 0 };
	auto third_time = [&] {
		if (++runs % 3)
			throw std::runtime_error("not yet");
		return some("third");
	};

	twice.errors = 2;
	once.errors = 1;
	auto good = pool.submit(third_time, { WARD_FOREVER, nullptr, &twice });
	expect(is(good.get(), "third") && runs == 3);
	auto bad = pool.submit(third_time, { WARD_FOREVER, nullptr, &once });
	expect(thrown_by([&] { bad.get(); }) == libward::exception_code && runs == 5);
	auto changes = pool.submit(
		[&, n = 0]() mutable {
			n++;
			runs++;
			throw std::runtime_error("never");
		},
		{ WARD_FOREVER, nullptr, &twice });
	expect(thrown_by([&] { changes.get(); }) == -ENOTRECOVERABLE && runs == 6);
	ends_well(pool);
	expect(counted::alive == 0);
}

/* ---- what faults ---------------------------------------------------------- */

/* The thread is gone with its stack; the lambda is destroyed all the same. */
static void what_faults()
{
	libward::pool pool = catching_pool(1);
	ward_policy again = WARD_POLICY_INIT;
	uint64_t incident = 0;
	auto f = pool.submit([held = some("held")] {
		faults();
		return held;
	});

	expect(thrown_by([&] { f.get(); }, &incident) == -EFAULT && incident);
	again.faults = 1;
	auto second = pool.submit(
		[a = some("second")] {
			if (ward_self()->attempt == 1)
				faults();
			return a;
		},
		{ WARD_FOREVER, nullptr, &again });
	expect(is(second.get(), "second"));
	auto once = pool.submit([n = 0]() mutable { n++, faults(); },
				{ WARD_FOREVER, nullptr, &again });
	expect(thrown_by([&] { once.get(); }) == -ENOTRECOVERABLE);
	ends_well(pool);
	expect(counted::alive == 0);
}

/* ---- beside resizes ------------------------------------------------------- */

/* Each is answered, by workers that come and go. */
static void resized()
{
	libward::pool pool = calm_pool(1);
	std::vector<libward::future<counted>> all;
	gate g;

	for (int i = 0; i < 4; i++)
		all.push_back(pool.submit([&g] {
			g.pass();
			return some("held");
		}));
	resize(pool, 4);
	comes_true(g.inside() == 4);
	resize(pool, 1);
	for (int i = 0; i < 100; i++)
		all.push_back(pool.submit([] { return some("queued"); }));
	g.open();
	for (auto &f : all)
		expect(f.get().text.size() > 100);
	all.clear();
	ends_well(pool);
	expect(counted::alive == 0);
}

/* ---- what hangs ---------------------------------------------------------- */

static void hangs()
{
	libward::pool pool = hasty_pool(1);
	gate g;
	auto f = pool.submit([&g, held = some("held")] {
		g.pass();
		return held;
	});
	uint64_t incident = 0;

	expect(thrown_by([&] { f.get(); }, &incident) == -ETIME && incident);
	expect(!f.valid());
	expect(g.inside() == 1 && counted::alive == 1); /* it has its captures still */
	g.open();
	ends_well(pool);
	expect(counted::alive == 0);
}

/* The lost attempt ends while the result of the next one is there to be read. */
static void hangs_and_runs_again()
{
	libward::pool pool = calm_pool(2);
	ward_policy again = hasty();
	gate g;

	again.stalls = 1;
	auto f = pool.submit(
		[&g, first = some("first"), second = some("second")] {
			if (ward_self()->attempt > 1)
				return second;
			g.pass();
			return first;
		},
		{ WARD_FOREVER, nullptr, &again });
	expect(f.wait() == 0 && f.status() == 0);
	g.open(); /* now it writes, */
	expect(is(f.get(), "second")); /* while this reads */
	ends_well(pool);
	expect(counted::alive == 0);
}

/* Workers inside of a task; zombies are none. */
static uint32_t running(const libward::pool &pool)
{
	ward_stats stats = WARD_STATS_INIT;

	expect(!ward_pool_stats(pool.get(), &stats));
	return stats.running;
}

/* The cap is reached: a task that hangs has no answer, until the pool is destroyed. */
static void hangs_in_a_degraded_pool()
{
	ward_policy policy = hasty();
	ward_pool_config config = quick(2, policy);
	gate g;

	config.zombies = config.zombies_asleep = 1;
	libward::pool pool(config);
	auto a = pool.submit([&g] { g.pass(); });
	expect(a.wait() == 0 && a.status() == -ETIME);
	auto b = pool.submit([&g] { g.pass(); });
	comes_true(g.inside() == 2);
	expect(b.wait_for(200ms) == -ETIMEDOUT);
	expect(pool.submit([] { return 3; }).get() == 3);
	comes_true(running(pool) == 1); /* the third task's worker has left it */
	expect(pool.destroy(WARD_NOWAIT) == 2);
	expect(b.wait() == 0 && b.status() == -ECANCELED);
	g.open();
	comes_true(g.inside() == 0);
}

/* ---- dropped ------------------------------------------------------------- */

static void dropped()
{
	libward::pool pool = calm_pool(2);
	gate g;

	(void)pool.submit([&g, held = some("held")] {
		g.pass();
		return held;
	});
	pool.submit([] { return some("result"); }).wait();
	expect(!pool.go([held = some("held")] { return held; }));
	g.open();
	ends_well(pool);
	expect(counted::alive == 0);
}

static void all_of_futures()
{
	results();
	waits();
	waits_inside();
	what_was_thrown();
	runs_again();
	what_faults();
	resized();
	hangs();
	hangs_and_runs_again();
	hangs_in_a_degraded_pool();
	dropped();
}

#endif
