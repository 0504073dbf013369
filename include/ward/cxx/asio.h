/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asio.h - libward::executor: Asio's functions run on a pool, or through a lane.
 *
 *	libward::context ward(pool);
 *	asio::post(ward.get_executor(), [] { ... });
 *	socket.async_read_some(buffer, asio::bind_executor(ward.get_executor(), f));
 *
 * It is an execution::executor, for Asio 1.18 and later (or Boost's), and fits in an
 * any_io_executor.  post() and defer() never wait and never call the function; dispatch()
 * calls it at once inside of a function of the same context.  What a function throws is
 * told, and ends its task (error.h), not the process.  A function is called once, whatever
 * the policy.
 *
 * The function is destroyed, and its memory (of its associated allocator, else as in
 * submit.h) given back, by the task's release(): after the call, and not while a thread
 * that was fenced is inside.
 *
 * A strand around this executor keeps its promise, but does not heal: it waits for the
 * function that hangs as it would anywhere.  A context of a lane of width 1 is a strand that
 * goes on: the lane's next function runs when the one before was answered.
 */
#ifndef WARD_CXX_ASIO_H
#define WARD_CXX_ASIO_H

#include <ward/cxx.h>

#if __has_include(<asio/execution.hpp>)
#include <asio/execution.hpp>
#include <asio/execution_context.hpp>
#else
#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#endif

namespace libward
{
namespace detail
{

#if __has_include(<asio/execution.hpp>)
namespace net = asio;
#else
namespace net = boost::asio;
#endif

/*
 * The object that executors and functions point to.  'count' keeps it: work, that is
 * functions that are not answered and executors that track work, which join() waits for;
 * holds, of functions that were answered and are not destroyed; and the context.
 */
class core : public net::execution_context
{
public:
	core(ward_pool *pool, ward_lane *lane) : pool_(pool), lane_(lane)
	{
	}

	void work_begins()
	{
		count_.fetch_add(work, std::memory_order_relaxed);
	}
	/* The caller has a hold from here on. */
	void work_ends()
	{
		uint64_t now = count_.fetch_add(hold - work) + hold - work;

		if (now % hold == 0 && joiners_.load()) {
			quiet_.fetch_add(1);
			ward_wake(word());
		}
	}
	void put(uint64_t what = hold)
	{
		if (count_.fetch_sub(what, std::memory_order_acq_rel) == what)
			delete this;
	}

	int join(ward_ns until)
	{
		int err = 0;

		joiners_.fetch_add(1);
		while (!err) {
			uint32_t seen = quiet_.load();

			if (count_.load() % hold == 0)
				break;
			err = ward_block_on(word(), seen, until);
		}
		joiners_.fetch_sub(1);
		return err;
	}
	void stop()
	{
		stopped_.store(true, std::memory_order_relaxed);
	}
	bool stopped() const
	{
		return stopped_.load(std::memory_order_relaxed);
	}

	/* Without a wait: what a ring has no room for comes to run at its time, now. */
	int send(ward_task *task)
	{
		int err;

		if (lane_)
			return ward_lane_submit(lane_, task, WARD_NOWAIT);
		err = ward_submit(pool_, task, WARD_NOWAIT);
		return err == -EAGAIN ? ward_submit_at(pool_, task, 0, 0) : err;
	}

	/*
	 * Whose function a thread is inside of.  It may leave that by no return
	 * (ward_raise(), a caught fault), and then go on in another attempt.
	 */
	struct inside {
		const core *of;
		uint64_t attempt;
	};
	inline static thread_local inside running = { nullptr, 0 };

	/* Another number for each attempt of a worker; 0: the caller is none. */
	static uint64_t attempt_now()
	{
		const struct ::ward_fork_words_ *words = ::ward_fork_words_();

		return words ? words->hidden_1[0] : 0;
	}
	bool runs_here() const
	{
		return running.of == this && running.attempt == attempt_now();
	}

	static constexpr uint64_t work = 1;
	static constexpr uint64_t hold = uint64_t(1) << 32;
	static constexpr uint64_t owner = uint64_t(1) << 63;

private:
	const uint32_t *word() const
	{
		static_assert(sizeof(quiet_) == sizeof(uint32_t), "a futex");
		return reinterpret_cast<const uint32_t *>(&quiet_);
	}

	ward_pool *const pool_;
	ward_lane *const lane_;
	std::atomic<uint64_t> count_{ owner };
	std::atomic<uint32_t> joiners_{ 0 };
	std::atomic<uint32_t> quiet_{ 0 }; /* moves when no work is left */
	std::atomic<bool> stopped_{ false };
};

/* Memory by the function's allocator; std's own is the store. */
template <class J, class Alloc> struct memory {
	using rebound = typename std::allocator_traits<Alloc>::template rebind_alloc<J>;

	template <class... Args> static J *make(const Alloc &alloc, Args &&...args)
	{
		rebound mine(alloc);
		J *job = std::allocator_traits<rebound>::allocate(mine, 1);

		try {
			return ::new (static_cast<void *>(job))
				J(std::forward<Args>(args)...);
		} catch (...) {
			std::allocator_traits<rebound>::deallocate(mine, job, 1);
			throw;
		}
	}
	static void unmake(J *job)
	{
		rebound mine(job->alloc);

		job->~J();
		std::allocator_traits<rebound>::deallocate(mine, job, 1);
	}
};

template <class J, class T> struct memory<J, std::allocator<T>> {
	template <class... Args>
	static J *make(const std::allocator<T> &, Args &&...args)
	{
		J *job = detail::make<J>(std::forward<Args>(args)...);

		if (!job)
			fail(-ENOMEM);
		return job;
	}
	static void unmake(J *job)
	{
		detail::unmake(job);
	}
};

/* A function of a context. */
template <class F, class Alloc> struct posted : head {
	core *const of;
	Alloc alloc;
	begun<false> once;
	union {
		F fn;
	};

	template <class From>
	posted(core *core, const Alloc &a, From &&from) : of(core), alloc(a)
	{
		::new (static_cast<void *>(&fn)) F(std::forward<From>(from));
		task.run = run;
		task.done = done;
		task.release = release;
	}
	~posted()
	{
	}

	static int run(ward_task *task)
	{
		posted *self = job_of<posted>(task);

		if (self->of->stopped())
			return 0;
		if (!self->once.first())
			return runs_once();
		core::inside outer = std::exchange(
			core::running, { self->of, core::attempt_now() });
		int status = told([self] {
			self->fn();
			return 0;
		});
		core::running = outer;
		return status;
	}
	static void done(ward_task *task, int status)
	{
		if (status) /* it may have left run() otherwise, inside of another */
			core::running = { nullptr, 0 };
		job_of<posted>(task)->of->work_ends();
	}
	static void release(ward_task *task)
	{
		posted *self = job_of<posted>(task);
		core *of = self->of;

		std::destroy_at(std::addressof(self->fn));
		memory<posted, Alloc>::unmake(self);
		of->put();
	}
};

} // namespace detail

/* tracks: it is outstanding work, which context::join() waits for. */
template <class Alloc, bool tracks> class basic_executor
{
public:
	basic_executor(detail::core *core, const Alloc &alloc, bool never,
		       bool continues) noexcept
		: core_(core), alloc_(alloc), never_(never), continues_(continues)
	{
		begin();
	}
	basic_executor(const basic_executor &other) noexcept
		: core_(other.core_), alloc_(other.alloc_), never_(other.never_),
		  continues_(other.continues_)
	{
		begin();
	}
	basic_executor &operator=(const basic_executor &other) noexcept
	{
		basic_executor copy(other);

		std::swap(core_, copy.core_);
		std::swap(alloc_, copy.alloc_);
		std::swap(never_, copy.never_);
		std::swap(continues_, copy.continues_);
		return *this;
	}
	~basic_executor()
	{
		if (!tracks)
			return;
		core_->work_ends();
		core_->put();
	}

	/*
	 * Of a pool that drains or ends, the function is dropped, as Asio's own pools do
	 * when they have stopped; otherwise a refusal is a libward::error.
	 */
	template <class F> void execute(F &&f) const
	{
		using function = std::decay_t<F>;
		using job = detail::posted<function, Alloc>;

		if (!never_ && running_in_this_thread()) {
			function here(std::forward<F>(f));

			here();
			return;
		}
		auto *j = detail::memory<job, Alloc>::make(alloc_, core_, alloc_,
							   std::forward<F>(f));
		core_->work_begins();
		int err = core_->send(&j->task);
		if (!err)
			return;
		core_->work_ends();
		job::release(&j->task);
		if (err != -ESHUTDOWN)
			detail::fail(err);
	}

	bool running_in_this_thread() const noexcept
	{
		return core_->runs_here();
	}
	friend bool operator==(const basic_executor &a,
			       const basic_executor &b) noexcept
	{
		return a.core_ == b.core_ && a.alloc_ == b.alloc_ &&
		       a.never_ == b.never_ && a.continues_ == b.continues_;
	}
	friend bool operator!=(const basic_executor &a,
			       const basic_executor &b) noexcept
	{
		return !(a == b);
	}

	/* ---- Asio's properties -------------------------------------------------- */

	basic_executor require(detail::net::execution::blocking_t::possibly_t) const
	{
		return basic_executor(core_, alloc_, false, continues_);
	}
	basic_executor require(detail::net::execution::blocking_t::never_t) const
	{
		return basic_executor(core_, alloc_, true, continues_);
	}
	basic_executor require(detail::net::execution::relationship_t::fork_t) const
	{
		return basic_executor(core_, alloc_, never_, false);
	}
	basic_executor
	require(detail::net::execution::relationship_t::continuation_t) const
	{
		return basic_executor(core_, alloc_, never_, true);
	}
	basic_executor<Alloc, true>
	require(detail::net::execution::outstanding_work_t::tracked_t) const
	{
		return { core_, alloc_, never_, continues_ };
	}
	basic_executor<Alloc, false>
	require(detail::net::execution::outstanding_work_t::untracked_t) const
	{
		return { core_, alloc_, never_, continues_ };
	}
	template <class Other>
	basic_executor<Other, tracks>
	require(detail::net::execution::allocator_t<Other> a) const
	{
		return { core_, a.value(), never_, continues_ };
	}
	basic_executor<std::allocator<void>, tracks>
	require(detail::net::execution::allocator_t<void>) const
	{
		return { core_, {}, never_, continues_ };
	}

	detail::net::execution_context &
	query(detail::net::execution::context_t) const noexcept
	{
		return *core_;
	}
	detail::net::execution::blocking_t
	query(detail::net::execution::blocking_t) const noexcept
	{
		if (never_)
			return detail::net::execution::blocking.never;
		return detail::net::execution::blocking.possibly;
	}
	detail::net::execution::relationship_t
	query(detail::net::execution::relationship_t) const noexcept
	{
		if (continues_)
			return detail::net::execution::relationship.continuation;
		return detail::net::execution::relationship.fork;
	}
	static constexpr detail::net::execution::outstanding_work_t
	query(detail::net::execution::outstanding_work_t) noexcept
	{
		if (tracks)
			return detail::net::execution::outstanding_work.tracked;
		return detail::net::execution::outstanding_work.untracked;
	}
	static constexpr detail::net::execution::mapping_t
	query(detail::net::execution::mapping_t) noexcept
	{
		return detail::net::execution::mapping.thread;
	}
	template <class Other>
	Alloc query(detail::net::execution::allocator_t<Other>) const noexcept
	{
		return alloc_;
	}

private:
	void begin() const noexcept
	{
		if (tracks)
			core_->work_begins();
	}

	detail::core *core_;
	Alloc alloc_;
	bool never_, continues_;
};

/* Of libward::context; must not outlive it, nor be used after its pool or lane. */
using executor = basic_executor<std::allocator<void>, false>;

/*
 * The execution context of functions on a pool, or through a lane; which must outlive it.
 * Several may be of the same one.
 */
class context
{
public:
	using executor_type = executor;

	explicit context(const pool &pool)
		: core_(new detail::core(pool.get(), nullptr))
	{
	}
	explicit context(const lane &lane)
		: core_(new detail::core(nullptr, lane.get()))
	{
	}
	context(const context &) = delete;
	context &operator=(const context &) = delete;
	/*
	 * stop(), and join() up to the grace, 1 s unless it was set.  Where a function hangs
	 * longer, what Asio keeps for this context (its services) stays until that ends.
	 */
	~context()
	{
		stop();
		(void)join(ward_in(grace_));
		core_->put(detail::core::owner);
	}

	executor get_executor() const noexcept
	{
		return executor(core_, {}, false, false);
	}
	/* Functions that have not begun never do. */
	void stop()
	{
		core_->stop();
	}
	/*
	 * Waits until no work is left: no function, but those that were convicted, and no
	 * executor that tracks work.  0; -ETIMEDOUT; or what ward_check() says to the
	 * calling task.  Functions and executors may come after that, too.
	 */
	int join(ward_ns until = WARD_FOREVER)
	{
		return core_->join(until);
	}
	template <class Rep, class Period>
	void grace(std::chrono::duration<Rep, Period> d)
	{
		grace_ = span(d);
	}
	operator detail::net::execution_context &() const noexcept
	{
		return *core_;
	}

private:
	detail::core *core_;
	ward_ns grace_ = WARD_S(1);
};

} // namespace libward

#endif
