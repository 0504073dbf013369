/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asio.cc - libward::executor under Asio: posts, strands, timers and sockets bound to it,
 * work that is outstanding, allocators, and functions that hang.
 */
#include "check.h"

#include <ward/cxx/asio.h>

#include <asio/any_io_executor.hpp>
#include <asio/bind_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/defer.hpp>
#include <asio/dispatch.hpp>
#include <asio/io_context.hpp>
#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>

static_assert(asio::execution::is_executor<libward::executor>::value, "");

static int on_worker(libward::context &ward)
{
	return ward_self() && ward.get_executor().running_in_this_thread();
}

static void posts()
{
	libward::pool pool = calm_pool(2);
	libward::context ward(pool);
	asio::any_io_executor any = ward.get_executor();
	std::atomic<int> ran{ 0 };
	auto count = [&] { ran += on_worker(ward); };

	asio::post(ward.get_executor(), count);
	asio::post(ward, count);
	asio::post(any, [&, owned = std::make_unique<int>(1)] { ran += *owned; });
	asio::defer(any, count);
	asio::dispatch(any, [&] {
		std::thread::id here = std::this_thread::get_id();
		bool inside = false;

		asio::dispatch(any, [&] {
			inside = here == std::this_thread::get_id();
		});
		ran += inside;
		asio::post(any, count);
	});
	expect(!ward.join());
	expect(ran == 6);
	expect(any == ward.get_executor() && !on_worker(ward));
	expect(&asio::query(any, asio::execution::context) ==
	       &asio::query(ward.get_executor(), asio::execution::context));
	ends_well(pool);
}

/* More than a ring has room for, from inside and outside: nothing waits. */
static void never_waits()
{
	ward_policy policy = hasty();
	ward_pool_config config = quick(1, policy);
	std::atomic<int> ran{ 0 };

	config.ring = 2;
	libward::pool pool(config);
	libward::context ward(pool);
	for (int i = 0; i < 500; i++)
		asio::post(ward, [&] {
			ran++;
			asio::post(ward, [&] { ran++; });
		});
	expect(!ward.join() && ran == 1000);
	ends_well(pool);
}

static void strands()
{
	libward::pool pool = calm_pool(2);
	libward::context ward(pool);
	auto strand = asio::make_strand(ward.get_executor());
	std::vector<int> order; /* one at a time: no lock */

	for (int i = 0; i < 1000; i++)
		asio::post(strand, [&, i] { order.push_back(i); });
	expect(!ward.join());
	for (int i = 0; i < 1000; i++)
		expect(order[static_cast<size_t>(i)] == i);
	ends_well(pool);
}

/* A lane of width 1 is a strand: and its next function does not wait for one that hangs. */
static void lanes()
{
	libward::pool pool = hasty_pool(2);
	libward::lane lane(pool, 1);
	gate g;
	std::vector<int> order;

	{
		libward::context ward(lane);

		for (int i = 0; i < 1000; i++)
			asio::post(ward, [&, i] { order.push_back(i); });
		asio::post(ward, [&g, held = some("held")] { g.pass(); });
		asio::post(ward, [&] { order.push_back(1000); });
		expect(!ward.join());
		expect(g.inside() == 1 && counted::alive == 1);
	}
	for (int i = 0; i <= 1000; i++)
		expect(order[static_cast<size_t>(i)] == i);
	g.open();
	comes_true(counted::alive == 0);
}

static void timers_and_sockets()
{
	libward::pool pool = calm_pool(2);
	libward::context ward(pool);
	libward::executor ex = ward.get_executor();
	asio::io_context loop;
	asio::steady_timer timer(loop, 1ms), own(ex, 1ms);
	asio::local::stream_protocol::socket a(loop), b(loop);
	std::array<char, 4> in{};
	std::atomic<int> ran{ 0 };

	asio::local::connect_pair(a, b);
	timer.async_wait(asio::bind_executor(
		ex, [&](std::error_code e) { ran += !e && on_worker(ward); }));
	own.async_wait([&](std::error_code e) { ran += !e && on_worker(ward); });
	b.async_read_some(asio::buffer(in),
			  asio::bind_executor(ex, [&](std::error_code e, size_t n) {
				  ran += !e && n == 2 && on_worker(ward);
			  }));
	a.write_some(asio::buffer("hi", 2));
	loop.run();
	expect(!ward.join());
	expect(ran == 3 && in[0] == 'h');
	ends_well(pool);
}

static void outstanding_work()
{
	libward::pool pool = calm_pool(1);
	libward::context ward(pool);

	expect(!ward.join());
	{
		auto guard = asio::require(ward.get_executor(),
					   asio::execution::outstanding_work.tracked);
		auto copy = guard;

		expect(ward.join(libward::in(1ms)) == -ETIMEDOUT);
		asio::post(ward, [copy] {});
		copy = guard;
	}
	expect(!ward.join());
	expect(pool.submit([&] {
			   asio::post(ward, [] {});
			   return ward.join();
		   }).get() == 0);
	ends_well(pool);
}

/* ---- allocators ---------------------------------------------------------- */

static std::atomic<int> had;

template <class T> struct counting {
	using value_type = T;

	counting() = default;
	template <class U> counting(const counting<U> &)
	{
	}
	T *allocate(size_t n)
	{
		had++;
		return std::allocator<T>().allocate(n);
	}
	void deallocate(T *p, size_t n)
	{
		had--;
		std::allocator<T>().deallocate(p, n);
	}
	bool operator==(const counting &) const
	{
		return true;
	}
	bool operator!=(const counting &) const
	{
		return false;
	}
};

struct with_allocator {
	using allocator_type = counting<void>;
	std::atomic<int> *seen;

	allocator_type get_allocator() const
	{
		return {};
	}
	void operator()()
	{
		*seen = had.load();
	}
};

static void allocators()
{
	libward::pool pool = calm_pool(1);
	libward::context ward(pool);
	std::atomic<int> seen{ 0 };

	asio::post(ward, with_allocator{ &seen });
	expect(!pool.drain());
	expect(seen == 1 && had == 0);
	asio::post(ward, with_allocator{ &seen }); /* dropped */
	expect(had == 0);
	ends_well(pool);
}

/* ---- what fails, hangs, ends --------------------------------------------- */

static void throws_and_runs_once()
{
	ward_policy policy = hasty();

	policy.errors = 3;
	libward::pool pool(quick(1, policy));
	libward::context ward(pool);
	std::atomic<int> ran{ 0 };

	asio::post(ward, [&] {
		ran++;
		throw std::runtime_error("it fails");
	});
	asio::post(ward, [&] {
		ran++;
		ward_raise(-EIO, "it is left");
	});
	expect(!ward.join() && ran == 2);
	/* on the same thread: that it is outside of a function is known */
	expect(pool.submit([&] { return on_worker(ward); }).get() == 0);
	ends_well(pool);
}

/* Another thread ends the task: that does not know where the first one was. */
static void left_where_it_runs_again()
{
	ward_policy policy = hasty();

	policy.errors = 3;
	libward::pool pool(quick(2, policy));
	libward::context ward(pool);

	for (int i = 0; i < 100; i++) {
		asio::post(ward, [] { ward_raise(-EIO, "it is left"); });
		expect(!ward.join());
		for (int j = 0; j < 4; j++)
			expect(!pool.submit([&] { return on_worker(ward); }).get());
	}
	ends_well(pool);
}

/* What hangs does not keep the context; what has not begun never does. */
static void ends_beside_one_that_hangs()
{
	libward::pool pool = hasty_pool(1);
	ward_policy patient = WARD_POLICY_INIT;
	gate g, h;
	std::atomic<bool> ran{ false };
	auto held = pool.submit([&h] { h.pass(); },
				{ WARD_FOREVER, "held", &patient });

	{
		libward::context ward(pool);

		ward.grace(1ms);
		asio::post(ward, [&, held = some("held")] { ran = true; });
	}
	h.open();
	held.get();
	{
		libward::context ward(pool);
		auto strand = asio::make_strand(ward.get_executor());

		asio::post(strand, [&g, strand, held = some("held")] { g.pass(); });
		asio::post(strand, [held = some("waits")] {});
		expect(ward.join(libward::in(1ms)) == -ETIMEDOUT);
		comes_true(g.inside());
		ward.grace(1ms);
	}
	g.open(); /* the strand's service is there */
	ends_well(pool);
	comes_true(counted::alive == 0);
	expect(!ran);
}

int main()
{
	posts();
	never_waits();
	strands();
	lanes();
	timers_and_sockets();
	outstanding_work();
	allocators();
	throws_and_runs_once();
	left_where_it_runs_again();
	ends_beside_one_that_hangs();
	return 0;
}
