/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cxx.cc - a pool, futures and a coroutine: the words of three pages are counted, of which
 * one throws and one never ends.
 */
#include <ward/cxx.h>

#include <cstdio>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

static libward::token stop;

static size_t words(const std::string &page)
{
	size_t n = 0;

	if (page.empty())
		throw std::invalid_argument("an empty page");
	while (page == "endless" && !stop.cause())
		; /* silent, on its own CPU: a livelock */
	for (size_t i = 0; i < page.size(); i++)
		n += page[i] != ' ' && (i == 0 || page[i - 1] == ' ');
	return n;
}

/* Begins at once; nobody waits for it but by a word of its own. */
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

static detached count(const libward::pool &pool, uint32_t &over)
{
	size_t sum = 0;

	for (std::string page : { "one two", "three four five" }) {
		auto one = [page] { return words(page); };

		sum += co_await pool.run(std::move(one));
	}
	std::printf("a coroutine: %zu words\n", sum);
	__atomic_store_n(&over, 1, __ATOMIC_RELEASE);
	ward_wake(&over);
}

int main()
{
	ward_policy policy = WARD_POLICY_INIT;
	ward_pool_config config = WARD_POOL_CONFIG_INIT;

	policy.busy_within = libward::span(100ms);
	config.policy = &policy;
	config.workers = 2;
	libward::pool pool(config);
	auto good = pool.submit([] { return words("lorem ipsum dolor"); });
	auto empty = pool.submit([] { return words(""); });
	auto endless = pool.submit([] { return words("endless"); });

	std::printf("a page: %zu words\n", good.get());
	for (auto *bad : { &empty, &endless }) {
		try {
			bad->get();
		} catch (const libward::error &e) {
			std::printf("a page: %s\n", e.what());
		}
	}
	uint32_t over = 0;

	count(pool, over);
	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE))
		if (ward_block_on(&over, 0, WARD_FOREVER))
			return 1;
	stop.fire(); /* so that its thread comes home */
	return pool.drain(libward::in(10s));
}
