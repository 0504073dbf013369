/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lane.h - libward::lane: a lane (ward/lane.h) as an object.
 *
 *	libward::lane key(pool, 1);
 *	(void)key.go([&] { file.append(line); });
 *	key.join();
 */
#ifndef WARD_CXX_LANE_H
#define WARD_CXX_LANE_H

#include <ward/cxx/pool.h>

namespace libward
{

class lane : public detail::submits<lane>
{
public:
	/* As ward_lane_create(); errors as those of libward::pool. */
	lane(const pool &pool, const ward_lane_config &config) : pid_(pool.pid())
	{
		int err = ward_lane_create(&lane_, pool.get(), &config);

		if (err)
			detail::fail(err);
	}
	lane(const pool &pool, const ward_lane_config &config,
	     std::error_code &err) noexcept
		: pid_(pool.pid())
	{
		err.assign(-ward_lane_create(&lane_, pool.get(), &config),
			   std::generic_category());
	}
	/* So many at once; 0: any number. */
	explicit lane(const pool &pool, uint32_t width = 0) : lane(pool, wide(width))
	{
	}
	lane(lane &&other) noexcept
		: lane_(std::exchange(other.lane_, nullptr)), pid_(other.pid_),
		  grace_(other.grace_)
	{
	}
	lane &operator=(lane &&other) noexcept
	{
		std::swap(lane_, other.lane_);
		std::swap(pid_, other.pid_);
		std::swap(grace_, other.grace_);
		return *this;
	}

	/*
	 * Closes and cancels it, and waits for its tasks up to the grace, 1 s unless it was
	 * set: join() before that has them all run.  It does not wait for one that hangs:
	 * what is left goes on without the object (ward_lane_abandon()).  A lane that
	 * others are still under is not given back, nor is its pool's memory.
	 */
	~lane()
	{
		if (!lane_)
			return;
		(void)ward_lane_close(lane_, -ECANCELED);
		(void)ward_lane_join(lane_, ward_in(grace_));
		(void)ward_lane_abandon(lane_);
	}

	/* As ward_lane_join(), _cancel(), _count(). */
	int join(ward_ns until = WARD_FOREVER) const
	{
		return ward_lane_join(lane_, until);
	}
	bool cancel(int cause = -ECANCELED) const
	{
		return ward_lane_cancel(lane_, cause);
	}
	uint32_t count() const
	{
		return ward_lane_count(lane_);
	}
	template <class Rep, class Period>
	void grace(std::chrono::duration<Rep, Period> d)
	{
		grace_ = span(d);
	}

	/* For the calls in C. */
	ward_lane *get() const noexcept
	{
		return lane_;
	}
	/* Private: for submit.h. */
	int put(ward_task *task, const options &how) const
	{
		return how.when ? ward_lane_submit_at(lane_, task, how.when) :
				  ward_lane_submit(lane_, task, how.until);
	}
	pid_t pid() const noexcept
	{
		return pid_;
	}

private:
	static ward_lane_config wide(uint32_t width)
	{
		ward_lane_config config = WARD_LANE_CONFIG_INIT;

		config.active = width;
		return config;
	}

	ward_lane *lane_ = nullptr;
	pid_t pid_;
	ward_ns grace_ = WARD_S(1);
};

} // namespace libward

#endif
