/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asio.cc - Asio's thread_pool, to which functions are given by post(), as its
 * reference has it.  What post() allocates lies in the job, by a handler with an
 * allocator of its own: Asio's example of custom memory allocation.  It frees
 * that before it calls the function.
 */
#include "rival.h"

#include <cstddef>
#include <new>

#if __has_include(<asio/thread_pool.hpp>)
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#else
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
namespace asio = boost::asio;
#endif

/* Memory in the job: the words that are libward's there. */
template <class T> struct in_job {
	using value_type = T;
	job *mine;

	explicit in_job(job *job) : mine(job)
	{
	}
	template <class U> in_job(const in_job<U> &other) : mine(other.mine)
	{
	}
	T *allocate(size_t n)
	{
		if (n * sizeof(T) <= sizeof(mine->task.priv))
			return reinterpret_cast<T *>(mine->task.priv);
		return static_cast<T *>(operator new(n * sizeof(T)));
	}
	void deallocate(T *p, size_t)
	{
		if (static_cast<void *>(p) != mine->task.priv)
			operator delete(p);
	}
	template <class U> bool operator==(const in_job<U> &other) const
	{
		return mine == other.mine;
	}
	template <class U> bool operator!=(const in_job<U> &other) const
	{
		return mine != other.mine;
	}
};

struct handler {
	using allocator_type = in_job<void *>;
	job *mine;

	allocator_type get_allocator() const noexcept
	{
		return allocator_type(mine);
	}
	void operator()() const
	{
		job_run(mine);
	}
};

static asio::thread_pool *pool;

static bool start(const setup *setup)
{
	pool = new asio::thread_pool(setup->workers);
	return true;
}

static void submit(unsigned, job *job)
{
	asio::post(*pool, handler{ job });
}

static bool finish(void)
{
	pool->join();
	delete pool;
	return true;
}

const rival rival_asio = {
	.name = "asio",
	.what = "Asio's thread_pool, post()",
	.start = start,
	.submit = submit,
	.finish = finish,
};
