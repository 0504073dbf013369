/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forked.cc - forks and loops of lambdas: their results, what they throw, and that they
 * are joined however their maker leaves.
 */
#include <ward/cxx.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#define expect(condition)                                                      \
	do {                                                                   \
		if (!(condition)) {                                            \
			std::fprintf(stderr, "%d: %s\n", __LINE__, #condition); \
			std::exit(1);                                          \
		}                                                              \
	} while (0)

static uint64_t fib(unsigned n)
{
	if (n < 2)
		return n;
	auto left = libward::fork([=] { return fib(n - 1); });
	uint64_t right = fib(n - 2);

	return left.join() + right;
}

static std::atomic<int> ran;

static void results()
{
	auto text = libward::fork([] { return std::string(100, 'x'); });
	auto none = libward::fork([] { ran++; });
	auto owned = libward::fork([p = std::make_unique<int>(7)] { return *p; });

	expect(text.join().size() == 100);
	expect(owned.join() == 7);
	none.join();
	expect(ran == 1);
	expect(fib(22) == 17711);
}

static void throws()
{
	auto bad = libward::fork([]() -> int { throw std::out_of_range("far"); });
	bool caught = false;

	try {
		bad.join();
	} catch (const std::out_of_range &e) {
		caught = std::string(e.what()) == "far";
	}
	expect(caught);
	ran = 0;
	try {
		auto left = libward::fork([] { ran++; });

		throw 5; /* left is joined on the way out */
	} catch (int) {
	}
	expect(ran == 1);
}

static void loops()
{
	std::vector<std::atomic<int>> times(100000);
	bool caught = false;

	libward::parallel_for(0, times.size(), 1, [&](uint64_t i, uint64_t end) {
		for (; i < end; i++)
			times[i]++;
	});
	for (auto &n : times)
		expect(n == 1);
	try {
		libward::parallel_for(0, 1 << 20, 64, [](uint64_t i, uint64_t end) {
			if (i <= 70000 && 70000 < end)
				throw std::runtime_error("it fails");
		});
	} catch (const std::runtime_error &e) {
		caught = std::string(e.what()) == "it fails";
	}
	expect(caught);
}

static int all(struct ward_task *)
{
	results();
	throws();
	loops();
	return 0;
}

static std::atomic<int> status{ 1 };

static void in_pool(uint32_t workers)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_task task = {};
	struct ward_pool *pool;

	config.workers = workers;
	expect(!ward_pool_create(&pool, &config) && !ward_pool_start(pool));
	task.run = libward::run<all>;
	task.done = [](struct ward_task *, int s) { status = s; };
	status = 1;
	ran = 0;
	expect(!ward_submit(pool, &task, WARD_FOREVER));
	expect(!ward_pool_drain(pool, WARD_FOREVER));
	expect(!ward_pool_destroy(pool, WARD_FOREVER));
	expect(status == 0);
}

int main()
{
	all(nullptr); /* no worker */
	for (uint32_t workers = 1; workers < 4; workers++)
		in_pool(workers);
	return 0;
}
