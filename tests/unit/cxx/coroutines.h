/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * coroutines.h - coroutines that await tasks: where they go on, and with what.
 */
#ifndef WARD_TESTS_UNIT_CXX_COROUTINES_H
#define WARD_TESTS_UNIT_CXX_COROUTINES_H

#include "check.h"

#ifdef LIBWARD_COROUTINES_

#include <poll.h>

/* Begins at once, and is gone when it has ended. */
struct detached {
	struct promise_type {
		detached get_return_object()
		{
			return {};
		}
		std::suspend_never initial_suspend() noexcept
		{
			return {};
		}
		std::suspend_never final_suspend() noexcept
		{
			return {};
		}
		void return_void()
		{
		}
		void unhandled_exception()
		{
			std::terminate();
		}
	};
};

struct outcome {
	std::atomic<bool> over{ false };
	int number = 0, err = 0;
	uint32_t worker = 0; /* where it ended */
	std::thread::id on;

	void ends()
	{
		const struct ward_self *self = ward_self();

		worker = self ? self->worker : UINT32_MAX;
		on = std::this_thread::get_id();
		over = true;
	}
};

template <class Target> detached awaits(const Target &target, outcome &out)
{
	try {
		for (int i = 0; i < 1000; i++)
			out.number += co_await target.run([i] { return i; });
		auto a = target.submit([] { return 1; });
		auto b = target.submit([] { return 2; });
		out.number += co_await a + co_await std::move(b);
		co_await target.run([] { throw libward::error(-EDOM); });
	} catch (const libward::error &e) {
		out.err = -e.code().value();
	}
	out.ends();
}

static void go_on_on_a_worker()
{
	libward::pool pool = calm_pool(2);
	outcome out;

	awaits(pool, out);
	comes_true(out.over);
	expect(out.number == 499500 + 3 && out.err == -EDOM);
	expect(out.worker < 2);
	ends_well(pool);
}

/* The event loop's thread is the one that all goes on on. */
static void go_on_on_a_port()
{
	libward::pool pool = calm_pool(2);
	ward_lane_config config = WARD_LANE_CONFIG_INIT;
	outcome out;

	expect(!ward_port_create(&config.port));
	{
		libward::lane lane(pool, config);
		struct pollfd fd = { ward_port_fd(config.port), POLLIN, 0 };

		awaits(lane, out);
		while (!out.over)
			if (poll(&fd, 1, 1000) > 0)
				expect(ward_port_run(config.port, 0) >= 0);
		expect(out.number == 499500 + 3 && out.err == -EDOM);
		expect(out.on == std::this_thread::get_id());
		while (lane.count())
			(void)ward_port_run(config.port, 0);
	}
	ends_well(pool);
	expect(!ward_port_destroy(config.port));
}

inline void go_on_elsewhere()
{
	libward::pool pool = calm_pool(1);
	std::atomic<void *> handed{ nullptr };
	outcome out;

	[](libward::pool &p, std::atomic<void *> &to, outcome &o) -> detached {
		o.number = co_await p.run([] { return 6; }).via(
			[&to](std::coroutine_handle<> h) { to = h.address(); });
		o.ends();
	}(pool, handed, out);
	comes_true(handed);
	expect(!out.over);
	std::coroutine_handle<>::from_address(handed).resume();
	expect(out.over && out.number == 6);
	expect(out.on == std::this_thread::get_id());
	ends_well(pool);
}

/* The coroutine is over, the thread is still inside of its lambda. */
inline void one_that_hangs()
{
	libward::pool pool = hasty_pool(1);
	gate g;
	outcome out;

	[](libward::pool &p, gate &at, outcome &o) -> detached {
		counted local = some("local");
		auto hangs = [&at, local] {
			at.pass();
			expect(is(local, "local"));
			return local;
		};
		try {
			co_await p.run(std::move(hangs));
		} catch (const libward::error &e) {
			o.err = -e.code().value();
		}
		o.ends();
	}(pool, g, out);
	comes_true(out.over);
	comes_true(counted::alive == 1);
	expect(out.err == -ETIME && g.inside() == 1);
	g.open();
	ends_well(pool);
	expect(counted::alive == 0);
}

/* The coroutine is not the thread's that faults, and goes on with another. */
inline void one_that_faults()
{
	libward::pool pool = catching_pool(1);
	outcome out;

	[](libward::pool &p, outcome &o) -> detached {
		counted local = some("local");
		auto bad = [local] { faults(); };
		try {
			co_await p.run(std::move(bad));
		} catch (const libward::error &e) {
			o.err = -e.code().value();
		}
		expect(is(local, "local"));
		o.number = co_await p.run([] { return 4; });
		o.ends();
	}(pool, out);
	comes_true(out.over);
	expect(out.err == -EFAULT && out.number == 4);
	ends_well(pool);
	expect(counted::alive == 0);
}

/* The second attempt's result, while the first one is still out. */
inline void one_that_runs_again()
{
	libward::pool pool = calm_pool(2);
	ward_policy again = hasty();
	libward::options how;
	gate g;
	outcome out;

	again.stalls = 1;
	how.policy = &again;
	[](libward::pool &p, const libward::options &o, gate &at,
	   outcome &to) -> detached {
		auto hangs_once = [&at, held = some("held")] {
			if (ward_self()->attempt == 1)
				at.pass();
			return ward_self()->attempt;
		};
		to.number = int(co_await p.run(std::move(hangs_once), o));
		to.ends();
	}(pool, how, g, out);
	comes_true(out.over);
	expect(out.number == 2 && g.inside() == 1 && counted::alive == 1);
	g.open();
	ends_well(pool);
	expect(counted::alive == 0);
}

/* Many, on workers that leave their seats under them. */
inline void some_beside_resizes()
{
	libward::pool pool = calm_pool(1);
	std::array<outcome, 8> out;

	for (outcome &each : out)
		awaits(pool, each);
	for (uint32_t i = 0; i < 100; i++)
		resize(pool, 1 + i % 4);
	for (outcome &each : out) {
		comes_true(each.over);
		expect(each.number == 499500 + 3 && each.err == -EDOM);
	}
	ends_well(pool);
}

/* The cap is reached: the coroutine waits until the pool is destroyed. */
inline void one_without_an_answer()
{
	ward_policy policy = hasty();
	ward_pool_config config = quick(2, policy);
	outcome first, second;
	gate g;

	config.zombies = config.zombies_asleep = 1;
	libward::pool pool(config);
	auto hangs = [](libward::pool &p, gate &at, outcome &o) -> detached {
		try {
			co_await p.run([&at] { at.pass(); });
		} catch (const libward::error &e) {
			o.err = -e.code().value();
		}
		o.ends();
	};
	hangs(pool, g, first);
	comes_true(first.over);
	hangs(pool, g, second);
	comes_true(g.inside() == 2);
	comes_true([&] {
		ward_stats stats = WARD_STATS_INIT;

		return !ward_pool_stats(pool.get(), &stats) && stats.degraded;
	}());
	expect(!second.over);
	expect(pool.destroy(WARD_NOWAIT) == 2);
	expect(first.err == -ETIME && second.over && second.err == -ECANCELED);
	g.open();
	comes_true(g.inside() == 0);
}

inline detached awaits_with(libward::pool &pool, const libward::token &token,
			    outcome &out)
{
	libward::options how;

	auto pauses = [held = some("held")] {
		ward_raise(ward_pause(WARD_FOREVER), "told to stop");
	};

	how.cancel = &token;
	try {
		co_await pool.run(std::move(pauses), how);
	} catch (const libward::error &e) {
		out.err = -e.code().value();
	}
	out.ends();
}

static void one_that_is_cancelled_or_refused()
{
	libward::pool pool = calm_pool(1);
	libward::token token;
	outcome running, refused, late;

	awaits_with(pool, token, running);
	expect(token.fire(-EINTR));
	comes_true(running.over);
	expect(running.err == -EINTR);
	awaits_with(pool, token, refused);
	expect(refused.over && refused.err == -EINTR);
	{
		auto never = pool.run([held = some("held")] {});

		expect(counted::alive == 1);
		(void)never;
	}
	expect(counted::alive == 0);
	expect(!pool.drain());
	awaits_with(pool, libward::token(), late);
	expect(late.over && late.err == -ESHUTDOWN);
	expect(counted::alive == 0);
}

/* Its task is answered by who destroys the pool, and so it goes on there. */
static void one_whose_pool_ends()
{
	outcome running, queued;
	{
		libward::pool pool = calm_pool(1);
		libward::token token;

		awaits_with(pool, token, running);
		awaits_with(pool, token, queued);
	}
	expect(running.over && queued.over);
	expect(queued.err == -ECANCELED || queued.err == -ESHUTDOWN);
	expect(counted::alive == 0);
}

static void all_of_coroutines()
{
	go_on_on_a_worker();
	go_on_on_a_port();
	go_on_elsewhere();
	one_that_hangs();
	one_that_faults();
	one_that_runs_again();
	some_beside_resizes();
	one_without_an_answer();
	one_that_is_cancelled_or_refused();
	one_whose_pool_ends();
}

#else

static void all_of_coroutines()
{
}

#endif
#endif
