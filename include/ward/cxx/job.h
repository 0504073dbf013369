/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * job.h - a lambda as a task.  Private.
 *
 * Whose is what.  The lambda, and so what it has captured, is the task's: it is destroyed
 * by release(), for until then a thread that was fenced may be inside of it.  What it
 * returned belongs to the attempt that made it.  The first attempt has a place in the job,
 * later ones have memory of their own: so a fenced thread that comes to its end while
 * another attempt runs, or its result is read, writes where nobody looks.  The result of a
 * task that was answered 0 is the one of the highest attempt, for no other began after it.
 *
 * Attempts share the lambda.  One that can be called as const may run again, also beside a
 * fenced one, as const objects may be used by several threads.  One that cannot (a mutable
 * lambda) runs once: a later attempt ends with -ENOTRECOVERABLE.
 */
#ifndef WARD_CXX_JOB_H
#define WARD_CXX_JOB_H

#include <ward/cxx/error.h>
#include <ward/cxx/store.h>
#include <ward/cxx/token.h>

#include <atomic>
#include <memory>
#include <type_traits>
#include <unistd.h>
#include <utility>

namespace libward
{

/* How a lambda is submitted. */
struct options {
	ward_ns until = WARD_FOREVER; /* waits for room; WARD_NOWAIT: it does not */
	const char *name = nullptr;   /* static, for reports */
	const ward_policy *policy = nullptr; /* of its own; must outlive the task */
	const token *cancel = nullptr; /* the task has a share of it */
	ward_ns when = 0; /* not before; then 'until' means nothing */
};

namespace detail
{

/* ---- one lambda, called by attempts -------------------------------------- */

/* May an attempt begin? */
template <bool again> class begun
{
public:
	bool first()
	{
		return true;
	}
	void rearm()
	{
	}
};

template <> class begun<false>
{
public:
	bool first()
	{
		return !was_.exchange(true, std::memory_order_relaxed);
	}
	void rearm()
	{
		was_.store(false, std::memory_order_relaxed);
	}

private:
	std::atomic<bool> was_{ false };
};

template <class F> class callable : private begun<std::is_invocable_v<const F &>>
{
public:
	static constexpr bool again = std::is_invocable_v<const F &>;
	using called = std::conditional_t<again, const F, F>;
	using value = std::invoke_result_t<called &>;

	template <class From> explicit callable(From &&fn)
	{
		::new (static_cast<void *>(&fn_)) F(std::forward<From>(fn));
	}
	~callable()
	{
	}
	callable(const callable &) = delete;
	callable &operator=(const callable &) = delete;

	/* False: this attempt may not call it. */
	bool begin()
	{
		return this->first();
	}
	value operator()()
	{
		return static_cast<called &>(fn_)();
	}
	using begun<std::is_invocable_v<const F &>>::rearm;
	/* By release(). */
	void destroy()
	{
		std::destroy_at(std::addressof(fn_));
	}

private:
	union {
		F fn_;
	};
};

inline int runs_once()
{
	return ward_fail(-ENOTRECOVERABLE,
			 "a mutable lambda cannot run again: it has run before");
}

/* ---- what attempts returned ---------------------------------------------- */

/* Of a thread that is no worker: 1. */
inline uint32_t attempt()
{
	const struct ward_self *self = ward_self();

	return self ? self->attempt : 1;
}

/* Constructed and destroyed by hand; a reference is kept as a pointer. */
template <class R> class slot
{
	using kept = std::conditional_t<std::is_reference_v<R>,
					std::remove_reference_t<R> *, R>;

public:
	slot()
	{
	}
	~slot()
	{
		clear();
	}
	void clear()
	{
		if (std::exchange(full_, false))
			std::destroy_at(std::addressof(kept_));
	}
	slot(const slot &) = delete;
	slot &operator=(const slot &) = delete;

	template <class Fn> void fill(Fn &&fn)
	{
		if constexpr (std::is_reference_v<R>)
			kept_ = std::addressof(fn());
		else
			::new (static_cast<void *>(&kept_)) kept(fn());
		full_ = true;
	}
	R take()
	{
		if constexpr (std::is_reference_v<R>)
			return static_cast<R>(*kept_);
		else
			return std::move(kept_);
	}

private:
	union {
		kept kept_;
	};
	bool full_ = false;
};

template <class R> class results
{
public:
	results() = default;
	~results()
	{
		clear();
	}
	/* No attempt is under way. */
	void clear()
	{
		later *l = later_.exchange(nullptr, std::memory_order_acquire);

		while (l)
			delete std::exchange(l, l->next);
		first_.clear();
	}

	/* By an attempt, which may be one that was fenced. */
	template <class Fn> void fill(Fn &&fn)
	{
		uint32_t n = attempt();

		if (n <= 1)
			first_.fill(fn);
		else
			add(n)->place.fill(fn);
	}
	/* After the task was answered 0, once. */
	R take()
	{
		later *last = nullptr;

		for (later *l = later_.load(std::memory_order_acquire); l; l = l->next)
			if (!last || l->attempt > last->attempt)
				last = l;
		return last ? last->place.take() : first_.take();
	}

private:
	struct later {
		later *next;
		uint32_t attempt;
		detail::slot<R> place;

		explicit later(uint32_t n) : next(nullptr), attempt(n)
		{
		}
	};

	/* Before the attempt runs: it may leave by ward_raise(). */
	later *add(uint32_t n)
	{
		later *l = new later(n);

		l->next = later_.load(std::memory_order_relaxed);
		while (!later_.compare_exchange_weak(l->next, l,
						     std::memory_order_release,
						     std::memory_order_relaxed))
			;
		return l;
	}

	detail::slot<R> first_;
	std::atomic<later *> later_{ nullptr };
};

template <> class results<void>
{
public:
	template <class Fn> void fill(Fn &&fn)
	{
		fn();
	}
	void take()
	{
	}
	void clear()
	{
	}
};

/* ---- memory -------------------------------------------------------------- */

/* A new J of these; null: no memory. */
template <class J, class... Args> J *make(Args &&...args)
{
	constexpr unsigned kind = store::kind_of(sizeof(J), alignof(J));
	store *home = kind < store::kinds ? store::mine() : nullptr;
	void *mem = home ? home->take(kind) :
			   store::fresh(sizeof(J), alignof(J));

	if (!mem)
		return nullptr;
#if defined(__EXCEPTIONS) || defined(__cpp_exceptions)
	try {
#endif
		J *job = ::new (mem) J(std::forward<Args>(args)...);

		job->home = home;
		return job;
#if defined(__EXCEPTIONS) || defined(__cpp_exceptions)
	} catch (...) {
		if (home)
			store::give(home, mem, kind);
		else
			store::discard(mem, alignof(J));
		throw;
	}
#endif
}

template <class J> void unmake(J *job)
{
	constexpr unsigned kind = store::kind_of(sizeof(J), alignof(J));
	store *home = job->home;

	job->~J();
	if (home)
		store::give(home, job, kind);
	else
		store::discard(job, alignof(J));
}

/* ---- what all jobs have -------------------------------------------------- */

/* The first of a job: where the task is, is the job. */
struct head {
	ward_task task = {};
	store *home = nullptr; /* whose the memory is; null: the heap's */

	void set(const options &how)
	{
		task.name = how.name;
		task.policy = how.policy;
		if (!how.cancel)
			return;
		task.cancel = how.cancel->get();
		shared_token::of(task.cancel)->share();
	}
	void unset()
	{
		if (task.cancel)
			shared_token::of(std::exchange(task.cancel, nullptr))->put();
	}
};

template <class J> J *job_of(ward_task *task)
{
	return static_cast<J *>(reinterpret_cast<head *>(task));
}

/* ---- one that nobody waits for ------------------------------------------- */

template <class F> struct gone : head {
	callable<F> fn;

	template <class From> explicit gone(From &&from) : fn(std::forward<From>(from))
	{
		task.run = run;
		task.release = release;
	}
	static int run(ward_task *task)
	{
		gone *self = job_of<gone>(task);

		return told([self] {
			if (!self->fn.begin())
				return runs_once();
			self->fn();
			return 0;
		});
	}
	static void release(ward_task *task)
	{
		gone *self = job_of<gone>(task);

		self->fn.destroy();
		self->unset();
		unmake(self);
	}
};

/* ---- one with a result --------------------------------------------------- */

/* What happens when the task was answered: a coroutine goes on (coro.h). */
struct continuation {
	void (*go_on)(continuation *self);
};

/* In 'state'. */
enum : uint32_t {
	job_done = 1,	  /* answered: status and incident are there */
	job_released = 2, /* no thread is inside of it; the lambda was destroyed */
	job_dropped = 4,  /* nobody has its future */
	job_waited = 8,	  /* somebody sleeps on it */
	job_then = 16,	  /* there is a continuation */
	job_unsent = 32	  /* it was not submitted yet */
};

/*
 * The state has two owners' last words: release() and the future.  The second one to come
 * ends the job.
 */
struct answer : head {
	std::atomic<uint32_t> state{ 0 };
	int status = 0;
	uint64_t incident = 0;
	continuation *then = nullptr;
	void (*end)(answer *self) = nullptr;
	pid_t pid = 0; /* where its pool is */

	static void done(ward_task *task, int status)
	{
		answer *self = job_of<answer>(task);
		uint32_t was;

		self->status = status;
		if (status)
			self->incident = ward_incident(task);
		was = self->state.fetch_or(job_done, std::memory_order_acq_rel);
		if (was & job_waited)
			ward_wake(self->word());
		if (was & job_then)
			self->then->go_on(self->then);
	}

	/* Refused: as if it had been answered and given back. */
	void refuse(int err)
	{
		status = err;
		unset();
		state.fetch_or(job_done | job_released, std::memory_order_relaxed);
	}

	/* 0; -ETIMEDOUT; -ECHILD; or why the calling task is to stop. */
	int wait(uint32_t flag, ward_ns until)
	{
		uint32_t now = look(flag, until == WARD_NOWAIT ? 0 : 64);

		while (!(now & flag)) {
			int err = until == WARD_NOWAIT ? -ETIMEDOUT :
				  pid != getpid()      ? -ECHILD :
							 0;

			if (!err && now & job_waited)
				err = ward_block_on(word(), now, until);
			else if (!err)
				state.fetch_or(job_waited,
					       std::memory_order_relaxed);
			now = state.load(std::memory_order_acquire);
			if (err && !(now & flag))
				return err;
		}
		return 0;
	}

	/* By the owner of the future. */
	void drop()
	{
		uint32_t now = state.load(std::memory_order_acquire);

		if (now & job_released ||
		    state.fetch_or(job_dropped, std::memory_order_acq_rel) &
			    job_released)
			end(this);
	}

	/* By release(), where nobody ends it: who waits may do so from here on. */
	void rest()
	{
		const uint32_t *at = word();

		if (state.fetch_or(job_released, std::memory_order_acq_rel) &
		    job_waited)
			ward_wake(at);
	}
	void let_go()
	{
		uint32_t now = state.load(std::memory_order_acquire);

		if (now & job_dropped ||
		    state.fetch_or(job_released, std::memory_order_acq_rel) &
			    job_dropped)
			end(this);
	}

private:
	/* The state, when it has the flag, or after so many looks: a sleep, and to be woken,
	 * take longer than a short task. */
	uint32_t look(uint32_t flag, int looks) const
	{
		uint32_t now = state.load(std::memory_order_acquire);

		while (!(now & flag) && looks-- > 0) {
			relax();
			now = state.load(std::memory_order_acquire);
		}
		return now;
	}
	static void relax()
	{
#if defined(__x86_64__)
		__builtin_ia32_pause();
#elif defined(__aarch64__)
		__asm__ __volatile__("yield");
#endif
	}
	const uint32_t *word() const
	{
		static_assert(sizeof(state) == sizeof(uint32_t), "a futex");
		return reinterpret_cast<const uint32_t *>(&state);
	}
};

template <class R> struct answer_of : answer {
	results<R> result;

	/* After it was answered; once, if that was 0. */
	R take()
	{
		if (status)
			fail(status, incident);
		return result.take();
	}
};

/* Its lambda; where both live, and until when, is the derived one's. */
template <class F>
struct work : answer_of<typename callable<F>::value> {
	callable<F> fn;

	template <class From> explicit work(From &&from) : fn(std::forward<From>(from))
	{
		this->task.run = run;
		this->task.done = answer::done;
	}
	static int run(ward_task *task)
	{
		work *self = job_of<work>(task);

		return told([self] {
			if (!self->fn.begin())
				return runs_once();
			self->result.fill(self->fn);
			return 0;
		});
	}
};

template <class F> struct job : work<F> {
	template <class From> explicit job(From &&from)
		: work<F>(std::forward<From>(from))
	{
		this->task.release = release;
		this->end = finish;
	}
	static void finish(answer *base)
	{
		job *self = static_cast<job *>(base);

		if (self->state.load(std::memory_order_relaxed) & job_unsent)
			self->refuse(0);
		unmake(self);
	}
	static void release(ward_task *task)
	{
		job *self = job_of<job>(task);

		self->fn.destroy();
		self->unset();
		self->let_go();
	}
	/* It was not accepted. */
	void refuse(int err)
	{
		this->fn.destroy();
		answer::refuse(err);
	}
};

} // namespace detail
} // namespace libward

#endif
