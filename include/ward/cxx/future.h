/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * future.h - libward::future<T>: how a lambda's task ended, and what it returned.
 *
 * It is moved, not copied.  Dropping it cancels nothing and waits for nothing.  Of a task
 * that was convicted it is ready as soon as that was answered, with -ETIME, though the
 * thread may still be inside of the lambda: what that refers to must be there until it has
 * left, which nobody can tell from here.  So capture by value: captures live until then.
 *
 * A wait inside of a task is a declared one, and another worker may be lent meanwhile; it
 * ends when the waiting task is to stop.
 */
#ifndef WARD_CXX_FUTURE_H
#define WARD_CXX_FUTURE_H

#include <ward/cxx/job.h>
#include <ward/cxx/time.h>

#include <utility>

namespace libward
{

template <class T> class [[nodiscard]] future
{
public:
	future() noexcept = default;
	explicit future(detail::answer_of<T> *job) noexcept : job_(job)
	{
	}
	future(future &&other) noexcept : job_(std::exchange(other.job_, nullptr))
	{
	}
	future &operator=(future &&other) noexcept
	{
		std::swap(job_, other.job_);
		return *this;
	}
	~future()
	{
		if (job_)
			job_->drop();
	}

	/* False: there is no task, or its result was had. */
	bool valid() const noexcept
	{
		return job_;
	}
	/* Is the answer there? */
	bool ready() const
	{
		return job_ && !job_->wait(detail::job_done, WARD_NOWAIT);
	}

	/*
	 * Waits for the answer:
	 *	0		it is there
	 *	-ETIMEDOUT	not by 'until', WARD_NOWAIT: not now
	 *	-EINVAL		it is not valid
	 *	-ECHILD		the pool belongs to the parent process
	 *	else		what ward_check() says to the calling task
	 */
	int wait(ward_ns until = WARD_FOREVER) const
	{
		return job_ ? job_->wait(detail::job_done, until) : -EINVAL;
	}
	template <class Rep, class Period>
	int wait_for(std::chrono::duration<Rep, Period> span) const
	{
		return wait(in(span));
	}
	template <class Duration>
	int wait_until(std::chrono::time_point<std::chrono::steady_clock,
					       Duration> point) const
	{
		return wait(at(point));
	}

	/* Once it is ready: as done() was told, or why it was not accepted. */
	int status() const noexcept
	{
		return job_ ? job_->status : -EINVAL;
	}
	/* The report that tells why that is not 0; 0: there is none. */
	uint64_t incident() const noexcept
	{
		return job_ ? job_->incident : 0;
	}

	/*
	 * Waits, and moves the result out; a libward::error, with status() and incident(),
	 * if there is none.  One for what wait() says, and then the future is valid still.
	 */
	T get(ward_ns until = WARD_FOREVER)
	{
		int err = wait(until);

		if (err)
			detail::fail(err);
		future mine(std::move(*this));

		return mine.job_->take();
	}

	/* Private: for coro.h. */
	detail::answer_of<T> *job() const noexcept
	{
		return job_;
	}

private:
	detail::answer_of<T> *job_ = nullptr;
};

} // namespace libward

#endif
