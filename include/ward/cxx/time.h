/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * time.h - points and spans of std::chrono as the library has them.
 *
 *	pool.drain(libward::in(5s));
 *
 * std::chrono::steady_clock is CLOCK_MONOTONIC, as every point here is.
 */
#ifndef WARD_CXX_TIME_H
#define WARD_CXX_TIME_H

#include <ward/base.h>

#include <chrono>

namespace libward
{

/* A span: below zero it is 0, and what has no room is WARD_FOREVER. */
template <class Rep, class Period>
ward_ns span(std::chrono::duration<Rep, Period> d)
{
	using nanoseconds = std::chrono::duration<ward_ns, std::nano>;
	using roughly = std::chrono::duration<double, std::nano>;

	if (!(roughly(d).count() > 0))
		return 0;
	if (roughly(d).count() >= 1.8e19)
		return WARD_FOREVER;
	return std::chrono::duration_cast<nanoseconds>(d).count();
}

/* The point so long from now. */
template <class Rep, class Period>
ward_ns in(std::chrono::duration<Rep, Period> d)
{
	return ward_in(span(d));
}

/* That point; 1, the first one, for all that is before it: 0 is WARD_NOWAIT. */
template <class Duration>
ward_ns at(std::chrono::time_point<std::chrono::steady_clock, Duration> t)
{
	ward_ns since = span(t.time_since_epoch());

	return since ? since : 1;
}

} // namespace libward

#endif
