/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool.h - libward::pool: a pool (ward/pool.h) as an object.
 *
 *	libward::pool pool;
 *	auto answer = pool.submit([] { return 6 * 7; });
 *	std::printf("%d\n", answer.get());
 */
#ifndef WARD_CXX_POOL_H
#define WARD_CXX_POOL_H

#include <ward/cxx/submit.h>

namespace libward
{

class pool : public detail::submits<pool>
{
public:
	/*
	 * Makes and starts one, as ward_pool_create() and ward_pool_start() do.  A
	 * libward::error if one of them refuses; or with 'err' that is what it said, and
	 * get() is null.
	 */
	explicit pool(const ward_pool_config &config = WARD_POOL_CONFIG_INIT)
	{
		int err = start(config);

		if (err)
			detail::fail(err);
	}
	pool(const ward_pool_config &config, std::error_code &err) noexcept
	{
		err.assign(-start(config), std::generic_category());
	}
	/* With so many workers. */
	explicit pool(uint32_t workers) : pool(sized(workers))
	{
	}
	pool(pool &&other) noexcept
		: pool_(std::exchange(other.pool_, nullptr)), pid_(other.pid_),
		  grace_(other.grace_)
	{
	}
	pool &operator=(pool &&other) noexcept
	{
		std::swap(pool_, other.pool_);
		std::swap(pid_, other.pid_);
		std::swap(grace_, other.grace_);
		return *this;
	}

	/*
	 * destroy(), after the grace: what is queued is cancelled, not finished (drain()
	 * before that); tasks that run see -ESHUTDOWN; those that have not ended within
	 * the grace, 1 s unless it was set, are fenced and answered -ECANCELED.  It does
	 * not wait for a thread that hangs: that one, with what its lambda has captured,
	 * is left behind.  So what lambdas refer to must outlive the pool, or be sure to
	 * be done with: drain() says so.
	 * Of a pool that is destroyed by a task of its own nothing happens: it goes on.
	 */
	~pool()
	{
		if (pool_)
			(void)destroy(ward_in(grace_));
	}

	/* As ward_pool_drain(). */
	int drain(ward_ns until = WARD_FOREVER) const
	{
		return ward_pool_drain(pool_, until);
	}
	/* As ward_pool_destroy(); after 0 or more get() is null. */
	int destroy(ward_ns until)
	{
		int left = ward_pool_destroy(pool_, until);

		if (left >= 0)
			pool_ = nullptr;
		return left;
	}
	template <class Rep, class Period>
	void grace(std::chrono::duration<Rep, Period> d)
	{
		grace_ = span(d);
	}

	/* For the calls in C. */
	ward_pool *get() const noexcept
	{
		return pool_;
	}
	/* Private: for submit.h. */
	int put(ward_task *task, const options &how) const
	{
		return how.when ? ward_submit_at(pool_, task, how.when, 0) :
				  ward_submit(pool_, task, how.until);
	}
	pid_t pid() const noexcept
	{
		return pid_;
	}

private:
	static ward_pool_config sized(uint32_t workers)
	{
		ward_pool_config config = WARD_POOL_CONFIG_INIT;

		config.workers = workers;
		return config;
	}
	int start(const ward_pool_config &config) noexcept
	{
		int err = ward_pool_create(&pool_, &config);

		if (err)
			return err;
		err = ward_pool_start(pool_);
		if (err)
			(void)destroy(WARD_NOWAIT);
		return err;
	}

	ward_pool *pool_ = nullptr;
	pid_t pid_ = getpid();
	ward_ns grace_ = WARD_S(1);
};

} // namespace libward

#endif
