/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory.h - in steady state nothing is allocated; and memory outlives the thread that had
 * it.  The program's operator new counts.
 */
#ifndef WARD_TESTS_UNIT_CXX_MEMORY_H
#define WARD_TESTS_UNIT_CXX_MEMORY_H

#include "check.h"

static std::atomic<long> allocations;

void *operator new(std::size_t size)
{
	void *mem = std::malloc(size);

	allocations++;
	if (!mem)
		throw std::bad_alloc();
	return mem;
}
void *operator new(std::size_t size, std::align_val_t align,
		   const std::nothrow_t &) noexcept
{
	std::size_t a = static_cast<std::size_t>(align);

	allocations++;
	return std::aligned_alloc(a, (size + a - 1) / a * a);
}
void operator delete(void *mem) noexcept
{
	std::free(mem);
}
void operator delete(void *mem, std::size_t) noexcept
{
	std::free(mem);
}
void operator delete(void *mem, std::align_val_t) noexcept
{
	std::free(mem);
}
void operator delete(void *mem, std::size_t, std::align_val_t) noexcept
{
	std::free(mem);
}

/* How often 'f' allocates, once it has done what it does before. */
template <class F> long allocates(F f)
{
	long before;

	f();
	before = allocations;
	for (int i = 0; i < 100; i++)
		f();
	return allocations - before;
}

/* One after another: the memory of each is there for the next, but for the last one's,
 * which its worker may be about to give back. */
static void none_in_steady_state()
{
	libward::pool pool = calm_pool(1);
	libward::task mine([] { return 1; });
	std::array<char, 64> captured{};
	std::array<char, 280> more{};
	auto settled = [&](auto submit) {
		ward_stats stats = WARD_STATS_INIT;

		submit();
		do
			expect(!ward_pool_stats(pool.get(), &stats));
		while (stats.answered != stats.accepted);
	};

	expect(allocates([&] {
		       settled([&] {
			       expect(pool.submit([captured] {
					      return int(captured[0]);
				      }).get() == 0);
		       });
	       }) == 0);
	expect(allocates([&] {
		       settled([&] {
			       expect(pool.submit([more] { return more; })
					      .get()
					      .size() == 280);
		       });
	       }) == 100); /* with the result too large for a piece: once each */
	expect(allocates([&] {
		       settled([&] {
			       expect(pool.submit([more] { return more[0]; }).get() ==
				      0);
		       });
	       }) == 0);
	expect(allocates([&] {
		       settled([&] { expect(!pool.go([more] { (void)more; })); });
	       }) == 0);
	expect(allocates([&] {
		       settled([&] {
			       expect(!pool.submit(mine) && mine.get() == 1 &&
				      !mine.rest());
		       });
	       }) == 0);
	ends_well(pool);
}

/* As submit.h says. */
template <size_t n> struct captures {
	char bytes[n - sizeof(long)];

	long operator()() const
	{
		return bytes[0];
	}
};
static_assert(sizeof(libward::detail::job<captures<128>>) <= 320, "");
static_assert(sizeof(libward::detail::job<captures<320>>) <= 512, "");

/* Pieces that are out when their thread ends; others come back before. */
static void a_thread_that_ends_first()
{
	libward::pool pool = hasty_pool(2);
	gate g;
	libward::future<counted> early, late;

	std::thread([&] {
		early = pool.submit([] { return some("early"); });
		early.wait();
		late = pool.submit([&g] {
			g.pass();
			return some("late");
		});
		(void)pool.submit([] { return some("dropped"); });
	}).join();
	g.open();
	expect(is(early.get(), "early"));
	late.wait(); /* it may have been convicted */
	ends_well(pool);
	late = {};
	comes_true(counted::alive == 0);
}

static void all_of_memory()
{
	none_in_steady_state();
	a_thread_that_ends_first();
}

#endif
