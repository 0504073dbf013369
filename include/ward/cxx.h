/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cxx.h - libward from C++: exceptions that leave run() become reports; forks and loops
 * of lambdas (C++17).
 *
 *	static int convert(struct ward_task *task) { ... throw ...; }
 *	task.run = libward::run<convert>;
 *
 * Without it an exception that leaves run() ends the process, as it does for any
 * thread; one that leaves done(), release() or a hook always does.  (The namespace
 * has another name than all else because "ward" is a struct's.)
 *
 * The report (error.h) has the exception's type and words.  Its backtrace is of
 * where it was caught: by then the stack below is gone.  Objects on the way were
 * destroyed, so nothing is left half done, other than by ward_raise().
 */
#ifndef WARD_CXX_H
#define WARD_CXX_H

#ifndef __cplusplus
#error "ward/cxx.h is for C++"
#endif

#include <ward/ward.h>

#include <cerrno>
#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <new>
#include <system_error>
#include <typeinfo>
#if __cplusplus >= 201703L
#include <optional>
#include <type_traits>
#include <utility>
#endif

namespace libward
{

/* What an attempt ends with whose exception stands for no error code. */
enum { exception_code = -ENOTRECOVERABLE };

namespace detail
{

/* The name of the exception that is being handled. */
class thrown
{
public:
	thrown() : name_("unknown"), mem_(nullptr)
	{
		const std::type_info *type = abi::__cxa_current_exception_type();
		int status = 0;

		if (!type)
			return;
		name_ = type->name();
		mem_ = abi::__cxa_demangle(name_, nullptr, nullptr, &status);
		if (mem_)
			name_ = mem_;
	}
	~thrown()
	{
		std::free(mem_);
	}
	thrown(const thrown &) = delete;
	thrown &operator=(const thrown &) = delete;
	const char *name() const
	{
		return name_;
	}

private:
	const char *name_;
	char *mem_;
};

/* Codes of the system are errno's; 0, and what done() takes for no failure, are
 * no errors to end with. */
inline int code_of(const std::system_error &e)
{
	int code = e.code().value();

	if (e.code().category() != std::generic_category() &&
	    e.code().category() != std::system_category())
		return exception_code;
	return code > 0 && code != ECANCELED ? -code : exception_code;
}

inline int tell(int err, const std::exception &e)
{
	return ward_fail(err, "%s: %s", thrown().name(), e.what());
}

} // namespace detail

/*
 * run() of a task, by the function 'fn'.  What fn throws is told by ward_fail(),
 * and the attempt ends with the code of a std::system_error, -ENOMEM for a
 * std::bad_alloc, or else exception_code.  pthread_exit() and cancellation unwind
 * through it as they do through anything.
 */
template <int (*fn)(struct ward_task *)> int run(struct ward_task *task)
{
#if defined(__EXCEPTIONS) || defined(__cpp_exceptions)
	try {
		return fn(task);
#ifdef __GLIBCXX__
	} catch (abi::__forced_unwind &) {
		throw;
#endif
	} catch (const std::system_error &e) {
		return detail::tell(detail::code_of(e), e);
	} catch (const std::bad_alloc &e) {
		return detail::tell(-ENOMEM, e);
	} catch (const std::exception &e) {
		return detail::tell(exception_code, e);
	} catch (...) {
		return ward_fail(exception_code, "an exception of type %s",
				 detail::thrown().name());
	}
#else
	return fn(task);
#endif
}

#if __cplusplus >= 201703L

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

[[noreturn]] inline void fail(int status)
{
#if defined(__EXCEPTIONS) || defined(__cpp_exceptions)
	throw std::system_error(-status, std::generic_category());
#else
	(void)status;
	std::abort();
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
 * throws; also a std::system_error for a fork that has not ended: it was stolen and lost,
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
 * first of several; a std::system_error for what ward_for() returns otherwise.
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

#endif

} // namespace libward

#endif
