/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * submit.h - lambdas in: what libward::pool and libward::lane have in common.
 *
 *	auto sum = pool.submit([v = std::move(v)] { return add(v); });
 *	int err = lane.go([] { count++; });
 *
 * The lambda is called without arguments.  What it throws is told, and its task fails
 * (error.h); what it returns is the future's.  It is destroyed by release(): by a worker,
 * when no thread is inside of it any more, so a moment after its future is ready; not at
 * all, if a thread stays inside of it.
 *
 * Lambda, result and task have one piece of memory of the submitting thread (store.h): of
 * 320 bytes up to 128 of captures and result, of 512 bytes up to 320.  Pieces are had again
 * and again, so that in steady state nothing is allocated.  What is larger, or aligned to
 * more than 64, is allocated each time.
 *
 * Not in a signal handler.
 */
#ifndef WARD_CXX_SUBMIT_H
#define WARD_CXX_SUBMIT_H

#include <ward/cxx/future.h>

#if defined(__cpp_impl_coroutine) && __has_include(<coroutine>)
#include <ward/cxx/coro.h>
#define LIBWARD_COROUTINES_ 1
#endif

namespace libward
{

template <class F> class task;

namespace detail
{

template <class F, class D = std::decay_t<F>>
using value_of = std::invoke_result_t<
	std::conditional_t<std::is_invocable_v<const D &>, const D &, D &>>;

/* 'Target' has put(task, options), as ward_submit(), and pid(). */
template <class Target> class submits
{
public:
	/*
	 * One that was refused is ready, with the error that ward_submit() or
	 * ward_lane_submit() gave, or -ENOMEM's std::bad_alloc is thrown; and what moving
	 * the lambda throws.
	 */
	template <class F>
	future<value_of<F>> submit(F &&fn, const options &how = {}) const
	{
		auto *j = make_job(std::forward<F>(fn), how);
		future<value_of<F>> result(j);
		int err = self().put(&j->task, how);

		if (err)
			j->refuse(err);
		return result;
	}

#ifdef LIBWARD_COROUTINES_
	/*
	 * The same for a coroutine: submitted when it is awaited (coro.h); where that is
	 * refused, co_await throws.  The pool or lane must be there until then.
	 */
	template <class F> auto run(F &&fn, const options &how = {}) const
	{
		using job = detail::job<std::decay_t<F>>;
		job *j = make_job(std::forward<F>(fn), how);

		j->state.store(job_released | job_unsent, std::memory_order_relaxed);
		return awaiter<value_of<F>, put_now<Target, job>, resume_here>(
			future<value_of<F>>(j), { &self(), how });
	}
#endif

	/*
	 * For who does not wait: 0, or what ward_submit() or ward_lane_submit() says, or
	 * -ENOMEM.  What the lambda returns is dropped; that it fails is told as of a task
	 * without done().
	 */
	template <class F>
	[[nodiscard]] int go(F &&fn, const options &how = {}) const
	{
		using gone = detail::gone<std::decay_t<F>>;
		auto *j = detail::make<gone>(std::forward<F>(fn));
		int err;

		if (!j)
			return -ENOMEM;
		j->set(how);
		err = self().put(&j->task, how);
		if (err)
			gone::release(&j->task);
		return err;
	}

	/* One that lives in an object of the user's (task.h). */
	template <class F>
	[[nodiscard]] int submit(task<F> &t, const options &how = {}) const
	{
		int err = t.begin(how, self().pid());

		if (err)
			return err;
		err = self().put(t.raw(), how);
		if (err)
			t.refuse(err);
		return err;
	}

private:
	const Target &self() const
	{
		return static_cast<const Target &>(*this);
	}
	template <class F>
	detail::job<std::decay_t<F>> *make_job(F &&fn, const options &how) const
	{
		auto *j = detail::make<detail::job<std::decay_t<F>>>(
			std::forward<F>(fn));

		if (!j)
			out_of_memory();
		j->set(how);
		j->pid = self().pid();
		return j;
	}
	[[noreturn]] static void out_of_memory()
	{
#if defined(__EXCEPTIONS) || defined(__cpp_exceptions)
		throw std::bad_alloc();
#else
		std::abort();
#endif
	}
};

} // namespace detail
} // namespace libward

#endif
