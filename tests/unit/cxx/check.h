/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.h - what the tests in C++ share: expectations, a pool that is quick to judge,
 * gates that tasks hang at, objects that are counted.
 */
#ifndef WARD_TESTS_UNIT_CXX_CHECK_H
#define WARD_TESTS_UNIT_CXX_CHECK_H

#include <ward/cxx.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

[[noreturn]] inline void fails(const char *file, int line, const char *what)
{
	std::fprintf(stderr, "%s:%d: %s\n", file, line, what);
	std::_Exit(1);
}

#define expect(condition)                                                      \
	do {                                                                   \
		if (!(condition))                                              \
			fails(__FILE__, __LINE__, #condition);                 \
	} while (0)

/* Looks again and again until it is so. */
#define comes_true(condition)                                                  \
	do {                                                                   \
		ward_ns end_ = ward_in(WARD_S(60));                            \
                                                                               \
		while (!(condition)) {                                         \
			if (ward_now() > end_)                                 \
				fails(__FILE__, __LINE__, "never: " #condition); \
			std::this_thread::sleep_for(200us);                    \
		}                                                              \
	} while (0)

/* The code of what is thrown, 0 if nothing is. */
template <class F> int thrown_by(F f, uint64_t *incident = nullptr)
{
	try {
		f();
	} catch (const libward::error &e) {
		if (incident)
			*incident = e.incident();
		return -e.code().value();
	}
	return 0;
}

/* A task hangs here, asleep and silent, until it is opened. */
class gate
{
public:
	void pass() const
	{
		inside_++;
		while (!open_)
			std::this_thread::sleep_for(500us);
		inside_--;
	}
	void open()
	{
		open_ = true;
	}
	int inside() const
	{
		return inside_;
	}

private:
	std::atomic<bool> open_{ false };
	mutable std::atomic<int> inside_{ 0 };
};

/* How many there are. */
struct counted {
	static inline std::atomic<int> alive{ 0 };

	explicit counted(std::string s) : text(std::move(s))
	{
		alive++;
	}
	counted(const counted &other) : text(other.text)
	{
		alive++;
	}
	counted(counted &&other) noexcept : text(std::move(other.text))
	{
		alive++;
	}
	counted &operator=(const counted &) = default;
	~counted()
	{
		alive--;
	}
	std::string text; /* too long to lie in the object */
};

inline counted some(const char *what)
{
	return counted(std::string(100, '.') + what);
}

inline bool is(const counted &c, const char *what)
{
	return c.text == std::string(100, '.') + what;
}

inline ward_policy hasty()
{
	ward_policy policy = WARD_POLICY_INIT;

	policy.busy_within = WARD_MS(60);
	policy.blocked_within = WARD_MS(60);
	return policy;
}

/* Of a pool whose reports are not printed. */
inline ward_pool_config quick(uint32_t workers, const ward_policy &policy)
{
	static ward_hooks hooks = {};
	ward_pool_config config = WARD_POOL_CONFIG_INIT;

	hooks.report = [](void *, const struct ward_report *) {};
	config.workers = workers;
	config.scan = WARD_MS(5);
	config.policy = &policy; /* copied */
	config.hooks = &hooks;
	return config;
}

/* Budgets of seconds: for tasks that do not hang. */
inline libward::pool calm_pool(uint32_t workers)
{
	ward_policy patient = WARD_POLICY_INIT;

	return libward::pool(quick(workers, patient));
}

inline libward::pool hasty_pool(uint32_t workers)
{
	return libward::pool(quick(workers, hasty()));
}

/* One whose tasks may fault. */
inline libward::pool catching_pool(uint32_t workers)
{
	ward_policy patient = WARD_POLICY_INIT;
	ward_pool_config config = quick(workers, patient);

	config.flags = WARD_POOL_CATCH_FAULTS;
	return libward::pool(config);
}

/* SIGILL, which sanitizers leave alone. */
inline void faults()
{
	__builtin_trap();
}

inline void resize(const libward::pool &pool, uint32_t workers)
{
	expect(!ward_pool_resize(pool.get(), workers, workers));
}

/* Nothing is left, nothing was lost. */
inline void ends_well(libward::pool &pool)
{
	struct ward_audit audit = WARD_AUDIT_INIT;

	expect(!pool.drain(libward::in(60s)));
	if (ward_audit(pool.get(), &audit))
		std::fprintf(stderr, "%s\n", audit.first);
	expect(!audit.broken);
	expect(pool.destroy(libward::in(60s)) == 0);
}

#endif
