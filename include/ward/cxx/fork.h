/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork.h - forks and loops of lambdas, inside of a task (ward/fork.h, ward/loop.h).
 */
#ifndef WARD_CXX_FORK_H
#define WARD_CXX_FORK_H

#include <ward/cxx/error.h>

#include <optional>
#include <type_traits>
#include <utility>

namespace libward
{

namespace detail
{

struct nothing {
};

/* fn's result in 'result', or what it has thrown in 'thrown'. */
template <class Result, class Fn>
void call(Fn &fn, std::optional<Result> &result, std::exception_ptr &thrown)
{
#if defined(__EXCEPTIONS) || defined(__cpp_exceptions)
	try {
#endif
		if constexpr (std::is_same_v<Result, nothing>) {
			fn();
			result.emplace();
		} else {
			result.emplace(fn());
		}
#if defined(__EXCEPTIONS) || defined(__cpp_exceptions)
#ifdef __GLIBCXX__
	} catch (abi::__forced_unwind &) {
		throw;
#endif
	} catch (...) {
		thrown = std::current_exception();
	}
#else
	(void)thrown;
#endif
}

} // namespace detail

/*
 * A fork of a lambda (ward_fork_call()), from libward::fork():
 *
 *	auto left = libward::fork([&] { return fib(n - 1); });
 *	auto right = fib(n - 2);
 *	return left.join() + right;
 *
 * It stays where it was made: neither copied nor moved.  What the lambda throws, join()
 * throws; also a libward::error for a fork that has not ended: it was stolen and lost,
 * or the attempt was told to stop.  The destructor joins, and drops both.
 */
template <class Fn> class forked
{
	using value = std::invoke_result_t<Fn &>;
	using result = std::conditional_t<std::is_void_v<value>,
					  detail::nothing, value>;

public:
	explicit forked(Fn fn) : fn_(std::move(fn))
	{
		fork_.fork.run = run;
		fork_.self = this;
		(void)ward_fork_call(&fork_.fork);
	}
	~forked()
	{
		if (!joined_)
			(void)wait();
	}
	forked(const forked &) = delete;
	forked &operator=(const forked &) = delete;

	value join()
	{
		int status = wait();

		if (thrown_)
			std::rethrow_exception(thrown_);
		if (!result_)
			detail::fail(status ? status : -EINVAL);
		if constexpr (!std::is_void_v<value>)
			return std::move(*result_);
	}

private:
	struct part {
		struct ward_fork fork;
		forked *self;
	};

	static int run(struct ward_fork *fork)
	{
		forked *self = reinterpret_cast<part *>(fork)->self;

		detail::call(self->fn_, self->result_, self->thrown_);
		return 0;
	}
	int wait()
	{
		joined_ = true;
		return ward_join_call(&fork_.fork, run);
	}

	part fork_{};
	Fn fn_;
	std::optional<result> result_;
	std::exception_ptr thrown_;
	bool joined_ = false;
};

template <class Fn> forked<Fn> fork(Fn fn)
{
	return forked<Fn>(std::move(fn));
}

/*
 * ward_for() with fn(begin, end).  What it throws ends the loop, and is thrown here, the
 * first of several; a libward::error for what ward_for() returns otherwise.
 */
template <class Fn>
void parallel_for(uint64_t begin, uint64_t end, uint64_t grain, Fn fn)
{
	struct loop {
		Fn &fn;
		std::exception_ptr thrown;
		uint32_t taken;

		static int body(uint64_t from, uint64_t to, void *arg)
		{
			loop *self = static_cast<loop *>(arg);
			std::optional<detail::nothing> done;
			std::exception_ptr thrown;
			auto part = [&] { self->fn(from, to); };

			detail::call(part, done, thrown);
			if (thrown && !__atomic_exchange_n(&self->taken, 1,
							   __ATOMIC_RELAXED))
				self->thrown = thrown;
			return thrown ? exception_code : 0;
		}
	} all{ fn, nullptr, 0 };
	int err = ward_for(begin, end, grain, loop::body, &all);

	if (all.thrown)
		std::rethrow_exception(all.thrown);
	if (err)
		detail::fail(err);
}

} // namespace libward

#endif
