/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * token.h - libward::token: a cancel token (ward/cancel.h) that lives as long as a task
 * that carries it.
 *
 * The object is a handle, which is moved and not copied.  Tasks that are submitted with it
 * (options.cancel) share what is behind it until their release(), so the handle may go
 * while threads, also those that were fenced, look at it.  The destructor fires nothing.
 * The token itself is freed with the last share; but not where a watch of the user's is
 * still on it (ward_cancel_watch()), or in the child of a fork.
 */
#ifndef WARD_CXX_TOKEN_H
#define WARD_CXX_TOKEN_H

#include <ward/cancel.h>
#include <ward/cxx/error.h>

#include <atomic>
#include <unistd.h>
#include <utility>

namespace libward
{
namespace detail
{

struct shared_token {
	ward_cancel cancel = {}; /* the first: a task points to it */
	std::atomic<uint32_t> shares{ 1 };
	pid_t pid = getpid();
	ward_watch link = {}; /* to the parent, whose share it has */
	shared_token *parent = nullptr;

	static shared_token *of(ward_cancel *cancel)
	{
		return reinterpret_cast<shared_token *>(cancel);
	}
	void share()
	{
		shares.fetch_add(1, std::memory_order_relaxed);
	}
	void put()
	{
		if (shares.fetch_sub(1, std::memory_order_acq_rel) != 1)
			return;
		shared_token *above = parent;

		if (pid != getpid() || ward_cancel_fini(&cancel))
			return; /* somebody may look at it still */
		delete this;
		if (above)
			above->put();
	}
};

} // namespace detail

class token
{
public:
	/* std::bad_alloc. */
	token() : shared_(new detail::shared_token)
	{
	}
	/* One that fires when this one does, with its cause, and has its deadline. */
	token child() const
	{
		token t;

		shared_->share();
		t.shared_->parent = shared_;
		(void)ward_cancel_link(t.get(), get(), &t.shared_->link);
		return t;
	}
	token(token &&other) noexcept
		: shared_(std::exchange(other.shared_, nullptr))
	{
	}
	token &operator=(token &&other) noexcept
	{
		std::swap(shared_, other.shared_);
		return *this;
	}
	~token()
	{
		if (shared_)
			shared_->put();
	}

	/* As ward_cancel_fire(), _cause(), _deadline(). */
	bool fire(int cause = -ECANCELED) const
	{
		return ward_cancel_fire(get(), cause);
	}
	int cause() const
	{
		return ward_cancel_cause(get());
	}
	int deadline(ward_ns at) const
	{
		return ward_cancel_deadline(get(), at);
	}
	/* For the calls in C; null after it was moved from. */
	ward_cancel *get() const noexcept
	{
		return shared_ ? &shared_->cancel : nullptr;
	}

private:
	detail::shared_token *shared_;
};

} // namespace libward

#endif
