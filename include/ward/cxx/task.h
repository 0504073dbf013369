/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * task.h - libward::task<F>: a lambda that is a task in an object of yours, as a struct
 * ward_task is in C: no allocation at all, and it may be submitted again and again.
 *
 *	libward::task next([this] { return ++n; });
 *	err = pool.submit(next);
 *	...
 *	n = next.get();
 *
 * The lambda lives as long as the object, which stays where it is, and must stay until it
 * is at rest: release() has come, so no thread is inside of the lambda.
 */
#ifndef WARD_CXX_TASK_H
#define WARD_CXX_TASK_H

#include <ward/cxx/submit.h>

namespace libward
{

template <class F> class task
{
	using value = typename detail::callable<F>::value;

public:
	explicit task(F fn) : job_(std::move(fn))
	{
	}
	task(const task &) = delete;
	task &operator=(const task &) = delete;
	/*
	 * One that is not at rest ends the process, as a std::thread does that is joinable:
	 * std::terminate().  A thread would go on in memory that is none; and to wait for one
	 * that hangs would have no end.  Where the thread may hang rest() says whether the
	 * object may go.
	 */
	~task()
	{
		if (rest(WARD_NOWAIT) == -ETIMEDOUT && job_.pid == getpid())
			std::terminate();
	}

	/* As those of libward::future.  Before it was submitted: -EINVAL. */
	int wait(ward_ns until = WARD_FOREVER)
	{
		return job_.pid ? job_.wait(detail::job_done, until) : -EINVAL;
	}
	int status() const noexcept
	{
		return job_.status;
	}
	uint64_t incident() const noexcept
	{
		return job_.incident;
	}
	value get(ward_ns until = WARD_FOREVER)
	{
		int err = wait(until);

		if (err)
			detail::fail(err);
		return job_.take();
	}

	/* Waits until it is at rest: 0, also if it was never submitted; else as wait(). */
	int rest(ward_ns until = WARD_FOREVER)
	{
		return job_.pid ? job_.wait(detail::job_released, until) : 0;
	}

	/* For the calls in C, ward_task_cancel(). */
	ward_task *raw() noexcept
	{
		return &job_.task;
	}

	/* Private: for submit.h. */
	int begin(const options &how, pid_t pid)
	{
		if (rest(WARD_NOWAIT))
			return -EBUSY;
		job_.begin(how, pid);
		return 0;
	}
	void refuse(int err)
	{
		job_.refuse(err);
	}

private:
	struct embedded : detail::work<F> {
		explicit embedded(F &&from) : detail::work<F>(std::move(from))
		{
			this->task.release = release;
		}
		~embedded()
		{
			this->fn.destroy();
		}
		/* It is at rest. */
		void begin(const options &how, pid_t where)
		{
			this->state.store(0, std::memory_order_relaxed);
			this->status = 0;
			this->incident = 0;
			this->pid = where;
			this->result.clear();
			this->fn.rearm();
			this->set(how);
		}
		static void release(ward_task *task)
		{
			embedded *self = detail::job_of<embedded>(task);

			self->unset();
			self->rest();
		}
	};
	embedded job_;
};

} // namespace libward

#endif
