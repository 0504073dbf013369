/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * coro.h - C++20 coroutines, of any type, that await tasks.
 *
 *	int n = co_await pool.run([] { return fib(30); });
 *
 *	auto a = pool.submit(f), b = pool.submit(g);	both at once
 *	use(co_await a, co_await b);
 *
 * The coroutine is suspended until the task is answered.  co_await has the result, or
 * throws a libward::error, as future.get() does.
 *
 * Where it goes on.  By itself inside of the task's done(): on the worker, or for a task of
 * a lane with a port, on the event loop that runs the port.  On the worker it is looked
 * after as any callback is, but is no attempt of a task: ward_check() says 0, and nothing
 * that it does runs again.  So heavy work belongs into run(); an exception that the
 * coroutine's own promise lets out ends the process.  Elsewhere it goes on by 'via':
 *
 *	co_await pool.run(f).via([&](auto resume) { asio::post(loop, resume); });
 *
 * which is called with a handle, in done(), and has it resumed; it must not throw.
 *
 * What hangs.  A task that is convicted is answered -ETIME, and so the coroutine goes on
 * while the lost thread may still be inside of the lambda.  What that has captured by value
 * stays until it has left, whatever becomes of the coroutine; what it has captured by
 * reference, the coroutine's locals too, may be gone under it.  Capture by value.
 *
 * (gcc 12 copies a lambda that is written inside of a co_await expression bit by bit, and
 * destroys both.  Where captures have destructors, name it first:
 *	auto f = [s] { ... };
 *	co_await pool.run(std::move(f));)
 *
 * A task that gets no answer (a degraded pool, docs/healing.md) leaves its coroutine where
 * it is.  options.cancel, a token, cancels; a coroutine that is suspended here must not be
 * destroyed.
 */
#ifndef WARD_CXX_CORO_H
#define WARD_CXX_CORO_H

#include <ward/cxx/future.h>

#include <coroutine>

namespace libward
{
namespace detail
{

struct resume_here {
	void operator()(std::coroutine_handle<> suspended) const
	{
		suspended.resume();
	}
};

/* Awaits the future of a task that was, or by Put is, submitted. */
template <class T, class Put, class Via>
class [[nodiscard]] awaiter : private continuation
{
public:
	awaiter(future<T> task, Put put, Via via = {})
		: continuation{ go_on }, task_(std::move(task)),
		  put_(std::move(put)), via_(std::move(via))
	{
	}
	template <class Other> auto via(Other other) &&
	{
		return awaiter<T, Put, Other>(std::move(task_), std::move(put_),
					      std::move(other));
	}

	bool await_ready() const noexcept
	{
		return !task_.valid() || task_.ready();
	}
	/* Once the task may be answered the coroutine, and this in it, may be gone. */
	bool await_suspend(std::coroutine_handle<> suspended)
	{
		answer *job = task_.job();

		suspended_ = suspended;
		job->then = this;
		return put_(job);
	}
	T await_resume()
	{
		return task_.get(WARD_NOWAIT);
	}

private:
	static void go_on(continuation *base)
	{
		awaiter *self = static_cast<awaiter *>(base);
		std::coroutine_handle<> suspended = self->suspended_;
		Via via = std::move(self->via_);

		via(suspended);
	}

	future<T> task_;
	Put put_;
	Via via_;
	std::coroutine_handle<> suspended_;
};

/* It was submitted before; false: it is answered by now. */
struct was_put {
	bool operator()(answer *job) const
	{
		return !(job->state.fetch_or(job_then, std::memory_order_acq_rel) &
			 job_done);
	}
};

/* It is submitted now; false: it is refused. */
template <class Target, class Job> struct put_now {
	const Target *target;
	options how;

	bool operator()(answer *job) const
	{
		int err;

		job->state.store(job_then, std::memory_order_relaxed);
		err = target->put(&job->task, how);
		if (err)
			static_cast<Job *>(job)->refuse(err);
		return !err;
	}
};

} // namespace detail

template <class T> auto operator co_await(future<T> &&f)
{
	return detail::awaiter<T, detail::was_put, detail::resume_here>(
		std::move(f), {});
}

template <class T> auto operator co_await(future<T> &f)
{
	return operator co_await(std::move(f));
}

} // namespace libward

#endif
